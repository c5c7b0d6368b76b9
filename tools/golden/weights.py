"""Writes tests/golden/weights.txt: blocks of every format and the numbers that they stand for, as the `gguf` package of
ggml's authors decodes them. Wants that package (PyPI: gguf); nothing else of the project does.

A line is a format's name, the bytes of its blocks and the float32 numbers, little-endian, both in hexadecimal. The bytes
are random but for the float16 numbers, of which one is subnormal.
"""

import argparse
import pathlib

import gguf
import numpy as np

# Format: blocks, elements, bytes of a block, places of its float16 numbers.
FORMATS = {
    "Q4_0": (4, 32, 18, (0,)), "Q4_1": (4, 32, 20, (0, 2)), "Q5_0": (4, 32, 22, (0,)), "Q5_1": (4, 32, 24, (0, 2)),
    "Q8_0": (4, 32, 34, (0,)), "Q2_K": (2, 256, 84, (80, 82)), "Q3_K": (2, 256, 110, (108,)), "Q4_K": (2, 256, 144, (0, 2)),
    "Q5_K": (2, 256, 176, (0, 2)), "Q6_K": (2, 256, 210, (208,)), "IQ4_NL": (4, 32, 18, (0,)), "IQ4_XS": (2, 256, 136, (0,)),
    "MXFP4": (4, 32, 17, ()), "TQ2_0": (2, 256, 66, (64,)),
}


def random_blocks(rng, n, n_bytes, halves):
    blocks = rng.integers(0, 256, (n, n_bytes), dtype=np.uint8)
    for at in halves:
        numbers = (rng.standard_normal(n) * 0.01).astype("<f2")
        numbers[-1] = np.float16(2**-20)
        blocks[:, at : at + 2] = numbers[:, None].view(np.uint8)
    return blocks


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / "tests/golden/weights.txt")
    out = parser.parse_args().out
    lines = []
    for name, (n, elements, n_bytes, halves) in FORMATS.items():
        blocks = random_blocks(np.random.default_rng(len(lines)), n, n_bytes, halves)
        if name == "MXFP4":
            blocks[:, 0] = 118, 127, 131, 120  # exponents whose numbers float32 holds
        values = gguf.quants.dequantize(blocks.reshape(1, -1), getattr(gguf.GGMLQuantizationType, name))
        assert values.size == n * elements and np.isfinite(values).all()
        lines.append(f"{name} {blocks.tobytes().hex()} {values.astype('<f4').tobytes().hex()}\n")
    out.write_text("".join(lines))


if __name__ == "__main__":
    main()
