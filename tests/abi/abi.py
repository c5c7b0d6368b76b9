"""The binary interface of libgyre.so against the one that the tree records: tests/abi/libgyre.abi.

SPDX-License-Identifier: Apache-2.0

    abi.py check LIBRARY [--dump FILE]     exit status 1 where they differ, with what to do
    abi.py update LIBRARY [--dump FILE]    records the library's; refuses what breaks programs while the soname stays

LIBRARY has debug information of the interface: a build of the preset debug. Needs abidw and abidiff (Debian's
abigail-tools). What breaks programs: a function, field or number that is gone or another; structs may grow at their
end, and functions and numbers of enums may be added.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DUMP_OPTIONS = ["--exported-interfaces-only", "--drop-private-types", "--no-corpus-path", "--no-show-locs",
                "--no-comp-dir-path", "--no-elf-needed", "--type-id-style", "hash", "--no-parameter-names"]


def dump_of(library, headers, path):
    subprocess.run(["abidw", *DUMP_OPTIONS, "--headers-dir", headers, "--out-file", path, library], check=True)
    text = path.read_text()
    if "<function-decl" not in text:
        sys.exit(f"abi: {library} has no debug information of its interface: build the preset debug")
    # Where the tree lies is no part of the interface; with ccache the compiler sees relative paths, without it whole ones.
    path.write_text(re.sub(r"(<abi-instr [^>]*path=')[^']*/", r"\1", text))


def soname(path):
    found = re.search(r"soname='([^']*)'", path.read_text())
    return found.group(1) if found else "none"


# What abidiff reports of growth; every other line of its report is a break.
GROWTH = [re.compile(pattern) for pattern in (
    r"\s*$", r"Leaf changes summary:", r"Changed leaf types summary:", r"Removed/Changed/Added variables summary: 0 .* 0 .* 0 ",
    r"Removed/Changed/Added functions summary: 0 Removed, 0 Changed,", r"'(struct|enum) gyre_\w+( at .*)?' changed:$",
    r"\s+type size hasn't changed$", r"\s+\d+ (enumerator|data member) insertions?:$", r"\s+'\w+::\w+' value '\d+'$",
    r"\d+ Added functions?:$", r"\s+\[A\] 'function ")]
SIZE = re.compile(r"  type size changed from (\d+) to (\d+) \(in bits\)")
FIELD = re.compile(r"    '.*', at offset (\d+) \(in bits\)")


def report(old, new):
    done = subprocess.run(["abidiff", "--leaf-changes-only", "--harmless", old, new], text=True, capture_output=True)
    if done.returncode & 3:
        sys.exit(f"abi: abidiff failed: {done.stderr}")
    return done.stdout


def breaking_lines(text):
    """Lines of abidiff's report that are not growth: a field has to begin where the struct ended before, since the bytes
    in between are not initialised by programs that do not know it."""
    found = []
    end = None  # bits of the struct before
    for line in text.splitlines():
        if line and not line[0].isspace():
            end = None
        if size := SIZE.fullmatch(line):
            end = int(size[1])
            grows = int(size[2]) > end
        elif field := FIELD.fullmatch(line):
            grows = end is not None and int(field[1]) >= end
        else:
            grows = any(pattern.match(line) for pattern in GROWTH)
        if not grows:
            found.append(line)
    return found


def breaks(old, new):
    """What programs that were built with the old interface would notice; none for a new soname, which they do not load."""
    return [] if soname(old) != soname(new) else breaking_lines(report(old, new))


def check(recorded, new):
    if broken := breaks(recorded, new):
        print("\n".join(broken))
        return (f"the interface breaks programs that were linked with {soname(recorded)}: undo that, or raise GYRE_SOVERSION "
                "in CMakeLists.txt, say so in CHANGELOG.md, and run scripts/abi --update, in one commit")
    if soname(recorded) != soname(new):
        return f"the soname is {soname(new)}, recorded is {soname(recorded)}: scripts/abi --update"
    # Equal interfaces may have other dumps: sources are in the order in which they were linked, and where the hashes of two
    # types collide, that order decides which of them has the next number.
    if grown := report(recorded, new).strip():
        print(grown)
        return "the interface has grown; programs that were built before go on: take it in by scripts/abi --update"
    return ""


def update(recorded, new, changelog):
    if recorded.exists():
        if broken := breaks(recorded, new):
            print("\n".join(broken))
            return f"this breaks programs that were linked with {soname(recorded)}: raise GYRE_SOVERSION in CMakeLists.txt first"
        if soname(recorded) != soname(new) and soname(new) not in changelog.read_text():
            return f"CHANGELOG.md does not say that {soname(new)} is new"
    recorded.write_bytes(new.read_bytes())
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("command", choices=("check", "update"))
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("--headers", type=pathlib.Path, default=ROOT / "include/gyre", help="whose types are the interface's")
    parser.add_argument("--dump", type=pathlib.Path, default=HERE / "libgyre.abi", help="the recorded interface")
    parser.add_argument("--changelog", type=pathlib.Path, default=ROOT / "CHANGELOG.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        new = pathlib.Path(folder) / "new.abi"
        dump_of(options.library, options.headers, new)
        if options.command == "check":
            wrong = check(options.dump, new)
        else:
            wrong = update(options.dump, new, options.changelog)
    if wrong:
        sys.exit(f"abi: {wrong}")


if __name__ == "__main__":
    main()
