"""Whether docs/embedding.md shows the examples as they are: every block that names a file of apps/examples is that file,
but for its SPDX line.

SPDX-License-Identifier: Apache-2.0
"""

import re
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SHOWN = {"c/generate.c", "c/chat.c", "cpp/generate.cpp", "cpp/chat.cpp", "cpp/CMakeLists.txt",
         "java/src/main/java/Write.java", "java/src/main/java/Chat.java"}


def without_licence(text: str) -> str:
    """Without the line of the licence."""
    return re.sub(r"(?m)^(//|#| \*) SPDX-License-Identifier: .*\n", "", text)


class ExamplesTest(unittest.TestCase):
    def test_the_page_has_the_files(self):
        page = (SOURCE / "docs/embedding.md").read_text(encoding="utf-8")
        blocks = re.findall(r"<!-- file: apps/examples/(\S+) -->\n```[a-z]*\n(.*?)```\n", page, re.DOTALL)
        self.assertLessEqual(SHOWN, {name for name, _ in blocks})
        for name, block in blocks:
            with self.subTest(name):
                self.assertEqual(block, without_licence((SOURCE / "apps/examples" / name).read_text(encoding="utf-8")))


if __name__ == "__main__":
    unittest.main()
