"""Block formats, GGUF files and the tokenizer. Needs numpy alone: python3 -m unittest discover tools/tests"""

import pathlib
import struct
import sys
import tempfile
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common.blocks import TYPES, stored_type  # noqa: E402
from common.bpe import Tokenizer, byte_alphabet, split_pattern  # noqa: E402
from common.gguf_reader import GGUFFile  # noqa: E402
from common.gguf_writer import GGUFWriter  # noqa: E402
from train.learn_bpe import learn  # noqa: E402


class Blocks(unittest.TestCase):
    def test_q8_0_bytes(self):
        """Largest 127 gives d = 1; ties round away from zero."""
        x = np.zeros((1, 32), np.float32)
        x[0, :5] = 127, -0.5, 0.5, 2.5, -126.49
        raw = TYPES["q8_0"].encode(x)[0]
        self.assertEqual(raw[:2].tobytes(), struct.pack("<e", 1.0))
        self.assertEqual(raw[2:7].view(np.int8).tolist(), [127, -1, 1, 3, -126])
        self.assertEqual(len(raw), 34)

    def test_q4_0_bytes(self):
        """The element largest in size becomes -8 whatever its sign; low nibbles are the first half."""
        x = np.zeros((1, 32), np.float32)
        x[0, 0], x[0, 1], x[0, 16], x[0, 17] = 4.0, -4.0, 1.0, -1.0
        raw = TYPES["q4_0"].encode(x)[0]
        self.assertEqual(raw[:2].tobytes(), struct.pack("<e", -0.5))
        self.assertEqual(raw[2:5].tolist(), [0 | 6 << 4, 15 | 10 << 4, 8 | 8 << 4])
        decoded = TYPES["q4_0"].decode(raw, (1, 32))
        self.assertEqual([decoded[0, i] for i in (0, 1, 16, 17)], [4.0, -3.5, 1.0, -1.0])

    def test_bf16_rounds_to_even_and_keeps_nan(self):
        x = np.array([[1.0, 1 + 2**-8, 1 + 3 * 2**-8, np.inf, np.nan]], np.float32)
        y = TYPES["bf16"].decode(TYPES["bf16"].encode(x), (1, 5))
        np.testing.assert_array_equal(y, np.array([[1.0, 1.0, 1 + 2**-6, np.inf, np.nan]], np.float32))

    def test_q4_k_bytes(self):
        """Scales and minima of six bits: blocks 0 to 3 whole in a byte, 4 to 7 in two."""
        x = np.zeros((1, 256), np.float32)
        x[0, 0], x[0, 161], x[0, 255] = 63 * 15, 34 * 15, -63  # d = dmin = 1; scales 63 and 34; min 63
        raw = TYPES["q4_k"].encode(x)[0]
        self.assertEqual(raw[:4].tobytes(), struct.pack("<ee", 1, 1))
        self.assertEqual(raw[4:16].tolist(), [63, 2 << 6, 0, 0, 0, 0, 0, 3 << 6, 0, 2, 0, 4 | 15 << 4])
        self.assertEqual((len(raw), raw[16], raw[16 + 65], raw[16 + 96], raw[16 + 127]), (144, 15, 15 << 4, 15 << 4, 0))
        decoded = TYPES["q4_k"].decode(raw, (1, 256))[0]
        self.assertEqual([decoded[i] for i in (0, 1, 161, 224, 255)], [945, 0, 510, -3, -63])  # scale 4.2 is 4 there

    def test_q6_k_bytes(self):
        """A nibble and two bits that lie apart; the extreme of the scales becomes -128, that of a block -32."""
        x = np.zeros((1, 256), np.float32)
        x[0, [0, 17, 18, 100, 255, 254]] = 32 * 128, -32 * 127, 21 * 127, 32, -64, 62
        raw = TYPES["q6_k"].encode(x)[0]
        self.assertEqual((len(raw), raw[208:].tobytes()), (210, struct.pack("<e", 1)))
        self.assertEqual(raw[[192, 193, 198, 207]].view(np.int8).tolist(), [-128, 127, -1, 2])
        self.assertEqual(raw[[0, 18, 126, 127]].tolist(), [0, 5, 0xF0, 0])
        self.assertEqual(raw[[128, 132, 146, 190, 191]].tolist(), [0xA8, 0x2A, 0xAB, 0xEA, 0x2A])
        np.testing.assert_array_equal(TYPES["q6_k"].decode(raw, (1, 256)), x)

    def test_superblocks_err_as_their_steps_say(self):
        # Half a step and what the rounded scales and minima add; Q6_K has no +32: a whole step.
        x = np.random.default_rng(2).standard_normal((8, 1024)).astype(np.float32)
        for name, largest, rms in (("q4_k", 1 / 15 + 1.5 / 63, 0.082), ("q6_k", 1 / 32 + 1 / 256, 0.02)):
            error = np.abs(TYPES[name].decode(TYPES[name].encode(x), x.shape) - x)
            self.assertLess((error / np.abs(x).reshape(-1, 256).max(1).repeat(256).reshape(x.shape)).max(), largest, name)
            self.assertLess(np.sqrt((error**2).mean()), rms, name)
            self.assertGreater(np.sqrt((error**2).mean()), rms / 2, name)

    def test_errors_are_within_half_a_step(self):
        x = np.random.default_rng(1).standard_normal((7, 96)).astype(np.float32)
        largest = np.abs(x.reshape(-1, 32)).max(1).repeat(32).reshape(x.shape)
        for name, step in (("f32", 0), ("f16", 2**-10), ("bf16", 2**-7), ("q8_0", 1 / 127), ("q4_0", 1 / 8)):
            kind = TYPES[name]
            error = np.abs(kind.decode(kind.encode(x), x.shape) - x)
            # Q4_0 has no +8: the far end of the range is a whole step away. float16 scales add 2^-11.
            self.assertTrue((error <= largest * (step * (1 if name == "q4_0" else 0.5) + 2**-11)).all(), name)

    def test_zero_block(self):
        for name in ("q8_0", "q4_0", "q4_k", "q6_k"):
            x = np.zeros((1, 256), np.float32)
            np.testing.assert_array_equal(TYPES[name].decode(TYPES[name].encode(x), (1, 256)), x)

    def test_rows_that_no_block_divides(self):
        with self.assertRaises(ValueError):
            TYPES["q8_0"].encode(np.zeros((2, 60), np.float32))
        self.assertEqual(stored_type("blk.0.ffn_up.weight", (8, 60), "q8_0").name, "f16")
        self.assertEqual(stored_type("blk.0.ffn_up.weight", (8, 1600), "q4_k").name, "f16")
        self.assertEqual(stored_type("output_norm.weight", (64,), "q8_0").name, "f32")


