#!/usr/bin/env python3
"""Makes the golden models and their logits: NAME.gguf, NAME.tokens.txt, NAME.logits.bin for every model of models.py.
Those at far positions, with NAME.position.txt besides, go to a folder `long`.

The weights are random, seeded by the model's name; the logits are those of the float64 reference on the weights as
stored in the file. The result depends on nothing else, so running this again changes no byte of a model.
"""

import argparse
import pathlib
import re
import sys
import zlib

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common.blocks import TYPES, stored_type  # noqa: E402
from common.gguf_reader import GGUFFile  # noqa: E402
from common.gguf_writer import GGUFWriter  # noqa: E402
from common.gpt2_metadata import model_pairs, rotary_pairs, tokenizer_pairs  # noqa: E402
from golden.families import family  # noqa: E402
from golden.models import BASE, FIRST_FAR, LONG, MODELS, fields_of  # noqa: E402
from golden.reference import Reference  # noqa: E402
from golden.text import small_tokenizer, write_tokenization  # noqa: E402


def random_weights(f, rng):
    """name -> float32 [out, in]. Scales keep every layer's output near 1 and make attention choose: with unit inputs
    queries and keys have a standard deviation of 1.5 (attn_gain), so logits of about 2.2 rather than 0."""
    c, ff, heads, kv = f["n_embd"], f["n_ff"], f["n_head"], f["n_head_kv"] or f["n_head"]
    d, row = f["head_size"] or c // heads, family(f["arch"])
    out = {}

    def normal(name, shape, scale, mean=0.0):
        out[name] = (mean + scale * rng.standard_normal(shape)).astype(np.float32)

    def has_bias(name):
        return f["bias"] if isinstance(f["bias"], bool) else name.split(".")[-1] in f["bias"]

    def norm(name, shape=(c,), gain=1.0):
        if not row["norm_weights"]:
            return
        normal(name + ".weight", shape, 0.2, gain)
        if has_bias(name):
            normal(name + ".bias", shape, 0.1)

    def linear(name, n_out, n_in, gain):
        if name.split(".")[-1] in f["complex"]:
            for part in (".re", ".im"):
                normal(name + part + ".weight", (n_out // 2, n_in // 2), gain / n_in**0.5)
        else:
            normal(name + ".weight", (n_out, n_in), gain / n_in**0.5)
        if has_bias(name):
            normal(name + ".bias", (n_out,), 0.3)

    def projections(blk):
        if not f["separate"]:
            linear(blk + "attn_qkv", (heads + 2 * kv) * d, c, f["attn_gain"])
            for name, n in (("attn_q", heads), ("attn_k", kv), ("attn_v", kv)):
                if f["bias"] is not True and has_bias(name):
                    normal(blk + name + ".bias", (n * d,), 0.3)
            return
        linear(blk + "attn_q", heads * d, c, f["attn_gain"])
        linear(blk + "attn_k", kv * d, c, f["attn_gain"])
        linear(blk + "attn_v", kv * d, c, f["attn_gain"])

    normal("token_embd.weight", (f["vocab"], c), f["embd"])
    if row["embedding_norm"]:
        norm("token_embd_norm")
    if f["position"] == "learned":
        normal("position_embd.weight", (f["context"], c), f["embd"])
    for n in range(f["n_layer"]):
        blk = f"blk.{n}."
        if row["place"] != "after":
            for name in ("attn_norm", *f["norms"]):
                norm(blk + name)
        projections(blk)
        qk_norm = row["qk_norm"] or "?"
        if not qk_norm.endswith("?") or f["qk_norm"]:
            for name, n in (("attn_q_norm", heads), ("attn_k_norm", kv)):
                shape = {"own heads": (n, d), "rows": (n * d,)}.get(qk_norm.rstrip("?"), (d,))
                norm(blk + name, shape, f["head_gain"])
        linear(blk + "attn_output", c, heads * d, 1.0)
        if f["sinks"]:
            normal(blk + "attn_sinks.weight", (heads,), 1.0, 2.0)  # as large as a row's larger scores
        if row["place"] != "before":
            norm(blk + "post_attention_norm")
            norm(blk + "post_ffw_norm")
        if row["place"] != "after" and row["ffn_norm"] != "attn_norm" and not f["shared_norm"]:
            norm(blk + row["ffn_norm"])
        if row["gated"] is True:
            linear(blk + "ffn_gate", ff, c, 1.5)
        linear(blk + "ffn_up", 2 * ff if row["gated"] == "before up" else ff, c, 1.5)
        linear(blk + "ffn_down", c, ff, f["down_gain"])
    norm("output_norm")
    if not f["tied"]:
        normal("output.weight", (f["vocab"], c), 0.3)
    if f["output_bias"]:
        normal("output.bias", (f["vocab"],), 0.5)
    out.update({name: np.array(values, np.float32) for name, values in f["tensors"].items()})
    return out


def type_of(f, name, shape):
    wanted = next((t for part, t in f["types"].items() if part in name), f["type"])
    return stored_type(name, shape, wanted).name


def kind_of(value):
    if isinstance(value, list):
        return "[bool]" if isinstance(value[0], bool) else "[f32]"
    return {bool: "bool", int: "u32", float: "f32", str: "string"}[type(value)]


def metadata_of(name, f):
    pairs = model_pairs(
        name=name, file_type=TYPES[f["type"]].file_type, context=f["context"], n_embd=f["n_embd"], n_layer=f["n_layer"],
        n_ff=f["n_ff"], n_head=f["n_head"], eps=f["eps"], n_head_kv=f["n_head_kv"])
    pairs += [(f"gpt2.attention.{part}_length", "u32", f["head_size"]) for part in ("key", "value") if f["head_size"]]
    if f["position"] == "rotary":
        pairs += rotary_pairs(pairing=f["pairing"], values=f["values"], dimensions=f["rotary_dims"], theta=f["theta"],
                              inv_freq=f["inv_freq"])
    elif f["position"] not in (None, "learned"):  # learned is what GPT-2 files mean without the key
        pairs.append(("gyre.position", "string", f["position"]))
    if f["activation"] not in (None, family(f["arch"])["activation"]):
        pairs.append(("gyre.activation", "string", f["activation"]))
    pairs += [(key.replace("ARCH.", "gpt2."), kind_of(value), value) for key, value in f["keys"].items()]
    return [of_architecture(f["arch"], *pair) for pair in pairs]


def of_architecture(arch, key, kind, value):
    """A pair of a gpt2 file as another architecture has it: the prefix, the name itself, the epsilon of its norms."""
    if key == "general.architecture":
        return key, kind, arch
    if family(arch)["norm"] == "rms":
        key = key.replace("attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon")
    return re.sub(r"^gpt2\.", arch + ".", key), kind, value


def write_model(name, f, path, rng):
    writer = GGUFWriter(path)
    writer.add_all(metadata_of(name, f))
    tokenizer = small_tokenizer(f["vocab"]) if f["tokenizer"] else None
    if tokenizer:
        writer.add_all(tokenizer_pairs(tokenizer.tokens, tokenizer.merges, tokenizer.end_of_text))
    for tensor, value in random_weights(f, rng).items():
        writer.tensor(tensor, value.shape, type_of(f, tensor, value.shape), value)
    writer.write()
    return tokenizer


def generate(name, f, folder, seed, first_position=0):
    rng = np.random.Generator(np.random.Philox(zlib.crc32(seed.encode())))
    path = folder / f"{name}.gguf"
    tokenizer = write_model(name, f, path, rng)
    tokens = rng.integers(0, f["vocab"], f["tokens"]).tolist()
    reference = Reference.from_gguf(GGUFFile(path))
    logits = reference.logits(tokens, first_position)
    if not torch.isfinite(logits).all():
        raise ArithmeticError(f"{name}: logits are not finite")
    (folder / f"{name}.tokens.txt").write_text(",".join(map(str, tokens)) + "\n")
    logits.numpy().astype("<f4").tofile(folder / f"{name}.logits.bin")
    if first_position:
        (folder / f"{name}.position.txt").write_text(f"{first_position}\n")
    if tokenizer:
        write_tokenization(tokenizer, folder / f"{name}.tokenize.txt")
    peaks = " ".join(f"{p:.2f}" for p in reference.attention_peaks)
    print(f"{seed:26s} {path.stat().st_size:8d} bytes  logits std {logits.std():.2f}  largest attention weight {peaks}",
          file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, nargs="?", help="default: tests/golden of this checkout",
                        default=pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden")
    names = sorted(MODELS) + [f"long/{name}" for name in sorted(LONG)]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="these models alone")
    parser.add_argument("--layers", type=int, metavar="N", help="in place of the model's own number: llama.cpp, as a judge, "
                        "takes some rules of a family by the number of layers that its published models have")
    args = parser.parse_args()
    (args.folder / "long").mkdir(parents=True, exist_ok=True)
    for name in args.only or names:
        if name in MODELS:
            generate(name, fields_of(name) | ({"n_layer": args.layers} if args.layers else {}), args.folder, name)
        else:
            short = name.removeprefix("long/")
            generate(short, {**BASE, **LONG[short]}, args.folder / "long", name, FIRST_FAR)


if __name__ == "__main__":
    main()
