"""What every system adds to a plain attention block: a function Shape -> Extra each.

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import dataclass, field, replace

import numpy as np

import oracle

PARTIAL = {8: [2, 4, 6], 20: [10, 6], 64: [16, 6], 80: [20, 32], 128: [32, 96]}  # channels that rotate


@dataclass
class Extra:
    """What a system adds to a case."""

    keys: dict = field(default_factory=dict)
    tensors: dict = field(default_factory=dict)  # small tensors, written out
    n_ctx: int = 0  # session's positions where the rule depends on them; 0: as many as needed
    bias: bool = True
    complex: bool = False
    sink_logits: bool = False


def floats(values):
    """float32 values as their shortest decimals."""
    return [float(str(np.float32(v))) for v in values]


def base_keys(shape):
    return {
        "general.architecture": "gpt2",
        "ARCH.context_length": shape.first_position + shape.n_tokens,
        "ARCH.embedding_length": shape.n_head * shape.head_dim,
        "ARCH.attention.head_count": shape.n_head,
        "ARCH.attention.head_count_kv": shape.n_head_kv,
    }


# --- Parts that systems are made of ---


def rotary(shape):
    """Plain RoPE of the whole head. Keys that have a default are sometimes left out."""
    keys = {"gyre.position": "rotary"}
    if shape.pairing != "half" or shape.index % 3 == 0:
        keys["gyre.rotary.pairing"] = shape.pairing
    if shape.index % 4 != 1:
        keys["ARCH.rope.dimension_count"] = shape.head_dim
    return Extra(keys, bias=shape.index % 5 != 4)


def rope(shape):
    extra = rotary(shape)
    theta = [None, 10000.0, 500000.0, 1000000.0, 100.0][shape.index % 5]
    if theta is not None:
        extra.keys["ARCH.rope.freq_base"] = theta
    return extra


def partial(shape):
    extra = rotary(shape)
    extra.keys["ARCH.rope.dimension_count"] = shape.pick(PARTIAL[shape.head_dim])
    return extra


def odd_head(shape):
    extra = rotary(shape)
    extra.keys["ARCH.rope.dimension_count"] = shape.pick([shape.head_dim // 2 * 2, 2])
    return extra


def gptneox(shape):
    extra = partial(shape)
    del extra.keys["gyre.position"]
    extra.keys.pop("gyre.rotary.pairing", None)
    extra.keys["general.architecture"] = "gptneox"
    return extra


def explicit(shape, inv_freq):
    extra = rotary(shape)
    extra.keys.pop("ARCH.rope.dimension_count", None)
    extra.keys["gyre.rotary.inv_freq"] = floats(inv_freq)
    return extra


def with_temperature(extra, shape):
    coefficient, power, trained = shape.pick([(0.1, 2.0, 1024), (0.2, 1.0, 32), (0.5, 0.5, 4096)])
    prefix = "gyre.attention.temperature."
    extra.keys.update({prefix + "coefficient": coefficient, prefix + "power": power})
    extra.keys[prefix + "train_length"] = trained
    return extra


def rope_id(shape):
    extra = explicit(shape, oracle.rope_id_frequencies(shape.head_dim, shape.pick([1024, 4096])))
    return with_temperature(extra, shape) if shape.index % 2 else extra


def p_rope(shape):
    return explicit(shape, oracle.p_rope_frequencies(shape.head_dim, 10000.0, shape.pick([0.75, 0.25, 0.5])))


def hope(shape):
    return explicit(shape, oracle.hope_frequencies(shape.head_dim, 10000.0, shape.pick([1024, 256, 4096])))


def linear(shape):
    extra = rotary(shape)
    extra.keys["ARCH.rope.scaling.factor"] = shape.pick([4.0, 2.5, 8.0])
    if shape.index % 3 != 2:  # a factor without a type is linear
        extra.keys["ARCH.rope.scaling.type"] = "linear"
    return extra


def own_scaling(shape, kind, factor, **more):
    extra = rotary(shape)
    prefix = "gyre.rotary.scaling."
    extra.keys.update({prefix + "type": kind, prefix + "factor": factor})
    extra.keys.update({prefix + name: value for name, value in more.items()})
    return extra


def ntk(shape):
    return own_scaling(shape, "ntk", shape.pick([4.0, 8.0, 1.5]))


def dynamic(shape):
    """Frozen for a session of n_ctx positions: below, at and beyond the trained length."""
    extra = own_scaling(shape, "dynamic", shape.pick([2.0, 4.0]), original_context_length=1024)
    extra.n_ctx = max(shape.first_position + shape.n_tokens, shape.pick([4096, 512, 1024, 16384]))
    return extra


YARN = [
    {"factor": 8.0},
    {"factor": 4.0, "yarn_beta_fast": 16.0, "yarn_beta_slow": 2.0},
    {"factor": 16.0, "attn_factor": 0.75},
    {"factor": 2.0, "yarn_attn_factor": 1.25, "yarn_ext_factor": 0.5},
    {"factor": 32.0, "yarn_ext_factor": 0.0},
    {"factor": 8.0, "yarn_ext_factor": -1.0, "attn_factor": 1.5, "yarn_attn_factor": 0.5},
]


def yarn(shape):
    extra = rotary(shape)
    prefix = "ARCH.rope.scaling."
    extra.keys.update({prefix + "type": "yarn", prefix + "original_context_length": shape.pick([1024, 2048])})
    extra.keys.update({prefix + name: value for name, value in shape.pick(YARN).items()})
    return extra


def yarn_partial(shape):
    extra = yarn(shape)
    extra.keys["ARCH.rope.dimension_count"] = shape.pick(PARTIAL[shape.head_dim])
    return extra


def llama3(shape):
    factors = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_context_length": shape.pick([8192, 1024])}
    extra = own_scaling(shape, "llama3", shape.pick([8.0, 32.0]), **factors)
    extra.keys["ARCH.rope.freq_base"] = shape.pick([500000.0, 10000.0, 500000.0])
    return extra


def longrope(shape):
    """Both factor lists; the session decides. Every third case in the ecosystem's own keys."""
    n = shape.head_dim // 2
    if shape.index % 3 == 2:
        extra = rotary(shape)
        prefix = "ARCH.rope.scaling."
        extra.keys.update({prefix + "type": "longrope", prefix + "factor": 8.0, prefix + "attn_factor": 1.25})
        extra.keys[prefix + "original_context_length"] = 2048
    else:
        extra = own_scaling(shape, "longrope", shape.pick([8.0, 32.0]), original_context_length=2048)
        if shape.index % 3 == 1:
            extra.keys["gyre.rotary.scaling.attention_factor"] = 0.875
    extra.keys["ARCH.rope.dimension_count"] = shape.head_dim
    extra.tensors["rope_factors_short.weight"] = floats(1.0 + 0.5 * i / n for i in range(n))
    extra.tensors["rope_factors_long.weight"] = floats(1.0 + 3.0 * (i / n) ** 2 * 8.0 for i in range(n))
    extra.n_ctx = max(shape.first_position + shape.n_tokens, shape.pick([2048, 8192]))
    return extra


