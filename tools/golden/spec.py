"""What a model computes, as plain fields: read from GGUF metadata, consumed by reference.py.

Everything rotary is one list of pairs (a, b, radians per position): channels a and b of every head rotate together. Which
channels and which frequencies is decided here, so the arithmetic knows of one rotation only.
"""

import dataclasses

from .families import FAMILIES, family
from .frequencies import frequencies_of, rope
from .keys import Keys, SpecError

ACTIVATIONS = ("gelu_tanh", "gelu_erf", "relu2", "silu")


@dataclasses.dataclass
class Spec:
    n_embd: int
    n_layer: int
    n_head: int
    n_head_kv: int
    n_ff: int
    context: int
    eps: float
    head_size: int = 0  # 0: n_embd / n_head
    norm: str = "layer"  # layer | rms
    place: str = "before"  # of the norms of a layer: before | after | both
    norm_weights: bool = True
    embedding_norm: bool = False
    attn_norm: str = "attn_norm"  # the tensor of the norm before attention
    ffn_norm: str = "ffn_norm"  # the tensor of the norm before the feed-forward
    gated: bool = False  # without a tensor ffn_gate: by the first half of the rows of ffn_up
    qk_norm: str | None = None  # heads | heads rotated | own heads | rows
    clamp: float = 0.0  # of queries, keys and values, to +- this; 0: none
    alibi_max: float = 8.0  # slopes are 2^(-alibi_max h / heads)
    position: str = "learned"  # learned | sinusoidal | rotary | alibi | none
    pairs: tuple = ()  # (a, b, inv_freq) of one head; a frequency of 0 does not rotate
    turn_keys: bool = True  # False: VO-RoPE, only values and outputs rotate
    values: str = "none"  # none | rotate_only | rove
    amplitude: float = 1.0  # of rotated queries and keys
    zetas: tuple = ()  # xPos: decay of each pair, or none
    other_pairs: tuple = ()  # those of other_layers; they have the amplitude 1 and no decay
    other_layers: tuple = ()
    temperature: tuple = (0.0, 1.0, 1)  # coefficient, power, trained length
    window: int = 0  # keys that a query sees, its own among them; 0: all
    global_layers: tuple = ()  # that have no window
    sink_tokens: int = 0  # first positions that the window keeps
    complex_qkv: bool = False
    complex_output: bool = False
    parallel: bool = False  # attention and MLP read the same residual
    activation: str = "gelu_tanh"  # gelu_tanh | gelu_erf | relu2 | silu

    embedding_scale: float = 1.0
    residual_scale: float = 1.0  # of what a block adds
    score_scale: float = 0.0  # 0: 1 / sqrt(head_dim)
    score_cap: float = 0.0  # 0: none
    logit_scale: float = 1.0
    logit_divisor: float = 1.0
    logit_cap: float = 0.0

    @property
    def head_dim(self):
        return self.head_size or self.n_embd // self.n_head


