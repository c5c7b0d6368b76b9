#!/usr/bin/env python3
"""clang's warnings on all units of a build folder, and clang-tidy on some of them. Called by scripts/lint.

Nothing is compiled: warnings need no code (-fsyntax-only). A unit that was clean before is not looked at again: its key is
a hash of its preprocessed text, comments included, of its command, of .clang-tidy and of clang's version, whatever could
change the verdict. Keys of clean units are kept in $XDG_CACHE_HOME/gyre-tidy (default: ~/.cache/gyre-tidy).
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


def compiler(entry, *options):
    """The command of a unit with these options instead of -c and the output."""
    words = shlex.split(entry["command"])
    if pathlib.Path(words[0]).name == "ccache":
        words = words[1:]
    output = words.index("-o")
    del words[output : output + 2]
    at = words.index("-c")
    words[at : at + 1] = options
    return words


def run(words, entry):
    return subprocess.run(words, cwd=entry["directory"], capture_output=True, text=True)


def is_clean(entry, build, with_tidy, common, cache):
    """Whether nothing is to be said of the unit, and what is."""
    text = subprocess.run(compiler(entry, "-E", "-CC", "-P"), cwd=entry["directory"], check=True, capture_output=True).stdout
    warn = compiler(entry, "-fsyntax-only")
    key = hashlib.sha256(common + shlex.join(warn).replace(os.getcwd(), ".").encode() + bytes([with_tidy]) + text)
    key = cache / key.hexdigest()
    if key.exists():
        key.touch()  # so that old ones can be told by their age
        return True, ""
    # clang-tidy says the compiler's warnings too (clang-diagnostic in .clang-tidy).
    done = run(["clang-tidy", "-quiet", "-p", os.path.abspath(build), entry["file"]] if with_tidy else warn, entry)
    if done.returncode == 0:
        key.touch()
    return done.returncode == 0, done.stdout + done.stderr


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("build", help="a build folder with compile_commands.json, of clang")
    p.add_argument("tidy", nargs="+", help="the files for clang-tidy too; those that are not compiled there are passed over")
    a = p.parse_args()
    tidy = {os.path.realpath(unit) for unit in a.tidy}
    commands = json.loads(pathlib.Path(a.build, "compile_commands.json").read_text())
    entries = {os.path.realpath(entry["file"]): entry for entry in commands}
    if not tidy & entries.keys():
        sys.exit(f"tidy: {a.build} compiles none of these files")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "gyre-tidy")
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True).stdout
    common = version + pathlib.Path(".clang-tidy").read_bytes()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda unit: is_clean(entries[unit], a.build, unit in tidy, common, cache), entries))
    for clean, text in found:
        if not clean:
            print(text, end="")
    return 0 if all(clean for clean, _ in found) else 1


if __name__ == "__main__":
    sys.exit(main())
