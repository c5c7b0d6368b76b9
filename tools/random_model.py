#!/usr/bin/env python3
"""Writes a GPT-2-shaped GGUF file with random weights: for measuring speed and memory, and for tests at full size.

The weights are those of an untrained GPT-2 (std 0.02), so the model says nothing, but every tensor, shape, type and key
is that of a real file. Tensors are made, encoded and written slice by slice: memory stays below about 200 MB.
"""

import argparse
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from common.blocks import TYPES, stored_type  # noqa: E402
from common.bpe import END_OF_TEXT, byte_alphabet  # noqa: E402
from common.gguf_writer import GGUFWriter  # noqa: E402
from common.gpt2_metadata import model_pairs, rotary_pairs, tokenizer_pairs  # noqa: E402

SIZES = {"124m": (768, 12, 12), "354m": (1024, 24, 16)}  # n_embd, layers, heads; Radford et al. 2019
_SLICE = 1 << 22  # elements made at once


def random_slices(seed, shape, std, mean=0.0):
    """Yields float32 slices of a random tensor, along the first dimension; [rows, n] or [n]."""
    rng = np.random.Generator(np.random.Philox(seed))
    rows = shape[0] if len(shape) == 1 else max(1, _SLICE // shape[1])
    for start in range(0, shape[0], rows):
        part = (min(rows, shape[0] - start), *shape[1:])
        yield mean + np.float32(std) * rng.standard_normal(part, dtype=np.float32)


def tensors(a):
    """(name, shape, std, mean) of every tensor, in file order."""
    c, d = a.n_embd, a.n_embd // a.heads
    qkv, residual = (a.heads + 2 * a.kv_heads) * d, 0.02 / (2 * a.layers) ** 0.5

    def norm(name):
        yield name + ".weight", (c,), 0.0, 1.0
        yield name + ".bias", (c,), 0.0, 0.0

    def linear(name, n_out, n_in, std=0.02):
        yield name + ".weight", (n_out, n_in), std, 0.0
        yield name + ".bias", (n_out,), 0.02, 0.0

    yield "token_embd.weight", (a.vocab, c), 0.02, 0.0
    if a.position == "learned":
        yield "position_embd.weight", (a.context, c), 0.01, 0.0
    for n in range(a.layers):
        yield from norm(f"blk.{n}.attn_norm")
        yield from linear(f"blk.{n}.attn_qkv", qkv, c)
        yield from linear(f"blk.{n}.attn_output", c, c, residual)
        yield from norm(f"blk.{n}.ffn_norm")
        yield from linear(f"blk.{n}.ffn_up", a.n_ff, c)
        yield from linear(f"blk.{n}.ffn_down", c, a.n_ff, residual)
    yield from norm("output_norm")


def dummy_tokens(vocab):
    """256 byte tokens, made-up words that no merge can reach, <|endoftext|> last."""
    return sorted(byte_alphabet().values()) + [f"\u0120w{i}" for i in range(256, vocab - 1)] + [END_OF_TEXT]


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0],
                                formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("out", type=pathlib.Path, help="the GGUF file")
    p.add_argument("--size", choices=sorted(SIZES), default="124m", help="gives n_embd, layers and heads where not given")
    p.add_argument("--type", choices=sorted(TYPES), default="f16", help="of the matrices")
    p.add_argument("--position", choices=("learned", "rotary", "none"), default="learned")
    p.add_argument("--pairing", choices=("half", "interleaved"), default="half", help="with --position rotary")
    p.add_argument("--values", choices=("none", "rotate_only", "rove"), default="none", help="with --position rotary")
    p.add_argument("--rotary-dims", type=int, help="channels of a head that rotate; all if not given")
    p.add_argument("--theta", type=float, default=10000.0)
    p.add_argument("--n-embd", type=int)
    p.add_argument("--layers", type=int)
    p.add_argument("--heads", type=int)
    p.add_argument("--kv-heads", type=int, help="as --heads if not given")
    p.add_argument("--n-ff", type=int, help="4 x n_embd if not given")
    p.add_argument("--context", type=int, default=1024)
    p.add_argument("--vocab", type=int, default=50257)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    for name, value in zip(("n_embd", "layers", "heads"), SIZES[a.size]):
        if getattr(a, name) is None:
            setattr(a, name, value)
    a.kv_heads = a.kv_heads or a.heads
    a.n_ff = a.n_ff or 4 * a.n_embd
    if min(a.n_embd, a.layers, a.heads, a.kv_heads, a.n_ff, a.context) < 1 or a.seed < 0:
        p.error("dimensions must be positive")
    if a.n_embd % a.heads or a.heads % a.kv_heads:
        p.error("--n-embd must be a multiple of --heads, and --heads of --kv-heads")
    if a.position == "rotary" and a.n_embd // a.heads % 2:
        p.error("rotary positions need heads of an even size")
    if a.position != "rotary" and (a.values != "none" or a.rotary_dims):
        p.error("--values and --rotary-dims need --position rotary")
    if a.vocab < 257:
        p.error("--vocab must be at least 257: 256 bytes and the special token")
    return a


def main():
    a, started = parse(), time.time()
    writer = GGUFWriter(a.out)
    writer.add_all(model_pairs(
        name=f"random {a.n_embd}x{a.layers}", file_type=TYPES[a.type].file_type, context=a.context, n_embd=a.n_embd,
        n_layer=a.layers, n_ff=a.n_ff, n_head=a.heads, n_head_kv=a.kv_heads if a.kv_heads != a.heads else None))
    if a.position == "rotary":
        dims = a.rotary_dims or a.n_embd // a.heads
        writer.add_all(rotary_pairs(pairing=a.pairing, values=a.values, dimensions=dims, theta=a.theta))
    elif a.position == "none":
        writer.add("gyre.position", "string", "none")
    writer.add_all(tokenizer_pairs(dummy_tokens(a.vocab), [], a.vocab - 1))
    count = 0
    for i, (name, shape, std, mean) in enumerate(tensors(a)):
        kind = stored_type(name, shape, a.type).name
        writer.tensor(name, shape, kind, lambda i=i, s=shape, d=std, m=mean: random_slices([a.seed, i], s, d, m))
        count += int(np.prod(shape))

    def progress(done, total, name):
        if sys.stderr.isatty() or done == total:
            end = "\n" if done == total else ""
            print(f"\r{done}/{total} tensors, {time.time() - started:.0f} s", end=end, file=sys.stderr, flush=True)

    writer.write(progress)
    print(f"{count} parameters, {a.out.stat().st_size} bytes -> {a.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
