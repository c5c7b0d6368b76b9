#!/usr/bin/env python3
"""Writes a GGUF file with the shape, types and keys of a published model, two layers of it, and random weights.

The model says nothing, but a session of it compiles the kernels that one of the published file does. The rows are in
common/published_shapes.py.
"""

import argparse
import pathlib
import sys
import zlib

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from common.blocks import TYPES  # noqa: E402
from common.gguf_writer import GGUFWriter  # noqa: E402
from common.gpt2_metadata import tokenizer_pairs  # noqa: E402
from common.published_shapes import CONTEXT, SHAPES, VOCABULARY  # noqa: E402
from random_model import dummy_tokens, random_slices  # noqa: E402


def pairs(shape):
    """(key, kind, value) of the metadata."""
    sizes = (("context_length", CONTEXT), ("embedding_length", shape.n_embd), ("block_count", len(shape.layers)),
             ("feed_forward_length", shape.n_ff), ("attention.head_count", shape.heads),
             ("attention.head_count_kv", shape.kv_heads))
    yield "general.architecture", "string", shape.arch
    yield "general.name", "string", f"random {shape.name}"
    yield "general.file_type", "u32", TYPES[shape.type].file_type
    for key, value in sizes:
        yield f"{shape.arch}.{key}", "u32", value
    for key, kind, value in shape.keys:
        yield f"{shape.arch}.{key}", kind, value
    if any(shape.windows):
        yield f"{shape.arch}.attention.sliding_window_pattern", "[bool]", shape.windows
    yield from tokenizer_pairs(dummy_tokens(VOCABULARY), [], VOCABULARY - 1)


def tensors(shape):
    """(name, shape, type, std, mean) of every random tensor, in file order."""
    c, q, kv = shape.n_embd, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim

    def norm(name, n=c):
        return f"{name}.weight", (n,), "f32", 0.0, 1.0

    def matrix(n, name, n_out, n_in, std=0.02):
        return f"blk.{n}.{name}.weight", (n_out, n_in), layer.types.get(name, shape.type), std, 0.0

    small = 0.02 / (2 * len(shape.layers)) ** 0.5  # so small that scales of Q4_K are subnormal, as in some published matrices
    yield "token_embd.weight", (VOCABULARY, c), shape.table, 0.02, 0.0
    for n, layer in enumerate(shape.layers):
        yield norm(f"blk.{n}.attn_norm")
        yield matrix(n, "attn_q", q, c)
        yield matrix(n, "attn_k", kv, c)
        yield matrix(n, "attn_v", kv, c)
        if shape.head_norms:
            yield norm(f"blk.{n}.attn_q_norm", shape.head_dim)
            yield norm(f"blk.{n}.attn_k_norm", shape.head_dim)
        yield matrix(n, "attn_output", c, q)
        if shape.norms_after:
            yield norm(f"blk.{n}.post_attention_norm")
        yield norm(f"blk.{n}.ffn_norm")
        yield matrix(n, "ffn_gate", shape.n_ff, c)
        yield matrix(n, "ffn_up", shape.n_ff, c)
        yield matrix(n, "ffn_down", c, shape.n_ff, small)
        if shape.norms_after:
            yield norm(f"blk.{n}.post_ffw_norm")
    yield norm("output_norm")


def write(shape, path):
    writer = GGUFWriter(path)
    writer.add_all(pairs(shape))
    if shape.rope_freqs:
        divisors = np.array(shape.rope_freqs, np.float32)
        writer.tensor("rope_freqs.weight", divisors.shape, "f32", divisors)
    for name, dims, kind, std, mean in tensors(shape):
        seed = [zlib.crc32(shape.name.encode()), zlib.crc32(name.encode())]
        writer.tensor(name, dims, kind, lambda s=seed, d=dims, e=std, m=mean: random_slices(s, d, e, m))
    writer.write()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("shape", choices=list(SHAPES))
    p.add_argument("out", type=pathlib.Path, help="the GGUF file")
    a = p.parse_args()
    write(SHAPES[a.shape], a.out)
    print(f"{a.out.stat().st_size} bytes -> {a.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
