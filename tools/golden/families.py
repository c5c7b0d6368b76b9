"""What a family of models means by its files: one row each, from the family's definition, as differences from Llama.

The definitions are those of Hugging Face transformers (models/llama, gpt2, gpt_neox, ...); names of keys and tensors,
and the order of channels, are those of GGUF files as llama.cpp's converter writes them.
"""

LLAMA = {
    "norm": "rms",  # rms | layer: Zhang & Sennrich 2019 (arXiv:1910.07467) | Ba et al. 2016
    "place": "before",  # of the norms of a layer: before | after | both
    "parallel": False,  # attention and feed-forward read the same residual
    "position": "rotary",
    "pairing": "interleaved",  # llama.cpp's converter permutes queries and keys to it
    "activation": "silu",
    "gated": True,  # Shazeer 2020 (arXiv:2002.05202)
    "head_norm": False,  # of queries and keys, head by head, before they are rotated
}

FAMILIES = {
    "gpt2": {"norm": "layer", "position": "learned", "pairing": "half", "activation": "gelu_tanh", "gated": False},
    "gptneox": {"norm": "layer", "parallel": True, "pairing": "half", "activation": "gelu_erf", "gated": False},
    "llama": {},
    "qwen2": {"pairing": "half"},
    "qwen3": {"pairing": "half", "head_norm": True},
}


def family(arch):
    return {**LLAMA, **FAMILIES[arch]}
