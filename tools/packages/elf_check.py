#!/usr/bin/env python3
"""Checks that a shared library is fit to be shipped inside a package: what it needs, exports and is aligned to.

SPDX-License-Identifier: Apache-2.0

    elf_check.py LIBRARY --needed libc.so.6,libm.so.6 --exports 'JNI_On(Load|Unload)' [--page 16384] [--glibc 2.34]

Prints one line of facts; for every fact that is not as asked, one line on stderr, and exits with 1.
Reads what readelf and nm of binutils print, which know every processor's ELF files.
"""

import argparse
import re
import subprocess
import sys


def output(*command):
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def needed(library):
    return re.findall(r"\(NEEDED\)\s+Shared library: \[(.+)\]", output("readelf", "-dW", library))


def exports(library):
    """Names of what others may link to: defined dynamic symbols, without versions."""
    return [line.split()[-1].split("@")[0] for line in output("nm", "-D", "--defined-only", library).splitlines()]


def alignments(library):
    """Alignment of every segment that is loaded, in bytes."""
    return [int(line.split()[-1], 16) for line in output("readelf", "-lW", library).splitlines() if line.split()[:1] == ["LOAD"]]


def glibc(library):
    """The newest version of glibc that a symbol asks for, as numbers; (0,) without one."""
    found = re.findall(r"GLIBC_([0-9.]+)", output("readelf", "-VW", library))
    return max((tuple(int(part) for part in version.split(".")) for version in found), default=(0,))


def problems(library, options):
    asked = set(options.needed.split(","))
    extra = [name for name in needed(library) if name not in asked]
    if extra:
        yield f"needs {', '.join(extra)}; allowed are {', '.join(sorted(asked))}"
    pattern = re.compile(options.exports)
    names = exports(library)
    extra = [name for name in names if not pattern.fullmatch(name)]
    if extra:
        yield f"exports {', '.join(extra[:5])} and so on, {len(extra)} names that {options.exports} does not match"
    if not names:
        yield "exports nothing"
    small = [size for size in alignments(library) if size < options.page or size % options.page]
    if small:
        yield f"has a segment aligned to {small[0]}; {options.page} is asked for (-Wl,-z,max-page-size={options.page})"
    newest = tuple(int(part) for part in options.glibc.split("."))
    if glibc(library) > newest:
        yield f"asks for glibc {'.'.join(map(str, glibc(library)))}; {options.glibc} is the newest allowed"


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("library")
    parser.add_argument("--needed", required=True, help="names that it may need, separated by commas")
    parser.add_argument("--exports", required=True, help="expression that every exported name matches")
    parser.add_argument("--page", type=int, default=4096, help="what every loaded segment is aligned to")
    parser.add_argument("--glibc", default="99", help="newest version of glibc that it may ask for")
    options = parser.parse_args(arguments)
    found = list(problems(options.library, options))
    for problem in found:
        print(f"{options.library}: {problem}", file=sys.stderr)
    version = ".".join(map(str, glibc(options.library)))
    print(f"needs {' '.join(needed(options.library))}; glibc {version}; {len(exports(options.library))} exports; "
          f"segments aligned to {min(alignments(options.library))}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
