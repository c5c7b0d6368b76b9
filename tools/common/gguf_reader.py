"""Reads GGUF version 3 files that fit in memory: metadata as Python values, tensors decoded to float32."""

import struct

import numpy as np

from .blocks import BY_NUMBER
from .gguf_writer import _ARRAY, _SCALARS, _STRING

_CODES = dict(_SCALARS.values())


class GGUFError(ValueError):
    pass


class GGUFFile:
    """`metadata`: key -> value; `shapes`, `types`: name -> numpy shape (input dimension last), type name."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self._data = file.read()
        self._at = 0
        if self._data[:4] != b"GGUF":
            raise GGUFError(f"{path}: not a GGUF file")
        self._at = 4
        version, n_tensors, n_pairs = self._unpack("IQQ")
        if version != 3:
            raise GGUFError(f"{path}: GGUF version {version}, only 3 is read")
        self.metadata, self.shapes, self.types, self._offsets = {}, {}, {}, {}
        for _ in range(n_pairs):
            key = self._string()
            self.metadata[key] = self._value(self._unpack("I")[0])
        for _ in range(n_tensors):
            name = self._string()
            dims = self._unpack(f"{self._unpack('I')[0]}Q")
            number, offset = self._unpack("IQ")
            if number not in BY_NUMBER:
                raise GGUFError(f"{path}: tensor {name} has the unknown type {number}")
            self.shapes[name], self.types[name], self._offsets[name] = dims[::-1], BY_NUMBER[number].name, offset
        alignment = self.metadata.get("general.alignment", 32)
        self._base = self._at + -self._at % alignment

    def _unpack(self, codes):
        values = struct.unpack_from("<" + codes, self._data, self._at)
        self._at += struct.calcsize("<" + codes)
        return values

    def _string(self):
        (length,) = self._unpack("Q")
        self._at += length
        return self._data[self._at - length : self._at].decode("utf-8")

    def _value(self, number):
        if number == _STRING:
            return self._string()
        if number == _ARRAY:
            inner, count = self._unpack("IQ")
            if inner in _CODES:
                return list(self._unpack(f"{count}{_CODES[inner]}"))
            return [self._value(inner) for _ in range(count)]
        if number not in _CODES:
            raise GGUFError(f"unknown metadata type {number}")
        return self._unpack(_CODES[number])[0]

    def tensor(self, name):
        """The values as stored, float32, numpy shape."""
        shape = self.shapes[name]
        kind = next(t for t in BY_NUMBER.values() if t.name == self.types[name])
        size = kind.row_bytes(shape[-1]) * int(np.prod(shape[:-1], dtype=np.int64))
        start = self._base + self._offsets[name]
        return kind.decode(np.frombuffer(self._data, np.uint8, size, start), shape)
