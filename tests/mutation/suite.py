"""The ctest entries that a mutant has to get past.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

# An entry is a name of ctest's, or a name and a GoogleTest filter: "kernel_test.lavapipe Attention*".
#
# A mutant first meets the entries of its own row, then stage by stage these, and no further than to the first
# failure. A stage runs only if a mutant has survived those before it: the quick ones come first.
STAGES = (
    ("interface_test", "model_test", "vk_data_test", "tuner_test", "kernel_test.lavapipe", "conformance_test.lavapipe"),
    ("session_ops_test.lavapipe", "token_loop_test.lavapipe", "kernel_test.swiftshader", "engine_test.lavapipe",
     "engine_test.sync"),
    ("golden_logits_test.lavapipe", "conformance_test.swiftshader", "session_ops_test.swiftshader",
     "golden_logits_test.swiftshader"),
)  # fmt: skip

LIMIT = 1800.0  # seconds; a program that takes longer hangs: the longest entry takes a quarter of it, unbroken

FAILED = re.compile(r"^\[  FAILED  \] ([^\s,]+).*\(\d+ ms\)$", re.MULTILINE)
STARTED = re.compile(r"^\[ RUN      \] (\S+)", re.MULTILINE)


class SuiteError(Exception):
    """The suite cannot judge: an entry that does not exist or is empty, or a test that fails unbroken."""


@dataclass(frozen=True)
class Outcome:
    passed: bool
    failed: tuple[str, ...] = ()  # tests; the one that ran when the program ended, if it did not say
    how: str = ""  # the program ended, if it did not say
    n_tests: int = 0  # that were started


@dataclass(frozen=True)
class Program:
    """An entry: a GoogleTest program on one driver, or some of its tests."""

    entry: str
    command: list[str]
    environment: dict[str, str]
    folder: str

    @property
    def name(self) -> str:
        return self.entry.split()[0]

    def run(self, log: Path, stop_at_first: bool = True) -> Outcome:
        """A program that exceeds LIMIT has failed."""
        environment = os.environ | self.environment | {"GTEST_FAIL_FAST": str(int(stop_at_first)), "GTEST_COLOR": "no"}
        how = ""
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                how = f"hangs: ended after {LIMIT:.0f} s"
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        text = log.read_text(encoding="utf-8", errors="replace")
        started = STARTED.findall(text)
        if process.returncode == 0:
            return Outcome(True, n_tests=len(started))
        if failed := FAILED.findall(text):
            return Outcome(False, tuple(failed), n_tests=len(started))
        return Outcome(False, tuple(started[-1:]), how or f"ends with {process.returncode}", len(started))


class Suite:
    """Looks entries up and runs them."""

    def __init__(self, build_dir: Path, logs: Path):
        self.build_dir, self.logs = build_dir, logs
        self.tests: dict[str, dict] = {}  # what ctest says of each

    def program(self, entry: str) -> Program:
        """As ctest would run it."""
        name, *gtest_filter = entry.split()
        test = self.look_up(name)
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        environment = dict(pair.split("=", 1) for pair in properties.get("ENVIRONMENT", []))
        command = test["command"] + [f"--gtest_filter={text}" for text in gtest_filter]
        return Program(entry, command, environment, properties.get("WORKING_DIRECTORY", str(self.build_dir)))

    def look_up(self, name: str) -> dict:
        if name not in self.tests:
            command = ["ctest", "--test-dir", self.build_dir, "--show-only=json-v1"]
            listed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            # ctest gives no command for a program that is not built yet.
            self.tests = {test["name"]: test for test in listed["tests"] if "command" in test}
        if name not in self.tests:
            raise SuiteError(f"{name}: ctest knows no such test, or its program is not built")
        return self.tests[name]

    def run(self, mutant: str, entry: str) -> Outcome:
        """The entry on a mutant, up to its first failing test."""
        return self.program(entry).run(self.log(mutant, entry))

    def run_unbroken(self, name: str, tests: list[str]) -> Outcome:
        """Some tests of an entry, all of them, whatever fails."""
        entry = f"{name} {':'.join(tests)}"
        return self.program(entry).run(self.log("unbroken", name), stop_at_first=False)

    def log(self, who: str, entry: str) -> Path:
        return self.logs / f"{who}.{re.sub(r'[^A-Za-z0-9_.-]+', '_', entry)}.log"


def target(entry: str) -> str:
    """What has to be built for an entry."""
    return entry.split()[0].split(".")[0]
