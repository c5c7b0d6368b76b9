"""Tensor types of GGUF: numpy encoders and decoders with ggml's exact block layouts and rounding.

A quantized row is a run of blocks of 32 elements (256: superblocks.py; planes.py has both) along the input dimension, so a row's length must
be a multiple of it. Encoders take float32 [rows, n] and give uint8 [rows, bytes]; decoders go back, to float32 (exact:
every stored value is a float16 scale times a small integer; Q4_K subtracts another one, rounded once).
"""

import numpy as np

from . import planes as p
from . import superblocks as k

BLOCK = 32


def _f32(x):
    return np.ascontiguousarray(x, dtype=np.float32)


def _encode_f32(x):
    return _f32(x).astype("<f4").view(np.uint8)


def _decode_f32(raw, n):
    return raw.view("<f4").reshape(-1, n).astype(np.float32)


def _encode_f16(x):
    return _f32(x).astype("<f2").view(np.uint8)  # round to nearest even


def _decode_f16(raw, n):
    return raw.view("<f2").reshape(-1, n).astype(np.float32)


def _encode_bf16(x):
    """The upper half of a float32, rounded to nearest even; a NaN stays a (quiet) NaN."""
    bits = _f32(x).view(np.uint32)
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1))) >> 16
    nan = (bits & 0x7FFFFFFF) > 0x7F800000
    return np.where(nan, (bits >> 16) | 64, rounded).astype("<u2").view(np.uint8)


def _decode_bf16(raw, n):
    return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32).reshape(-1, n)


def _inverse(d):
    """1/d, and 0 where d is 0 (a block of zeros)."""
    with np.errstate(divide="ignore"):
        return np.where(d == 0, np.float32(0), np.float32(1) / d).astype(np.float32)


def _encode_q8_0(x):
    """34 bytes per block: float16 d = max|x| / 127, then 32 int8. Rounding is half away from zero, as C's roundf."""
    x = _f32(x)
    blocks = x.reshape(-1, BLOCK)
    d = np.abs(blocks).max(axis=1) / np.float32(127)
    scaled = blocks * _inverse(d)[:, None]
    q = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)).astype(np.int8)
    out = np.empty((len(blocks), 34), np.uint8)
    out[:, :2] = d.astype("<f2")[:, None].view(np.uint8)
    out[:, 2:] = q.view(np.uint8)
    return out.reshape(x.shape[0], -1)


def _decode_q8_0(raw, n):
    blocks = raw.reshape(-1, 34)
    d = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    return (np.ascontiguousarray(blocks[:, 2:]).view(np.int8) * d).reshape(-1, n)


def _encode_q4_0(x):
    """18 bytes per block: float16 d = (the element largest in size, with its sign) / -8, then 16 bytes; the low nibble of
    byte j is element j, the high one element j + 16; value = (nibble - 8) d."""
    x = _f32(x)
    blocks = x.reshape(-1, BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)[:, 0]
    d = largest / np.float32(-8)
    q = np.minimum((blocks * _inverse(d)[:, None] + np.float32(8.5)).astype(np.int8), 15).astype(np.uint8)
    out = np.empty((len(blocks), 18), np.uint8)
    out[:, :2] = d.astype("<f2")[:, None].view(np.uint8)
    out[:, 2:] = q[:, :16] | (q[:, 16:] << 4)
    return out.reshape(x.shape[0], -1)


def _decode_q4_0(raw, n):
    blocks = raw.reshape(-1, 18)
    d = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    q = np.concatenate((blocks[:, 2:] & 15, blocks[:, 2:] >> 4), axis=1).astype(np.int8) - 8
    return (q * d).reshape(-1, n)


class TensorType:
    def __init__(self, name, number, file_type, block, block_bytes, encode, decode):
        self.name, self.number, self.file_type = name, number, file_type  # ggml_type, general.file_type
        self.block, self.block_bytes = block, block_bytes
        self._encode, self._decode = encode, decode

    def row_bytes(self, n):
        if n % self.block:
            raise ValueError(f"{self.name} needs rows of a multiple of {self.block} elements, not {n}")
        return n // self.block * self.block_bytes

    def encode(self, x):
        """float array [..., n] -> uint8 [rows, row_bytes(n)]."""
        x = np.asarray(x)
        self.row_bytes(x.shape[-1])
        return self._encode(x.reshape(-1, x.shape[-1])).reshape(-1, self.row_bytes(x.shape[-1]))

    def decode(self, raw, shape):
        """uint8 -> float32 of a numpy shape (input dimension last)."""
        return self._decode(np.ascontiguousarray(raw).reshape(-1), shape[-1]).reshape(shape)


def _planes(name, number, file_type, f, encode, decode, *scales):
    """scales: what packs and unpacks them, where that is a function of its own."""
    pack, unpack = ((scales[0],), (scales[1],)) if scales else ((), ())
    return TensorType(
        name, number, file_type, f.elements, f.n_bytes, lambda x: encode(f, x, *pack), lambda raw, n: decode(f, raw, n, *unpack)
    )


TYPES = {
    t.name: t
    for t in (
        TensorType("f32", 0, 0, 1, 4, _encode_f32, _decode_f32),
        TensorType("f16", 1, 1, 1, 2, _encode_f16, _decode_f16),
        TensorType("q4_0", 2, 2, 32, 18, _encode_q4_0, _decode_q4_0),
        TensorType("q8_0", 8, 7, 32, 34, _encode_q8_0, _decode_q8_0),
        TensorType("q4_k", 12, 14, k.SUPERBLOCK, k.Q4_K_BYTES, k.encode_q4_k, k.decode_q4_k),
        TensorType("q6_k", 14, 18, k.SUPERBLOCK, k.Q6_K_BYTES, k.encode_q6_k, k.decode_q6_k),
        TensorType("bf16", 30, 32, 1, 2, _encode_bf16, _decode_bf16),
        _planes("q4_1", 3, 3, p.Q4_1, p.encode_half_min, p.decode_half_min),
        _planes("q5_0", 6, 8, p.Q5_0, p.encode_half, p.decode_half),
        _planes("q5_1", 7, 9, p.Q5_1, p.encode_half_min, p.decode_half_min),
        _planes("q2_k", 10, 10, p.Q2_K, p.encode_q2_k, p.decode_q2_k),
        _planes("q3_k", 11, 11, p.Q3_K, p.encode_q3_k, p.decode_q3_k),
        _planes("q5_k", 13, 16, p.Q5_K, p.encode_q5_k, p.decode_q5_k, k.pack_q4_k_scales, k.unpack_q4_k_scales),
        _planes("iq4_nl", 20, 25, p.IQ4_NL, p.encode_half, p.decode_half),
        _planes("iq4_xs", 23, 30, p.IQ4_XS, p.encode_iq4_xs, p.decode_iq4_xs),
        _planes("mxfp4", 39, 38, p.MXFP4, p.encode_e8m0, p.decode_e8m0),
        _planes("tq2_0", 35, 37, p.TQ2_0, p.encode_ternary, p.decode_ternary),
    )
}
BY_NUMBER = {t.number: t for t in TYPES.values()}


def stored_type(name, shape, wanted):
    """The type that a tensor gets in a file of type `wanted`: vectors and learned positions stay F32 (they are tiny and
    sensitive, and the ecosystem does so), rows that no block divides fall back to F16."""
    if len(shape) == 1 or name == "position_embd.weight":
        return TYPES["f32"]
    kind = TYPES[wanted]
    return kind if shape[-1] % kind.block == 0 else TYPES["f16"]
