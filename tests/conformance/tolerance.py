"""How far a float32 implementation may be from the exact result of a case: first-order error analysis.

SPDX-License-Identifier: Apache-2.0

An error enters where something is rounded (projection, rotation, the cache's format, the dot product, exp, the sum)
and is carried to the result by the derivatives of softmax: dy = sum_j a_j (v_j - y) ds_j + sum_j a_j dv_j. Errors of
different elements are independent, so a sum of n of them is bounded by three times its root sum of squares where
that is smaller than the sum itself. Every array here is an absolute bound of the array it is named after.
"""

import math

import numpy as np

import oracle

UNIT = 2.0**-24  # float32, round to nearest

# A product of n terms, relative to the sum of their magnitudes. Added one after the other, terms of mixed sign leave
# about 0.5 UNIT (a random walk), and the worst of thousands about 2 UNIT; any other order leaves less.
DOT = 4.0 * UNIT
TURN = 4.0 * UNIT  # cos and sin rounded, two products, a sum
EXP_ULPS = 3.0  # Vulkan: exp(x) is within 3 + 2 |x| units in the last place


def combine(errors, axis):
    return np.minimum(errors.sum(axis), 3.0 * np.sqrt((errors**2).sum(axis)))


def storage_error(cache, x):
    """Of a cached [T, G, D] array. Q8_0: 32 values of a head, however grouped, share a scale of largest / 127."""
    if cache == "f32":
        return np.zeros_like(x)
    if cache == "f16":
        return np.abs(x) * 2.0**-11 + 2.0**-25
    assert cache == "q8_0", cache
    return np.broadcast_to(np.abs(x).max(axis=-1, keepdims=True) / 254.0 * 1.01, x.shape)


def turn_error(block, x, error, factor):
    """Bound after a rotation of [T, heads, D] by an orthogonal matrix times factor(t, pair)."""
    result = error.copy()
    for t in range(len(x)):
        for pair in block.pairs:
            if pair.inv_freq == 0.0:
                continue
            channels = [pair.a, pair.b]
            carried = np.linalg.norm(error[t][:, channels], axis=-1, keepdims=True)
            own = TURN * np.linalg.norm(x[t][:, channels], axis=-1, keepdims=True)
            result[t][:, channels] = factor(t, pair) * (carried + own)
    return result


def tolerance(block, cache, x, weight, bias, positions, sinks):
    """Largest permitted absolute difference of any element of the case's result."""
    q, k, v = oracle.project(block, x, weight, bias)
    magnitude = np.broadcast_to(np.abs(bias), (len(weight),)) + np.abs(x) @ np.abs(weight).T
    heads = DOT * magnitude.reshape(len(x), -1, block.head_dim)
    dq, dk, dv = np.split(heads, [block.n_head, block.n_head + block.n_head_kv], axis=1)

    def amplitude(decay):
        origin = block.decay_origin
        return lambda t, pair: block.amplitude * pair.zeta ** (decay * (positions[t] - origin) / 512.0)

    if block.turn_keys:
        dq = turn_error(block, q, dq, amplitude(1))
        dk = turn_error(block, k, dk, amplitude(-1))
    if block.values != "none":
        dv = turn_error(block, v, dv, lambda t, pair: 1.0)
    q, k, v = oracle.rotated(block, q, k, v, positions)
    dk = dk + storage_error(cache, k)
    dv = dv + storage_error(cache, v)
    error = np.zeros_like(q)
    for head in range(block.n_head):
        g = head // (block.n_head // block.n_head_kv)
        exact, errors = (q[:, head], k[:, g], v[:, g]), (dq[:, head], dk[:, g], dv[:, g])
        error[:, head] = head_error(block, head, exact, errors, positions, sinks)
    if block.values == "rove":
        y = oracle.rotate(oracle.mix(block, q, k, v, positions, sinks), positions, block.pairs)
        error = turn_error(block, y, error, lambda t, pair: 1.0)
    return float(error.max())


def head_error(block, head, qkv, errors, positions, sinks):
    """[T, D] bound of one query head's sum, before it is rotated back."""
    (q, k, v), (dq, dk, dv) = qkv, errors
    sink = None if sinks is None else sinks[head]
    logits = oracle.scores(block, head, q, k, positions)
    weights = oracle.softmax(logits, sink)
    y = weights @ v
    result = np.zeros_like(y)
    for i in range(len(q)):
        seen = np.isfinite(logits[i])
        scale = oracle.temperature_factor(block.temperature, positions[i]) / math.sqrt(block.head_dim)
        carried = combine(np.abs(q[i]) * dk[seen] + np.abs(k[seen]) * dq[i], 1)
        ds = scale * (carried + DOT * np.abs(q[i] * k[seen]).sum(1)) + 4.0 * UNIT * np.abs(logits[i, seen])
        below_top = np.max(logits[i, seen]) - logits[i, seen]
        relative = np.expm1(ds) + 2.0 * UNIT * (EXP_ULPS + 2.0 * below_top)
        a = weights[i, seen][:, None]
        result[i] = combine(a * np.abs(v[seen] - y[i]) * relative[:, None], 0)
        result[i] += combine(a * dv[seen], 0) + DOT * (a * np.abs(v[seen])).sum(0)
    return result
