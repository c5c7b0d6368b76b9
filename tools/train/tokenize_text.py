#!/usr/bin/env python3
"""Rotates a text file (books separated by <|endoftext|>) into one array of uint16 token ids, one separator a book."""

import argparse
import array
import json
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common.bpe import END_OF_TEXT, Tokenizer  # noqa: E402


def load_tokenizer(path):
    data = json.loads(pathlib.Path(path).read_text())
    return Tokenizer(data["tokens"], [tuple(m) for m in data["merges"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizer", type=pathlib.Path, help="what learn_bpe.py wrote")
    parser.add_argument("text", type=pathlib.Path, help="a text file, books separated by <|endoftext|>")
    parser.add_argument("out", type=pathlib.Path, help="where the ids go (.npy, uint16)")
    args = parser.parse_args()
    for path in (args.tokenizer, args.text):
        if not path.is_file():
            parser.error(f"no such file: {path}")
    tokenizer = load_tokenizer(args.tokenizer)
    if len(tokenizer.tokens) > 65536:
        parser.error("more than 65,536 tokens do not fit uint16")

    started, ids = time.time(), array.array("H")
    books = [b.strip() for b in args.text.read_text(encoding="utf-8").split(END_OF_TEXT)]
    for i, book in enumerate(b for b in books if b):
        ids.append(tokenizer.end_of_text)  # before each book: it is also the start symbol
        ids.extend(tokenizer.encode(book))
        if i % 20 == 0:
            print(f"{i} books, {len(ids)} tokens, {time.time() - started:.0f} s", file=sys.stderr)
    np.save(args.out, np.frombuffer(ids, dtype=np.uint16))
    size = args.text.stat().st_size
    print(f"{len(ids)} tokens, {size / len(ids):.2f} bytes each -> {args.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
