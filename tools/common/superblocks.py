"""Q4_K and Q6_K: superblocks of 256 elements whose block scales are small integers times one float16.

Byte layouts are ggml's (block_q4_K, block_q6_K); the rounding is to the nearest step of a block's range, without ggml's
search for better scales. Encoders take float32 [rows, n] and give uint8 [rows, bytes]; decoders go back, to float32.
"""

import numpy as np

SUPERBLOCK = 256
Q4_K_BYTES = 144  # float16 d, float16 dmin, 12 bytes of scales and minima, 128 bytes of nibbles
Q6_K_BYTES = 210  # 128 bytes of low nibbles, 64 of high bit pairs, 16 int8 scales, float16 d


def _half(x):
    """A column of numbers rounded to float16: (uint8 [n, 2], float32 [n])."""
    halves = x.astype("<f2")
    return halves[:, None].view(np.uint8), halves.astype(np.float32)


def _rounded(x, step, low, high):
    """x / step to the nearest integer in low .. high; 0 where the step is 0."""
    quotient = np.divide(x, step, out=np.zeros_like(x), where=step != 0)
    return np.clip(np.rint(quotient), low, high)


def pack_q4_k_scales(scales, mins):
    """[n, 8] six-bit numbers each -> [n, 12]. Bytes 0-3 and 4-7: scales and minima 0-3 in the low six bits; bytes 8-11:
    the low nibbles of scales (low) and minima (high) 4-7, whose two upper bits are those of bytes 0-7."""
    out = np.empty((len(scales), 12), np.uint8)
    out[:, :4] = scales[:, :4] | (scales[:, 4:] >> 4) << 6
    out[:, 4:8] = mins[:, :4] | (mins[:, 4:] >> 4) << 6
    out[:, 8:] = (scales[:, 4:] & 15) | (mins[:, 4:] & 15) << 4
    return out


def unpack_q4_k_scales(packed):
    """-> (scales, mins), uint8 [n, 8]."""
    first, second, third = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    scales = np.concatenate((first & 63, (third & 15) | (first >> 6) << 4), axis=1)
    mins = np.concatenate((second & 63, third >> 4 | (second >> 6) << 4), axis=1)
    return scales, mins


def encode_q4_k(x):
    """element = d * scale * nibble - dmin * min; a scale and a min for every 32 elements."""
    x = np.ascontiguousarray(x, dtype=np.float32)
    blocks = x.reshape(-1, 8, 32)
    lowest = np.minimum(blocks.min(axis=2), 0)
    step = (blocks.max(axis=2) - lowest) / np.float32(15)
    d_bytes, d = _half(step.max(axis=1) / np.float32(63))
    dmin_bytes, dmin = _half(-lowest.min(axis=1) / np.float32(63))
    scales, mins = _rounded(step, d[:, None], 0, 63), _rounded(-lowest, dmin[:, None], 0, 63)
    shifted = blocks + (dmin[:, None] * mins)[:, :, None]
    q = _rounded(shifted, (d[:, None] * scales)[:, :, None], 0, 15).astype(np.uint8)
    out = np.empty((len(blocks), Q4_K_BYTES), np.uint8)
    out[:, :2], out[:, 2:4] = d_bytes, dmin_bytes
    out[:, 4:16] = pack_q4_k_scales(scales.astype(np.uint8), mins.astype(np.uint8))
    out[:, 16:] = (q[:, 0::2] | q[:, 1::2] << 4).reshape(-1, 128)  # two blocks share 32 bytes
    return out.reshape(x.shape[0], -1)


def decode_q4_k(raw, n):
    blocks = raw.reshape(-1, Q4_K_BYTES)
    d = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    dmin = np.ascontiguousarray(blocks[:, 2:4]).view("<f2").astype(np.float32)
    scales, mins = unpack_q4_k_scales(blocks[:, 4:16])
    pairs = blocks[:, 16:].reshape(-1, 4, 1, 32)
    q = np.concatenate((pairs & 15, pairs >> 4), axis=2).reshape(-1, 8, 32)
    return ((d * scales)[:, :, None] * q - (dmin * mins)[:, :, None]).reshape(-1, n)


def encode_q6_k(x):
    """element = d * scale * (bits - 32); an int8 scale for every 16 elements."""
    x = np.ascontiguousarray(x, dtype=np.float32)
    blocks = x.reshape(-1, 16, 16)

    def extreme(values):  # the value largest in size, with its sign
        return np.take_along_axis(values, np.abs(values).argmax(axis=-1)[..., None], axis=-1)[..., 0]

    step = extreme(blocks) / np.float32(-32)
    d_bytes, d = _half(extreme(step) / np.float32(-128))
    scales = _rounded(step, d[:, None], -128, 127)
    q = (_rounded(blocks, (d[:, None] * scales)[:, :, None], -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    out = np.empty((len(blocks), Q6_K_BYTES), np.uint8)
    # Of 128 elements: byte j < 64 of the low nibbles has elements j and j + 64; byte j < 32 of the high bits j + 32 i.
    out[:, :128] = (q[:, :, :2] & 15 | (q[:, :, 2:] & 15) << 4).reshape(-1, 128)
    high = q >> 4
    out[:, 128:192] = (high[:, :, 0] | high[:, :, 1] << 2 | high[:, :, 2] << 4 | high[:, :, 3] << 6).reshape(-1, 64)
    out[:, 192:208] = scales.astype(np.int8).view(np.uint8)
    out[:, 208:] = d_bytes
    return out.reshape(x.shape[0], -1)


def decode_q6_k(raw, n):
    blocks = raw.reshape(-1, Q6_K_BYTES)
    low = blocks[:, :128].reshape(-1, 2, 2, 32)
    high = blocks[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8).reshape(4, 1) & 3
    q = np.concatenate((low & 15, low >> 4), axis=2) | high << 4
    scales = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8)
    d = np.ascontiguousarray(blocks[:, 208:]).view("<f2").astype(np.float32)
    return ((d * scales)[:, :, None] * (q.astype(np.float32) - 32).reshape(-1, 16, 16)).reshape(-1, n)
