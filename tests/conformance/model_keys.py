"""The words of a model file to an oracle Block: what every key of a case means, and what its absence means.

SPDX-License-Identifier: Apache-2.0

Floats of a model file are float32, so every one is rounded to float32 first.
"""

import numpy as np

import oracle


PAIRING = {"llama": "interleaved"}  # of families; the others here have half


def f32(value):
    return float(np.float32(value))


class Keys:
    """metadata: key -> value, as in the case."""

    def __init__(self, metadata):
        self.metadata = metadata
        self.arch = metadata["general.architecture"]

    def get(self, key, default):
        """key: ARCH. stands for the architecture's prefix."""
        value = self.metadata.get(key.replace("ARCH", self.arch), default)
        return f32(value) if isinstance(value, float) else value


def block_of(metadata, tensors, n_ctx):
    """tensors: the file's small tensors by name; n_ctx: positions of the session, for rules that depend on it."""
    keys = Keys(metadata)
    n_head = keys.get("ARCH.attention.head_count", None)
    head_dim = keys.get("ARCH.embedding_length", None) // n_head
    rotary = keys.get("gyre.position", "rotary") == "rotary"
    coefficient = keys.get("gyre.attention.temperature.coefficient", 0.0)
    power = keys.get("gyre.attention.temperature.power", 1.0)
    trained = keys.get("gyre.attention.temperature.train_length", 1)
    block = oracle.Block(
        n_head=n_head,
        n_head_kv=keys.get("ARCH.attention.head_count_kv", n_head),
        head_dim=head_dim,
        temperature=(coefficient, power, trained),
        alibi=keys.get("gyre.position", "rotary") == "alibi",
        window=keys.get("ARCH.attention.sliding_window", 0),
        sink_tokens=keys.get("gyre.attention.sink_tokens", 0),
    )
    if rotary:
        block.turn_keys = keys.get("gyre.rotary.keys", True)
        block.values = keys.get("gyre.rotary.values", "none")
        block.pairs, block.amplitude = rotating_pairs(keys, tensors, head_dim, n_ctx)
    return block


def rotating_pairs(keys, tensors, head_dim, n_ctx):
    """Pairs with their speeds, and the amplitude."""
    pairing = keys.get("gyre.rotary.pairing", PAIRING.get(keys.arch, "half"))
    explicit = keys.metadata.get("gyre.rotary.inv_freq")
    d = keys.get("ARCH.rope.dimension_count", head_dim // 2 * 2)
    inv_freq, amplitude = frequencies(keys, tensors, d, n_ctx)
    if explicit is not None:  # wins over every rule; pairs are then over the whole head
        inv_freq, d = [f32(w) for w in explicit], head_dim // 2 * 2
    channels = oracle.pair_channels(pairing, len(inv_freq), d // 2)
    xpos = keys.get("gyre.rotary.xpos", False)
    pairs = [
        oracle.Pair(a, b, w, oracle.xpos_zeta(i, d) if xpos else 1.0)
        for i, ((a, b), w) in enumerate(zip(channels, inv_freq))
    ]
    return pairs, amplitude


def frequencies(keys, tensors, d, n_ctx):
    """[d / 2] speeds and the amplitude, by the scaling rule that the keys name."""
    theta = keys.get("ARCH.rope.freq_base", 10000.0)
    own = keys.get("gyre.rotary.scaling.type", None)
    if own is not None:
        inv_freq, amplitude = own_rule(own, keys, tensors, d, theta, n_ctx)
        amplitude = keys.get("gyre.rotary.scaling.attention_factor", amplitude)
    else:
        inv_freq, amplitude = standard_rule(keys, tensors, d, theta, n_ctx)
    if "rope_freqs.weight" in tensors:
        inv_freq = [w / f32(f) for w, f in zip(inv_freq, tensors["rope_freqs.weight"], strict=True)]
    if keys.get("gyre.rotary.resonance", False):
        inv_freq = oracle.whole_wavelengths(inv_freq)
    return inv_freq, amplitude


def standard_rule(keys, tensors, d, theta, n_ctx):
    """ARCH.rope.scaling.*, as the GGUF ecosystem writes it."""
    s = keys.get("ARCH.rope.scaling.factor", 1.0)
    kind = keys.get("ARCH.rope.scaling.type", "none" if s == 1.0 else "linear")
    trained = keys.get("ARCH.rope.scaling.original_context_length", keys.get("ARCH.context_length", None))
    amplitude = keys.get("ARCH.rope.scaling.attn_factor", 1.0) * keys.get("ARCH.rope.scaling.yarn_attn_factor", 1.0)
    if kind == "none":
        return oracle.rope_frequencies(d, theta), amplitude
    if kind == "linear":
        return oracle.linear_frequencies(d, theta, s), amplitude
    if kind == "longrope":  # the amplitude is attn_factor alone: ggml has no rule of its own
        return longrope(tensors, d, theta, trained, n_ctx), amplitude
    assert kind == "yarn", kind
    ext_factor = keys.get("ARCH.rope.scaling.yarn_ext_factor", 1.0)
    beta_fast = keys.get("ARCH.rope.scaling.yarn_beta_fast", 32.0)
    beta_slow = keys.get("ARCH.rope.scaling.yarn_beta_slow", 1.0)
    if ext_factor < 0.0:  # ggml: what the type says
        ext_factor = 1.0
    if ext_factor != 0.0:
        amplitude *= oracle.yarn_amplitude(s)
    return oracle.yarn_frequencies(d, theta, s, trained, beta_fast, beta_slow, ext_factor), amplitude


def own_rule(kind, keys, tensors, d, theta, n_ctx):
    """gyre.rotary.scaling.*: what the standard keys have no word for."""
    s = keys.get("gyre.rotary.scaling.factor", None)
    trained = keys.get("gyre.rotary.scaling.original_context_length", None)
    if kind == "ntk":
        return oracle.ntk_frequencies(d, theta, s), 1.0
    if kind == "dynamic":
        return oracle.dynamic_frequencies(d, theta, s, trained, n_ctx), 1.0
    if kind == "longrope":
        return longrope(tensors, d, theta, trained, n_ctx), oracle.longrope_amplitude(s, trained)
    assert kind == "llama3", kind
    low = keys.get("gyre.rotary.scaling.low_freq_factor", None)
    high = keys.get("gyre.rotary.scaling.high_freq_factor", None)
    return oracle.llama3_frequencies(d, theta, s, trained, low, high), 1.0


def longrope(tensors, d, theta, trained, n_ctx):
    divisors = tensors["rope_factors_long.weight" if n_ctx > trained else "rope_factors_short.weight"]
    return [w / f32(f) for w, f in zip(oracle.rope_frequencies(d, theta), divisors, strict=True)]
