"""Makes tests/text/tokenizer_goldens.json: ids of published tokenizers for a sample of strings, with what they need.

SPDX-License-Identifier: Apache-2.0

  python3 tests/text/make_tokenizer_goldens.py FOLDER > tests/text/tokenizer_goldens.json

FOLDER and the packages are those of compare_tokenizers.py. A vocabulary is cut down to the tokens and rules that come into
question while the sample is merged, in their order; ids are counted anew. A rule that never could have been applied is missed
by nobody; one that could, but was not the next, is there.
"""

import json
import re
import sys

import tokenizer_judges as judges
from compare_tokenizers import hugging_face
from tokenizer_strings import Strings

N_STRINGS, LONGEST = 77, 50


def sample(special):
    """Strings of every kind, short ones."""
    strings = Strings(special, seed=20)
    made = []
    while len(made) < N_STRINGS:
        kind = strings.kinds[len(made) % len(strings.kinds)]
        text = kind()[:LONGEST]
        if text.strip("\0") and "\0" not in text and not any(end in text for end in judges.ENDS):
            made.append(text)
    return made


def merged(symbols, rule_of, considered):
    """Naive merging; notes every (left, right) that has a rule while it stands there."""
    while True:
        best = None
        for i in range(len(symbols) - 1):
            rank = rule_of(symbols[i], symbols[i + 1])
            if rank is None:
                continue
            considered.add((symbols[i], symbols[i + 1]))
            if best is None or rank < best[0]:
                best = (rank, i)
        if best is None:
            return
        i = best[1]
        symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]


def segments(text, special):
    """The text between special tokens, and the text as a whole, as without special parsing."""
    pattern = "|".join(map(re.escape, sorted(special, key=len, reverse=True)))
    return [text, *re.split(pattern, text)]


class Golden:
    def __init__(self, name, model, pre, tokens, types):
        self.row = {"name": name, "model": model}
        if pre is not None:
            self.row["pre"] = pre
        self.tokens, self.types = tokens, types
        self.index = {token: i for i, token in enumerate(tokens)}
        self.considered, self.kept, self.strings = set(), set(), []

    def keep(self, ids):
        self.kept.update(ids)

    def finish(self, merges=None, scores=None):
        for left, right in self.considered:
            self.keep(self.index[text] for text in (left, right, left + right) if text in self.index)
        order = sorted(self.kept)
        new = {old: i for i, old in enumerate(order)}
        self.row["tokens"] = [self.tokens[i] for i in order]
        self.row["types"] = {str(new[i]): self.types[i] for i in order if self.types[i] != judges.NORMAL}
        if merges is not None:
            pairs = sorted(self.considered, key=merges.__getitem__)
            self.row["merges"] = [new[self.index[text]] for pair in pairs for text in pair]
        if scores is not None:
            ranks = {score: rank for rank, score in enumerate(sorted({scores[i] for i in order}, reverse=True))}
            self.row["ranks"] = [ranks[scores[i]] for i in order]
        self.row["strings"] = [[text, *([new[i] for i in ids] for ids in lists)] for text, *lists in self.strings]
        return self.row

    def add_strings(self, strings, special_ids, plain_ids):
        for text, special, plain in zip(strings, special_ids, plain_ids):
            self.keep(special + plain)
            self.strings.append([text, special] if special == plain else [text, special, plain])


def of_byte_bpe(name, tokenizer, pre, tokens, types, merges, ignore_merges):
    golden = Golden(name, "gpt2", pre, tokens, types)
    golden.row["ignore_merges"] = ignore_merges
    special = [token for token, kind in zip(tokens, types) if kind in (judges.CONTROL, judges.USER_DEFINED)]
    strings = sample(special)
    golden.add_strings(strings, hugging_face(tokenizer, strings, True), hugging_face(tokenizer, strings, False))
    golden.keep(i for i, token in enumerate(tokens) if len(token) == 1 and types[i] == judges.NORMAL)
    ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
    for text in strings:
        for segment in segments(text, special):
            normal = tokenizer.normalizer.normalize_str(segment) if tokenizer.normalizer else segment
            for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal):
                symbols = [c for c in piece if c in golden.index]
                if not (ignore_merges and piece in golden.index):
                    merged(symbols, lambda a, b: ranks.get((a, b)), golden.considered)
    golden.keep(golden.index[token] for token in special if any(token in text for text in strings))
    return golden.finish(merges=ranks)


