"""Byte-level byte-pair encoding as GPT-2 does it (Radford et al. 2019, section 2.2).

A text is split into words by one pattern, each word becomes UTF-8 bytes, each byte one printable character, and pairs
of symbols are merged in the order in which they were learned. Nothing here needs a package: the pattern uses \\p{L} and
\\p{N}, which Python's `re` lacks, so the two classes are built from `unicodedata`.
"""

import re
import sys
import unicodedata

END_OF_TEXT = "<|endoftext|>"

# Unicode White_Space. Python's own \s also takes U+001C..U+001F, which GPT-2's does not.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


def _class_of(initial):
    """The inside of a character class: every code point whose general category starts with `initial`."""
    parts, start, last = [], None, None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and unicodedata.category(chr(code))[0] == initial
        if inside:
            start = code if start is None else start
            last = code
        elif start is not None:
            parts.append(f"\\U{start:08x}-\\U{last:08x}")
            start = None
    return "".join(parts)


def split_pattern():
    """GPT-2's pattern: '(s|t|re|ve|m|ll|d) | ?letters | ?numbers | ?others | spaces not before a word | spaces."""
    letter, number, space = _class_of("L"), _class_of("N"), _SPACE
    return re.compile(
        "'s|'t|'re|'ve|'m|'ll|'d"
        f"| ?[{letter}]+| ?[{number}]+| ?[^{space}{letter}{number}]+"
        f"|[{space}]+(?![^{space}])|[{space}]+"
    )


def byte_alphabet():
    """byte -> printable character: GPT-2's bytes_to_unicode(). Printable Latin-1 stays, the rest moves to U+0100.."""
    keep = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table, moved = {b: chr(b) for b in keep}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + moved)
            moved += 1
    return table


class Tokenizer:
    """Tokens and merges; ids follow GPT-2: 256 bytes (in alphabet order), one token a merge, then the special one."""

    def __init__(self, tokens, merges):
        self.tokens = tokens  # byte-alphabet strings, the special token last
        self.merges = merges  # pairs of byte-alphabet strings, in order of rank
        self.ids = {t: i for i, t in enumerate(tokens)}
        self.ranks = {tuple(m): r for r, m in enumerate(merges)}
        self.alphabet = byte_alphabet()
        self.bytes_of = {c: b for b, c in self.alphabet.items()}
        self.pattern = split_pattern()
        self.end_of_text = self.ids[END_OF_TEXT]
        self._cache = {}

    @classmethod
    def from_merges(cls, merges):
        base = sorted(byte_alphabet().values())
        return cls(base + [a + b for a, b in merges] + [END_OF_TEXT], merges)

    def _word(self, word):
        """ids of one pre-split word: the lowest-ranked pair merges first, wherever it stands, until none is left."""
        symbols = [self.alphabet[b] for b in word.encode("utf-8")]
        while len(symbols) > 1:
            rank, pair = min(((self.ranks.get(p, 1 << 30), p) for p in zip(symbols, symbols[1:])), key=lambda x: x[0])
            if rank == 1 << 30:
                break
            symbols = merge_pair(symbols, pair)
        return [self.ids[s] for s in symbols]

    def encode(self, text):
        """ids of a text in which the special token, if written, is plain text."""
        out, cache = [], self._cache
        for word in self.pattern.findall(text):
            ids = cache.get(word)
            if ids is None:
                ids = cache[word] = self._word(word)
            out.extend(ids)
        return out

    def decode(self, ids):
        """The text of ids; bytes that are no valid UTF-8 become U+FFFD, the special token its name."""
        data = bytearray()
        for i in ids:
            token = self.tokens[i]
            data += token.encode() if i == self.end_of_text else bytes(self.bytes_of[c] for c in token)
        return data.decode("utf-8", errors="replace")


def merge_pair(symbols, pair):
    """symbols with every occurrence of the pair, left to right, joined."""
    a, b = pair
    out, i, n = [], 0, len(symbols)
    while i < n:
        if i + 1 < n and symbols[i] == a and symbols[i + 1] == b:
            out.append(a + b)
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out
