#!/usr/bin/env python3
"""Processor time of every ctest entry of a build folder: the table of docs/testing.md.

SPDX-License-Identifier: Apache-2.0

    tools/test_costs.py build/debug [-R REGEX] [--cases N]

Runs the entries one after the other, as ctest would, and prints user and system time, wall time, the largest cases of each
(wall time, as GoogleTest says it) and the outcome. Processor time does not depend on what else the machine does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from pathlib import Path


def entries(folder: Path, pattern: str) -> list[dict]:
    listing = subprocess.run(["ctest", "--test-dir", str(folder), "--show-only=json-v1", "-R", pattern],
                             check=True, capture_output=True, text=True)
    return json.loads(listing.stdout)["tests"]


def environment(entry: dict) -> dict[str, str]:
    for row in entry.get("properties", []):
        if row["name"] == "ENVIRONMENT":
            return dict(line.split("=", 1) for line in row["value"])
    return {}


def run(entry: dict, cases_file: Path) -> tuple[float, float, int]:
    """Processor seconds, wall seconds, exit status."""
    working = next(row["value"] for row in entry["properties"] if row["name"] == "WORKING_DIRECTORY")
    settings = os.environ | environment(entry) | {"GTEST_OUTPUT": f"xml:{cases_file}"}
    begin = time.monotonic()
    child = subprocess.Popen(entry["command"], cwd=working, env=settings, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begin, child.returncode


def largest_cases(cases_file: Path, n: int) -> list[tuple[float, str]]:
    if not cases_file.exists():
        return []
    found = [(float(case.get("time", 0)), f"{case.get('classname')}.{case.get('name')}")
             for case in xml.etree.ElementTree.parse(cases_file).iter("testcase")]
    cases_file.unlink()
    return sorted(found, reverse=True)[:n]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-R", default=".", metavar="REGEX", help="only entries with such a name")
    parser.add_argument("--cases", type=int, default=0, help="largest cases of each entry")
    arguments = parser.parse_args()
    total = 0.0
    print(f"{'cpu s':>8} {'wall s':>8}  entry")
    with tempfile.TemporaryDirectory() as scratch:
        for entry in entries(arguments.folder, arguments.R):
            cases_file = Path(scratch) / "cases.xml"
            processor, wall, status = run(entry, cases_file)
            total += processor
            outcome = "" if status == 0 else f"  FAILED ({status})"
            print(f"{processor:8.1f} {wall:8.1f}  {entry['name']}{outcome}", flush=True)
            for seconds, name in largest_cases(cases_file, arguments.cases):
                print(f"{'':8} {seconds:8.1f}      {name}", flush=True)
    print(f"{total:8.1f}           in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