def of_sentencepiece(name, tokenizer, processor, tokens, types, scores, add_space_prefix):
    golden = Golden(name, "llama", None, tokens, types)
    golden.row["add_space_prefix"] = add_space_prefix
    special = [token for token, kind in zip(tokens, types) if kind in (judges.UNKNOWN, judges.CONTROL, judges.USER_DEFINED)]
    strings = sample(special)
    golden.add_strings(strings, hugging_face(tokenizer, strings, True), [processor.encode(text) for text in strings])
    golden.keep(i for i, kind in enumerate(types) if kind == judges.BYTE)
    golden.keep(range(4))  # <unk>, <s>, </s>, or Gemma's <pad>, <eos>, <bos>, <unk>
    joined = {token for token, kind in zip(tokens, types) if kind in (judges.NORMAL, judges.USER_DEFINED)}
    for text in strings:
        for segment in segments(text, special):
            symbols = list(("\u2581" if add_space_prefix else "") + segment.replace(" ", "\u2581"))
            merged(symbols, lambda a, b: -scores[golden.index[a + b]] if a + b in joined else None, golden.considered)
            golden.keep(golden.index[c] for c in segment.replace(" ", "\u2581") if c in joined)
    golden.keep(golden.index[token] for token in special if any(token in text for text in strings))
    return golden.finish(scores=scores)


def goldens(folder):
    from tokenizers import Tokenizer

    for name, (package, model, pre) in judges.PUBLISHED.items():
        source = judges.npm_file(package, folder)
        tokenizer = Tokenizer.from_file(source)
        with open(source, encoding="utf-8") as file:
            published = json.load(file)
        tokens, types = judges.token_types(published, model)
        if model == "gpt2":
            merges = [judges.merge_text(merge) for merge in published["model"]["merges"]]
            yield of_byte_bpe(name, tokenizer, pre, tokens, types, merges, published["model"].get("ignore_merges", False))
        else:
            scores = judges.scores_of_merges(published, len(tokens))
            processor = judges.sentencepiece_of(tokens, types, scores, True, 0)
            yield of_sentencepiece(name, tokenizer, processor, tokens, types, scores, True)
    for name, (packages, judge) in judges.GGUF_FILES.items():
        get = judges.GGUFFile(judges.gguf_of_packages(packages, folder)).metadata
        tokens, types = get["tokenizer.ggml.tokens"], get["tokenizer.ggml.token_type"]
        if get["tokenizer.ggml.model"] == "gpt2":
            yield of_byte_bpe(name, judges.digits_and_byte_level(get), get["tokenizer.ggml.pre"], tokens, types,
                              get["tokenizer.ggml.merges"], False)
        else:
            scores = get["tokenizer.ggml.scores"]
            processor = judges.sentencepiece_of(tokens, types, scores, False, get["tokenizer.ggml.unknown_token_id"])
            yield of_sentencepiece(name, Tokenizer.from_file(judges.npm_file(judge, folder)), processor, tokens, types, scores,
                                   False)


def main():
    rows = []
    for row in goldens(sys.argv[1]):
        fields = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
                  for key, value in row.items() if key != "strings")
        strings = ",\n".join(json.dumps(s, ensure_ascii=False, separators=(",", ":")) for s in row["strings"])
        rows.append("{" + ",\n".join(fields) + f',\n"strings": [\n{strings}\n]}}')
    print("[\n" + ",\n".join(rows) + "\n]")


if __name__ == "__main__":
    main()
