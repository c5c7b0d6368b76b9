#!/usr/bin/env python3
"""Learns a byte-level BPE vocabulary from a text file and writes it as JSON (tokens and merges).

The pair counts are kept up to date merge by merge (Sennrich et al. 2016, section 3.2, with an index from pairs to
words): only the words that hold the merged pair are touched, so 8,192 tokens take a minute rather than an hour.
"""

import argparse
import collections
import heapq
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common.bpe import END_OF_TEXT, Tokenizer, byte_alphabet, merge_pair, split_pattern  # noqa: E402


def sample(path, megabytes, slices=400):
    """Text from `slices` places spread evenly over the file, so that every book has its part in the vocabulary."""
    size = path.stat().st_size
    length = min(int(megabytes * 1e6), size) // slices
    with path.open("rb") as file:
        for i in range(slices):
            file.seek(size * i // slices)
            yield file.read(length).decode("utf-8", errors="ignore").replace(END_OF_TEXT, "\n")


def count_words(texts):
    pattern, counts = split_pattern(), collections.Counter()
    for text in texts:
        counts.update(pattern.findall(text))
    return counts


def learn(counts, n_merges, progress):
    """The merges, most frequent pair first; ties go to the pair that sorts first, so the result is deterministic."""
    alphabet = byte_alphabet()
    words, weights = [], []
    for word, n in sorted(counts.items()):
        symbols = [alphabet[b] for b in word.encode("utf-8")]
        if len(symbols) > 1:
            words.append(symbols)
            weights.append(n)
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for w, symbols in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += weights[w]
            where[pair].add(w)
    heap = [(-n, pair) for pair, n in pairs.items()]
    heapq.heapify(heap)
    merges = []
    while heap and len(merges) < n_merges:
        negative, pair = heapq.heappop(heap)
        if pairs[pair] != -negative:  # stale: its count changed after it was pushed
            continue
        if negative > -2:
            break
        merges.append(pair)
        changed = set()
        for w in where.pop(pair):
            old, new = words[w], merge_pair(words[w], pair)
            for p in zip(old, old[1:]):
                pairs[p] -= weights[w]
                changed.add(p)
            for p in zip(new, new[1:]):
                pairs[p] += weights[w]
                where[p].add(w)
                changed.add(p)
            words[w] = new
        for p in changed:
            if pairs[p] > 0 and p != pair:
                heapq.heappush(heap, (-pairs[p], p))
        pairs.pop(pair, None)
        progress(len(merges))
    return merges


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("text", type=pathlib.Path, help="a text file, books separated by <|endoftext|>")
    parser.add_argument("out", type=pathlib.Path, help="where the tokenizer goes (JSON)")
    parser.add_argument("--vocab", type=int, default=8192, help="tokens in all (default %(default)s)")
    parser.add_argument("--megabytes", type=float, default=30, help="text to count words in (default %(default)s)")
    args = parser.parse_args()
    if args.vocab < 257:
        parser.error("--vocab must be at least 257: 256 bytes and the special token")
    if not args.text.is_file():
        parser.error(f"no such file: {args.text}")

    started = time.time()
    counts = count_words(sample(args.text, args.megabytes))
    counts = {w: n for w, n in counts.items() if n > 1}  # half of the words, almost none of the weight
    print(f"{len(counts)} different words, {time.time() - started:.0f} s", file=sys.stderr)

    def progress(n):
        if n % 500 == 0:
            print(f"{n} merges, {time.time() - started:.0f} s", file=sys.stderr)

    merges = learn(counts, args.vocab - 257, progress)
    tokenizer = Tokenizer.from_merges(merges)
    args.out.write_text(json.dumps({"tokens": tokenizer.tokens, "merges": merges}, ensure_ascii=False))
    print(f"{len(tokenizer.tokens)} tokens -> {args.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
