#!/usr/bin/env python3
"""Continues a prompt with a training checkpoint, in PyTorch: a look at the quality, not at speed (there is no cache)."""

import argparse
import os
import pathlib
import sys

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import torch  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from train.model import Model, ModelConfig  # noqa: E402
from train.tokenize_text import load_tokenizer  # noqa: E402


@torch.no_grad()
def continue_ids(model, ids, count, temperature, top_k, generator):
    for _ in range(count):
        window = torch.tensor(ids[-model.config.context :])[None]
        logits = model.hidden(window)[0, -1] @ model.token_embd.weight.T
        if temperature == 0:
            ids.append(int(logits.argmax()))
            continue
        best, where = logits.topk(min(top_k, len(logits)))
        choice = torch.multinomial((best / temperature).softmax(-1), 1, generator=generator)
        ids.append(int(where[choice]))
    return ids


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("checkpoint", type=pathlib.Path, help="what train.py wrote")
    p.add_argument("tokenizer", type=pathlib.Path, help="what learn_bpe.py wrote")
    p.add_argument("prompt")
    p.add_argument("-n", type=int, default=120, help="tokens to add")
    p.add_argument("--temperature", type=float, default=0.8, help="0: always the most likely token")
    p.add_argument("--top-k", type=int, default=40)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    for path in (args.checkpoint, args.tokenizer):
        if not path.is_file():
            p.error(f"no such file: {path}")
    state, tokenizer = torch.load(args.checkpoint, map_location="cpu"), load_tokenizer(args.tokenizer)
    model = Model(ModelConfig(**state["config"]))
    model.load_state_dict(state["model"])
    ids = tokenizer.encode(args.prompt) or [tokenizer.end_of_text]
    generator = torch.Generator().manual_seed(args.seed)
    print(tokenizer.decode(continue_ids(model, ids, args.n, args.temperature, args.top_k, generator)))


if __name__ == "__main__":
    main()
