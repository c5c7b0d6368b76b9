"""Shapes of published models: their rows against the published files, and the files that are written of them.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS))
import published_shape  # noqa: E402
from common.blocks import TYPES  # noqa: E402
from common.gguf_reader import GGUFFile  # noqa: E402
from common.published_shapes import SHAPES, llama3_divisors  # noqa: E402

# Of the published files: tokens, how many layers have each layer's types, bytes of all tensors. Of Llama's the whole file's
# size is known, of which tokenizer and other keys are 7.8 MB.
PUBLISHED = {
    "smollm2-135m": (49152, (15, 15), (96576768, 96576768)),
    "gemma3-270m": (262144, (9, 9), (246587904, 246587904)),
    "llama3.2-1b": (128256, (8, 8), (807694464 - 8_000_000, 807694464 - 7_500_000)),
}


def n_bytes(shape, tokens, times):
    """Of a model with so many tokens, and the shape's layers so many times."""
    total = 4 * len(shape.rope_freqs)
    for name, dims, kind, _, _ in published_shape.tensors(shape):
        if name == "token_embd.weight":
            dims = (tokens, dims[1])
        n = times[int(name.split(".")[1])] if name.startswith("blk.") else 1
        total += n * TYPES[kind].row_bytes(dims[-1]) * int(np.prod(dims[:-1]))
    return total


class PublishedShapes(unittest.TestCase):
    def test_tensors_are_as_large_as_the_published_files(self):
        self.assertEqual(list(PUBLISHED), list(SHAPES))
        for name, (tokens, times, (least, most)) in PUBLISHED.items():
            with self.subTest(name):
                found = n_bytes(SHAPES[name], tokens, times)
                self.assertTrue(least <= found <= most, found)

    def test_a_file_has_the_rows_types_and_keys(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.gguf")
            published_shape.write(SHAPES["gemma3-270m"], path)
            file = GGUFFile(path)
        self.assertEqual(file.types["token_embd.weight"], "q8_0")
        of_layers = [{n: file.types[f"blk.{layer}.{n}.weight"] for n in ("attn_q", "attn_v", "attn_output", "ffn_down")}
                     for layer in range(2)]
        self.assertEqual(of_layers, [
            {"attn_q": "q5_0", "attn_v": "q8_0", "attn_output": "q4_k", "ffn_down": "q6_k"},
            {"attn_q": "q5_0", "attn_v": "q5_0", "attn_output": "q4_k", "ffn_down": "q4_k"}])
        self.assertEqual((file.shapes["blk.0.attn_q.weight"], file.shapes["blk.1.attn_k_norm.weight"]), ((1024, 640), (256,)))
        self.assertEqual(file.metadata["gemma3.attention.sliding_window_pattern"], [True, False])
        self.assertEqual((file.metadata["gemma3.attention.key_length"], file.metadata["gemma3.attention.head_count_kv"]), (256, 1))
        other = file.tensor("blk.0.attn_q.weight")[:4] - file.tensor("blk.1.attn_q.weight")[:4]
        self.assertGreater(np.abs(other).max(), 0.02)  # each tensor has random numbers of its own

    def test_divisors_of_llama_3(self):
        """Published: 1 up to pair 14, 32 from pair 18 on, and between them what transformers' _compute_llama3_parameters
        gives, here by its own formula: a mean of the two frequencies."""
        found = SHAPES["llama3.2-1b"].rope_freqs
        self.assertEqual((len(found), set(found[:15]), set(found[18:])), (32, {1.0}, {32.0}))
        for pair in (15, 16, 17):
            frequency = 500000.0 ** (-pair / 32)
            smooth = (8192 * frequency / (2 * np.pi) - 1.0) / (4.0 - 1.0)
            scaled = (1 - smooth) * frequency / 32.0 + smooth * frequency
            self.assertAlmostEqual(found[pair], frequency / scaled, places=9)
        self.assertEqual(llama3_divisors(1, 500000.0, 32.0, 1.0, 4.0, 8192), (1.0,))

    def test_the_list_of_names_needs_no_numpy(self):
        done = subprocess.run([sys.executable, "-S", "-B", str(TOOLS / "common/published_shapes.py")], capture_output=True,
                              text=True, check=True)
        self.assertEqual(done.stdout.split(), list(SHAPES))


if __name__ == "__main__":
    unittest.main()
