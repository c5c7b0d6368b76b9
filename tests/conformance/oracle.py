"""One attention block in float64, written from the papers: projections, rotation, softmax, mix.

SPDX-License-Identifier: Apache-2.0

Numpy only, and for reading: no cache, no blocks, one formula a function. T tokens, H query heads, G key heads,
D head size. A channel pair (a, b) at position p with angular speed w rotates by the angle p w:
    a' = a cos - b sin,  b' = a sin + b cos.
"""

import math
from dataclasses import dataclass, field

import numpy as np

# --- Angles ---


def cos_sin(position, inv_freq):
    """cos and sin of the exact product of an integer and a float64.

    The rounded product would be wrong by 1e-10 rad at position 1,000,000. So the frequency is split into 26 high
    bits and the rest: both products with a position below 2^26 are exact, and the C library reduces exactly.
    """
    mantissa, exponent = math.frexp(inv_freq)
    high = math.ldexp(math.floor(math.ldexp(mantissa, 26)), exponent - 26)
    x, y = position * high, position * (inv_freq - high)
    return (
        math.cos(x) * math.cos(y) - math.sin(x) * math.sin(y),
        math.sin(x) * math.cos(y) + math.cos(x) * math.sin(y),
    )


# --- Frequencies: radians per position, one a pair; d = channels that rotate ---


