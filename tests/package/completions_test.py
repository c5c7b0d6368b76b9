"""Whether bash's completion, apps/gyre/completions/gyre.bash, offers every command and option that the program has.

SPDX-License-Identifier: Apache-2.0

Those of zsh and fish, which not everybody has, are asked by scripts/test-installed.
"""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from program_help import PROGRAM, commands, options

COMPLETION = Path(__file__).resolve().parents[2] / "apps/gyre/completions/gyre.bash"

# As bash does on a terminal: the words, and which of them the cursor is in.
ASK = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gyre; printf "%s\\n" "${COMPREPLY[@]}"'


def offered(*words: str, folder: str = ".") -> set[str]:
    """What is offered for the last of the words that follow "gyre"."""
    asked = subprocess.run(["bash", "-c", ASK, "bash", str(COMPLETION), PROGRAM, *words], check=True,
                           capture_output=True, text=True, cwd=folder)
    if asked.stderr:
        raise AssertionError(asked.stderr)
    return set(asked.stdout.split())


class CompletionsTest(unittest.TestCase):
    def test_commands(self):
        self.assertEqual(offered("") - {"-h", "--help", "--version"}, set(commands()))
        self.assertEqual(offered("to"), {"tokenize"})

    def test_options(self):
        for command in commands():
            with self.subTest(command):
                self.assertEqual(offered(command, "-"), options(command))

    def test_values(self):
        self.assertEqual(offered("run", "--when-full", ""), {"stop", "slide"})
        self.assertEqual(offered("run", "--kv", "f"), {"f16", "f32"})

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "some model.gguf").touch()
            Path(folder, "notes.txt").touch()
            self.assertEqual(offered("run", "-m", "no", folder=folder), {"notes.txt"})
            self.assertEqual(offered("info", "no", folder=folder), {"notes.txt"})
            self.assertEqual(offered("run", "--seed", "", folder=folder), set())

    def test_is_for_gyre(self):
        listed = subprocess.run(["bash", "-c", 'source "$1"; complete -p gyre', "bash", str(COMPLETION)], check=True,
                                capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
        self.assertEqual(listed.stdout.split()[-3:], ["-F", "_gyre", "gyre"])


if __name__ == "__main__":
    unittest.main()
