"""The list of golden models: every field that differs from the base, so that a reader sees what each one is for."""

from rope_id import rope_id_inv_freq

from .frequencies import hope, p_rope

# position, activation None: what the architecture means without the key. keys: written as they are, ARCH being the
# architecture. bias: of everything, or of the products named. complex: matrices stored as .re and .im. sinks: learned
# sink logits. tensors: vectors, written as they are. head_size None: n_embd / n_head. attn_gain: of what unit inputs
# become as queries, keys and values: with more layers less, or a compressed cache's errors grow from layer to layer.
# down_gain: the same of the feed-forward's result; large where one GELU must be told from the other.
# head_gain: mean weight of the norms of queries and keys. embd: deviation of the embeddings. norms: names of further
# norms of a layer. qk_norm: norms of queries and keys where the family may have them. shared_norm: no norm of the feed-
# forward's own.
BASE = {
    "arch": "gpt2", "n_embd": 60, "n_layer": 2, "n_head": 3, "n_head_kv": None, "n_ff": 84, "context": 64, "vocab": 101,
    "position": "rotary", "pairing": "half", "values": "none", "rotary_dims": None, "theta": 10000.0, "inv_freq": None,
    "bias": True, "tied": True, "activation": "gelu_tanh", "type": "f32", "types": {}, "tokenizer": False, "tokens": 23,
    "keys": {}, "complex": (), "sinks": False, "tensors": {}, "eps": 1e-5, "head_size": None, "separate": False,
    "attn_gain": 1.5, "head_gain": 1.5, "down_gain": 1.0, "embd": 0.3, "output_bias": False, "norms": (), "qk_norm": False,
    "shared_norm": False,
}

# Ten pairs of a head of 20: fast, slow and, as RoPE-ID and NoPE halves have them, channels that do not rotate at all.
_EXPLICIT = [1.0, 0.5, 0.0, 0.196349540849, 0.07, 0.0, 0.02, 0.003, 0.0, 0.0]
_ONE = {"n_layer": 1}  # keeps the folder small where a second layer would say nothing new
_BLOCKS = {"n_embd": 96, "n_ff": 160, "values": "rove"}  # heads of 32: rows that blocks of 32 divide

# Rows of one superblock (two in q4_k's feed-forward), one layer and one key/value head: these files are large enough.
_SUPERBLOCKS = {**_ONE, "n_embd": 256, "n_head": 8, "n_head_kv": 1, "n_ff": 256, "values": "rove"}

# Heads of 10, five pairs, and a base of 100 so that the slow ones show in 23 positions.
_SMALL = {"n_embd": 30, "n_ff": 26, "vocab": 53, "theta": 100.0}