def freq_factors(shape):
    """rope_freqs.weight: one divisor a pair; 1e30 makes a pair stand still (ggml's proportional RoPE)."""
    extra = rotary(shape)
    n = shape.head_dim // 2
    factors = [1.0 if i < n // 3 else 1.0 + 7.0 * i / n for i in range(n)]
    if shape.index % 3 == 1 and n > 1:
        factors[-1] = 1e30
    extra.tensors["rope_freqs.weight"] = floats(factors)
    if shape.index % 4 == 3:
        extra.keys.update({"ARCH.rope.scaling.type": "linear", "ARCH.rope.scaling.factor": 2.0})
    return extra


def unrotated(kind):
    return lambda shape: Extra({"gyre.position": kind}, bias=shape.index % 3 != 2)


def nope(shape):
    """No position at all: by name, or as a rotary model whose pairs all stand still."""
    return unrotated("none")(shape) if shape.index % 2 == 0 else explicit(shape, [0.0] * (shape.head_dim // 2))


# --- What a rule can be combined with: functions rule -> rule ---


def adding(rule, **keys):
    """The rule with these keys on top; __ stands for a dot."""

    def combined(shape):
        extra = rule(shape)
        extra.keys.update({name.replace("__", "."): value for name, value in keys.items()})
        return extra

    return combined


def rove(rule):
    return adding(rule, gyre__rotary__values="rove")


def vo_rope(rule):
    return adding(rule, gyre__rotary__keys=False, gyre__rotary__values="rove")


def rotate_only(rule):
    return adding(rule, gyre__rotary__values="rotate_only")


def v_rotate_only(rule):
    return adding(rule, gyre__rotary__keys=False, gyre__rotary__values="rotate_only")


def xpos(rule):
    return adding(rule, gyre__rotary__xpos=True)


def resonance(rule):
    return adding(rule, gyre__rotary__resonance=True)


def crope(rule):
    """CRoPE's numbers are the pairs (2c, 2c + 1), so the rotation's must be too."""

    def combined(shape):
        extra = rule(replace(shape, pairing="interleaved"))
        extra.keys["gyre.attention.projection"] = "complex"
        extra.complex = True
        return extra

    return combined


def of_family(arch, rule):
    """In a file of another family, which is rotary without gyre.position and has a pairing of its own."""

    def combined(shape):
        extra = rule(shape)
        extra.keys["general.architecture"] = arch
        extra.keys.pop("gyre.position", None)
        return extra

    return combined


def temperature(rule):
    return lambda shape: with_temperature(rule(shape), shape)


def window(rule):
    def combined(shape):
        extra = rule(shape)
        extra.keys["ARCH.attention.sliding_window"] = shape.pick([3, 16, 1, 40, 64, 2])
        return extra

    return combined


def sinks(rule):
    def combined(shape):
        extra = window(rule)(shape)
        extra.keys["gyre.attention.sink_tokens"] = shape.pick([1, 4, 2, 70, 64])
        return extra

    return combined


def sink_logits(rule):
    def combined(shape):
        extra = rule(shape)
        extra.sink_logits = True
        return extra

    return combined
