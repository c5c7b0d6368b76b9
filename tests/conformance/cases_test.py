"""The files in cases/: what the generator writes, over the whole grid, and able to notice mistakes.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

import generate
import oracle
import shapes

FOLDER = Path(__file__).parent
CASES = FOLDER / "cases"
DOCUMENTATION = FOLDER.parents[1] / "docs" / "conformance.md"
MAX_BYTES = 6_000_000


def load(name):
    """[(case, expected [n_tokens, n_embd])]"""
    system = json.loads((CASES / f"{name}.json").read_text())
    results = (CASES / system["expected"]).read_bytes()
    loaded = []
    for case in system["cases"]:
        n_embd = value_of(case, "embedding_length")
        expected = np.frombuffer(results, "<f4", case["n_tokens"] * n_embd, case["offset"])
        loaded.append((case, expected.reshape(case["n_tokens"], n_embd)))
    return loaded


def value_of(case, key):
    return case["metadata"][case["metadata"]["general.architecture"] + "." + key]


def all_cases():
    return [case for path in sorted(CASES.glob("*.json")) for case in json.loads(path.read_text())["cases"]]


def failures(names):
    """Cases that fail with the oracle as it is now."""
    failed = []
    for name in names:
        for case, expected in load(name):
            block, x, weight, bias, positions, sinks = generate.block_inputs(case)
            result = oracle.attention_block(block, x, weight, bias, positions, sinks)
            if not np.abs(result - expected).max() <= case["tolerance"]:
                failed.append(case["name"])
    return failed


class Files(unittest.TestCase):
    def test_are_what_the_generator_writes(self):
        done = subprocess.run([sys.executable, FOLDER / "generate.py", "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_are_small(self):
        self.assertLess(sum(path.stat().st_size for path in CASES.iterdir()), MAX_BYTES)

    def test_example_of_the_documentation_passes(self):
        program = re.search(r"```python\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL).group(1)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "check.py"
            path.write_text(program)
            done = subprocess.run([sys.executable, path, CASES], capture_output=True, text=True)
        n = len(load("rope"))
        self.assertEqual(done.stdout.strip().splitlines()[-1:], [f"{n} of {n} cases"], done.stdout + done.stderr)


class Coverage(unittest.TestCase):
    def test_names_are_unique_and_many(self):
        names = [case["name"] for case in all_cases()]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 300)
        n_systems = len(list(CASES.glob("*.json")))
        text = DOCUMENTATION.read_text()
        self.assertIn(f"{len(names)} small attention blocks with their exact results: {n_systems} systems", text)

    def test_rope_and_rove_cover_size_position_and_pairing(self):
        for name in ("rope", "rove"):
            seen = set()
            for case, _ in load(name):
                head_dim = value_of(case, "embedding_length") // value_of(case, "attention.head_count")
                pairing = case["metadata"].get("gyre.rotary.pairing", "half")
                seen.add((head_dim, case["first_position"], pairing))
            for head_dim in shapes.HEAD_DIMS:
                for position in shapes.POSITIONS:
                    self.assertLessEqual({(head_dim, position, p) for p in ("half", "interleaved")}, seen)

    def test_every_cache_meets_every_position_size_and_group(self):
        seen = set()
        for case in all_cases():
            head_dim = value_of(case, "embedding_length") // value_of(case, "attention.head_count")
            groups = value_of(case, "attention.head_count") // value_of(case, "attention.head_count_kv")
            seen |= {(case["cache"], what) for what in (("p", case["first_position"]), ("d", head_dim), ("g", groups))}
        for cache in shapes.CACHES:
            for position in shapes.POSITIONS:
                self.assertIn((cache, ("p", position)), seen)
            for head_dim in shapes.HEAD_DIMS:
                self.assertIn((cache, ("d", head_dim)), seen)
            for groups in (1, 2, 3):
                self.assertIn((cache, ("g", groups)), seen)
        self.assertIn(("f32", ("p", shapes.FAR)), seen)


def replaced(**functions):
    """The oracle with some functions replaced by wrong ones."""
    return mock.patch.multiple(oracle, **functions)


TRUE = {name: getattr(oracle, name) for name in ("cos_sin", "rotate", "rotated", "scores", "is_visible", "softmax", "mix")}


def wrong_rotation(change):
    return lambda x, positions, pairs, **more: TRUE["rotate"](x, *change(positions, pairs), **more)


def query_one_too_far(block, q, k, v, positions):
    """Queries rotated one position too far."""
    return TRUE["rotated"](block, q, k, v, [p + 1 for p in positions])[0], *TRUE["rotated"](block, q, k, v, positions)[1:]


def amplitude_on_values(block, q, k, v, positions):
    q, k, v = TRUE["rotated"](block, q, k, v, positions)
    return q, k, v * block.amplitude if block.values != "none" else v


def swapped_pairing(positions, pairs):
    n = len(pairs)
    half = all(p.a < n for p in pairs)
    channels = oracle.pair_channels("interleaved" if half else "half", n, n)
    return positions, [oracle.Pair(a, b, p.inv_freq) for (a, b), p in zip(channels, pairs)]


def without_rotating_back(x, positions, pairs, sign=1, **more):
    return x if sign < 0 else TRUE["rotate"](x, positions, pairs, sign=sign, **more)


def twice_rotated_forward(x, positions, pairs, sign=1, **more):
    return TRUE["rotate"](x, positions, pairs, sign=1, **more)


def interleaved_groups(block, q, k, v, positions, sinks=None):
    """Query head h reads key head h mod G instead of h / (H / G)."""
    order = [h % block.n_head_kv for h in range(block.n_head)]
    full = oracle.Block(**{**vars(block), "n_head_kv": block.n_head})
    return TRUE["mix"](full, q, k[:, order], v[:, order], positions, sinks)


def half_precision(block, head, q, k, positions):
    return TRUE["scores"](block, head, q.astype(np.float16).astype(float), k, positions)


def angle_in_float32(position, inv_freq):
    return TRUE["cos_sin"](1, float(np.float32(position) * np.float32(inv_freq)))


def sees_no_own_key(block, i, j):
    return TRUE["is_visible"](block, i, j) and (j < i or i == 0)


def wider_window(block, i, j):
    return j <= i and (i - j <= block.window or j < block.sink_tokens)


def one_sink_more(block, i, j):
    return j <= i and (i - j < block.window or j <= block.sink_tokens)


def slopes_of_powers_of_two(n_head):
    return [2.0 ** (-8.0 * h / n_head) for h in range(1, n_head + 1)]


DENSE = oracle.complex_as_dense

# What is wrong: functions that take the place of the oracle's, systems that must notice.
MUTANTS = {
    "cos and sin swapped": ({"cos_sin": lambda p, w: TRUE["cos_sin"](p, w)[::-1]}, ["rope"]),
    "sign of sin": ({"cos_sin": lambda p, w: TRUE["cos_sin"](-p, w)}, ["rotate_only"]),
    "angle in float32": ({"cos_sin": angle_in_float32}, ["rope"]),
    "wrong pairing": ({"rotate": wrong_rotation(swapped_pairing)}, ["rope"]),
    "positions off by one": ({"rotate": wrong_rotation(lambda p, pairs: ([i + 1 for i in p], pairs))}, ["rotate_only"]),
    "query one position too far": ({"rotated": query_one_too_far}, ["rope"]),
    "no counter-rotation": ({"rotate": without_rotating_back}, ["rove"]),
    "counter-rotation forward": ({"rotate": twice_rotated_forward}, ["rove"]),
    "amplitude on values": ({"rotated": amplitude_on_values}, ["rove_yarn", "rotate_only_yarn"]),
    "head mapping under grouped queries": ({"mix": interleaved_groups}, ["gqa"]),
    "mask off by one": ({"is_visible": sees_no_own_key}, ["rope"]),
    "window off by one": ({"is_visible": wider_window}, ["window"]),
    "sinks off by one": ({"is_visible": one_sink_more}, ["sinks"]),
    "sink logit forgotten": ({"softmax": lambda logits, sink=None: TRUE["softmax"](logits)}, ["sink_logits"]),
    "float16 queries": ({"scores": half_precision}, ["rope"]),
    "temperature forgotten": ({"temperature_factor": lambda t, p: 1.0}, ["temperature"]),
    "slopes as for powers of two": ({"alibi_slopes": slopes_of_powers_of_two}, ["alibi"]),
    "decay forgotten": ({"xpos_zeta": lambda i, d: 1.0}, ["xpos"]),
    "parts of complex weights exchanged": ({"complex_as_dense": lambda re, im: DENSE(im, re)}, ["crope"]),
}


class Mutants(unittest.TestCase):
    def test_the_oracle_itself_passes(self):
        self.assertEqual(failures(sorted({name for _, names in MUTANTS.values() for name in names})), [])

    def test_every_mistake_is_noticed(self):
        for what, (functions, names) in MUTANTS.items():
            with self.subTest(what), replaced(**functions):
                n = len(failures(names))
                print(f"{what}: {n} of {sum(len(load(name)) for name in names)} cases fail")
                self.assertGreater(n, 0)


if __name__ == "__main__":
    unittest.main()
