"""Whether another project can add this tree, without anything that its users did not ask for.

SPDX-License-Identifier: Apache-2.0

tests/package/parent is that project: configured only, which takes seconds. It is built by scripts/test-installed.
"""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]


class SubdirectoryTest(unittest.TestCase):
    def test_configures(self):
        with tempfile.TemporaryDirectory() as folder:
            # Asked for by the program and the tests alone, which nobody asked for.
            without = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ("CLI11", "nlohmann_json", "GTest")]
            done = subprocess.run(
                [os.environ["GYRE_TEST_CMAKE"], "-S", Path(__file__).with_name("parent"), "-B", folder, "-G",
                 os.environ["GYRE_TEST_GENERATOR"], f"-DGYRE_SOURCE={SOURCE}", *without],
                capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("The parent is as it was", done.stdout)


if __name__ == "__main__":
    unittest.main()
