#!/usr/bin/env python3
"""Counts the tests in a folder of JUnit reports (XML): one line, and an exit code of 1 unless all ran and passed.

SPDX-License-Identifier: Apache-2.0

    junit_counts.py FOLDER
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main(arguments):
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    seconds = 0.0
    for report in pathlib.Path(arguments[0]).glob("TEST-*.xml"):
        suite = ElementTree.parse(report).getroot()
        seconds += float(suite.get("time", "0").replace(",", ""))
        for name in counts:
            counts[name] += int(suite.get(name, "0"))
    wrong = counts["failures"] + counts["errors"] + counts["skipped"]
    print(f"{counts['tests'] - wrong} of {counts['tests']} tests passed in {seconds:.0f} s")
    return 1 if wrong or not counts["tests"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
