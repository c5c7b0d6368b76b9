"""Whether the manual, apps/gyre/gyre.1, has every command and option that the program has, and no other.

SPDX-License-Identifier: Apache-2.0
"""

import re
import unittest
from pathlib import Path

from program_help import commands, help_of, options

MANUAL = Path(__file__).resolve().parents[2] / "apps/gyre/gyre.1"


def sections() -> dict[str, str]:
    """Texts of the manual by heading: "gyre run ..." is under "run"."""
    parts = re.split(r"(?m)^\.S[hs] (.*)$", MANUAL.read_text(encoding="utf-8"))
    by_heading = dict(zip(parts[1::2], parts[2::2]))
    return {re.sub(r"^gyre ([a-z]+).*", r"\1", heading): text for heading, text in by_heading.items()}


def described(text: str) -> set[str]:
    """The options that a section of the manual describes: ".It Fl m , Fl -model" is -m and --model."""
    found: set[str] = set()
    for line in re.findall(r"(?m)^\.It (Fl .*)$", text):
        found.update("-" + name for name in re.findall(r"Fl (-?[a-z][a-z-]*)", line))
    return found


class ManualTest(unittest.TestCase):
    def test_has_every_command(self):
        in_manual = re.findall(r"(?m)^\.Ss gyre ([a-z]+)", MANUAL.read_text(encoding="utf-8"))
        self.assertGreater(len(in_manual), 5)
        self.assertEqual(in_manual, commands())

    def test_has_every_option(self):
        text = sections()
        common = described(text["COMMON OPTIONS"])
        used: set[str] = set()
        for command in commands():
            with self.subTest(command):
                in_help = options(command)
                own = described(text[command])
                self.assertEqual(own - in_help, set(), "described, but the program does not know them")
                self.assertEqual(in_help - own - common, set(), f"not in {MANUAL.name}")
                self.assertEqual(own & common, set(), "described twice")
                used |= in_help
        self.assertEqual(common - used, set(), "described as common, but no command has them")

    def test_has_every_variable(self):
        in_manual = set(re.findall(r"\.It Ev (GYRE_[A-Z]+)", sections()["ENVIRONMENT"]))
        self.assertEqual(in_manual, set(re.findall(r"GYRE_[A-Z]+", help_of())))


if __name__ == "__main__":
    unittest.main()
