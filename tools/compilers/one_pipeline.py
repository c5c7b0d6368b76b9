#!/usr/bin/env python3
"""Compiles one SPIR-V file on one GPU of gpus.txt and prints what the driver says: for trying a change by hand.

scripts/compilers must have prepared that GPU before. The shaders of a tree that it has built lie in
.cache/compilers/build/*-shaders/*.spv, and what a pipeline's constants are stands in its line of the results.
"""

# SPDX-License-Identifier: Apache-2.0

import argparse
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from compilers.gpus import HERE, read_table, select  # noqa: E402
from compilers.runs import run_once  # noqa: E402


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("gpu", help="a row of gpus.txt")
    p.add_argument("spirv", type=pathlib.Path, metavar="FILE.spv")
    p.add_argument("constants", nargs="*", metavar="ID=VALUE", help="specialization constants")
    p.add_argument("--texts", type=pathlib.Path, metavar="FOLDER", help="keep what the driver shows: NIR, assembly")
    return p.parse_args()


def show(line):
    if line["event"] == "died":
        print(f"died: {line['why']}")
        return
    print(f"{line['event']}: result {line['result']}, {line['cpu_seconds']:.2f} s of processor time, key {line['key']}")
    for executable in line.get("executables", ()):
        print(f"executable {executable['name']}, subgroups of {executable['subgroup']}")
        for name, value in executable["stats"].items():
            print(f"    {name:40} {value}")


def main():
    args = parse()
    try:
        gpu = select([args.gpu], read_table())[-1]
    except ValueError as error:
        sys.exit(f"one_pipeline: {error}")
    cache = HERE.parents[1] / ".cache" / "compilers"
    work = cache / "work" / f"one-{os.getpid()}"
    code = work.with_suffix(".spv")
    shutil.copyfile(args.spirv, code)
    program = [f"/cache/tools/{gpu.arch}/one_pipeline", f"/cache/work/{code.name}", *args.constants]
    status, said, lines = run_once(gpu, cache, program, work, set(), {"GYRE_LAYER_API_VERSION": "1.1"})
    for line in lines:
        if line["event"] != "device":
            show(line)
    if args.texts:
        shutil.copytree(work / "texts", args.texts, dirs_exist_ok=True)
    shutil.rmtree(work)
    code.unlink()
    if status != 0:
        sys.exit(f"one_pipeline: {said}")


if __name__ == "__main__":
    main()