def rope_frequencies(d, theta=10000.0):
    """Su et al. 2021 (RoFormer, arXiv:2104.09864), section 3.2.2."""
    return [theta ** (-2.0 * i / d) for i in range(d // 2)]


def linear_frequencies(d, theta, s):
    """Position interpolation, Chen et al. 2023 (arXiv:2306.15595): positions are divided by s."""
    return [w / s for w in rope_frequencies(d, theta)]


def ntk_frequencies(d, theta, s):
    """NTK-aware base (bloc97 2023; Peng et al., arXiv:2309.00071, section 3.1): the slowest pair is slowed by s."""
    return rope_frequencies(d, theta if d == 2 else theta * s ** (d / (d - 2)))


def dynamic_frequencies(d, theta, s, trained, length):
    """Dynamic NTK: the base grows with the length once it exceeds the trained one. Here length is fixed."""
    stretch = s * length / trained - (s - 1.0)
    return ntk_frequencies(d, theta, stretch) if length > trained else rope_frequencies(d, theta)


def yarn_frequencies(d, theta, s, trained, beta_fast=32.0, beta_slow=1.0, ext_factor=1.0):
    """YaRN, Peng et al. 2023 (arXiv:2309.00071), section 3.2: NTK by parts.

    Pairs that rotate more than beta_fast times in the trained length keep their speed, those below beta_slow are
    interpolated, a linear ramp over the pair index lies between. ext_factor 0 is plain interpolation (ggml).
    """

    def pair_with_turns(n):
        return d * math.log(trained / (2.0 * math.pi * n)) / (2.0 * math.log(theta))

    low = max(math.floor(pair_with_turns(beta_fast)), 0)
    high = min(math.ceil(pair_with_turns(beta_slow)), d - 1)
    result = []
    for i, w in enumerate(rope_frequencies(d, theta)):
        ramp = min(max((i - low) / max(high - low, 0.001), 0.0), 1.0)
        keep = (1.0 - ramp) * ext_factor
        result.append(w / s * (1.0 - keep) + w * keep)
    return result


def yarn_amplitude(s, mscale=1.0, mscale_all_dim=0.0):
    """YaRN's factor on cos and sin of queries and keys (section 3.3: 0.1 ln s + 1), with DeepSeek's two scales."""

    def magnitude(k):
        return 0.1 * k * math.log(s) + 1.0 if s > 1.0 else 1.0

    return magnitude(mscale) / magnitude(mscale_all_dim)


def llama3_frequencies(d, theta, s, trained, low_rotations, high_rotations):
    """Llama 3.1: by wavelength; slow pairs / s, fast pairs as they are, a blend between."""
    result = []
    for w in rope_frequencies(d, theta):
        wavelength = 2.0 * math.pi / w
        if wavelength < trained / high_rotations:
            result.append(w)
        elif wavelength > trained / low_rotations:
            result.append(w / s)
        else:
            k = (trained / wavelength - low_rotations) / (high_rotations - low_rotations)
            result.append((1.0 - k) * w / s + k * w)
    return result


def longrope_amplitude(s, trained):
    """LongRoPE, Ding et al. 2024 (arXiv:2402.13753), as in Phi-3."""
    return math.sqrt(1.0 + math.log(s) / math.log(trained)) if s > 1.0 else 1.0


def rope_id_frequencies(head_dim, trained):
    """RoPE-ID, Wertheimer et al. 2026 (arXiv:2603.18017): quarters 1 and 3 of the head rotate.

    Log-spaced from one rotation in 32 positions to two rotations in the trained length; one entry a pair of the whole head.
    """
    n = head_dim // 4
    periods = [32.0 * (trained / 64.0) ** (i / (n - 1) if n > 1 else 0.0) for i in range(n)]
    return [2.0 * math.pi / p for p in periods] + [0.0] * (head_dim // 2 - n)


def p_rope_frequencies(head_dim, theta, fraction):
    """p-RoPE, Barbero et al. 2024 (arXiv:2410.06205): only that fraction of pairs, the fastest, rotates."""
    w = rope_frequencies(head_dim // 2 * 2, theta)
    return [x if i < int(fraction * len(w)) else 0.0 for i, x in enumerate(w)]


def hope_frequencies(head_dim, theta, trained):
    """HoPE, Chen et al. 2024 (arXiv:2410.21216): pairs that do not complete a rotation in training stand still."""
    return [x if 2.0 * math.pi / x <= trained else 0.0 for x in rope_frequencies(head_dim // 2 * 2, theta)]


# --- The block ---


@dataclass
class Pair:
    """Two channels of a head that rotate together. Channels in no pair never rotate."""

    a: int
    b: int
    inv_freq: float
    zeta: float = 1.0  # xPos: decay base


@dataclass
class Block:
    """What one attention block does; the fields are those of the papers, not of any file."""

    n_head: int
    n_head_kv: int
    head_dim: int
    pairs: list = field(default_factory=list)
    turn_keys: bool = True  # queries and keys; False: VO-RoPE
    values: str = "none"  # none | rotate_only (RoFormer) | rove (rotated back at the query)
    amplitude: float = 1.0  # of queries and keys, on rotated channels
    temperature: tuple = (0.0, 1.0, 1)  # coefficient, power, trained length
    alibi: bool = False
    window: int = 0  # keys a query sees, its own included; 0: all
    sink_tokens: int = 0  # first tokens that the window keeps
    decay_origin: float = 0.0  # position from which xPos counts; no result depends on it


def pair_channels(pairing, n_pairs, stride):
    """interleaved: (2i, 2i + 1), GPT-J and RoFormer; half: (i, i + stride), GPT-NeoX."""
    if pairing == "interleaved":
        return [(2 * i, 2 * i + 1) for i in range(n_pairs)]
    return [(i, i + stride) for i in range(n_pairs)]


def whole_wavelengths(inv_freq):
    """Wang et al. 2024 (Resonance RoPE, arXiv:2403.00071): a rotation takes the nearest whole number of positions."""
    return [2 * math.pi / max(1, round(2 * math.pi / w)) for w in inv_freq]


def xpos_zeta(i, d):
    """xPos, Sun et al. 2022 (arXiv:2212.10554): queries times zeta^(m/512), keys times zeta^(-n/512)."""
    return (2.0 * i / d + 0.4) / 1.4


def rotate(x, positions, pairs, sign=1, amplitude=1.0, decay=0, decay_origin=0.0):
    """R_(sign p) of every head. x [T, heads, D]; decay +1 for queries and -1 for keys under xPos."""
    y = x.copy()
    for t, position in enumerate(positions):
        for pair in pairs:
            if pair.inv_freq == 0.0:
                continue
            factor = amplitude * pair.zeta ** (decay * (position - decay_origin) / 512.0)
            c, s = cos_sin(position, pair.inv_freq)
            a, b = x[t, :, pair.a], x[t, :, pair.b]
            y[t, :, pair.a] = factor * (a * c - sign * b * s)
            y[t, :, pair.b] = factor * (sign * a * s + b * c)
    return y


def alibi_slopes(n_head):
    """ALiBi, Press et al. 2021 (arXiv:2108.12409), section 3, and the authors' code for other head counts."""

    def power_of_two(n):
        return [2.0 ** (-8.0 * h / n) for h in range(1, n + 1)]

    lower = 1 << (n_head.bit_length() - 1)
    return power_of_two(lower) + power_of_two(2 * lower)[::2][: n_head - lower]


def temperature_factor(temperature, position):
    """RoPE-ID's length-dependent logit factor; length = positions up to and including the query's."""
    coefficient, power, trained = temperature
    return (1.0 + coefficient * math.log(max(1.0, (position + 1) / trained))) ** power


def is_visible(block, query, key):
    """Token indices. Sliding window: Beltagy et al. 2020; kept first tokens: Xiao et al. 2023 (StreamingLLM)."""
    if key > query:
        return False
    return block.window == 0 or query - key < block.window or key < block.sink_tokens


def complex_as_dense(re, im):
    """The real [2r, 2c] matrix of the complex map y = (re + i im) x on pairs (2c, 2c + 1): CRoPE, arXiv:2601.02728."""
    dense = np.zeros((2 * re.shape[0], 2 * re.shape[1]))
    dense[0::2, 0::2], dense[0::2, 1::2] = re, -im
    dense[1::2, 0::2], dense[1::2, 1::2] = im, re
    return dense


def project(block, x, weight, bias):
    """Rows of weight: queries, keys, values. Gives q [T, H, D], k [T, G, D], v [T, G, D]."""
    y = (x @ weight.T + bias).reshape(len(x), -1, block.head_dim)
    h, g = block.n_head, block.n_head_kv
    return y[:, :h], y[:, h : h + g], y[:, h + g :]


def rotated(block, q, k, v, positions):
    """What enters the dot product and the sum: queries, keys, values, rotated where the block rotates them."""
    if block.turn_keys:
        more = {"amplitude": block.amplitude, "decay_origin": block.decay_origin}
        q = rotate(q, positions, block.pairs, decay=1, **more)
        k = rotate(k, positions, block.pairs, decay=-1, **more)
    if block.values != "none":
        v = rotate(v, positions, block.pairs)
    return q, k, v


def scores(block, head, q, k, positions):
    """[T, T] logits of one query head, -inf where masked. q [T, D], k [T, D] as they enter the product."""
    t = len(positions)
    logits = q @ k.T / math.sqrt(block.head_dim)
    for i in range(t):
        logits[i] *= temperature_factor(block.temperature, positions[i])
        for j in range(t):
            if block.alibi:
                logits[i, j] -= alibi_slopes(block.n_head)[head] * (i - j)
            if not is_visible(block, i, j):
                logits[i, j] = -math.inf
    return logits


def softmax(logits, sink=None):
    """Row by row; a sink logit joins the sum and has no value, so that the row then adds up to less than 1."""
    highest = logits.max(axis=1, keepdims=True)
    if sink is not None:
        highest = np.maximum(highest, sink)
    weights = np.exp(logits - highest)
    total = weights.sum(axis=1, keepdims=True)
    return weights / (total if sink is None else total + np.exp(sink - highest))


def mix(block, q, k, v, positions, sinks=None):
    """Attention of rotated q, k, v; RoVE's sum is rotated back at the query (arXiv:2606.11275). Gives [T, H, D]."""
    y = np.zeros_like(q)
    for head in range(block.n_head):
        kv_head = head // (block.n_head // block.n_head_kv)
        logits = scores(block, head, q[:, head], k[:, kv_head], positions)
        y[:, head] = softmax(logits, None if sinks is None else sinks[head]) @ v[:, kv_head]
    return rotate(y, positions, block.pairs, sign=-1) if block.values == "rove" else y


def attention_block(block, x, weight, bias, positions, sinks=None):
    """x [T, n_embd] -> [T, H * D]. weight [(H + 2 G) D, n_embd], bias [(H + 2 G) D] or 0, positions: T integers."""
    q, k, v = rotated(block, *project(block, x, weight, bias), positions)
    return mix(block, q, k, v, positions, sinks).reshape(len(x), -1)
