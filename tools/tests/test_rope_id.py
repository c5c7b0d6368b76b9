"""The frequencies of RoPE-ID, and a GGUF file that gets them."""

import contextlib
import io
import json
import math
import pathlib
import sys
import tempfile
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import rope_id  # noqa: E402
from common.gguf_reader import GGUFFile  # noqa: E402
from common.gguf_writer import GGUFWriter  # noqa: E402


def output_of(*arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        rope_id.main(list(arguments))
    return out.getvalue()


class Frequencies(unittest.TestCase):
    def test_periods_run_from_32_to_half_the_training_length(self):
        for head_size, train_length in ((64, 1024), (64, 4096), (128, 4096), (20, 64), (8, 300)):
            w = rope_id.rope_id_inv_freq(head_size, train_length)
            n = head_size // 4
            self.assertEqual(len(w), head_size // 2)
            self.assertEqual(w[n:], [0.0] * n)
            periods = [2 * math.pi / x for x in w[:n]]
            self.assertAlmostEqual(periods[0], 32.0, places=9)
            self.assertAlmostEqual(periods[-1], train_length / 2, places=9)
            ratios = [b / a for a, b in zip(periods, periods[1:])]
            self.assertLess(max(ratios) - min(ratios), 1e-12)

    def test_published_example(self):
        periods = [2 * math.pi / x for x in rope_id.rope_id_inv_freq(64, 1024)[:3]]
        self.assertEqual([round(p, 1) for p in periods], [32.0, 38.5, 46.3])

    def test_a_lone_pair_is_the_fastest(self):
        self.assertEqual(rope_id.rope_id_inv_freq(4, 1024), [2 * math.pi / 32, 0.0])

    def test_heads_without_quarters_and_short_contexts_are_refused(self):
        for head_size, train_length in ((10, 1024), (0, 1024), (-4, 1024), (64, 63), (64, 0)):
            with self.assertRaises(ValueError):
                rope_id.rope_id_inv_freq(head_size, train_length)


class Program(unittest.TestCase):
    def test_prints_every_pair(self):
        lines = output_of("1024", "--head-size", "8").splitlines()
        self.assertEqual(len(lines), 4)
        self.assertIn("period 32", lines[0])
        self.assertIn("period 512", lines[1])
        self.assertIn("does not rotate", lines[3])

    def test_json_has_the_keys_of_the_file(self):
        printed = json.loads(output_of("1024", "--head-size", "8", "--json", "--coefficient", "0"))
        self.assertEqual(list(printed), ["gyre.rotary.inv_freq"])
        self.assertEqual(printed["gyre.rotary.inv_freq"], rope_id.rope_id_inv_freq(8, 1024))

    def test_bad_sizes_fail_with_a_line(self):
        with contextlib.redirect_stderr(io.StringIO()) as errors, self.assertRaises(SystemExit) as stop:
            rope_id.main(["1024", "--head-size", "10"])
        self.assertEqual(stop.exception.code, 1)
        self.assertEqual(errors.getvalue().count("\n"), 1)

    def test_a_file_keeps_everything_else(self):
        with tempfile.TemporaryDirectory() as folder:
            source, target = (pathlib.Path(folder) / name for name in ("in.gguf", "out.gguf"))
            writer = GGUFWriter(source)
            writer.add_all([("general.architecture", "string", "gpt2"), ("gpt2.embedding_length", "u32", 24),
                            ("gpt2.attention.head_count", "u32", 3), ("gyre.rotary.inv_freq", "[f32]", [1.0] * 4),
                            ("tokenizer.ggml.tokens", "[string]", ["a", "ab", "ä"])])
            weights = np.arange(21, dtype=np.float32).reshape(3, 7)
            writer.tensor("odd.weight", weights.shape, "f32", weights)
            writer.tensor("half.weight", (5,), "f16", np.arange(5))
            writer.write()
            output_of("1024", "--gguf", str(source), str(target))
            old, new = GGUFFile(source), GGUFFile(target)
            wanted = np.float32(rope_id.rope_id_inv_freq(8, 1024)).tolist()
            self.assertEqual(new.metadata.pop("gyre.rotary.inv_freq"), wanted)
            temperature = {k: v for k, v in new.metadata.items() if k.startswith("gyre.attention.temperature.")}
            self.assertEqual(list(temperature.values()), [float(np.float32(0.1)), 2.0, 1024])
            del old.metadata["gyre.rotary.inv_freq"]
            self.assertEqual({k: v for k, v in new.metadata.items() if k not in temperature}, old.metadata)
            for name in old.shapes:
                np.testing.assert_array_equal(new.tensor(name), old.tensor(name))


if __name__ == "__main__":
    unittest.main()
