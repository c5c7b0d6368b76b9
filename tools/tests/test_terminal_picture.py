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
    for piece in screen.pieces:
        rows[piece.row] = rows.get(piece.row, "").ljust(piece.column) + piece.text
    return [rows.get(row, "").rstrip() for row in range(max(rows) + 1)]


class TerminalPicture(unittest.TestCase):
    # Catches: a line typed before the program waits, keys lost or typed twice, a last line that is not ended.
    def test_types_a_line_at_each_prompt(self):
        screen, seconds = picture.record([sys.executable, "-c", ECHO], ["one", "two & é"], "? ", 60)
        self.assertEqual(lines_of(screen), ["? one", "<one>", "? two & é", "<two & é>", "?"])
        times = [piece.second for piece in screen.pieces]
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[-1], 1)  # three waits of half a second before the typing
        self.assertLessEqual(times[-1], seconds)

    # Catches: escape sequences drawn as text, lines cut at the edge, a line that stays under what is written over it.
    def test_screen_knows_lines(self):
        screen = picture.Screen()
        screen.write(0.0, "\x1b[1mab\x1b[0m\r")
        screen.write(1.0, "c\r\x1b[K\n" + "x" * (picture.COLUMNS + 1))
        pieces = [(piece.second, piece.end, piece.row, piece.column, piece.text) for piece in screen.pieces]
        wide = [(1.0, None, 1, 0, "x" * picture.COLUMNS), (1.0, None, 2, 0, "x")]
        self.assertEqual(pieces, [(0.0, 1.0, 0, 0, "ab"), (1.0, 1.0, 0, 0, "c"), *wide])

    # Catches: what was written over shown in the last state, and where there is no animation.
    def test_what_was_written_over_is_hidden(self):
        screen = picture.Screen()
        screen.write(0.0, "10 %")
        screen.write(1.0, "\r\x1b[Kdone")
        drawn = picture.draw(screen, 1.0, "a", "> ")
        self.assertIn('<g style="animation-name:k0" opacity="0">\n<text x="20.0" y="34" textLength="32.0">10 %', drawn)
        self.assertIn("@keyframes k0{0%{opacity:0}0.00%{opacity:1}20.00%{opacity:0}}", drawn)
        self.assertIn('<g style="animation-name:k1">\n<text x="20.0" y="34" textLength="32.0">done', drawn)

    # Catches: text that is not escaped, a piece whose moment has no keyframes, a picture that shows nothing without animation.
    def test_draws_what_was_recorded(self):
        screen = picture.Screen()
        screen.write(0.0, "> ")
        screen.write(1.0, "  a < b & c")
        drawn = picture.draw(screen, 2.0, "a & b", "> ")
        root = xml.etree.ElementTree.fromstring(drawn)
        self.assertEqual([text.text for text in root.iter(SVG + "text")], [">", "a < b & c"])
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