# Formats, shapes and the parts of a file: heads of 20.
PARTS = {
    "learned": {"position": "learned"},
    "none": {**_SMALL, "position": "none", "vocab": 101},
    "rope_interleaved": {**_ONE, "pairing": "interleaved"},
    "rope_half": {**_ONE, "n_ff": 244},
    "rope_partial": {**_ONE, "rotary_dims": 8},
    "rope_partial_interleaved": {**_ONE, "rotary_dims": 8, "pairing": "interleaved"},
    "rope_inv_freq": {**_ONE, "inv_freq": _EXPLICIT},
    "rope_theta": {**_SMALL, "theta": 500000.0},
    "rove_half": {"values": "rove"},
    "rove_interleaved": {**_ONE, "values": "rove", "pairing": "interleaved"},
    "rove_partial": {**_ONE, "values": "rove", "rotary_dims": 8},
    "rove_inv_freq": {**_ONE, "values": "rove", "inv_freq": _EXPLICIT},
    "no_bias": {**_ONE, "values": "rove", "bias": False},
    "untied": {**_ONE, "values": "rove", "tied": False},
    "gelu_erf": {**_SMALL, "values": "rove", "activation": "gelu_erf"},
    "relu2": {**_ONE, "values": "rove", "activation": "relu2"},
    "gqa": {**_ONE, "values": "rove", "n_embd": 120, "n_head": 6, "n_head_kv": 2},
    "f16_odd": {**_ONE, "values": "rove", "type": "f16"},
    "f16": {**_ONE, **_BLOCKS, "type": "f16"},
    "bf16": {**_SMALL, "values": "rove", "type": "bf16"},  # rows of 30 and 26: 3.75 and 3.25 chunks
    "q8_0": {**_BLOCKS, "type": "q8_0"},
    "q4_0": {**_BLOCKS, "type": "q4_0"},
    "q4_k": {**_SUPERBLOCKS, "n_ff": 512, "type": "q4_k"},
    "q6_k": {**_SUPERBLOCKS, "type": "q6_k"},
    **{name: {**_ONE, **_BLOCKS, "type": name} for name in ("q4_1", "q5_0", "q5_1", "iq4_nl", "mxfp4")},
    **{name: {**_SUPERBLOCKS, "type": name} for name in ("q2_k", "q3_k", "q5_k", "iq4_xs", "tq2_0")},
    # As published K-quants are: every matrix in a format of its own, the embedding and the separate output too.
    "mixed_k": {**_SUPERBLOCKS, "tied": False, "type": "q6_k",
                "types": {"token_embd": "q8_0", "attn_qkv": "q5_k", "attn_output": "iq4_xs", "ffn_up": "q3_k",
                          "ffn_down": "q2_k"}},
    "mixed": {**_ONE, **_BLOCKS, "types": {"attn_qkv": "f16", "ffn_up": "q8_0", "ffn_down": "q4_0"}},
    "text": {**_ONE, "values": "rove", "vocab": 301, "tokenizer": True},
    # one layer as wide as GPT-2's: 12 heads of 64; the feed-forward width is an odd number of blocks
    "real_layer": {"values": "rove", "n_embd": 768, "n_layer": 1, "n_head": 12, "n_ff": 1120, "context": 1024,
                   "type": "q4_0", "tokens": 41},
}

# Position systems: two layers of _SMALL.
_ROVE = {**_SMALL, "values": "rove"}
_CROPE = {**_SMALL, "pairing": "interleaved", "complex": ("attn_qkv",),
          "keys": {"gyre.attention.projection": "complex"}}
_WINDOW = {"ARCH.attention.sliding_window": 7}


def _yarn(trained=64, factor=4.0, **more):
    keys = {"type": "yarn", "factor": factor, "original_context_length": trained, **more}
    return {"context": int(trained * factor), "keys": {f"ARCH.rope.scaling.{k}": v for k, v in keys.items()}}


def _own(kind, **values):
    return {"keys": {f"gyre.rotary.scaling.{k}": v for k, v in {"type": kind, **values}.items()}}


def _neox(n_embd, n_head, parallel, rotary_dims, **more):
    """As published files have it: rotary without gyre.position, untied, biases, no key of ours."""
    keys = {"ARCH.use_parallel_residual": parallel, "ARCH.rope.dimension_count": rotary_dims,
            "ARCH.rope.freq_base": 10000.0}
    return {"arch": "gptneox", "position": None, "activation": "gelu_erf", "tied": False, "n_embd": n_embd,
            "n_head": n_head, "n_ff": 52, "vocab": 53, "keys": keys, **more}


def _rope_id(head_size, train_length, temperature_from, **more):
    """Heads of 12 have quarters of three pairs. The temperature begins inside the 23 tokens, or it would not act."""
    prefix = "gyre.attention.temperature."
    keys = {prefix + "coefficient": 0.1, prefix + "power": 2.0, prefix + "train_length": temperature_from}
    return {**_SMALL, **more, "n_embd": 3 * head_size, "inv_freq": rope_id_inv_freq(head_size, train_length),
            "keys": {**keys, **more.get("keys", {})}}


def _with(model, **keys):
    """The model with these keys besides; __ stands for a dot."""
    return {**model, "keys": {**model.get("keys", {}), **{k.replace("__", "."): v for k, v in keys.items()}}}


