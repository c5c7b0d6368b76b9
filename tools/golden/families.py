"""What a family of models means by its files: one row each, from the family's definition, as differences from Llama.

The definitions are those of Hugging Face transformers (models/llama, gpt2, gpt_neox, ...); names of keys and tensors,
and the order of channels, are those of GGUF files as llama.cpp's converter writes them.
"""

LLAMA = {
    "norm": "rms",  # rms | layer: Zhang & Sennrich 2019 (arXiv:1910.07467) | Ba et al. 2016
    "place": "before",  # of the norms of a layer: before | after | both
    "norm_weights": True,  # False: norms have neither weights nor biases
    "embedding_norm": False,  # token_embd_norm, right after the embedding
    "second_norm": None,  # the tensor of the norm before attention in files that have it, in place of attn_norm
    "ffn_norm": "ffn_norm",  # the tensor of the norm before the feed-forward
    # Attention and feed-forward read the same residual; "without ffn_norm": where the file has none, and they share
    # attn_norm.
    "parallel": False,
    "alibi_layers": None,  # number of layers of the model that has ALiBi in place of rotary positions
    "position": "rotary",
    "pairing": "interleaved",  # llama.cpp's converter permutes queries and keys to it
    "activation": "silu",
    "gated": True,  # Shazeer 2020 (arXiv:2002.05202); "before up": the first half of the rows of ffn_up
    "longrope_by_tensors": False,  # LongRoPE without a key, where its tensors are there
    # Of queries and keys: heads | heads rotated: after the rotation | own heads: each head by weights of its own | rows:
    # all heads together. With "?": where the file has it.
    "qk_norm": None,
    "embedding_by_width": False,  # token embeddings times sqrt(n_embd)
    "quantities": {},  # key of the file -> (field of Spec, value without the key; None: it must be there)
    "window": 0,  # that files without the key mean
    "global_period": 0,  # layers p - 1, 2p - 1, ... see everything, the others the window; 0: all the same
    "global_rotation": "same",  # same | own base: windows rotate with rope.freq_base_swa, unscaled | none
    "windows_base": None,  # without that key; None: rope.freq_base
    "unrotated_period": 0,  # layers p - 1, 2p - 1, ... do not rotate; 0: all do
    "score_by_width": None,  # number of layers of the model whose scores are divided by sqrt(n_embd / n_head)
}

FAMILIES = {
    "gpt2": {"norm": "layer", "position": "learned", "pairing": "half", "activation": "gelu_tanh", "gated": False},
    "gptneox": {"norm": "layer", "parallel": True, "pairing": "half", "activation": "gelu_erf", "gated": False},
    "llama": {},
    "qwen2": {"pairing": "half"},
    "qwen3": {"pairing": "half", "qk_norm": "heads"},
    "gemma": {"pairing": "half", "activation": "gelu_tanh", "embedding_by_width": True},
    "gemma2": {
        "place": "both", "pairing": "half", "activation": "gelu_tanh", "embedding_by_width": True, "window": 4096,
        "quantities": {"attn_logit_softcapping": ("score_cap", 50.0), "final_logit_softcapping": ("logit_cap", 30.0)},
        "global_period": 2, "score_by_width": 46},
    "gemma3": {
        "place": "both", "pairing": "half", "activation": "gelu_tanh", "qk_norm": "heads", "embedding_by_width": True,
        "quantities": {"final_logit_softcapping": ("logit_cap", 0.0)}, "global_period": 6,
        "global_rotation": "own base", "windows_base": 10000.0, "score_by_width": 62},
    "smollm3": {"unrotated_period": 4},
    "granite": {
        "quantities": {
            "embedding_scale": ("embedding_scale", 1.0), "residual_scale": ("residual_scale", 1.0),
            "attention.scale": ("score_scale", 0.0), "logit_scale": ("logit_divisor", None)}},
    "phi3": {"pairing": "half", "gated": "before up", "longrope_by_tensors": True},
    "starcoder2": {"norm": "layer", "pairing": "half", "activation": "gelu_tanh", "gated": False},
    "nemotron": {"norm": "layer", "pairing": "half", "activation": "relu2", "gated": False},
    "command-r": {
        "norm": "layer", "qk_norm": "own heads?", "parallel": True, "ffn_norm": "attn_norm",
        "quantities": {"logit_scale": ("logit_scale", 1.0)}},
    "glm4": {"place": "both", "gated": "before up"},
    "seed_oss": {"pairing": "half", "ffn_norm": "post_attention_norm"},
    "cohere2": {
        "norm": "layer", "parallel": True, "ffn_norm": "attn_norm", "window": 4096, "global_period": 4,
        "global_rotation": "none", "quantities": {"logit_scale": ("logit_scale", 1.0)}},
    "arcee": {"activation": "relu2", "gated": False},
    "ernie4_5": {},
    "stablelm": {"norm": "layer", "pairing": "half", "parallel": "without ffn_norm", "qk_norm": "own heads?"},
    "falcon": {
        "norm": "layer", "parallel": True, "ffn_norm": "attn_norm", "second_norm": "attn_norm_2", "pairing": "half",
        "activation": "gelu_erf", "gated": False},
    "starcoder": {"norm": "layer", "position": "learned", "activation": "gelu_tanh", "gated": False},
    "olmo": {"norm": "layer", "norm_weights": False, "quantities": {"attention.clamp_kqv": ("clamp", 0.0)}},
    "olmo2": {
        "place": "after", "pairing": "half", "qk_norm": "rows", "global_period": 4, "global_rotation": "own base"},
    "exaone": {"pairing": "half"},
    "exaone4": {"place": "after", "pairing": "half", "qk_norm": "heads", "global_period": 4, "global_rotation": "none"},
    "hunyuan-dense": {"pairing": "half", "qk_norm": "heads rotated"},
    "maincoder": {"qk_norm": "heads rotated"},
    "mpt": {
        "norm": "layer", "position": "alibi", "activation": "gelu_erf", "gated": False,
        "quantities": {"attention.max_alibi_bias": ("alibi_max", None), "attention.clamp_kqv": ("clamp", 0.0)}},
    "bloom": {
        "norm": "layer", "embedding_norm": True, "position": "alibi", "activation": "gelu_tanh", "gated": False},
    "refact": {"position": "alibi"},
    "baichuan": {"alibi_layers": 40},
    "phi2": {
        "norm": "layer", "parallel": True, "ffn_norm": "attn_norm", "pairing": "half", "activation": "gelu_tanh",
        "gated": False},
    "plamo": {"parallel": True, "ffn_norm": "attn_norm", "pairing": "half"},
    "codeshell": {"norm": "layer", "pairing": "half", "activation": "gelu_tanh", "gated": False},
    "jais2": {"norm": "layer", "pairing": "half", "activation": "relu2", "gated": False},
    "orion": {"norm": "layer", "pairing": "half"},
    "minicpm": {
        "quantities": {
            "embedding_scale": ("embedding_scale", None), "residual_scale": ("residual_scale", None),
            "logit_scale": ("logit_divisor", None)}},
    "chatglm": {"gated": "before up"},
    "internlm2": {},
    "xverse": {},
    "pangu-embedded": {"pairing": "half"},
    "mistral3": {},
}


def family(arch):
    return {**LLAMA, **FAMILIES[arch]}
