"""Shapes and positions that a system is tried on.

SPDX-License-Identifier: Apache-2.0

A grid is a function: offset -> [Shape]. Everything in it takes turns; the offset makes every system begin elsewhere.
"""

from dataclasses import dataclass

POSITIONS = [0, 1, 31, 32, 1023, 4096, 65535]
FAR = 1_048_570  # six positions before 2^20
HEAD_DIMS = [2, 8, 20, 64, 80, 128]
CACHES = ["f32", "f16", "q8_0"]
N_TOKENS = [5, 1, 7, 3, 9, 2, 8, 4, 6]
HEADS = [(2, 2), (2, 1), (3, 3), (4, 2), (3, 1), (6, 2)]  # query heads, key/value heads
HEADS_OF_LARGE = [(2, 1), (1, 1), (2, 2), (3, 1)]  # head sizes of 64 and more


@dataclass(frozen=True)
class Shape:
    """What varies inside a system. index counts its cases, for parameters that take turns."""

    index: int = 0
    head_dim: int = 8
    first_position: int = 0
    pairing: str = "half"
    n_head: int = 2
    n_head_kv: int = 2
    cache: str = "f32"
    n_tokens: int = 5

    def pick(self, choices):
        return choices[self.index % len(choices)]


def heads_of(head_dim, i):
    return HEADS_OF_LARGE[i % 4] if head_dim >= 64 else HEADS[i % 6]


def full_grid(offset):
    """Every head size at every position in both pairings; heads, cache and tokens take turns."""
    shapes = []
    for d, head_dim in enumerate(HEAD_DIMS):
        for p, position in enumerate(POSITIONS):
            for second, pairing in enumerate(("half", "interleaved")):
                i = len(shapes)
                n_head, n_head_kv = heads_of(head_dim, i + offset)
                cache = CACHES[(p + 2 * d + second + offset) % 3]
                n_tokens = tokens_of(head_dim, N_TOKENS, i)
                shapes.append(Shape(i, head_dim, position, pairing, n_head, n_head_kv, cache, n_tokens))
    return shapes + far_shapes(len(shapes), offset)


def far_shapes(index, offset):
    """One case a pairing at the last positions."""
    return [
        Shape(index + i, head_dim, FAR, pairing, *heads_of(head_dim, i + offset), "f32", 6)
        for i, (head_dim, pairing) in enumerate([(20, "half"), (64, "interleaved")])
    ]


def some_grid(
    count=8, head_dims=(64, 8, 20, 128, 2, 80), positions=POSITIONS, caches=CACHES, n_tokens=N_TOKENS, heads=None
):
    """count shapes; heads: pairs of head counts instead of the usual ones."""

    def shapes(offset):
        result = []
        for i in range(count):
            j = i + offset
            head_dim = head_dims[j % len(head_dims)]
            pairing = ("half", "interleaved")[(i + j // 2) % 2]
            n_head, n_head_kv = heads[j % len(heads)] if heads else heads_of(head_dim, j)
            position = positions[(3 * i + offset) % len(positions)]
            # Three of five F32, which has the tightest tolerance.
            cache = caches[(0, 1, 0, 2, 0)[i % 5] % len(caches)]
            tokens = tokens_of(head_dim, n_tokens, i + offset)
            result.append(Shape(i, head_dim, position, pairing, n_head, n_head_kv, cache, tokens))
        return result

    return shapes


def tokens_of(head_dim, choices, i):
    """Few tokens where a row is long: the files stay small."""
    n = choices[i % len(choices)]
    return n if head_dim < 64 else min(n, 6)