# Divisors of the five frequencies. The last pair of rope_freqs stands still, as ggml's files write that.
_FACTORS = {"rope_factors_short.weight": [1.0, 1.05, 1.1, 1.5, 2.0],
            "rope_factors_long.weight": [1.0, 1.5, 2.5, 4.0, 9.0]}
_FREQS = {"rope_freqs.weight": [1.0, 1.25, 2.0, 3.5, 1e30]}
_HALF_OUTPUT = {"complex": ("attn_qkv", "attn_output")}

SYSTEMS = {
    "gptneox": _neox(48, 3, True, 4),
    "gptneox_sequential": _neox(32, 2, False, 4),
    "sinusoidal": {**_SMALL, "position": "sinusoidal"},
    "alibi": {**_SMALL, "position": "alibi"},
    "alibi_8": {**_SMALL, "position": "alibi", "n_embd": 24, "n_head": 8},  # heads of 3
    "vo_rope": _with(_ROVE, gyre__rotary__keys=False),
    "rotate_only": {**_SMALL, "values": "rotate_only"},
    "rope_id": _rope_id(12, 256, 5),
    "rope_id_rove": _rope_id(12, 256, 5, values="rove"),
    "crope": _CROPE,
    "crope_output": _with({**_CROPE, **_HALF_OUTPUT}, gyre__attention__output_projection="complex"),
    "crope_rove": {**_CROPE, "values": "rove"},
    "crope_gqa": {**_CROPE, "n_embd": 32, "n_head": 4, "n_head_kv": 2},
    "crope_f16": {**_CROPE, "type": "f16"},  # rows of 15 halves
    "crope_q8_0": {**_CROPE, "n_embd": 64, "n_head": 2, "n_ff": 96, "type": "q8_0"},  # half rows of one block
    "crope_q4_0": _with({**_CROPE, **_HALF_OUTPUT, "n_embd": 128, "n_head": 4, "n_ff": 96, "type": "q4_0"},
                        gyre__attention__output_projection="complex"),
    "crope_rope_id": _rope_id(12, 256, 5, **_CROPE),
    "linear": {**_SMALL, "keys": {"ARCH.rope.scaling.type": "linear", "ARCH.rope.scaling.factor": 4.0}},
    "ntk": {**_SMALL, **_own("ntk", factor=4.0)},
    "dynamic": {**_SMALL, **_own("dynamic", factor=2.0, original_context_length=16)},  # 64: stretched by 7
    "yarn": {**_SMALL, **_yarn()},
    "yarn_keys": {**_SMALL, "pairing": "interleaved", **_yarn(
        attn_factor=0.75, yarn_attn_factor=1.25, yarn_ext_factor=0.5, yarn_beta_fast=2.0, yarn_beta_slow=0.25)},
    "yarn_partial": {**_SMALL, "rotary_dims": 6, **_yarn()},  # the amplitude belongs to six channels of ten
    "yarn_rove": {**_ROVE, **_yarn()},
    "yarn_resonance": _with({**_ROVE, **_yarn()}, gyre__rotary__resonance=True),
    "llama3": {**_SMALL, **_own("llama3", factor=8.0, original_context_length=32, low_freq_factor=1.0,
                                high_freq_factor=4.0)},
    "longrope_short": {**_SMALL, "tensors": _FACTORS, **_own(
        "longrope", factor=4.0, original_context_length=64, attention_factor=1.25)},
    "longrope_long": {**_SMALL, "tensors": _FACTORS, **_own("longrope", factor=4.0, original_context_length=16)},
    "longrope_standard": {**_ROVE, "tensors": _FACTORS, "keys": {
        "ARCH.rope.scaling.type": "longrope", "ARCH.rope.scaling.factor": 4.0,
        "ARCH.rope.scaling.original_context_length": 16, "ARCH.rope.scaling.attn_factor": 1.125}},
    "rope_freqs": {**_SMALL, "tensors": _FREQS},
    "p_rope": {**_SMALL, "inv_freq": p_rope(10, 100.0, 0.6)},
    "hope": {**_SMALL, "inv_freq": hope(10, 100.0, 64)},
    "xpos": _with(_SMALL, gyre__rotary__xpos=True),
    "xpos_rove": _with({**_ROVE, "pairing": "interleaved"}, gyre__rotary__xpos=True),
    "window": {**_SMALL, "keys": _WINDOW},
    "window_sinks": _with({**_ROVE, "keys": _WINDOW}, gyre__attention__sink_tokens=3),
    "sink_logits": {**_SMALL, "sinks": True},
    "mqa": {**_ROVE, "n_head_kv": 1},
    "gqa_window_yarn_rove": _with({**_ROVE, "n_embd": 36, "n_head": 6, "n_head_kv": 2, **_yarn()}, **_WINDOW),
}

