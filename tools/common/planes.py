"""Block formats whose quants are planes of bits: one row of data each, an encoder for each kind of scales.

A plane of `bits` bits a quant begins at byte `at` of a block, in segments of `run` bytes: of a segment's elements, element
r has its bits in byte r % run, from bit r // run * bits on. Byte layouts are ggml's; encoders round to the nearest step
of a block's range, without ggml's search for better scales. They take float32 [rows, n] and give uint8 [rows, bytes].
"""

import numpy as np

SUPERBLOCK = 256
LEVELS = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32)  # IQ4_NL
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)


def _plane(block_elements, bits, at, run):
    """Byte and shift of every element of a block."""
    e = np.arange(block_elements)
    segment, r = np.divmod(e, run * 8 // bits)
    return at + segment * run + r % run, (r // run * bits).astype(np.uint8), (1 << bits) - 1


def _halves(blocks, at):
    return np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2").astype(np.float32)


def _put_half(out, at, x):
    """Writes x [n] as float16; gives what was written, float32 [n, 1]."""
    halves = x.astype("<f2")
    out[:, at : at + 2] = halves[:, None].view(np.uint8)
    return halves.astype(np.float32)[:, None]


def _steps(x, step, low, high):
    """x / step to the nearest integer in low .. high; 0 where the step is 0."""
    quotient = np.divide(x, step, out=np.zeros_like(x), where=step != 0)
    return np.clip(np.rint(quotient), low, high)


def _extreme(x):
    """The value largest in size, with its sign."""
    return np.take_along_axis(x, np.abs(x).argmax(axis=-1)[..., None], axis=-1)[..., 0]


def _nearest_level(x, levels):
    return np.abs(x[..., None] - levels).argmin(axis=-1).astype(np.uint8)


class Planes:
    """shared: elements that share a scale. levels: what quants stand for, where it is not the quant less an offset."""

    def __init__(self, elements, n_bytes, planes, shared, offset=0, levels=None):
        self.elements, self.n_bytes, self.shared, self.offset, self.levels = elements, n_bytes, shared, offset, levels
        self.bits = sum(bits for bits, _, _ in planes)
        self.planes, shift = [], 0
        for bits, at, run in planes:
            self.planes.append((*_plane(elements, bits, at, run), np.uint8(shift)))
            shift += bits

    def blocks_of(self, x):
        """float32 [blocks, groups, shared]."""
        x = np.ascontiguousarray(x, dtype=np.float32)
        return x.reshape(-1, self.elements // self.shared, self.shared)

    def put(self, out, quants):
        quants = quants.astype(np.uint8).reshape(len(out), self.elements)
        for byte, shift, mask, low in self.planes:
            bits = ((quants >> low) & mask) << shift
            np.bitwise_or.at(out, (slice(None), byte), bits)

    def get(self, raw):
        """What the quants stand for: float32 [blocks, groups, shared]."""
        blocks = raw.reshape(-1, self.n_bytes)
        quants = np.zeros((len(blocks), self.elements), np.uint8)
        for byte, shift, mask, low in self.planes:
            quants |= ((blocks[:, byte] >> shift) & mask) << low
        values = quants.astype(np.float32) - self.offset if self.levels is None else self.levels[quants]
        return values.reshape(len(blocks), -1, self.shared)

    def new(self, x):
        return np.zeros((x.size // self.elements, self.n_bytes), np.uint8)


Q4_1 = Planes(32, 20, [(4, 4, 16)], 32)
Q5_0 = Planes(32, 22, [(4, 6, 16), (1, 2, 1)], 32, offset=16)
Q5_1 = Planes(32, 24, [(4, 8, 16), (1, 4, 1)], 32)
Q2_K = Planes(256, 84, [(2, 16, 32)], 16)
Q3_K = Planes(256, 110, [(2, 32, 32), (1, 0, 32)], 16, offset=4)
Q5_K = Planes(256, 176, [(4, 48, 32), (1, 16, 32)], 32)
IQ4_NL = Planes(32, 18, [(4, 2, 16)], 32, levels=LEVELS)
IQ4_XS = Planes(256, 136, [(4, 8, 16)], 32, levels=LEVELS)
MXFP4 = Planes(32, 17, [(4, 1, 16)], 32, levels=E2M1)
TQ2_0 = Planes(256, 66, [(2, 0, 32)], 256, offset=1)


def _range(blocks, n_levels):
    """Step and minimum (not above 0) of each group: [blocks, groups]."""
    lowest = np.minimum(blocks.min(axis=2), 0)
    return (blocks.max(axis=2) - lowest) / np.float32(n_levels), lowest


def encode_half(f, x):
    """Q5_0, IQ4_NL: the value largest in size becomes the first level."""
    blocks, out = f.blocks_of(x), f.new(x)
    first = np.float32(-f.offset) if f.levels is None else f.levels[0]
    d = _put_half(out, 0, _extreme(blocks[:, 0]) / first)[:, :, None]
    if f.levels is None:
        f.put(out, _steps(blocks, d, -f.offset, (1 << f.bits) - 1 - f.offset) + f.offset)
    else:
        f.put(out, _nearest_level(np.divide(blocks, d, out=np.zeros_like(blocks), where=d != 0), f.levels))
    return out.reshape(x.shape[0], -1)


def decode_half(f, raw, n):
    return (f.get(raw) * _halves(raw.reshape(-1, f.n_bytes), 0)[:, :, None]).reshape(-1, n)


def encode_half_min(f, x):
    """Q4_1, Q5_1: element = d q + m."""
    blocks, out = f.blocks_of(x), f.new(x)
    lowest, n_levels = blocks.min(axis=(1, 2)), (1 << f.bits) - 1
    d = _put_half(out, 0, (blocks.max(axis=(1, 2)) - lowest) / np.float32(n_levels))[:, :, None]
    m = _put_half(out, 2, lowest)[:, :, None]
    f.put(out, _steps(blocks - m, d, 0, n_levels))
    return out.reshape(x.shape[0], -1)


def decode_half_min(f, raw, n):
    blocks = raw.reshape(-1, f.n_bytes)
    return (f.get(raw) * _halves(blocks, 0)[:, :, None] + _halves(blocks, 2)[:, :, None]).reshape(-1, n)


def encode_e8m0(f, x):
    """MXFP4: a power of two such that the value largest in size is between 4 and 8 of it (OCP Microscaling Formats 1.0)."""
    blocks, out = f.blocks_of(x), f.new(x)
    largest = np.abs(blocks).max(axis=(1, 2))
    exponent = np.floor(np.log2(np.where(largest > 0, largest, 1))) - 2
    out[:, 0] = np.clip(exponent + 127, 0, 254)
    f.put(out, _nearest_level(blocks / np.exp2(exponent, dtype=np.float32)[:, None, None], f.levels))
    return out.reshape(x.shape[0], -1)


def decode_e8m0(f, raw, n):
    exponent = raw.reshape(-1, f.n_bytes)[:, 0].astype(np.int32) - 127
    return np.ldexp(f.get(raw), exponent[:, None, None]).astype(np.float32).reshape(-1, n)


def encode_ternary(f, x):
    """TQ2_0: -1, 0 or 1 times the value largest in size."""
    blocks, out = f.blocks_of(x), f.new(x)
    d = _put_half(out, 64, np.abs(blocks).max(axis=(1, 2)))[:, :, None]
    f.put(out, _steps(blocks, d, -1, 1) + 1)
    return out.reshape(x.shape[0], -1)


def decode_ternary(f, raw, n):
    return (f.get(raw) * _halves(raw.reshape(-1, f.n_bytes), 64)[:, :, None]).reshape(-1, n)


def encode_q2_k(f, x):
    """element = d s q - dmin m, s and m of four bits for every 16 elements."""
    blocks, out = f.blocks_of(x), f.new(x)
    step, lowest = _range(blocks, 3)
    d = _put_half(out, 80, step.max(axis=1) / np.float32(15))
    dmin = _put_half(out, 82, -lowest.min(axis=1) / np.float32(15))
    scales, mins = _steps(step, d, 0, 15), _steps(-lowest, dmin, 0, 15)
    out[:, :16] = scales.astype(np.uint8) | mins.astype(np.uint8) << 4
    f.put(out, _steps(blocks + (dmin * mins)[:, :, None], (d * scales)[:, :, None], 0, 3))
    return out.reshape(x.shape[0], -1)


def decode_q2_k(f, raw, n):
    blocks = raw.reshape(-1, f.n_bytes)
    scale, minimum = _halves(blocks, 80) * (blocks[:, :16] & 15), _halves(blocks, 82) * (blocks[:, :16] >> 4)
    return (f.get(raw) * scale[:, :, None] - minimum[:, :, None]).reshape(-1, n)


def encode_q3_k(f, x):
    """element = d (s - 32) (q - 4), s of six bits for every 16 elements."""
    blocks, out = f.blocks_of(x), f.new(x)
    step = _extreme(blocks) / np.float32(-4)
    d = _put_half(out, 108, _extreme(step) / np.float32(-32))
    scales = _steps(step, d, -32, 31)
    s = (scales + 32).astype(np.uint8)
    out[:, 96:104] = (s[:, :8] & 15) | (s[:, 8:] & 15) << 4
    high = (s >> 4).reshape(-1, 4, 4)
    out[:, 104:108] = high[:, 0] | high[:, 1] << 2 | high[:, 2] << 4 | high[:, 3] << 6
    f.put(out, _steps(blocks, (d * scales)[:, :, None], -4, 3) + 4)
    return out.reshape(x.shape[0], -1)


def decode_q3_k(f, raw, n):
    blocks = raw.reshape(-1, f.n_bytes)
    low = np.concatenate((blocks[:, 96:104] & 15, blocks[:, 96:104] >> 4), axis=1)
    high = np.concatenate([blocks[:, 104:108] >> shift & 3 for shift in (0, 2, 4, 6)], axis=1)
    scale = _halves(blocks, 108) * ((low | high << 4).astype(np.float32) - 32)
    return (f.get(raw) * scale[:, :, None]).reshape(-1, n)


def encode_q5_k(f, x, pack_scales):
    """element = d s q - dmin m, s and m of six bits for every 32 elements, packed as Q4_K's."""
    blocks, out = f.blocks_of(x), f.new(x)
    step, lowest = _range(blocks, 31)
    d = _put_half(out, 0, step.max(axis=1) / np.float32(63))
    dmin = _put_half(out, 2, -lowest.min(axis=1) / np.float32(63))
    scales, mins = _steps(step, d, 0, 63), _steps(-lowest, dmin, 0, 63)
    out[:, 4:16] = pack_scales(scales.astype(np.uint8), mins.astype(np.uint8))
    f.put(out, _steps(blocks + (dmin * mins)[:, :, None], (d * scales)[:, :, None], 0, 31))
    return out.reshape(x.shape[0], -1)


def decode_q5_k(f, raw, n, unpack_scales):
    blocks = raw.reshape(-1, f.n_bytes)
    scales, mins = unpack_scales(blocks[:, 4:16])
    scale, minimum = _halves(blocks, 0) * scales, _halves(blocks, 2) * mins
    return (f.get(raw) * scale[:, :, None] - minimum[:, :, None]).reshape(-1, n)


def encode_iq4_xs(f, x):
    """element = d (s - 32) level, s of six bits for every 32 elements."""
    blocks, out = f.blocks_of(x), f.new(x)
    step = _extreme(blocks) / f.levels[0]
    d = _put_half(out, 0, _extreme(step) / np.float32(-32))
    scales = _steps(step, d, -32, 31)
    s = (scales + 32).astype(np.uint16)
    out[:, 4:8] = (s[:, 0::2] & 15) | (s[:, 1::2] & 15) << 4
    high = ((s >> 4) << (2 * np.arange(8, dtype=np.uint16))).sum(axis=1).astype("<u2")
    out[:, 2:4] = high[:, None].view(np.uint8)
    scale = (d * scales)[:, :, None]
    f.put(out, _nearest_level(np.divide(blocks, scale, out=np.zeros_like(blocks), where=scale != 0), f.levels))
    return out.reshape(x.shape[0], -1)


def decode_iq4_xs(f, raw, n):
    blocks = raw.reshape(-1, f.n_bytes)
    low = np.stack((blocks[:, 4:8] & 15, blocks[:, 4:8] >> 4), axis=2).reshape(-1, 8)
    high = np.ascontiguousarray(blocks[:, 2:4]).view("<u2") >> (2 * np.arange(8)) & 3
    scale = _halves(blocks, 0) * ((low | high << 4).astype(np.float32) - 32)
    return (f.get(raw) * scale[:, :, None]).reshape(-1, n)
