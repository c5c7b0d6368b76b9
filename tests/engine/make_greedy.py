#!/usr/bin/env python3
"""Writes the greedy continuation of a prompt by the float64 reference: what greedy_test compares with.

usage: python3 tests/engine/make_greedy.py MODEL.gguf PROMPT [N] > tests/engine/greedy_NAME.txt

Lines: `model` with the file's path in the checkout; `prompt_bytes` and `bytes` with the text in hexadecimal;
`prompt_ids` and `ids` with token ids. What begins with # is for readers: the text, and the smallest distance between
the best and the second best logit as a part of the largest, which is what a runtime may err.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from common.bpe import Tokenizer  # noqa: E402
from common.gguf_reader import GGUFFile  # noqa: E402
from golden.reference import Reference  # noqa: E402

MARGIN = 1e-3  # a prompt with less is refused; float16 keys and values move a trained model's logits by 1e-4


def bytes_of(tokenizer, i):
    token = tokenizer.tokens[i]
    return token.encode() if i == tokenizer.end_of_text else bytes(tokenizer.bytes_of[c] for c in token)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    path, prompt, n = pathlib.Path(sys.argv[1]), sys.argv[2], int((sys.argv + [32])[3])
    file = GGUFFile(path)
    meta = file.metadata
    tokenizer = Tokenizer(meta["tokenizer.ggml.tokens"], [tuple(m.split(" ")) for m in meta["tokenizer.ggml.merges"]])
    reference = Reference.from_gguf(file)
    prompt_ids = tokenizer.encode(prompt)
    ids, margin = list(prompt_ids), 1.0
    for _ in range(n):
        row = reference.logits(ids)[-1]
        best = row.topk(2)
        margin = min(margin, float((best.values[0] - best.values[1]) / row.abs().max()))
        ids.append(int(best.indices[0]))
    if margin < MARGIN:
        sys.exit(f"the smallest margin is {margin:.1e}, less than {MARGIN}: take another prompt")
    new = ids[len(prompt_ids):]
    root = pathlib.Path(__file__).resolve().parents[2]
    print("#", ascii(prompt), "->", ascii(tokenizer.decode(new)))
    print(f"# smallest margin {margin:.2e}")
    print("model", path.resolve().relative_to(root))
    for kind, part in (("prompt_", prompt_ids), ("", new)):
        print(f"{kind}bytes", b"".join(bytes_of(tokenizer, i) for i in part).hex())
        print(f"{kind}ids", ",".join(map(str, part)))


if __name__ == "__main__":
    main()
