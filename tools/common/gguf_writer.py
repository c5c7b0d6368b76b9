"""Writes GGUF version 3 files.

Layout (little-endian): "GGUF", version, number of tensors, number of pairs; the pairs; one record a tensor (name,
dimensions with the input dimension first, type, offset); padding to 32; the data, every tensor padded to 32.
Data may be given as functions, called one by one while the file is written: a large model never lies in memory whole.
"""

import os
import struct

import numpy as np

from .blocks import TYPES

ALIGNMENT = 32
_SCALARS = {"u8": (0, "B"), "i8": (1, "b"), "u16": (2, "H"), "i16": (3, "h"), "u32": (4, "I"), "i32": (5, "i"),
            "f32": (6, "f"), "bool": (7, "?"), "u64": (10, "Q"), "i64": (11, "q"), "f64": (12, "d")}
_STRING, _ARRAY = 8, 9


def _string(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _value(kind, value):
    """(type number, bytes) of one metadata value; kind is "u32", "string", ... or "[f32]" for an array."""
    if kind.startswith("["):
        inner = kind[1:-1]
        if inner == "string":
            body, number = b"".join(map(_string, value)), _STRING
        else:
            number, code = _SCALARS[inner]
            body = struct.pack(f"<{len(value)}{code}", *value)
        return _ARRAY, struct.pack("<IQ", number, len(value)) + body
    if kind == "string":
        return _STRING, _string(value)
    number, code = _SCALARS[kind]
    return number, struct.pack("<" + code, value)


def _padding(size):
    return -size % ALIGNMENT


class GGUFWriter:
    def __init__(self, path):
        self.path = os.fspath(path)
        self.pairs, self.tensors, self.names = [], [], set()

    def add(self, key, kind, value):
        """One metadata pair, in the order of the calls."""
        self._new(key)
        number, body = _value(kind, value)
        self.pairs.append(_string(key) + struct.pack("<I", number) + body)

    def add_all(self, pairs):
        for key, kind, value in pairs:
            self.add(key, kind, value)

    def tensor(self, name, shape, kind, data):
        """`shape` as numpy has it (input dimension last); `data` a float array, or a function that makes it, or one
        that yields it in slices along the first dimension."""
        self._new(name)
        if not shape or any(n <= 0 for n in shape):
            raise ValueError(f"tensor {name}: bad shape {shape}")
        self.tensors.append((name, tuple(int(n) for n in shape), TYPES[kind], data))

    def _new(self, name):
        if name in self.names:
            raise ValueError(f"{name} is given twice")
        self.names.add(name)

    def write(self, progress=None):
        """Writes the file beside its place and then renames it: readers never see half of it."""
        header = [b"GGUF", struct.pack("<IQQ", 3, len(self.tensors), len(self.pairs)), *self.pairs]
        offset, sizes = 0, []
        for name, shape, kind, _ in self.tensors:
            size = kind.row_bytes(shape[-1]) * int(np.prod(shape[:-1], dtype=np.int64))
            dims = shape[::-1]
            header.append(_string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind.number, offset))
            sizes.append(size)
            offset += size + _padding(size)
        temporary = self.path + ".tmp"
        with open(temporary, "wb") as file:
            head = b"".join(header)
            file.write(head + bytes(_padding(len(head))))
            for i, ((name, shape, kind, data), size) in enumerate(zip(self.tensors, sizes)):
                written = 0
                for part in self._parts(data):
                    raw = kind.encode(part)
                    file.write(raw.tobytes())
                    written += raw.size
                if written != size:
                    raise ValueError(f"tensor {name}: {written} bytes of data, its shape {shape} needs {size}")
                file.write(bytes(_padding(size)))
                if progress:
                    progress(i + 1, len(self.tensors), name)
        os.replace(temporary, self.path)

    @staticmethod
    def _parts(data):
        made = data() if callable(data) else data
        return [made] if isinstance(made, np.ndarray) else made
