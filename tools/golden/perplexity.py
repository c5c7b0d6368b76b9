#!/usr/bin/env python3
"""Perplexity of a GGUF model on a text by the float64 reference: what quantization costs, and what `gyre` should say.

The text is cut into windows of the model's context (or --window); each window starts afresh, and every token but its
first is predicted.
"""

import argparse
import math
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common.bpe import Tokenizer  # noqa: E402
from common.gguf_reader import GGUFError, GGUFFile  # noqa: E402
from golden.reference import Reference  # noqa: E402


def tokenizer_of(meta):
    if "tokenizer.ggml.tokens" not in meta:
        raise GGUFError("the model has no tokenizer")
    return Tokenizer(meta["tokenizer.ggml.tokens"], [tuple(m.split(" ")) for m in meta["tokenizer.ggml.merges"]])


def window_loss(reference, ids):
    """Sum of the negative log likelihoods of ids[1:], and how many they are."""
    logits = reference.logits(ids[:-1])  # [T - 1, V]
    picked = logits.gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
    return float((logits.logsumexp(-1) - picked).sum()), len(ids) - 1


def main():
    p = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("model", type=pathlib.Path, nargs="+", help="GGUF files with a tokenizer")
    p.add_argument("--text", type=pathlib.Path, required=True)
    p.add_argument("--window", type=int, help="tokens; the model's context if not given")
    p.add_argument("--tokens", type=int, default=8192, help="of the text's start")
    args = p.parse_args()
    for path in (*args.model, args.text):
        if not path.is_file():
            p.error(f"no such file: {path}")
    text = args.text.read_text(encoding="utf-8")
    for path in args.model:
        file = GGUFFile(path)
        reference = Reference.from_gguf(file)
        window = args.window or reference.spec.context
        ids = tokenizer_of(file.metadata).encode(text[: args.tokens * 12])[: args.tokens]
        if len(ids) < 2 or window < 2:
            p.error("at least two tokens are needed")
        total, count = 0.0, 0
        for start in range(0, len(ids) - 1, window):
            loss, n = window_loss(reference, ids[start : start + window])
            total, count = total + loss, count + n
            print(f"\r{start + n + 1}/{len(ids)} tokens", end="", file=sys.stderr)
        print(file=sys.stderr)
        print(f"{path.name}: perplexity {math.exp(total / count):.4f} over {count} tokens, loss {total / count:.4f}")


if __name__ == "__main__":
    main()
