"""Recording a program in a terminal, and drawing it.
SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from tools import terminal_picture as picture

ECHO = """
import sys
while True:
    sys.stdout.write("? ")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line: break
    print("<" + line.strip() + ">")
"""
SVG = "{http://www.w3.org/2000/svg}"


def lines_of(screen):
    rows = {}
    for _, row, column, text in screen.pieces:
        rows[row] = rows.get(row, "").ljust(column) + text
    return [rows.get(row, "").rstrip() for row in range(max(rows) + 1)]


class TerminalPicture(unittest.TestCase):
    # Catches: a line typed before the program waits, keys lost or typed twice, a last line that is not ended.
    def test_types_a_line_at_each_prompt(self):
        screen, seconds = picture.record([sys.executable, "-c", ECHO], ["one", "two & é"], "? ", 60)
        self.assertEqual(lines_of(screen), ["? one", "<one>", "? two & é", "<two & é>", "?"])
        times = [second for second, _, _, _ in screen.pieces]
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[-1], 1)  # three waits of half a second before the typing
        self.assertLessEqual(times[-1], seconds)

    # Catches: escape sequences drawn as text, lines cut at the edge, a carriage return that begins a line.
    def test_screen_knows_lines(self):
        screen = picture.Screen()
        screen.write(0.0, "\x1b[1mab\x1b[0m\rc\r\n" + "x" * (picture.COLUMNS + 1))
        self.assertEqual(screen.pieces, [[0.0, 0, 0, "ab"], [0.0, 0, 0, "c"], [0.0, 1, 0, "x" * picture.COLUMNS], [0.0, 2, 0, "x"]])

    # Catches: text that is not escaped, a piece whose moment has no keyframes, a picture that shows nothing without animation.
    def test_draws_what_was_recorded(self):
        screen = picture.Screen()
        screen.write(0.0, "> ")
        screen.write(1.0, "a < b & c")
        drawn = picture.draw(screen, 2.0, "a & b", "> ")
        root = xml.etree.ElementTree.fromstring(drawn)
        self.assertEqual([text.text for text in root.iter(SVG + "text")], ["> ", "a < b & c"])
        self.assertEqual(root.find(SVG + "title").text, "a & b")
        groups = [group.get("style") for group in root.iter(SVG + "g")]
        self.assertEqual(groups, ["animation-name:k0", "animation-name:k1"])
        self.assertIn("@keyframes k1{0%{opacity:0}16.67%{opacity:1}}", drawn)  # a second of two, and four of the last state
        self.assertIn("prefers-reduced-motion", drawn)

    # Catches: a program that never waits, for ever.
    def test_gives_up(self):
        with self.assertRaises(TimeoutError):
            picture.record([sys.executable, "-c", "import time; print('a'); time.sleep(60)"], [], "? ", 1)


if __name__ == "__main__":
    unittest.main()
