"""The metadata pairs of a GPT-2-shaped GGUF file: standard keys where they exist, `gyre.` keys where they do not."""


def model_pairs(*, name, file_type, context, n_embd, n_layer, n_ff, n_head, eps=1e-5, n_head_kv=None):
    pairs = [
        ("general.architecture", "string", "gpt2"),
        ("general.name", "string", name),
        ("general.file_type", "u32", file_type),
        ("gpt2.context_length", "u32", context),
        ("gpt2.embedding_length", "u32", n_embd),
        ("gpt2.block_count", "u32", n_layer),
        ("gpt2.feed_forward_length", "u32", n_ff),
        ("gpt2.attention.head_count", "u32", n_head),
        ("gpt2.attention.layer_norm_epsilon", "f32", eps),
    ]
    if n_head_kv is not None:
        pairs.append(("gpt2.attention.head_count_kv", "u32", n_head_kv))
    return pairs


def rotary_pairs(*, pairing="half", values="none", dimensions=None, theta=10000.0, inv_freq=None):
    pairs = [("gyre.position", "string", "rotary"), ("gyre.rotary.pairing", "string", pairing)]
    if values != "none":
        pairs.append(("gyre.rotary.values", "string", values))
    if dimensions is not None:
        pairs.append(("gpt2.rope.dimension_count", "u32", dimensions))
    if inv_freq is not None:
        pairs.append(("gyre.rotary.inv_freq", "[f32]", [float(f) for f in inv_freq]))
    else:
        pairs.append(("gpt2.rope.freq_base", "f32", theta))
    return pairs


def tokenizer_pairs(tokens, merges, special):
    """`special` is the id of <|endoftext|>: it both begins and ends a text. Types: 1 normal, 3 control."""
    return [
        ("tokenizer.ggml.model", "string", "gpt2"),
        ("tokenizer.ggml.pre", "string", "gpt-2"),
        ("tokenizer.ggml.tokens", "[string]", tokens),
        ("tokenizer.ggml.token_type", "[i32]", [3 if i == special else 1 for i in range(len(tokens))]),
        ("tokenizer.ggml.merges", "[string]", [f"{a} {b}" for a, b in merges]),
        ("tokenizer.ggml.bos_token_id", "u32", special),
        ("tokenizer.ggml.eos_token_id", "u32", special),
    ]
