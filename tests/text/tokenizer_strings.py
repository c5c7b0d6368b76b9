"""Strings that find mistakes of tokenizers: many scripts, code, white space, digits, marks, emoji, look-alikes.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import json
import os
import random
import sysconfig
import unicodedata

# (share, first, last) of code points; what is not assigned in this Python's Unicode is left out.
BLOCKS = [(30, 0x20, 0x7E), (6, 0xA0, 0x24F), (3, 0x250, 0x2FF), (6, 0x300, 0x36F), (4, 0x370, 0x3FF), (5, 0x400, 0x52F),
          (3, 0x590, 0x5FF), (4, 0x600, 0x6FF), (4, 0x900, 0x97F), (2, 0x980, 0x9FF), (2, 0xB80, 0xBFF), (3, 0xE00, 0xE7F),
          (1, 0xF00, 0xFFF), (2, 0x10A0, 0x10FF), (3, 0x1100, 0x11FF), (2, 0x13A0, 0x13FF), (2, 0x1E00, 0x1FFF),
          (4, 0x2000, 0x206F), (2, 0x2070, 0x209F), (1, 0x20D0, 0x20FF), (3, 0x2100, 0x218F), (3, 0x2190, 0x23FF),
          (2, 0x2460, 0x24FF), (2, 0x2500, 0x27BF), (2, 0x2C00, 0x2DFF), (4, 0x3000, 0x30FF), (6, 0x4E00, 0x9FFF),
          (4, 0xAC00, 0xD7A3), (1, 0xA000, 0xABFF), (1, 0xE000, 0xE0FF), (2, 0xFB00, 0xFDFF), (2, 0xFE00, 0xFEFF),
          (3, 0xFF00, 0xFFEF), (1, 0x10000, 0x107FF), (1, 0x10400, 0x1044F), (2, 0x1D400, 0x1D7FF), (6, 0x1F300, 0x1F64F),
          (1, 0x1F900, 0x1F9FF), (1, 0x20000, 0x200FF), (1, 0xE0020, 0xE007F)]
SPACES = " \t\n\r\v\f\u0085\u00a0\u1680\u2003\u2009\u2028\u2029\u202f\u205f\u3000"
DIGITS = "0123456789\u0663\u0969\u00bd\u00b2\u2167\u2460\U0001d7d9"
JOINERS = ["", "", " ", " ", "  ", "\n", "\r\n", "\n\n", "\t", "'", "\u2019", "-", "_", "/", ".", ", ", "\u200d", "\ufeff",
           "\u0301", "\u2581", "(", "...", "\ufe0f"]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'Ve", "'M", "'lL", "'D", "'\u017f", "'x",
                "\u2019s", "''s"]


def _texts():
    here = os.path.dirname(__file__)
    with open(os.path.join(here, "strings.json"), encoding="utf-8") as file:
        texts = [text for text in json.load(file)["texts"] if text]
    code = []
    for path in sorted(glob.glob(os.path.join(sysconfig.get_paths()["stdlib"], "*.py")))[:120]:
        with open(path, encoding="utf-8", errors="ignore") as file:
            code.append(file.read())
    return texts, code


def _points():
    points, weights = [], []
    for share, first, last in BLOCKS:
        block = [chr(c) for c in range(first, last + 1)
                 if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
        points += block
        weights += [share / len(block)] * len(block)
    return points, weights


class Strings:
    """`special`: the texts of a tokenizer's special tokens."""

    def __init__(self, special, seed=1):
        self.random = random.Random(seed)
        self.texts, self.code = _texts()
        self.points, weights = _points()
        self.drawn = self.random.choices(self.points, weights, k=400000)
        self.special = special or ["<|x|>"]
        self.kinds = [self.words, self.any_points, self.one_block, self.white_space, self.numbers, self.source,
                      self.contractions, self.look_alikes, self.marks, self.joined, self.runs]

    def _drawn(self, n):
        at = self.random.randrange(len(self.drawn) - n)
        return "".join(self.drawn[at : at + n])

    def _slice(self, text, longest):
        at = self.random.randrange(len(text))
        return text[at : at + self.random.randint(1, longest)]

    def words(self):
        return self._slice(self.random.choice(self.texts), 60)

    def any_points(self):
        return self._drawn(self.random.randint(1, 30))

    def one_block(self):
        _, first, last = self.random.choice(BLOCKS)
        points = (chr(self.random.randint(first, last)) for _ in range(self.random.randint(1, 20)))
        return "".join(c if unicodedata.category(c) != "Cn" else " " for c in points)

    def white_space(self):
        parts = []
        for _ in range(self.random.randint(1, 6)):
            parts.append(self.random.choice(SPACES) * self.random.choice((1, 1, 2, 3, 4, 7, 16, 33)))
            parts.append(self.random.choice(("", "a", "B", "1", "!", "\u65e5", "\u0301", "\u200b", "\r\n", "\n")))
        return "".join(parts)

    def numbers(self):
        parts = []
        for _ in range(self.random.randint(1, 4)):
            parts += self.random.choices(DIGITS, weights=[4] * 10 + [1] * 7, k=self.random.randint(1, 9))
            parts.append(self.random.choice(("", " ", ".", ",", "a", "_", "\u00e9", " 1", "\n", "\u0301")))
        return "".join(parts)

    def source(self):
        return self._slice(self.random.choice(self.code), 120)

    def contractions(self):
        parts = []
        for _ in range(self.random.randint(1, 4)):
            parts += [self._slice(self.random.choice(self.texts), 8), self.random.choice(CONTRACTIONS),
                      self.random.choice(("", " ", "x", "\n"))]
        return "".join(parts)

    def look_alikes(self):
        parts = []
        for _ in range(self.random.randint(1, 4)):
            token = self.random.choice(self.special)
            if self.random.random() < 0.4:
                at = self.random.randrange(len(token) + 1)
                token = token[:at] + self.random.choice(("", " ", token, "|", "<")) + token[at + self.random.randint(0, 1) :]
            parts += [token, self.random.choice(JOINERS), self.random.choice(("", "a", " x", "\n", self._drawn(3)))]
        return "".join(parts)

    def marks(self):
        parts = []
        for _ in range(self.random.randint(1, 8)):
            text = self.random.choice(("e", "A", "o\u0323", "\u1ed9", "\u1100\u1161", "\uac00\u11a8", "\u0915", "\u05d0", "1",
                                       " ", "\u212b", "\u0958", "\ufb1d", "\u2126", "\U0001d15e"))
            parts.append(text + "".join(chr(self.random.choice((0x301, 0x300, 0x323, 0x308, 0x327, 0x345, 0x93c, 0x5b0, 0x338)))
                                        for _ in range(self.random.randint(0, 3))))
        return unicodedata.normalize(self.random.choice(("NFC", "NFD")), "".join(parts)) if self.random.random() < 0.3 \
            else "".join(parts)

    def joined(self):
        kinds = [self.words, self.any_points, self.numbers, self.contractions, self.one_block]
        return "".join(self.random.choice(kinds)() + self.random.choice(JOINERS) for _ in range(self.random.randint(2, 4)))

    def runs(self):
        unit = self.random.choice((self._drawn(1), self._drawn(2), self._slice(self.random.choice(self.texts), 3)))
        return (unit * self.random.randint(2, 80))[:200]

    def make(self, n):
        """n strings, and long texts made of them, in which words come again."""
        made = list(dict.fromkeys(self.texts))
        while len(made) < n:
            made.append(self.random.choice(self.kinds)())
        return made[:n] + ["".join(made[i : i + 200]) for i in range(0, n, 400)]