# Families: whatever a row of the reader's table says must show. An epsilon of 0.01 does beside activations of 0.3.
_FAMILY = {"position": None, "activation": None, "separate": True, "bias": False, "eps": 0.01, "n_embd": 32,
           "n_head": 4, "n_head_kv": 2, "n_ff": 26, "vocab": 53}

_BIASES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")

FAMILIES = {
    "llama": {**_FAMILY, "arch": "llama", "tied": False, "tensors": {"rope_freqs.weight": [1.0, 1.25, 2.0, 3.5]},
              "keys": {"ARCH.rope.freq_base": 100.0}},
    "llama_bias": {**_FAMILY, "arch": "llama", "bias": _BIASES,
                   "keys": {"ARCH.rope.dimension_count": 8, "ARCH.rope.freq_base": 100.0}},
    "qwen2": {**_FAMILY, "arch": "qwen2", "bias": _BIASES[:3], "keys": {"ARCH.rope.freq_base": 100.0}},
    "qwen3": {**_FAMILY, "arch": "qwen3", "n_embd": 30, "head_size": 12, "n_head_kv": 1, "tied": False,
              "keys": {"ARCH.rope.freq_base": 100.0}},
    "gemma": {**_FAMILY, "arch": "gemma", "n_embd": 30, "n_head": 2, "n_head_kv": 1, "head_size": 12, "embd": 0.05,
              "keys": {"ARCH.rope.freq_base": 100.0}},
    "gemma2": {**_FAMILY, "arch": "gemma2", "n_layer": 3, "n_embd": 22, "n_head_kv": 1, "head_size": 8, "n_ff": 18,
               "keys": {"ARCH.rope.freq_base": 100.0, **_WINDOW, "ARCH.attn_logit_softcapping": 2.0,
                        "ARCH.final_logit_softcapping": 3.0}},
    "gemma3": {**_FAMILY, "arch": "gemma3", "n_layer": 7, "n_embd": 18, "n_head": 2, "n_head_kv": 1, "head_size": 8,
               "n_ff": 14, "head_gain": 1.0, "keys": {
                   "ARCH.rope.freq_base": 400.0, "ARCH.rope.freq_base_swa": 100.0, **_WINDOW,
                   "ARCH.rope.scaling.type": "linear", "ARCH.rope.scaling.factor": 4.0}},
    # Gyre's own keys hold in every family: frequencies of the file with RoVE, complex projections of three matrices,
    # and RoVE where heads are normalised.
    "llama_rove": {**_FAMILY, "arch": "llama", "keys": {
        "gyre.rotary.values": "rove", "gyre.rotary.inv_freq": [1.0, 0.3, 0.0, 0.05]}},
    "llama_crope": {**_FAMILY, "arch": "llama", "bias": ("attn_q",), "complex": ("attn_q", "attn_k", "attn_v"),
                    "keys": {"gyre.attention.projection": "complex", "ARCH.rope.freq_base": 100.0}},
    "qwen3_rove": {**_FAMILY, "arch": "qwen3", "keys": {"gyre.rotary.values": "rove", "ARCH.rope.freq_base": 100.0,
                                                        "gyre.rotary.scaling.type": "ntk",
                                                        "gyre.rotary.scaling.factor": 4.0}},
    "smollm3": {**_FAMILY, "arch": "smollm3", "n_layer": 4, "n_ff": 14, "attn_gain": 1.1,
                "tied": False, "keys": {"ARCH.rope.freq_base": 100.0}},
    "granite": {**_FAMILY, "arch": "granite", "embd": 0.05, "keys": {
        "ARCH.rope.freq_base": 100.0, "ARCH.embedding_scale": 6.0, "ARCH.residual_scale": 0.5, "ARCH.attention.scale": 0.25,
        "ARCH.logit_scale": 4.0, "ARCH.rope.scaling.finetuned": True}},
    "phi3": {**_FAMILY, "arch": "phi3", "separate": False, "n_head_kv": 1, "n_ff": 20, "attn_gain": 1.3, "tied": False, "tensors": {
        "rope_factors_short.weight": [1.0, 1.1, 1.2], "rope_factors_long.weight": [1.0, 1.5, 2.5]}, "keys": {
        "ARCH.rope.dimension_count": 6, "ARCH.rope.freq_base": 100.0, "ARCH.rope.scaling.attn_factor": 1.5**0.5,
        "ARCH.rope.scaling.original_context_length": 16}},
    "starcoder2": {**_FAMILY, "arch": "starcoder2", "bias": True, "keys": {"ARCH.rope.freq_base": 100.0}},
    "nemotron": {**_FAMILY, "arch": "nemotron", "bias": ("attn_norm", "ffn_norm", "output_norm"), "tied": False,
                 "keys": {"ARCH.rope.dimension_count": 4, "ARCH.rope.freq_base": 100.0}},
    "command_r": {**_FAMILY, "arch": "command-r", "keys": {"ARCH.rope.freq_base": 100.0, "ARCH.logit_scale": 0.25}},
    "glm4": {**_FAMILY, "arch": "glm4", "bias": _BIASES[:3], "n_ff": 20, "attn_gain": 1.2,
             "keys": {"ARCH.rope.dimension_count": 4, "ARCH.rope.freq_base": 100.0}},
    "seed_oss": {**_FAMILY, "arch": "seed_oss", "bias": _BIASES[:3], "n_embd": 30, "n_head": 2, "n_head_kv": 1,
                 "head_size": 10, "keys": {"ARCH.rope.freq_base": 100.0}},
    "cohere2": {**_FAMILY, "arch": "cohere2", "n_layer": 4, "n_ff": 14, "attn_gain": 1.1,
                "keys": {"ARCH.rope.freq_base": 100.0, "ARCH.logit_scale": 0.25, **_WINDOW}},
    "arcee": {**_FAMILY, "arch": "arcee", "tied": False, "keys": {"ARCH.rope.freq_base": 100.0}},
    "ernie4_5": {**_FAMILY, "arch": "ernie4_5", "n_embd": 24, "n_head": 3, "n_head_kv": 1, "head_size": 10,
                 "keys": {"ARCH.rope.freq_base": 100.0}},
    "stablelm": {**_FAMILY, "arch": "stablelm", "bias": (*_BIASES[:3], "attn_norm", "ffn_norm", "output_norm"),
                 "tied": False, "keys": {"ARCH.rope.dimension_count": 4, "ARCH.rope.freq_base": 100.0}},
    "falcon": {**_FAMILY, "arch": "falcon", "separate": False, "n_head_kv": 1, "embd": 0.05,
               "bias": ("attn_norm", "output_norm"), "keys": {"ARCH.rope.freq_base": 100.0}},
    "starcoder": {**_FAMILY, "arch": "starcoder", "separate": False, "n_ff": 44, "n_head_kv": 1, "bias": True,
                  "position": "learned", "embd": 0.05},
    "olmo": {**_FAMILY, "arch": "olmo", "keys": {"ARCH.rope.freq_base": 100.0, "ARCH.attention.clamp_kqv": 1.0}},
    "olmo2": {**_FAMILY, "arch": "olmo2", "tied": False, "head_gain": 1.2, "keys": {"ARCH.rope.freq_base": 100.0}},
    # OLMo 3: windows in layers that the file lists, a scaling in the others alone; here in one matrix.
    "olmo3": {**_FAMILY, "arch": "olmo2", "n_layer": 3, "n_ff": 18, "separate": False, "tied": False, "head_gain": 1.0,
              "keys": {"ARCH.rope.freq_base": 100.0, **_WINDOW,
                       "ARCH.attention.sliding_window_pattern": [True, False, True], **_yarn(16, 4.0, yarn_attn_factor=1.5)["keys"]}},
    "exaone": {**_FAMILY, "arch": "exaone", "tied": False, "tensors": {"rope_freqs.weight": [1.0, 1.25, 2.0, 3.5]},
               "keys": {"ARCH.rope.freq_base": 100.0}},
    "exaone4": {**_FAMILY, "arch": "exaone4", "n_layer": 4, "n_ff": 14, "head_gain": 1.2,
                "keys": {"ARCH.rope.freq_base": 100.0, **_WINDOW}},
    "hunyuan_dense": {**_FAMILY, "arch": "hunyuan-dense", "n_embd": 30, "n_head": 3, "n_head_kv": 1, "head_size": 12,
                      "separate": False, "keys": {"ARCH.rope.freq_base": 100.0}},
    "maincoder": {**_FAMILY, "arch": "maincoder", "keys": {"ARCH.rope.freq_base": 100.0}},
    "mpt": {**_FAMILY, "arch": "mpt", "separate": False, "n_head_kv": None, "n_head": 3, "n_embd": 24, "n_ff": 96,
            "embd": 0.05, "keys": {"ARCH.attention.max_alibi_bias": 6.0, "ARCH.attention.clamp_kqv": 1.0}},
    "bloom": {**_FAMILY, "arch": "bloom", "separate": False, "n_head_kv": None, "n_head": 3, "n_embd": 24, "n_ff": 96,
              "down_gain": 4.0, "bias": True, "embd": 0.05},
    "refact": {**_FAMILY, "arch": "refact", "n_head_kv": 1, "tied": False},
    "baichuan": {**_FAMILY, "arch": "baichuan", "n_head_kv": None, "tied": False,
                 "keys": {"ARCH.rope.freq_base": 100.0}},
    "phi2": {**_FAMILY, "arch": "phi2", "n_head_kv": None, "bias": True, "tied": False, "output_bias": True,
             "down_gain": 4.0, "embd": 0.05, "keys": {"ARCH.rope.dimension_count": 4, "ARCH.rope.freq_base": 100.0}},
    "plamo": {**_FAMILY, "arch": "plamo", "tied": False, "keys": {"ARCH.rope.freq_base": 100.0}},
    "codeshell": {**_FAMILY, "arch": "codeshell", "bias": True, "tied": False, "n_ff": 44,
                  "keys": {"ARCH.rope.freq_base": 100.0}},
    "jais2": {**_FAMILY, "arch": "jais2", "bias": True, "tied": False, "keys": {"ARCH.rope.freq_base": 100.0}},
    "orion": {**_FAMILY, "arch": "orion", "bias": ("attn_norm", "ffn_norm", "output_norm"), "tied": False,
              "keys": {"ARCH.rope.freq_base": 100.0}},
    "minicpm": {**_FAMILY, "arch": "minicpm", "embd": 0.05, "keys": {
        "ARCH.rope.freq_base": 100.0, "ARCH.embedding_scale": 6.0, "ARCH.residual_scale": 0.5, "ARCH.logit_scale": 4.0}},
    "chatglm": {**_FAMILY, "arch": "chatglm", "separate": False, "bias": ("attn_qkv",), "tied": False, "n_ff": 20,
                "keys": {"ARCH.rope.dimension_count": 4, "ARCH.rope.freq_base": 100.0}},
    "internlm2": {**_FAMILY, "arch": "internlm2", "separate": False, "tied": False,
                  "keys": {"ARCH.rope.freq_base": 100.0}},
    "xverse": {**_FAMILY, "arch": "xverse", "n_head_kv": None, "tied": False, "keys": {"ARCH.rope.freq_base": 100.0}},
    "pangu_embedded": {**_FAMILY, "arch": "pangu-embedded", "bias": _BIASES[:4], "tied": False,
                       "keys": {"ARCH.rope.freq_base": 100.0}},
    "mistral3": {**_FAMILY, "arch": "mistral3", "n_embd": 30, "n_head": 2, "n_head_kv": 1, "head_size": 10, "tied": False,
                 "keys": {"ARCH.rope.freq_base": 100.0}},
    # Files of a family that have what others of it lack. qwen2_fused: matrices joined, biases not.
    "qwen2_fused": {**_FAMILY, "arch": "qwen2", "separate": False, "bias": _BIASES[:3], "output_bias": True,
                    "keys": {"ARCH.rope.freq_base": 100.0}},
    "falcon_40b": {**_FAMILY, "arch": "falcon", "separate": False, "norms": ("attn_norm_2",), "down_gain": 4.0, "embd": 0.05,
                   "bias": ("attn_norm", "attn_norm_2", "output_norm"), "keys": {"ARCH.rope.freq_base": 100.0}},
    "stablelm_12b": {**_FAMILY, "arch": "stablelm", "bias": ("attn_norm", "output_norm"), "tied": False,
                     "qk_norm": True, "shared_norm": True, "head_gain": 1.2, "keys": {
                         "ARCH.use_parallel_residual": True, "ARCH.rope.dimension_count": 4,
                         "ARCH.rope.freq_base": 100.0}},
    "command_r_plus": {**_FAMILY, "arch": "command-r", "qk_norm": True, "head_gain": 1.2, "keys": {
        "ARCH.rope.freq_base": 100.0, "ARCH.logit_scale": 0.25}},
    "phi3_window": {**_FAMILY, "arch": "phi3", "separate": False, "n_head_kv": 1, "n_ff": 20, "tied": False,
                    "keys": {"ARCH.rope.freq_base": 100.0, **_WINDOW}},
}

