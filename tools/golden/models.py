"""The list of golden models: every field that differs from the base, so that a reader sees what each one is for."""

BASE = {
    "n_embd": 60, "n_layer": 2, "n_head": 3, "n_head_kv": None, "n_ff": 84, "context": 64, "vocab": 101,
    "position": "rotary", "pairing": "half", "values": "none", "rotary_dims": None, "theta": 10000.0, "inv_freq": None,
    "bias": True, "tied": True, "activation": "gelu_tanh", "type": "f32", "types": {}, "tokenizer": False, "tokens": 23,
}

# Ten pairs of a head of 20: fast, slow and, as RoPE-ID and NoPE halves have them, channels that do not turn at all.
_EXPLICIT = [1.0, 0.5, 0.0, 0.196349540849, 0.07, 0.0, 0.02, 0.003, 0.0, 0.0]
_ONE = {"n_layer": 1}  # keeps the folder small where a second layer would say nothing new
_BLOCKS = {"n_embd": 96, "n_ff": 160, "values": "rove"}  # heads of 32: rows that blocks of 32 divide

MODELS = {
    "learned": {"position": "learned"},
    "none": {**_ONE, "position": "none"},
    "rope_interleaved": {"pairing": "interleaved"},
    "rope_half": {**_ONE, "n_ff": 244},
    "rope_partial": {"rotary_dims": 8},
    "rope_partial_interleaved": {**_ONE, "rotary_dims": 8, "pairing": "interleaved"},
    "rope_inv_freq": {**_ONE, "inv_freq": _EXPLICIT},
    "rope_theta": {**_ONE, "theta": 500000.0},
    "rove_half": {"values": "rove"},
    "rove_interleaved": {**_ONE, "values": "rove", "pairing": "interleaved"},
    "rove_partial": {**_ONE, "values": "rove", "rotary_dims": 8},
    "rove_inv_freq": {"values": "rove", "inv_freq": _EXPLICIT},
    "no_bias": {"values": "rove", "bias": False},
    "untied": {**_ONE, "values": "rove", "tied": False},
    "gelu_erf": {**_ONE, "values": "rove", "activation": "gelu_erf"},
    "relu2": {**_ONE, "values": "rove", "activation": "relu2"},
    "gqa": {**_ONE, "values": "rove", "n_embd": 120, "n_head": 6, "n_head_kv": 2},
    "f16_odd": {**_ONE, "values": "rove", "type": "f16"},
    "f16": {**_ONE, **_BLOCKS, "type": "f16"},
    "q8_0": {**_BLOCKS, "type": "q8_0"},
    "q4_0": {**_BLOCKS, "type": "q4_0"},
    "mixed": {**_ONE, **_BLOCKS, "types": {"attn_qkv": "f16", "ffn_up": "q8_0", "ffn_down": "q4_0"}},
    "text": {**_ONE, "values": "rove", "vocab": 301, "tokenizer": True},
    # one layer of GPT-2 as it is: 12 heads of 64, 768 wide
    "real_layer": {"values": "rove", "n_embd": 768, "n_layer": 1, "n_head": 12, "n_ff": 3072, "context": 1024,
                   "type": "q4_0", "tokens": 41},
}


def fields_of(name):
    return {**BASE, **MODELS[name]}
