// qkv.comp: [norm,] queries, keys and values of every token, turned, keys and values into the cache.
// SPDX-License-Identifier: Apache-2.0
//
//   state   x [n_tokens, n_embd]                  f32  read
//   weights slice of attn_qkv [heads * head_dim, n_embd], rows Q then K then V  WEIGHT_*  read
//           with COMPLEX_WEIGHTS half the rows and columns, real and imaginary parts
//   params  norm gain and bias [n_embd], bias     f32  read
//   state   tables [n_ctx, n_pairs] (cos, sin)    f32  read
//   state   q [n_tokens, n_head, n_pairs] (a, b)  f32  written
//   cache   keys and values of one layer, interface/cache.h  written (Q8_0: to state, as kv)
//   step    first_position: position and cache cell of token 0
//   pc      QkvParams, interface/qkv.h
//   grid    (ceil(pairs of the slice / pairs a workgroup), ceil(n_tokens / TOKENS)) workgroups
//
// An invocation multiplies the two rows of a pair, so that it can turn them in registers and write
// them as one word. RoVE (values turned with the keys): arXiv:2606.11275.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "qkv.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;
#ifdef FIXED_ROWS
#include "fixed_tile.glsl"
const uint PAIRS = FIXED_ROWS / 2;
#else
layout(constant_id = SPEC_QKV_PAIRS) const uint PAIRS = 2;
layout(constant_id = SPEC_QKV_TOKENS) const uint TOKENS = 1;
layout(constant_id = SPEC_QKV_K_LANES) const uint K_LANES = 1;
layout(constant_id = SPEC_QKV_NORM_QUADS) const uint NORM_QUADS = 0;
layout(constant_id = SPEC_QKV_TEXELS) const uint TEXELS = 0;
layout(constant_id = SPEC_QKV_STAGED) const uint STAGED = 0;
#endif
layout(constant_id = SPEC_QKV_PAIRING) const uint PAIRING = 1;
layout(constant_id = SPEC_QKV_ROTATE) const uint ROTATE = 1;
layout(constant_id = SPEC_QKV_VALUES) const uint VALUES = 0;
layout(constant_id = SPEC_QKV_CACHE) const uint CACHE = 1;
const uint ROWS = 2u * PAIRS;

layout(set = 0, binding = BINDING_STATE, std430) buffer State { float state[]; };
layout(set = 0, binding = BINDING_STATE, std430) readonly buffer StateQuads { vec4 state4[]; };
layout(set = 0, binding = BINDING_PARAMS, std430) readonly buffer Params { float params[]; };
layout(set = 0, binding = BINDING_CACHE, std430) writeonly buffer Cache { uint cache[]; };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; };

#include "quads.glsl"
#define load_row4 load_state4
#include "normed_row.glsl"
#ifdef COMPLEX_WEIGHTS
#include "matmul_complex.glsl"
#else
#include "matmul.glsl"
#endif
#include "kv_cache.glsl"
#include "rotary.glsl"

uint n_pairs() {
    return (pc.head_dim + 1u) / 2u;
}

vec2 table_row(uint table, uint position, uint pair) {
    uint at = table + 2u * (position * n_pairs() + pair);
    return vec2(state[at], state[at + 1u]);
}

void write_cache(uint at, vec2 ab) {
    if (CACHE == CACHE_FORMAT_F16) {
        cache[at] = packHalf2x16(ab);
    } else {
        cache[at] = floatBitsToUint(ab.x);
        cache[at + 1u] = floatBitsToUint(ab.y);
    }
}

void write_state(uint at, vec2 ab) {
    state[at] = ab.x;
    state[at + 1u] = ab.y;
}

