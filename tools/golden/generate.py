#!/usr/bin/env python3
"""Makes the golden models and their logits: NAME.gguf, NAME.tokens.txt, NAME.logits.bin for every model of models.py.

The weights are random, seeded by the model's name; the logits are those of the float64 reference on the weights as
stored in the file. The result depends on nothing else, so running this again changes no byte of a model.
"""

import argparse
import pathlib
import sys
import zlib

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common.blocks import TYPES, stored_type  # noqa: E402
from common.gguf_reader import GGUFFile  # noqa: E402
from common.gguf_writer import GGUFWriter  # noqa: E402
from common.gpt2_metadata import model_pairs, rotary_pairs, tokenizer_pairs  # noqa: E402
from golden.models import MODELS, fields_of  # noqa: E402
from golden.reference import Reference  # noqa: E402
from golden.text import small_tokenizer, write_tokenization  # noqa: E402


def random_weights(f, rng):
    """name -> float32 [out, in]. Scales keep every layer's output near 1 and make attention choose: with unit inputs
    queries and keys have a standard deviation of 1.5, so logits of about 2.2 rather than 0."""
    c, ff, heads, kv = f["n_embd"], f["n_ff"], f["n_head"], f["n_head_kv"] or f["n_head"]
    d = c // heads
    out = {}

    def normal(name, shape, scale, mean=0.0):
        out[name] = (mean + scale * rng.standard_normal(shape)).astype(np.float32)

    def norm(name):
        normal(name + ".weight", (c,), 0.2, 1.0)
        if f["bias"]:
            normal(name + ".bias", (c,), 0.1)

    def linear(name, n_out, n_in, gain):
        normal(name + ".weight", (n_out, n_in), gain / n_in**0.5)
        if f["bias"]:
            normal(name + ".bias", (n_out,), 0.3)

    normal("token_embd.weight", (f["vocab"], c), 0.3)
    if f["position"] == "learned":
        normal("position_embd.weight", (f["context"], c), 0.3)
    for n in range(f["n_layer"]):
        norm(f"blk.{n}.attn_norm")
        linear(f"blk.{n}.attn_qkv", (heads + 2 * kv) * d, c, 1.5)
        linear(f"blk.{n}.attn_output", c, c, 1.0)
        norm(f"blk.{n}.ffn_norm")
        linear(f"blk.{n}.ffn_up", ff, c, 1.5)
        linear(f"blk.{n}.ffn_down", c, ff, 1.0)
    norm("output_norm")
    if not f["tied"]:
        normal("output.weight", (f["vocab"], c), 0.3)
    return out


def type_of(f, name, shape):
    wanted = next((t for part, t in f["types"].items() if part in name), f["type"])
    return stored_type(name, shape, wanted).name


def write_model(name, f, path, rng):
    writer = GGUFWriter(path)
    writer.add_all(model_pairs(
        name=name, file_type=TYPES[f["type"]].file_type, context=f["context"], n_embd=f["n_embd"], n_layer=f["n_layer"],
        n_ff=f["n_ff"], n_head=f["n_head"], n_head_kv=f["n_head_kv"]))
    if f["position"] == "rotary":
        writer.add_all(rotary_pairs(pairing=f["pairing"], values=f["values"], dimensions=f["rotary_dims"],
                                    theta=f["theta"], inv_freq=f["inv_freq"]))
    elif f["position"] != "learned":  # learned is what GPT-2 files mean without the key
        writer.add("gyre.position", "string", f["position"])
    if f["activation"] != "gelu_tanh":
        writer.add("gyre.activation", "string", f["activation"])
    tokenizer = small_tokenizer(f["vocab"]) if f["tokenizer"] else None
    if tokenizer:
        writer.add_all(tokenizer_pairs(tokenizer.tokens, tokenizer.merges, tokenizer.end_of_text))
    for tensor, value in random_weights(f, rng).items():
        writer.tensor(tensor, value.shape, type_of(f, tensor, value.shape), value)
    writer.write()
    return tokenizer


def generate(name, folder):
    f = fields_of(name)
    rng = np.random.Generator(np.random.Philox(zlib.crc32(name.encode())))
    path = folder / f"{name}.gguf"
    tokenizer = write_model(name, f, path, rng)
    tokens = rng.integers(0, f["vocab"], f["tokens"]).tolist()
    reference = Reference.from_gguf(GGUFFile(path))
    logits = reference.logits(tokens)
    if not torch.isfinite(logits).all():
        raise ArithmeticError(f"{name}: logits are not finite")
    (folder / f"{name}.tokens.txt").write_text(",".join(map(str, tokens)) + "\n")
    logits.numpy().astype("<f4").tofile(folder / f"{name}.logits.bin")
    if tokenizer:
        write_tokenization(tokenizer, folder / f"{name}.tokenize.txt")
    peaks = " ".join(f"{p:.2f}" for p in reference.attention_peaks)
    print(f"{name:26s} {path.stat().st_size:8d} bytes  logits std {logits.std():.2f}  largest attention weight {peaks}",
          file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, nargs="?", help="default: tests/golden of this checkout",
                        default=pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden")
    parser.add_argument("--only", nargs="+", choices=sorted(MODELS), metavar="NAME", help="these models alone")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.only or MODELS:
        generate(name, args.folder)


if __name__ == "__main__":
    main()