def rotary_pairs_of(head_dim, pairing, n_rot, theta, inv_freq=None):
    """The pairs of one head.

    Computed: the first n_rot channels rotate, w_i = theta^(-2i / n_rot) (Su et al. 2021, section 3.2.2).
    Explicit: inv_freq has one entry for every pair of the whole head.
    """
    if inv_freq is None:
        return pair_up(head_dim, pairing, n_rot, rope(n_rot, theta))
    if len(inv_freq) != head_dim // 2:
        raise SpecError(f"gyre.rotary.inv_freq has {len(inv_freq)} entries, the head has {head_dim // 2} pairs")
    return pair_up(head_dim, pairing, head_dim // 2 * 2, inv_freq)


def pair_up(head_dim, pairing, n_rot, frequencies):
    """half: (i, i + n_rot / 2), GPT-NeoX. interleaved: (2i, 2i + 1), RoFormer and GPT-J."""
    if pairing not in ("half", "interleaved"):
        raise SpecError(f"unknown gyre.rotary.pairing {pairing}")
    if n_rot % 2 or n_rot > head_dim:
        raise SpecError(f"{n_rot} rotary channels in a head of {head_dim}")
    stride = n_rot // 2
    channels = [(i, i + stride) if pairing == "half" else (2 * i, 2 * i + 1) for i in range(stride)]
    return tuple((a, b, float(w)) for (a, b), w in zip(channels, frequencies))


def xpos_zetas(n_pairs):
    """xPos (Sun et al. 2022, arXiv:2212.10554): (i / (d / 2) + gamma) / (1 + gamma), gamma = 0.4."""
    return tuple((i / n_pairs + 0.4) / 1.4 for i in range(n_pairs))


def _position(keys, tensors, default, alibi_max):
    """Without the key: what the family always has; a family with a learned table may lack it."""
    if default == "learned" and "position_embd.weight" not in tensors:
        default = "rotary" if keys.any_below("ARCH.rope.") or keys.any_below("gyre.rotary.") else "none"
    if default == "alibi" and not alibi_max:
        default = "learned"
    return keys.choice("gyre.position", default, ("learned", "sinusoidal", "rotary", "alibi", "none"))


def _read_rotary(keys, tensors, spec, pairing):
    pairing = keys.get("gyre.rotary.pairing", pairing)
    n_rot = keys.get("ARCH.rope.dimension_count", spec.head_dim // 2 * 2)
    theta = keys.get("ARCH.rope.freq_base", 10000.0)
    longrope = family(keys.arch)["longrope_by_tensors"] and "rope_factors_long.weight" in tensors
    computed, spec.amplitude = frequencies_of(keys, tensors, n_rot, theta, spec.context, longrope)
    explicit = keys.get("gyre.rotary.inv_freq")
    if explicit is not None:
        spec.pairs = rotary_pairs_of(spec.head_dim, pairing, n_rot, theta, explicit)
    else:
        spec.pairs = pair_up(spec.head_dim, pairing, n_rot, computed)
    spec.turn_keys = keys.get("gyre.rotary.keys", True)
    spec.values = keys.choice("gyre.rotary.values", "none", ("none", "rotate_only", "rove"))
    if keys.get("gyre.rotary.xpos", False):
        spec.zetas = xpos_zetas(len(spec.pairs))


def _read_attention(keys, row, spec):
    spec.complex_qkv = keys.choice("gyre.attention.projection", "real", ("real", "complex")) == "complex"
    spec.complex_output = keys.choice("gyre.attention.output_projection", "real", ("real", "complex")) == "complex"
    spec.window = keys.get("ARCH.attention.sliding_window", row["window"])
    spec.sink_tokens = keys.get("gyre.attention.sink_tokens", 0)
    prefix = "gyre.attention.temperature."
    if keys.any_below(prefix):
        spec.temperature = tuple(keys.need(prefix + name) for name in ("coefficient", "power", "train_length"))


def _read_quantities(keys, row, spec):
    """A zero in the file is "as usual"."""
    if row["embedding_by_width"]:
        spec.embedding_scale = spec.n_embd**0.5
    if row["score_by_width"] == spec.n_layer:
        spec.score_scale = (spec.n_embd / spec.n_head) ** -0.5
    for key, (field, absent) in row["quantities"].items():
        value = keys.need(f"ARCH.{key}") if absent is None else keys.get(f"ARCH.{key}", absent)
        if value or field == "alibi_max":
            setattr(spec, field, value)


def _read_layers(keys, row, spec, pairing):
    """Which layers see everything, and which rotate in another way."""
    if row["unrotated_period"]:
        spec.other_layers = tuple(range(spec.n_layer))[row["unrotated_period"] - 1 :: row["unrotated_period"]]
    if not row["global_period"] or not spec.window:
        return
    pattern = keys.get("ARCH.attention.sliding_window_pattern", row["global_period"])
    if isinstance(pattern, int):
        pattern = [i % pattern < pattern - 1 for i in range(spec.n_layer)]
    spec.global_layers = tuple(i for i, windowed in enumerate(pattern) if not windowed)
    if row["global_rotation"] == "none":
        spec.other_layers = spec.global_layers
    elif row["global_rotation"] == "own base":
        spec.other_layers = tuple(i for i, windowed in enumerate(pattern) if windowed)
        n_rot = keys.get("ARCH.rope.dimension_count", spec.head_dim)
        theta = keys.get("ARCH.rope.freq_base_swa", row["windows_base"] or keys.get("ARCH.rope.freq_base", 10000.0))
        explicit = keys.get("gyre.rotary.inv_freq")
        spec.other_pairs = rotary_pairs_of(spec.head_dim, pairing, n_rot, theta, explicit)


def _by_tensors(row, tensors):
    """What the file has decides: (qk_norm, parallel, attn_norm, ffn_norm)."""
    def has(name):
        return f"blk.0.{name}.weight" in tensors

    qk_norm = row["qk_norm"]
    if qk_norm and qk_norm.endswith("?"):
        qk_norm = qk_norm[:-1] if has("attn_q_norm") else None
    parallel, ffn_norm = row["parallel"], row["ffn_norm"]
    if parallel == "without ffn_norm":
        parallel = not has(ffn_norm)
        ffn_norm = "attn_norm" if parallel else ffn_norm
    second = row["second_norm"]
    return qk_norm, parallel, second if second and has(second) else "attn_norm", ffn_norm


def spec_of(meta, tensors=()):
    """Spec of GGUF metadata (key -> value) and tensors (name -> array), for a session of the file's context_length."""
    keys = Keys(meta)
    if keys.arch not in FAMILIES:
        raise SpecError(f"unknown architecture {keys.arch}")
    row = family(keys.arch)
    heads = keys.need("ARCH.attention.head_count")
    epsilon = "layer_norm_rms_epsilon" if row["norm"] == "rms" else "layer_norm_epsilon"
    qk_norm, parallel, attn_norm, ffn_norm = _by_tensors(row, tensors)
    written = keys.get("ARCH.use_parallel_residual", parallel)
    spec = Spec(
        n_embd=keys.need("ARCH.embedding_length"), n_layer=keys.need("ARCH.block_count"), n_head=heads,
        n_head_kv=keys.get("ARCH.attention.head_count_kv", heads), n_ff=keys.need("ARCH.feed_forward_length"),
        context=keys.need("ARCH.context_length"), eps=keys.need(f"ARCH.attention.{epsilon}"),
        head_size=keys.get("ARCH.attention.key_length", 0), norm=row["norm"], place=row["place"],
        norm_weights=row["norm_weights"], embedding_norm=row["embedding_norm"], attn_norm=attn_norm, ffn_norm=ffn_norm,
        gated=bool(row["gated"]), qk_norm=qk_norm,
        activation=keys.choice("gyre.activation", row["activation"], ACTIVATIONS),
        parallel=parallel if row["parallel"] == "without ffn_norm" else written)
    if keys.get("ARCH.attention.value_length", spec.head_dim) != spec.head_dim:
        raise SpecError("values of another size than keys")
    _read_attention(keys, row, spec)
    _read_quantities(keys, row, spec)
    spec.position = _position(keys, tensors, row["position"], spec.alibi_max)
    if spec.position == "rotary":
        _read_rotary(keys, tensors, spec, row["pairing"])
        _read_layers(keys, row, spec, keys.get("gyre.rotary.pairing", row["pairing"]))
        if spec.n_layer == row["alibi_layers"] and keys.get("gyre.position") is None:
            spec.position, spec.pairs = "alibi", []  # the keys of a rotation mean nothing then
    keys.get("ARCH.rope.scaling.finetuned")
    keys.refuse_the_rest()
    return spec