// head counts the slice's heads over queries, then keys, then values.
void store(uint head, uint pair, uint token, vec2 ab) {
    uint position = step_state.first_position + token;
    if (head < pc.n_head) {
        if (ROTATE != 0u) ab = rotary_turn(ab, table_row(pc.query_table, position, pair));
        write_state(pc.q_offset + token * pc.q_stride + 2u * (head * n_pairs() + pair), ab);
        return;
    }
    uint kv_head = head - pc.n_head;  // the keys' heads, then the values'
    bool is_key = kv_head < pc.n_head_kv;
    if (is_key && ROTATE != 0u) ab = rotary_turn(ab, table_row(pc.key_table, position, pair));
    if (!is_key && VALUES != ROTARY_VALUES_NONE) {
        ab = rotary_turn(ab, table_row(pc.value_table, position, pair));
    }
    if (CACHE == CACHE_FORMAT_Q8_0) {  // quantize_cache.comp takes them from here
        write_state(pc.kv_offset + token * pc.kv_stride + 2u * (kv_head * n_pairs() + pair), ab);
    } else if (is_key) {
        write_cache(key_word(kv_head, position, words_before_pair(pair)), ab);
    } else {
        write_cache(value_word(kv_head - pc.n_head_kv, position, words_before_pair(pair)), ab);
    }
}

void main() {
    uint row_lane = gl_LocalInvocationIndex % ROW_LANES;
    uint k_lane = gl_LocalInvocationIndex / ROW_LANES;
    uint first_pair = gl_WorkGroupID.x * ROW_LANES * PAIRS + first_of_lane(row_lane, PAIRS);
    uint first_token = gl_WorkGroupID.y * TOKENS;
    uint pairs_end = pc.n_heads * n_pairs();
    uint out_row[ROWS];  // rows of the slice, as a dense matrix would have them

    if (NORM_QUADS > 0u) normalise_row(pc.x_offset + first_token * pc.row_stride);
    // Pairs and tokens past the end repeat the last one: loads stay inside, only stores are guarded.
    [[unroll]] for (uint p = 0u; p < PAIRS; ++p) {
        uint pair = min(first_pair + p * ROW_STRIDE, pairs_end - 1u);
        uint head_row = pair / n_pairs() * pc.head_dim;
        uvec2 channels = rotary_pair(PAIRING, pair % n_pairs(), pc.rotary_stride);
        out_row[2u * p] = head_row + channels.x;
        out_row[2u * p + 1u] = head_row + min(channels.y, pc.head_dim - 1u);
#ifdef COMPLEX_WEIGHTS
        weight_row[p] = pair;  // interleaved pairs of even heads: the complex rows in order
#else
        weight_row[2u * p] = out_row[2u * p];
        weight_row[2u * p + 1u] = out_row[2u * p + 1u];
#endif
    }
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
        x_quad[t] = x_quad_of(pc.x_offset, min(first_token + t, pc.n_tokens - 1u), pc.row_stride);
    }
    multiply(k_lane);
    if (k_lane != 0u) return;
    STORE_LOOP for (uint p = 0u; p < PAIRS; ++p) {
        uint pair = first_pair + p * ROW_STRIDE;
        if (pair >= pairs_end) continue;
        uint in_head = pair % n_pairs();
        bool has_b = rotary_pair(PAIRING, in_head, pc.rotary_stride).y < pc.head_dim;
        vec2 bias = vec2(0.0);
        if (pc.bias_offset != NO_OFFSET) {
            uint first = pc.bias_offset + pc.first_head * pc.head_dim;
            bias = vec2(params[first + out_row[2u * p]], params[first + out_row[2u * p + 1u]]);
        }
        STORE_LOOP for (uint t = 0u; t < TOKENS; ++t) {
            if (first_token + t < pc.n_tokens) {
                vec2 ab = vec2(results[2u * p * TOKENS + t], results[(2u * p + 1u) * TOKENS + t]) + bias;
                if (!has_b) ab.y = 0.0;
                store(pc.first_head + pair / n_pairs(), in_head, first_token + t, ab);
            }
        }
    }
}
