#!/usr/bin/env python3
"""Writes a training checkpoint as a GGUF file that `gyre` loads."""

import argparse
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common.blocks import TYPES, stored_type  # noqa: E402
from common.gguf_writer import GGUFWriter  # noqa: E402
from common.gpt2_metadata import model_pairs, rotary_pairs, tokenizer_pairs  # noqa: E402
from train.tokenize_text import load_tokenizer  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=pathlib.Path, help="what train.py wrote")
    parser.add_argument("tokenizer", type=pathlib.Path, help="what learn_bpe.py wrote")
    parser.add_argument("out", type=pathlib.Path, help="the GGUF file")
    parser.add_argument("--type", choices=sorted(TYPES), default="q8_0", help="of the matrices (default %(default)s)")
    parser.add_argument("--name", default="gyre-books", help="general.name (default %(default)s)")
    args = parser.parse_args()
    for path in (args.checkpoint, args.tokenizer):
        if not path.is_file():
            parser.error(f"no such file: {path}")
    state = torch.load(args.checkpoint, map_location="cpu")
    config, tokenizer = state["config"], load_tokenizer(args.tokenizer)
    if len(tokenizer.tokens) != config["vocab"]:
        parser.error(f"{len(tokenizer.tokens)} tokens, but the model has a vocabulary of {config['vocab']}")

    writer = GGUFWriter(args.out)
    writer.add_all(model_pairs(
        name=args.name, file_type=TYPES[args.type].file_type, context=config["context"], n_embd=config["n_embd"],
        n_layer=config["n_layer"], n_ff=config["n_ff"], n_head=config["n_head"], eps=config["eps"]))
    if args.type.startswith("q"):
        writer.add("general.quantization_version", "u32", 2)
    writer.add("general.license", "string", "apache-2.0")
    writer.add_all(rotary_pairs(values="rove", dimensions=config["n_embd"] // config["n_head"], theta=config["theta"]))
    writer.add("gyre.activation", "string", "gelu_tanh")
    writer.add_all(tokenizer_pairs(tokenizer.tokens, tokenizer.merges, tokenizer.end_of_text))
    for name, value in state["model"].items():
        data = value.float().numpy()
        writer.tensor(name, data.shape, stored_type(name, data.shape, args.type).name, data)
    writer.write()
    print(f"step {state['step']} -> {args.out}, {args.out.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
