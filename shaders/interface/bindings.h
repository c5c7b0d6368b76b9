// The one descriptor set layout of all kernels, and what every kernel specialises.
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_BINDINGS_H
#define GYRE_INTERFACE_BINDINGS_H

#include "interface_types.h"

// Four storage buffers are what every Vulkan device has for a stage.
#define BINDING_STATE   0  // storage: the session's float32 activations and tables, by word offset
#define BINDING_WEIGHTS 1  // storage: one repacked weight matrix, or a slice of its rows
#define BINDING_PARAMS  2  // storage: the model's float32 vectors (norms, biases, position rows)
#define BINDING_CACHE   3  // storage: the KV cache of one layer, or the keys of some heads; token ids; the logits
#define BINDING_STEP    4  // uniform: StepState, and SessionParams after it
#define BINDING_COUNT   5

// In kernels of the cache that multiply no matrix: storage: the range with the values, which is the one with
// the keys where a layer's cache is bound whole.
#define BINDING_VALUES BINDING_WEIGHTS

// Read-only views of bindings 1, 0, 3 and 2 as texels of 16 bytes: kernels with a TEXELS constant load
// through them where it is 1 (and the sets have them), through the storage binding where it is 0.
#define BINDING_WEIGHT_TEXELS 5  // uvec4
#define BINDING_STATE_TEXELS  6  // vec4
#define BINDING_CACHE_TEXELS  7  // uvec4
#define BINDING_PARAMS_TEXELS 8  // vec4
#define BINDING_VALUE_TEXELS  BINDING_WEIGHT_TEXELS

#define SPEC_LOCAL_SIZE 0  // invocations per workgroup, every kernel
#define SPEC_INTEGER_HALVES 14  // 1: float16 scales of weights are decoded by integers, lib/weight_scales.glsl
#define SPEC_NORM_RMS 15   // 1: RMS norm, 0: LayerNorm; every kernel that normalises (lib/norm.glsl)

// Rows of activations start at multiples of this many words and are padded with zeros, so that a
// kernel may read whole steps of every weight format past the last element: 64 elements, complex.
#define ACTIVATION_ALIGN 128

#define NO_OFFSET 0xffffffffu  // in a push constant: this optional vector is absent

INTERFACE_BEGIN

// What changes from one token to the next while the recorded commands stay: written by the host
// before a submit, or by the sampling kernel between two tokens.
struct StepState {
    uint first_position;  // position, and cache cell, of the first token of this batch
    uint n_tokens;        // tokens of this batch
    uint halted;          // not 0: a loop of sampled tokens has ended, why is in interface/sample.h
    uint reserved;
};

// What changes only with the session, written once: qkv, linear, store_kv and the attention kernels read it.
// State words and strides of activations are those of engine/activation_layout.h.
struct SessionParams {
    uint n_ctx;               // cells of the cache
    uint head_words;          // words of the cache per cell and head, multiple of 4
    uint n_head;              // query heads
    uint n_head_kv;           // key heads = value heads
    uint head_dim;
    uint n_embd;              // elements of a row of the residual stream
    uint row_stride;          // words from one token's row of it, or of what norms make of it, to the next
    uint qkv_stride;          // words from one token's queries, keys and values in channel order to the next
    uint q_offset;            // state word of q, [n_tokens][n_head][n_pairs] pairs, in pair order
    uint q_stride;            // words from one token's queries to the next
    uint kv_offset;           // Q8_0 cache: state word of [n_tokens][keys, values][n_head_kv][n_pairs] pairs
    uint kv_stride;           // words from one token's keys and values to the next
    uint mix_stride;          // words from one token's row of attention's results to the next
    uint normed_offset;       // state word of the row that a norm after a product makes
    uint ticket;              // of norms after products: state word, 0 before and after
    float norm_epsilon;
    float logit_cap;          // logits become cap * tanh(logit / cap)
    float score_cap;          // a score becomes cap * tanh(score / cap)
    uint sink_tokens;         // first cells that a window keeps
    uint scales_offset;       // state word of [n_ctx] factors on the scale of scores
    uint partials;            // of attention's splits: state word of [n_tokens][n_head][splits][2 n_pairs + 2], scratch
    uint tickets;             // of attention's splits: state word of [n_tokens][n_head], 0 before and after
    uint qkv_offset;          // state word of [n_tokens][queries, keys, values], in channel order
    float qkv_clamp;          // queries, keys and values are clamped to +- this
};

#ifdef __cplusplus
// Binding 4.
struct StepBlock {
    StepState step;
    SessionParams session;
};
static_assert(sizeof(StepState) % 16 == 0, "std140 begins a struct there");
#endif

INTERFACE_END

#endif
