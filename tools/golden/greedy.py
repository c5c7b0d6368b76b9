#!/usr/bin/env python3
"""Gyre's most likely texts of a model file against float64's: at every token where float64 is sure, both choose the same.

SPDX-License-Identifier: Apache-2.0

    python3 tools/golden/greedy.py MODEL.gguf [--gyre PROGRAM] [--kv f32] [--tokens 100] [--json FILE]

For each prompt the program writes on at temperature 0. The float64 reference, and once more the program, then compute the
logits of the whole text. The error is the largest difference of two logits in it; float64 is sure of a token where its
best logit is more than ten errors above the second. --json keeps the ids, for tools/peer/judge --tokens. Wants PyTorch.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common.gguf_reader import GGUFFile  # noqa: E402
from golden.reference import Reference  # noqa: E402

PROMPTS = (
    "The capital of France is",
    "Once upon a time, in a village by the sea, there lived",
    "def fibonacci(n):\n    \"\"\"Returns the n-th Fibonacci number.\"\"\"\n",
    "Water boils at a lower temperature on a mountain because",
    "Dear Sir or Madam,\n\nI am writing to",
    "1, 2, 4, 8, 16, 32,",
    "Die Hauptstadt von Deutschland ist",
    "Ingredients: two eggs, a cup of flour, a pinch of salt.\nMethod:",
    "Question: Why is the sky blue?\nAnswer:",
    "In 1969, the first human beings",
)
SURE = 10  # errors


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        sys.exit(f"greedy: {command[0]} {command[1]}: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def written_on(a, metadata, prompt):
    """(ids of the prompt, ids of what Gyre writes, their log-probabilities as it decodes)"""
    model = ["-m", str(a.model)]
    answer = json.loads(run([a.gyre, "run", *model, "-p", prompt, "-n", str(a.tokens), "--temp", "0", "--kv", a.kv, "--json",
                             "--logprobs", "1"]))
    ids = [int(word) for word in run([a.gyre, "tokenize", *model, "--", prompt]).replace(",", " ").split()]
    if answer["prompt_tokens"] == len(ids) + 1:
        ids = [metadata["tokenizer.ggml.bos_token_id"], *ids]
    if answer["prompt_tokens"] != len(ids):
        sys.exit(f"greedy: gyre run has {answer['prompt_tokens']} tokens of {prompt!r}, gyre tokenize {len(ids)}")
    return ids, answer["tokens"], np.array([entry["logprob"] for entry in answer["logprobs"]])


def gyre_logits(a, ids):
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/logits.bin"
        run([a.gyre, "logits", "-m", str(a.model), "--tokens", ",".join(map(str, ids)), "--kv", a.kv, "--out", out])
        return np.fromfile(out, "<f4").reshape(len(ids), -1)


def log_probabilities(logits, chosen):
    top = logits.max(1, keepdims=True)
    sums = np.log(np.exp(logits - top).sum(1)) + top[:, 0]
    return logits[np.arange(len(chosen)), chosen] - sums


class Text:
    """One prompt's figures; `rows` are the positions whose logits chose a token."""

    def __init__(self, a, reference, metadata, prompt):
        self.prompt, (ids, written, logprobs) = prompt, written_on(a, metadata, prompt)
        self.ids, chosen = ids + written, np.array(written, np.int64)
        wanted = reference.logits(self.ids).numpy()
        self.error = float(np.abs(gyre_logits(a, self.ids) - wanted).max())
        self.largest = float(np.abs(wanted).max())
        rows = wanted[len(ids) - 1 : -1]
        second, best = np.partition(rows, -2, axis=1)[:, -2:].T
        self.margins, self.same = best - second, rows.argmax(1) == chosen
        self.logprob_error = float(np.abs(log_probabilities(rows, chosen) - logprobs).max(initial=0.0))  # a text may end at once


def report(texts):
    """Prints the figures; returns how many tokens float64 was sure of and Gyre chose otherwise."""
    error = max(text.error for text in texts)
    margins, same = (np.concatenate([getattr(text, name) for text in texts]) for name in ("margins", "same"))
    sure = margins > SURE * error
    print(f"{len(texts)} texts, {len(same)} tokens written; the same at {same.sum()}; float64 is sure of {sure.sum()}, the same at "
          f"{(same & sure).sum()} of them; the smallest margin is {margins.min():.2g}")
    print(f"largest error of a logit {error:.2g}, {max(text.error / text.largest for text in texts):.1e} of the text's largest; "
          f"of a log-probability while it writes {max(text.logprob_error for text in texts):.2g}")
    return int((sure & ~same).sum())


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("model", type=pathlib.Path)
    p.add_argument("--gyre", default=str(pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/gyre"))
    p.add_argument("--tokens", type=int, default=100)
    p.add_argument("--kv", default="f32", choices=("f32", "f16", "q8_0"))
    p.add_argument("--json", type=pathlib.Path, metavar="FILE")
    a = p.parse_args()
    file = GGUFFile(a.model)
    reference, texts = Reference.from_gguf(file), []
    for prompt in PROMPTS:
        texts.append(Text(a, reference, file.metadata, prompt))
        t = texts[-1]
        print(f"{t.same.sum()} of {len(t.same)} the same, error {t.error:.2g}, smallest margin {t.margins.min(initial=np.inf):.2g}: {prompt!r}",
              file=sys.stderr, flush=True)
    if a.json:
        a.json.write_text(json.dumps({text.prompt: text.ids for text in texts}, indent=1))
    return int(report(texts) != 0)


if __name__ == "__main__":
    sys.exit(main())
