"""A tokenizer small enough for a golden model, and texts with their ids."""

import collections

from common.bpe import Tokenizer
from train.learn_bpe import learn

_SENTENCES = (
    "the rain and the river ran through the old town, and there the other children were then at their father's house. "
    "they're here; it's here; we'll go there and then they'd rather stay in the inner room in the rain. "
    "one winter morning the miller's daughter went down to the river to wash the linen, and the miller's son went with "
    "her, and the old horse went with them, and none of them came back before the evening; in 1851 and in 1852, two."
)

# Contractions, runs of spaces, numbers, other scripts, characters of 2, 3 and 4 bytes, control characters and U+001C,
# which is a space to some libraries but not to Unicode; and the special token, which is plain text here.
TEXTS = (
    "the river", "They're in the town, aren't they?", "  two  spaces  ", " tail ", "line\nbreak\n\n\nthree\r\n", "a\tb",
    "1234567 and ½ and Ⅳ and ٣", "naïve café", "Übergröße", "Привет, мир", "日本語のテキスト", "👩‍👩‍👧 ok", "e\u0301",
    "don't DON'T we'll'll", "x=(a+b)*2;", "\u00a0nbsp\u3000wide", "\x1c\x00\x7f", "<|endoftext|>",
)


def small_tokenizer(vocab):
    """256 bytes, merges learned from the sentences, <|endoftext|>: `vocab` tokens."""
    tokenizer = Tokenizer.from_merges([])
    words = collections.Counter(tokenizer.pattern.findall(_SENTENCES))
    merges = learn(words, vocab - 257, lambda done: None)
    if len(merges) != vocab - 257:
        raise ValueError(f"the sentences give {len(merges)} merges, a vocabulary of {vocab} needs {vocab - 257}")
    return Tokenizer.from_merges(merges)


def write_tokenization(tokenizer, path):
    """One text a line: its UTF-8 bytes in hexadecimal, a space, its ids with commas."""
    lines = [f"{t.encode('utf-8').hex()} {','.join(map(str, tokenizer.encode(t)))}\n" for t in TEXTS]
    path.write_text("".join(lines))