class Files(unittest.TestCase):
    def test_round_trip(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.gguf"
            w, x = GGUFWriter(path), np.arange(33, dtype=np.float32).reshape(3, 11)
            w.add_all([("general.architecture", "string", "gpt2"), ("a", "u32", 7), ("b", "[f32]", [0.5, 0]),
                       ("c", "[string]", ["", "\u0120x"]), ("d", "bool", True)])
            w.tensor("x", x.shape, "f32", lambda: (x[i : i + 2] for i in range(0, 3, 2)))
            w.tensor("y", (3,), "f32", x[0, :3])
            w.write()
            file = GGUFFile(path)
            self.assertEqual(file.metadata, {"general.architecture": "gpt2", "a": 7, "b": [0.5, 0.0],
                                             "c": ["", "\u0120x"], "d": True})
            np.testing.assert_array_equal(file.tensor("x"), x)
            np.testing.assert_array_equal(file.tensor("y"), x[0, :3])
            self.assertEqual(path.stat().st_size % 32, 0)

    def test_refuses_twice_and_short_data(self):
        with tempfile.TemporaryDirectory() as folder:
            w = GGUFWriter(pathlib.Path(folder) / "a.gguf")
            w.tensor("x", (4, 4), "f32", np.zeros((3, 4), np.float32))
            with self.assertRaises(ValueError):
                w.tensor("x", (4, 4), "f32", np.zeros((4, 4), np.float32))
            with self.assertRaises(ValueError):
                w.write()


class Text(unittest.TestCase):
    def test_split(self):
        words = split_pattern().findall("Don't  stop,\n\n it's 12ab½ \x1c!")
        self.assertEqual(words, ["Don", "'t", " ", " stop", ",", "\n\n", " it", "'s", " 12", "ab", "½", " \x1c!"])

    def test_alphabet(self):
        table = byte_alphabet()
        self.assertEqual((len(set(table.values())), table[32], table[10], table[65]), (256, "\u0120", "\u010a", "A"))

    def test_learn_and_encode(self):
        merges = learn({" low": 5, " lower": 2, " newest": 6, " widest": 3}, 5, lambda n: None)
        self.assertEqual(merges[:2], [("e", "s"), ("es", "t")])  # Sennrich et al. 2016, their example
        tokenizer = Tokenizer.from_merges(merges)
        for text in ("the lowest newest\n", "\u00e9\U0001f469\x00 <|endoftext|>"):
            self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)
        self.assertNotIn(tokenizer.end_of_text, tokenizer.encode("<|endoftext|>"))


if __name__ == "__main__":
    unittest.main()
