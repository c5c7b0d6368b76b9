#!/usr/bin/env python3
"""clang-tidy on the units that it has not found clean before. Called by scripts/lint.

A unit's key is a hash of its preprocessed text, comments included, of .clang-tidy and of clang-tidy's version: whatever
could change the verdict. Keys of clean units are kept in $XDG_CACHE_HOME/gyre-tidy (default: ~/.cache/gyre-tidy).
SPDX-License-Identifier: Apache-2.0
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys


def preprocessed(entry):
    words = shlex.split(entry["command"])
    if pathlib.Path(words[0]).name == "ccache":
        words = words[1:]
    output = words.index("-o")
    del words[output : output + 2]
    words[words.index("-c")] = "-E"
    return subprocess.run(words + ["-CC", "-P"], cwd=entry["directory"], check=True, capture_output=True).stdout


def is_clean(entry, build, common, cache):
    key = cache / hashlib.sha256(common + preprocessed(entry)).hexdigest()
    if key.exists():
        key.touch()  # so that old ones can be told by their age
        return True, ""
    run = subprocess.run(["clang-tidy", "-quiet", "-p", build, entry["file"]], capture_output=True, text=True)
    if run.returncode == 0:
        key.touch()
    return run.returncode == 0, run.stdout + run.stderr


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("build", help="a build folder with compile_commands.json, of clang")
    p.add_argument("units", nargs="+", help="the files to look at; those that are not compiled there are passed over")
    a = p.parse_args()
    units = {os.path.realpath(unit) for unit in a.units}
    commands = json.loads(pathlib.Path(a.build, "compile_commands.json").read_text())
    entries = [entry for entry in commands if os.path.realpath(entry["file"]) in units]
    if not entries:
        sys.exit(f"tidy: {a.build} compiles none of these files")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "gyre-tidy")
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True).stdout
    common = version + pathlib.Path(".clang-tidy").read_bytes()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda entry: is_clean(entry, a.build, common, cache), entries))
    for clean, text in found:
        if not clean:
            print(text, end="")
    return 0 if all(clean for clean, _ in found) else 1


if __name__ == "__main__":
    sys.exit(main())