# Positions 65500 to 65522, heads of 8: 16 bits of a float's 24 are the position, and every rule is at its far end.
FIRST_FAR = 65500
_FAR = {**_SMALL, "n_embd": 24, "n_ff": 20, "context": 65536, "theta": 10000.0}
_FAR_ROVE = {**_FAR, "values": "rove"}
_FAR_FACTORS = {name: values[:4] for name, values in _FACTORS.items()}

LONG = {
    "rope_half": _FAR,
    "rope_interleaved": {**_FAR, "pairing": "interleaved"},
    "gptneox": _neox(32, 2, True, 4, n_ff=20, context=65536),
    "alibi": {**_FAR, "position": "alibi"},
    "rove": _FAR_ROVE,
    "vo_rope": _with(_FAR_ROVE, gyre__rotary__keys=False),
    "rotate_only": {**_FAR, "values": "rotate_only"},
    "rope_id": {**_rope_id(8, 4096, 4096), "n_embd": 24, "n_ff": 20, "context": 65536},
    "crope_rove": {**_CROPE, **_FAR_ROVE, "pairing": "interleaved"},
    "linear": {**_FAR, "keys": {"ARCH.rope.scaling.type": "linear", "ARCH.rope.scaling.factor": 16.0}},
    "ntk": {**_FAR, **_own("ntk", factor=16.0)},
    "dynamic": {**_FAR, **_own("dynamic", factor=2.0, original_context_length=4096)},
    "yarn_rove": {**_FAR_ROVE, **_yarn(4096, 16.0)},
    "llama3": {**_FAR, **_own("llama3", factor=8.0, original_context_length=8192, low_freq_factor=1.0,
                              high_freq_factor=4.0)},
    "longrope": {**_FAR, "tensors": _FAR_FACTORS, **_own("longrope", factor=16.0, original_context_length=4096)},
    "xpos": _with(_FAR, gyre__rotary__xpos=True),
    "window": {**_FAR_ROVE, "keys": _WINDOW},
}

MODELS = {**PARTS, **SYSTEMS, **FAMILIES}


def fields_of(name):
    return {**BASE, **MODELS[name]}
