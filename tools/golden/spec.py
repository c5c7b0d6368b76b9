"""What a model computes, as plain fields: read from GGUF metadata, consumed by reference.py.

Everything rotary is one list of pairs (a, b, radians per position): channels a and b of every head turn together. Which
channels and which frequencies is decided here, so the arithmetic knows of one rotation only.
"""

import dataclasses

import numpy as np

_KNOWN = {"gyre.position", "gyre.rotary.pairing", "gyre.rotary.inv_freq", "gyre.rotary.keys", "gyre.rotary.values",
          "gyre.activation"}


class SpecError(ValueError):
    """A file that asks for something the reference does not know."""


@dataclasses.dataclass
class Spec:
    n_embd: int
    n_layer: int
    n_head: int
    n_head_kv: int
    n_ff: int
    context: int
    eps: float
    position: str = "learned"  # learned | rotary | none
    pairs: tuple = ()  # (a, b, inv_freq) of one head; a frequency of 0 does not turn
    turn_keys: bool = True  # False: VO-RoPE, only values and outputs turn
    values: str = "none"  # none | rotate_only | rove
    activation: str = "gelu_tanh"  # gelu_tanh | gelu_erf | relu2

    @property
    def head_dim(self):
        return self.n_embd // self.n_head


def rotary_pairs_of(head_dim, pairing, n_rot, theta, inv_freq=None):
    """The pairs of one head.

    Computed: the first n_rot channels turn, w_i = theta^(-2i / n_rot) (Su et al. 2021, section 3.2.2).
    Explicit: inv_freq has one entry for every pair of the whole head.
    """
    if inv_freq is None:
        inv_freq = theta ** (-2.0 * np.arange(n_rot // 2, dtype=np.float64) / n_rot)
    elif len(inv_freq) != head_dim // 2:
        raise SpecError(f"gyre.rotary.inv_freq has {len(inv_freq)} entries, the head has {head_dim // 2} pairs")
    else:
        n_rot = head_dim
    if pairing not in ("half", "interleaved"):
        raise SpecError(f"unknown gyre.rotary.pairing {pairing}")
    if n_rot % 2 or n_rot > head_dim:
        raise SpecError(f"{n_rot} rotary channels in a head of {head_dim}")
    stride = n_rot // 2
    channels = [(i, i + stride) if pairing == "half" else (2 * i, 2 * i + 1) for i in range(stride)]
    return tuple((a, b, float(w)) for (a, b), w in zip(channels, inv_freq))


def _choice(meta, key, default, allowed):
    value = meta.get(key, default)
    if value not in allowed:
        raise SpecError(f"{key} = {value}: only {', '.join(allowed)} are known")
    return value


def spec_of(meta):
    """Spec of GGUF metadata (key -> value)."""
    if meta.get("general.architecture") != "gpt2":
        raise SpecError(f"unknown architecture {meta.get('general.architecture')}")
    unknown = [k for k in meta if k.startswith("gyre.") and k not in _KNOWN]
    if unknown:
        raise SpecError(f"unknown keys: {', '.join(unknown)}")
    heads = meta["gpt2.attention.head_count"]
    spec = Spec(
        n_embd=meta["gpt2.embedding_length"], n_layer=meta["gpt2.block_count"], n_head=heads,
        n_head_kv=meta.get("gpt2.attention.head_count_kv", heads), n_ff=meta["gpt2.feed_forward_length"],
        context=meta["gpt2.context_length"], eps=meta["gpt2.attention.layer_norm_epsilon"],
        position=_choice(meta, "gyre.position", "learned", ("learned", "rotary", "none")),
        turn_keys=meta.get("gyre.rotary.keys", True),
        values=_choice(meta, "gyre.rotary.values", "none", ("none", "rotate_only", "rove")),
        activation=_choice(meta, "gyre.activation", "gelu_tanh", ("gelu_tanh", "gelu_erf", "relu2")))
    if spec.position == "rotary":
        spec.pairs = rotary_pairs_of(
            spec.head_dim, meta.get("gyre.rotary.pairing", "half"),
            meta.get("gpt2.rope.dimension_count", spec.head_dim), meta.get("gpt2.rope.freq_base", 10000.0),
            meta.get("gyre.rotary.inv_freq"))
    return spec
