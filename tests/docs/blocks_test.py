"""The code in the documentation is that of the files which are built and run.

SPDX-License-Identifier: Apache-2.0

A block that follows the comment <!-- file: PATH --> has to be that file, without the lines of its licence.
"""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"<!-- file: (\S+) -->\n+```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def without_licence(text):
    return "".join(line for line in text.splitlines(keepends=True) if "SPDX-License-Identifier" not in line)


class BlocksTest(unittest.TestCase):
    def test_blocks_are_the_files(self):
        n_blocks = 0
        for page in sorted(ROOT.glob("docs/*.md")):
            text = page.read_text()
            blocks = BLOCK.findall(text)
            self.assertEqual(len(blocks), text.count("<!-- file: "), f"{page.name}: a comment without its block")
            for path, block in blocks:
                self.assertEqual(block, without_licence((ROOT / path).read_text()), f"{page.name}: {path}")
            n_blocks += len(blocks)
        self.assertGreaterEqual(n_blocks, 4)


if __name__ == "__main__":
    unittest.main()
