#!/usr/bin/env python3
"""Prints what drivers' compilers made of the kernels: one table per GPU, from what scripts/compilers wrote.

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
from compilers import expected, heat_map, page, records, rows, table  # noqa: E402


def parse(arguments=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out", type=pathlib.Path, help="the folder with GPU/FORMAT.jsonl")
    p.add_argument("gpu", nargs="*", help="folders in it, in the order of the tables; all if none is named")
    p.add_argument("--json", action="store_true", help="prints one JSON object per kernel and line")
    p.add_argument("--svg", type=pathlib.Path, metavar="FILE", help="also draws a picture of all GPUs")
    p.add_argument(
        "--update",
        type=pathlib.Path,
        metavar="FILE",
        help="writes the tables between the marks of a page, " "docs/gpus.md, in place of printing them",
    )
    p.add_argument(
        "--before", action="store_true", help="with --update: the tables of what is compared with, in place of now's"
    )
    p.add_argument(
        "--expected",
        type=pathlib.Path,
        default=expected.PATH,
        help="where kernels that were not compiled " "because they are known have their figures from",
    )
    a = p.parse_args(arguments)
    if not a.out.is_dir():
        p.error(f"{a.out} is no folder; scripts/compilers makes it")
    a.gpu = a.gpu or sorted({path.parent.name for path in a.out.glob("*/*.jsonl")})
    if not a.gpu:
        p.error(f"{a.out} holds no GPU/FORMAT.jsonl; scripts/compilers makes them")
    return a


def main(arguments=None):
    a = parse(arguments)
    try:
        data = expected.load(a.expected)
        gpus = {gpu: records.read_gpu(a.out, gpu) for gpu in a.gpu}
        gathered = {gpu: rows.gather(c, expected.by_key(data, gpu, c[0].driver)) for gpu, c in gpus.items()}
        if a.svg:
            a.svg.write_text(heat_map.draw(gathered, page.drivers_line(gpus)))
        if a.update:
            a.update.write_text(page.updated(a.update.read_text(), gpus, gathered, "before" if a.before else "now"))
        elif a.json:
            print(
                "\n".join(json.dumps(dataclasses.asdict(row), sort_keys=True) for gpu in gpus for row in gathered[gpu])
            )
        else:
            print("\n\n".join(table.of_gpu(gpus[gpu], gathered[gpu]) for gpu in gpus))
    except (records.RecordError, expected.ExpectedError, page.PageError, OSError) as e:
        print(f"report: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
