#!/usr/bin/env python3
"""Prints what drivers' compilers made of the kernels: a table a GPU, from what tools/compilers/collect wrote.

Nothing was executed: these are compiler outputs and models, not times. What the columns mean, and what they do not say, is
in docs/gpus.md; how the loops are counted in tools/compilers/loops.py.
SPDX-License-Identifier: Apache-2.0
"""

import argparse
import dataclasses
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from compilers import records, rows, table  # noqa: E402


def parse(arguments=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out", type=pathlib.Path, help="the folder with GPU/FORMAT.jsonl")
    p.add_argument("gpu", nargs="*", help="folders in it; all if none is named")
    p.add_argument("--json", action="store_true", help="prints one JSON object a kernel and line")
    a = p.parse_args(arguments)
    if not a.out.is_dir():
        p.error(f"{a.out} is no folder; tools/compilers/collect makes it")
    a.gpu = a.gpu or sorted(path.name for path in a.out.iterdir() if any(path.glob("*.jsonl")))
    return a


def as_json(row):
    return json.dumps(dataclasses.asdict(row), sort_keys=True)


def main(arguments=None):
    a = parse(arguments)
    try:
        gpus = {gpu: records.read_gpu(a.out, gpu) for gpu in a.gpu}
    except records.RecordError as e:
        print(f"report: {e}", file=sys.stderr)
        return 1
    gathered = {gpu: rows.gather(collections) for gpu, collections in gpus.items()}
    if a.json:
        print("\n".join(as_json(row) for gpu in gpus for row in gathered[gpu]))
    else:
        print("\n\n".join(table.of_gpu(gpus[gpu], gathered[gpu]) for gpu in gpus))
    return 0


if __name__ == "__main__":
    sys.exit(main())
