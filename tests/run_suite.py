"""Runs ctest and says how far it is and how long it will take, by what each entry took before: tests/costs.txt.

SPDX-License-Identifier: Apache-2.0

    run_suite.py FOLDER JOBS LOG [CTEST_ARGUMENT...]     what ctest prints goes to LOG, with the output of what failed

Ends with the line "N of M passed in S s" on stdout; exit status 1 where one failed or there was none.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

ENDED = re.compile(r"^ *\d+/\d+ Test +#\d+: (\S+) \.*(?: *|\*+)(Passed|.*?) +([\d.]+) sec")
UNKNOWN_COST = 2.0  # processor seconds of an entry that costs.txt does not have


def costs(folder: str, arguments: list[str]) -> dict[str, float]:
    """Processor seconds of the entries that the arguments choose."""
    listing = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1", *arguments],
                             check=True, capture_output=True, text=True)
    found = {}
    for test in json.loads(listing.stdout)["tests"]:
        cost = [row["value"] for row in test.get("properties", []) if row["name"] == "COST"]
        found[test["name"]] = float(cost[0]) if cost else UNKNOWN_COST
    return found


class Progress:
    def __init__(self, entries: dict[str, float], jobs: int):
        self.left = dict(entries)
        self.total = sum(entries.values())
        self.count = len(entries)
        self.jobs = jobs
        self.begin = time.monotonic()

    def say(self, text: str) -> None:
        print(text, flush=True)

    def minutes_left(self) -> float:
        """At the rate so far; before a tenth is done, at that of the machine that costs.txt is from."""
        left = sum(self.left.values())
        done = self.total - left
        spent = time.monotonic() - self.begin
        rate = done / spent if done > self.total / 10 and spent > 0 else self.jobs
        return left / rate / 60

    def ended(self, name: str, outcome: str, seconds: str) -> None:
        self.left.pop(name, None)
        number = self.count - len(self.left)
        self.say(f"[{number}/{self.count}, about {self.minutes_left():.0f} min left] "
                 f"{name}: {outcome.strip('* ').lower()}, {float(seconds):.0f} s")


def main(folder: str, jobs: int, log: Path, arguments: list[str]) -> int:
    entries = costs(folder, arguments)
    progress = Progress(entries, jobs)
    progress.say(f"{len(entries)} entries, about {progress.minutes_left():.0f} minutes on {jobs} processors")
    command = ["ctest", "--test-dir", folder, "--output-on-failure", "--no-tests=error", "-j", str(jobs), *arguments]
    passed = 0
    with log.open("w", encoding="utf-8") as file, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as child:
        for line in child.stdout:
            file.write(line)
            if match := ENDED.match(line):
                progress.ended(*match.groups())
                passed += match[2] == "Passed"
    if passed < len(entries):
        print(failures(log.read_text(encoding="utf-8")))
    seconds = time.monotonic() - progress.begin
    print(f"{passed} of {max(len(entries), 1)} passed in {seconds:.0f} s", flush=True)
    return 0 if entries and passed == len(entries) else 1


def failures(text: str) -> str:
    """What ctest printed of entries that failed: all but the lines of those that passed and began."""
    return "\n".join(line for line in text.splitlines()
                     if not re.match(r"^ *(Start +\d+:|\d+/\d+ Test .* Passed )", line))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))
