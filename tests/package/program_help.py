"""What gyre --help and gyre COMMAND --help say there is.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess

PROGRAM = os.environ["GYRE_TEST_PROGRAM"]


def help_of(*command: str) -> str:
    return subprocess.run([PROGRAM, *command, "--help"], check=True, capture_output=True, text=True).stdout


def commands() -> list[str]:
    """What gyre --help lists below "Subcommands:"."""
    listed = re.split(r"(?im)^subcommands:$", help_of())[1]
    return re.findall(r"(?m)^  ([a-z]+)", listed)


def options(command: str) -> set[str]:
    """The options of a command: the names that begin a line of its help."""
    found: set[str] = set()
    for names in re.findall(r"(?m)^  (-[^ ]+)", help_of(command)):
        found.update(names.split(","))
    if not {"-h", "--help"} <= found:
        raise AssertionError(f"gyre {command} --help is not as it was: {sorted(found)}")
    return found
