"""A copy of a GGUF file for llama.cpp: with the tokenizer's key that it does not load without, and weights as F32 if asked.

SPDX-License-Identifier: Apache-2.0
"""

import struct

from common.gguf_reader import GGUFFile
from common.gguf_writer import GGUFWriter

_HEAD = 24  # bytes before the first pair


class PairedFile(GGUFFile):
    """A file that remembers the bytes of each of its pairs."""

    def __init__(self, path):
        self._depth, self._ends = 0, [_HEAD]
        super().__init__(path)
        self.pairs = [self._data[a:b] for a, b in zip(self._ends, self._ends[1:])]
        self.records = self._data[self._ends[-1] : self._at]
        self.data = self._data[self._base :]

    def _value(self, number):
        self._depth += 1
        value = super()._value(number)
        self._depth -= 1
        if self._depth == 0:
            self._ends.append(self._at)
        return value


def own_keys(file):
    """Gyre's keys: llama.cpp passes over them, and computes something else, without a word."""
    return [key for key in file.metadata if key.startswith("gyre.")]


def is_plain(file):
    return set(file.types.values()) == {"f32"}


def write_copy(file, target, unpacked):
    """`unpacked`: every tensor as F32, the values as they are stored."""
    writer = GGUFWriter(target)
    writer.pairs = list(file.pairs)
    if "tokenizer.ggml.model" not in file.metadata:
        writer.add("tokenizer.ggml.model", "string", "none")
        size = f"{file.metadata['general.architecture']}.vocab_size"
        if size not in file.metadata:
            writer.add(size, "u32", file.shapes["token_embd.weight"][0])
    if unpacked:
        for name, shape in file.shapes.items():
            writer.tensor(name, shape, "f32", lambda name=name: file.tensor(name))
        writer.write()
        return
    alignment = file.metadata.get("general.alignment", 32)
    head = b"".join([b"GGUF", struct.pack("<IQQ", 3, len(file.shapes), len(writer.pairs)), *writer.pairs, file.records])
    with open(target, "wb") as out:
        out.write(head + bytes(-len(head) % alignment))
        out.write(file.data)
