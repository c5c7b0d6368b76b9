// quantize_cache.comp: the keys and values of new tokens into a cache with block scales.
// SPDX-License-Identifier: Apache-2.0
//
//   state   kv [n_tokens, 2, n_head_kv, n_pairs] (a, b)  f32  read, already rotated
//   cache   keys, values and scales of one layer, interface/cache.h  written
//   step    first_position: cell of token 0
//   pc      QuantizeCacheParams, interface/quantize_cache.h
//   grid    (2 * n_head_kv * blocks, n_tokens) invocations; one invocation writes one block
//
// A block's scale needs all its pairs, which qkv.comp spreads over invocations: hence a dispatch of
// its own. Rounding: q = round(x / d), d = max |x| / 127, the Q8_0 of ggml's block formats.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "quantize_cache.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;
const uint CACHE = CACHE_FORMAT_Q8_0;

layout(set = 0, binding = BINDING_STATE, std430) readonly buffer State { float state[]; };
layout(set = 0, binding = BINDING_CACHE, std430) writeonly buffer Cache { uint cache[]; };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; };

#define cached_values cache
#include "kv_cache.glsl"
#define block_value(i) state[i]
#include "quantize_block.glsl"

void main() {
    uint n_blocks = (pc.n_pairs + CACHE_BLOCK_PAIRS - 1u) / CACHE_BLOCK_PAIRS;
    uint token = gl_GlobalInvocationID.y;
    uint id = gl_GlobalInvocationID.x;
    if (id >= 2u * pc.n_head_kv * n_blocks || token >= pc.n_tokens) return;
    uint block = id % n_blocks;
    uint head = id / n_blocks;  // the keys' heads, then the values'
    bool is_key = head < pc.n_head_kv;
    uint kv_head = is_key ? head : head - pc.n_head_kv;
    uint cell = step_state.first_position + token;

    uint from = pc.kv_offset + token * pc.kv_stride + 2u * (head * pc.n_pairs + block * CACHE_BLOCK_PAIRS);
    quantize_block(is_key, kv_head, cell, block, n_blocks, pc.n_pairs, from);
}
