"""Runs the tests on broken shaders and prints which test noticed which bug. Called by scripts/mutate.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import fcntl
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mutants import Mutant, MutantError, check, load, noticed
from suite import STAGES, Suite, SuiteError, target
from tree import BuildError, Tree, progress

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/mutation"


@dataclass
class Verdict:
    mutant: Mutant
    entry: str = ""  # that killed it: a name of ctest's
    test: str = ""  # of that entry; "": it ended before its first test
    how: str = ""  # the entry ended, if the test did not end by itself
    builds: bool = True  # a mutant that the compiler refuses says nothing about the tests
    seconds: float = 0.0  # with building

    def outcome(self) -> str:
        if not self.entry:
            return "survived" if self.builds else "does not build"
        return f"{self.entry}: {self.test}" + (f" ({self.how})" if self.how else "")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these mutants or areas alone")
    parser.add_argument("--list", action="store_true", help="the mutants and the bugs that they stand for")
    parser.add_argument("--check", action="store_true", help="only whether every mutant still fits its file")
    parser.add_argument("-j", type=int, default=os.cpu_count(), metavar="JOBS", help="of the build (all cores)")
    return parser.parse_args()


def chosen(mutants: list[Mutant], only: list[str]) -> list[Mutant]:
    known = {mutant.name for mutant in mutants} | {mutant.area for mutant in mutants}
    if unknown := set(only) - known:
        raise MutantError(f"no mutant {', '.join(sorted(unknown))}; --list names them")
    return [mutant for mutant in mutants if not only or mutant.name in only or mutant.area in only]


def prepare(tree: Tree, suite: Suite, entries: list[str]) -> None:
    """Builds what the entries need, unbroken, and looks each of them up."""
    tree.build(sorted({target(entry) for entry in entries}))
    for entry in entries:
        suite.program(entry)


def try_mutant(verdict: Verdict, entries: list[str], tree: Tree, suite: Suite) -> None:
    """Builds and runs one entry after the other until one fails."""
    begin = time.monotonic()
    try:
        with tree.broken(verdict.mutant):
            for entry in entries:
                tree.build([target(entry)])
                outcome = suite.run(verdict.mutant.name, entry)
                if outcome.passed and not outcome.n_tests and entry in verdict.mutant.first:
                    raise SuiteError(f"{verdict.mutant.name}: {entry}: no test has such a name")
                if not outcome.passed:
                    verdict.entry, verdict.how = entry.split()[0], outcome.how
                    verdict.test = outcome.failed[0] if outcome.failed else ""
                    break
    except BuildError as error:
        progress(f"{verdict.mutant.name}: {error}")
        verdict.builds = False
    verdict.seconds += time.monotonic() - begin
    progress(f"{verdict.mutant.name}: {verdict.outcome()} ({verdict.seconds:.0f} s)")


def judge(mutants: list[Mutant], tree: Tree, suite: Suite) -> list[Verdict]:
    """Every mutant meets the test that noticed it last, then the entries of its row; survivors meet the stages."""
    verdicts = [Verdict(mutant) for mutant in mutants]
    last = noticed(ROOT)
    firsts = [last.get(mutant.name, []) + list(mutant.first) for mutant in mutants]
    prepare(tree, suite, list(dict.fromkeys(entry for first in firsts for entry in first)))
    for verdict, first in zip(verdicts, firsts):
        try_mutant(verdict, first, tree, suite)
    for stage in STAGES:
        alive = [verdict for verdict in verdicts if verdict.builds and not verdict.entry]
        if not alive:
            break
        progress(f"{len(alive)} alive go on to {', '.join(stage)}")
        prepare(tree, suite, list(stage))
        for verdict in alive:
            try_mutant(verdict, list(stage), tree, suite)
    return verdicts


def confirm(verdicts: list[Verdict], tree: Tree, suite: Suite) -> None:
    """Runs the tests that killed on the unbroken tree. If one failed there, its verdicts would mean nothing."""
    tests: dict[str, set[str]] = {}
    for verdict in verdicts:
        if verdict.entry:
            tests.setdefault(verdict.entry, set()).add(verdict.test or "*")
    tree.build(sorted({target(entry) for entry in tests}))
    for entry, names in sorted(tests.items()):
        outcome = suite.run_unbroken(entry, sorted(names))
        if not outcome.passed:
            raise SuiteError(f"the unbroken {entry} fails: {', '.join(outcome.failed) or outcome.how}")
        progress(f"unbroken: {outcome.n_tests} tests of {entry} that noticed a mutant pass")


def print_table(verdicts: list[Verdict]) -> None:
    print("| mutant | stands for | killed by |")
    print("|---|---|---|")
    for v in verdicts:
        print(f"| {v.mutant.name} | {v.mutant.bug} | {v.outcome()} |")


def run(arguments: argparse.Namespace) -> int:
    all_mutants = load()
    check(all_mutants, ROOT)
    mutants = chosen(all_mutants, arguments.only)
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.name:36} {mutant.file:36} {mutant.bug}")
    if arguments.list or arguments.check:
        print(f"{len(mutants)} mutants fit their files")
        return 0
    logs = FOLDER / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SuiteError(f"another scripts/mutate is at work in {FOLDER.relative_to(ROOT)}") from None
        return run_mutants(arguments, all_mutants, mutants, logs)


def run_mutants(arguments: argparse.Namespace, all_mutants: list[Mutant], mutants: list[Mutant], logs: Path) -> int:
    tree = Tree(ROOT, FOLDER, arguments.j)
    progress(f"building {FOLDER.relative_to(ROOT)}")
    tree.sync()
    check(all_mutants, tree.source)
    tree.configure()
    suite = Suite(tree.build_dir, logs)
    verdicts = judge(mutants, tree, suite)
    confirm(verdicts, tree, suite)
    print_table(verdicts)
    killed = sum(1 for verdict in verdicts if verdict.entry)
    print(f"\n{killed} of {len(verdicts)} killed")
    return 0 if killed == len(verdicts) else 1


def main() -> int:
    # Also in the background, where the shell has SIGINT ignored: no program is left running, no file broken.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        return run(parse_arguments())
    except (MutantError, BuildError, SuiteError) as error:
        for line in str(error).splitlines():
            progress(line)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
