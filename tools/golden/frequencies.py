"""How fast the pairs of a head rotate: radians per position in float64, by the rule that a file names.

d is the number of channels that rotate, theta the base, s the factor of extension, T the context that the model was
trained for. The amplitude multiplies rotated queries and keys, nothing else.
"""

import math

import numpy as np

from .keys import SpecError


def rope(d, theta):
    """w_i = theta^(-2i / d): Su et al. 2021 (arXiv:2104.09864), section 3.2.2."""
    return theta ** (-2.0 * np.arange(d // 2, dtype=np.float64) / d)


def ntk_base(d, theta, stretch):
    """The base with which the slowest pair is slower by `stretch` and the fastest as before: Peng et al. 2023
    (arXiv:2309.00071), definition 1. A lone pair is the fastest."""
    return theta * stretch ** (d / (d - 2)) if d > 2 else theta


def dynamic_stretch(s, trained, length):
    """Dynamic NTK: nothing up to the trained length, then as much as the length needs. `length` is the session's."""
    return s * length / trained - (s - 1) if length > trained else 1.0


def yarn(d, theta, s, trained, *, beta_fast=32.0, beta_slow=1.0, ext_factor=1.0):
    """YaRN (arXiv:2309.00071), section 3.2. Rotates of a pair in T positions: many (beta_fast) and it stays, few
    (beta_slow) and it is interpolated; between, a ramp that is linear in the pair's index, its ends rounded outwards.
    ext_factor (ggml) is how much of that holds; what is left is plain interpolation."""
    w = rope(d, theta)

    def index_of(rotates):  # solves T w_i = 2 pi rotates
        return d / 2 * math.log(trained / (2 * math.pi * rotates), theta)

    first = max(math.floor(index_of(beta_fast)), 0)
    last = min(math.ceil(index_of(beta_slow)), d - 1)
    interpolated = np.clip((np.arange(d // 2) - first) / max(last - first, 1e-3), 0, 1)
    kept = (1 - interpolated) * ext_factor
    return kept * w + (1 - kept) * w / s


def yarn_amplitude(s):
    """Section 3.4: a softmax temperature t with sqrt(1 / t) = 0.1 ln s + 1, put on queries and keys alike."""
    return 1 + 0.1 * math.log(s) if s > 1 else 1.0


def whole_wavelengths(w):
    """Resonance RoPE (Wang et al. 2024, arXiv:2403.00071): a rotation takes the nearest whole number of positions."""
    return 2 * math.pi / np.maximum(1, np.rint(2 * math.pi / w))


def llama3(d, theta, s, trained, low, high):
    """Llama 3.1 (Meta, 2024), by rotations in T positions: below `low` interpolated, above `high` kept, else blended."""
    w = rope(d, theta)
    rotates = trained * w / (2 * math.pi)
    kept = np.clip((rotates - low) / (high - low), 0, 1)
    return kept * w + (1 - kept) * w / s


def longrope_amplitude(s, trained):
    """LongRoPE (Ding et al. 2024, arXiv:2402.13753), as Phi-3 has it."""
    return math.sqrt(1 + math.log(s) / math.log(trained)) if s > 1 else 1.0


def p_rope(head_dim, theta, fraction):
    """Explicit frequencies of p-RoPE (Barbero et al. 2024, arXiv:2410.06205): the slow 1 - fraction stand still."""
    w = rope(head_dim, theta)
    w[int(fraction * len(w)):] = 0
    return w


def hope(head_dim, theta, trained):
    """Explicit frequencies of HoPE (Chen et al. 2024, arXiv:2410.21216): what makes no whole rotate in T stands still."""
    w = rope(head_dim, theta)
    return np.where(trained * w < 2 * math.pi, 0.0, w)


# --- Files ---


def frequencies_of(keys, tensors, d, theta, context, longrope=False):
    """(w, amplitude) by the keys of a file. `context`: positions of the session, for the rules that ask for them.
    longrope: without a key that is the rule."""
    kinds = (None, "none", "linear", "yarn", "longrope")
    standard = keys.choice("ARCH.rope.scaling.type", "longrope" if longrope else None, kinds)
    own = keys.choice("gyre.rotary.scaling.type", None, (None, "ntk", "dynamic", "llama3", "longrope"))
    if own is not None and standard not in (None, "none"):
        raise SpecError("two kinds of scaling")
    rule = _own if own is not None else _standard
    w, amplitude = rule(keys, tensors, own or standard, d, theta, context)
    if "rope_freqs.weight" in tensors:
        w = w / _divisors(tensors, "rope_freqs.weight", d)
    if keys.get("gyre.rotary.resonance", False):
        w = whole_wavelengths(w)
    return w, amplitude


def _standard(keys, tensors, kind, d, theta, context):
    """ARCH.rope.scaling.*: the words of the GGUF ecosystem. attn_factor multiplies whatever amplitude the rule has."""

    def scaling(name, default):
        return keys.get("ARCH.rope.scaling." + name, default)

    s, trained = scaling("factor", 1.0), scaling("original_context_length", keys.need("ARCH.context_length"))
    amplitude = scaling("attn_factor", 1.0) * scaling("yarn_attn_factor", 1.0)
    if kind == "linear" or (kind is None and s != 1.0):
        return rope(d, theta) / s, amplitude  # Chen et al. 2023 (arXiv:2306.15595): positions / s
    if kind == "longrope":  # as in ggml, attn_factor is the whole amplitude
        return _longrope(tensors, d, theta, trained, context), amplitude
    if kind == "yarn":
        # transformers' attention_factor is the amplitude; YaRN's own attn_factor, which has an ext_factor beside it, is not.
        whole = scaling("yarn_attn_factor", None) is not None and scaling("yarn_ext_factor", None) is None
        ext_factor = scaling("yarn_ext_factor", -1.0)
        ext_factor = 1.0 if ext_factor < 0 else ext_factor  # ggml: -1 is "as the type says"
        w = yarn(d, theta, s, trained, ext_factor=ext_factor, beta_fast=scaling("yarn_beta_fast", 32.0),
                 beta_slow=scaling("yarn_beta_slow", 1.0))
        return w, amplitude * (yarn_amplitude(s) if ext_factor and not whole else 1.0)
    return rope(d, theta), amplitude


def _own(keys, tensors, kind, d, theta, context):
    """gyre.rotary.scaling.*: what the standard keys have no word for."""

    def scaling(name):
        return keys.need("gyre.rotary.scaling." + name)

    s, amplitude = scaling("factor"), 1.0
    if kind == "ntk":
        w = rope(d, ntk_base(d, theta, s))
    elif kind == "dynamic":
        w = rope(d, ntk_base(d, theta, dynamic_stretch(s, scaling("original_context_length"), context)))
    elif kind == "llama3":
        w = llama3(d, theta, s, scaling("original_context_length"), scaling("low_freq_factor"),
                   scaling("high_freq_factor"))
    else:
        trained = scaling("original_context_length")
        w, amplitude = _longrope(tensors, d, theta, trained, context), longrope_amplitude(s, trained)
    return w, keys.get("gyre.rotary.scaling.attention_factor", amplitude)


def _longrope(tensors, d, theta, trained, context):
    """One divisor a pair, from the list for short or for long sessions."""
    name = "long" if context > trained else "short"
    return rope(d, theta) / _divisors(tensors, f"rope_factors_{name}.weight", d)


def _divisors(tensors, name, d):
    if name not in tensors:
        raise SpecError(f"{name} is missing")
    divisors = np.asarray(tensors[name], np.float64)
    if divisors.shape != (d // 2,):
        raise SpecError(f"{name} has the shape {divisors.shape}, {d} channels have {d // 2} pairs")
    return divisors
