// qkv.comp: [norm,] queries, keys and values of every token, rotated, keys and values into the cache.
// SPDX-License-Identifier: Apache-2.0
//
//   state   x [n_tokens, n_embd]                  f32  read
//   weights slice of attn_qkv [heads * head_dim, n_embd], rows Q then K then V  WEIGHT_*  read
//           with COMPLEX_WEIGHTS half the rows and columns, real and imaginary parts
//   params  norm gain and bias [n_embd], bias     f32  read
//   state   position tables, interface/rotary.h  f32  read
//   state   q [n_tokens, n_head, n_pairs] (a, b)  f32  written
//   cache   keys and values of one layer, interface/cache.h  written (Q8_0: to state, as kv)
//   step    first_position: position and cache cell of token 0
//   session SessionParams, interface/bindings.h
//   pc      QkvParams, interface/qkv.h
//   grid    (ceil(pairs of the slice / pairs per workgroup), ceil(n_tokens / TOKENS)) workgroups
//
// An invocation multiplies the two rows of a pair, so that it can rotate them in registers and write
// them as one word. RoVE (values rotated with the keys): arXiv:2606.11275. With COOPERATIVE a workgroup
// holds PAIRS pairs, whose rows are neighbours in its tile: lib/product_cooperative.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "cooperative.h"
#include "qkv.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;
#ifdef FIXED_ROWS
#include "fixed_tile.glsl"
const uint PAIRS = FIXED_ROWS / 2;
const uint ROW_STEP = 0;  // four pairs per invocation are not enough
#else
layout(constant_id = SPEC_QKV_PAIRS) const uint PAIRS = 2;
layout(constant_id = SPEC_QKV_TOKENS) const uint TOKENS = 1;
layout(constant_id = SPEC_QKV_TEXELS) const uint TEXELS = 0;
#ifdef COOPERATIVE
layout(constant_id = SPEC_COOPERATIVE_COMPLEX) const uint COMPLEX = 0;
#else
layout(constant_id = SPEC_QKV_K_LANES) const uint K_LANES = 1;
layout(constant_id = SPEC_QKV_NORM_QUADS) const uint NORM_QUADS = 0;
layout(constant_id = SPEC_QKV_STAGED) const uint STAGED = 0;
layout(constant_id = SPEC_QKV_ROLLED) const uint ROLLED = 0;
layout(constant_id = SPEC_QKV_ROW_STEP) const uint ROW_STEP = 0;
#endif
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
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; SessionParams session; };

#define N_IN session.n_embd
#include "quads.glsl"
#define cached_values cache
#define CACHE_LAYOUT CacheLayout(session.n_ctx, session.head_words, pc.v_offset, 0u, 0u)
#include "kv_cache.glsl"
#include "rotary.glsl"
#include "store_pair.glsl"
#ifndef COOPERATIVE
#define load_row4 load_state4
#include "normed_row.glsl"
#define LANE_GROUP (ROW_STEP == 2u ? 4u : 8u)
#define LIST_ROWS PAIRS
#define LIST_STEP (ROW_STEP * ROW_STRIDE)
#ifdef COMPLEX_WEIGHTS
#include "product_complex.glsl"
#else
#include "product.glsl"
#endif
#endif

// head counts the slice's heads over queries, then keys, then values.
void store(uint head, uint pair, uint token, vec2 ab) {
    uint position = step_state.first_position + token;
    bool is_query = head < session.n_head;
    uint kv_head = head - session.n_head;  // the keys' heads, then the values'
    bool is_key = !is_query && kv_head < session.n_head_kv;
    if (is_query || is_key ? ROTATE != 0u : VALUES != ROTARY_VALUES_NONE) {
        uint table = is_query ? pc.query_table : is_key ? pc.key_table : pc.value_table;
        ab = rotate_pair(ab, rotary_at(table, position, pair, n_pairs()));
    }
    if (is_query) {
        write_state(session.q_offset + token * session.q_stride + 2u * (head * n_pairs() + pair), ab);
        return;
    }
    if (CACHE == CACHE_FORMAT_Q8_0) {  // quantize_cache.comp takes them from here
        write_state(session.kv_offset + token * session.kv_stride + 2u * (kv_head * n_pairs() + pair), ab);
    } else if (is_key) {
        write_key(key_word(kv_head, position, words_before_pair(pair)), ab);
    } else {
        write_value(value_word(kv_head - session.n_head_kv, position, words_before_pair(pair)), ab);
    }
}

// The slice's rows of a pair, as a dense matrix would have them.
uvec2 pair_rows(uint pair) {
    uvec2 channels = rotary_pair(PAIRING, pair % n_pairs(), pc.rotary_stride);
    return pair / n_pairs() * session.head_dim + uvec2(channels.x, min(channels.y, session.head_dim - 1u));
}

vec2 pair_bias(uvec2 rows) {
    if (pc.bias_offset == NO_OFFSET) return vec2(0.0);
    uint first = pc.bias_offset + pc.first_head * session.head_dim;
    return vec2(params[first + rows.x], params[first + rows.y]);
}

// The last pair of an odd head has one channel.
bool has_two_channels(uint pair) {
    return rotary_pair(PAIRING, pair % n_pairs(), pc.rotary_stride).y < session.head_dim;
}

uint slice_pairs() {
    return pc.n_heads * n_pairs();
}

// Pairs and tokens past the end repeat the last one: loads stay inside, only stores are guarded.
#ifdef COOPERATIVE
uint tile_weight_row(uint r) {
    uint pair = min(gl_WorkGroupID.x * PAIRS + (COMPLEX != 0u ? r : r / 2u), slice_pairs() - 1u);
    uvec2 rows = pair_rows(pair);
    return COMPLEX != 0u ? pair : rows[r % 2u];
}
uint tile_x_quad(uint t) {
    uint token = min(gl_WorkGroupID.y * TOKENS + t, pc.n_tokens - 1u);
    return (pc.x_offset + token * session.row_stride) / 4u;
}
#include "product_cooperative.glsl"

void main() {
    multiply();
    [[unroll]] for (uint f = 0u; f < FRAGMENTS; ++f) {
        show_fragment(f);
        uint first_pair = gl_WorkGroupID.x * PAIRS + fragment_row(f) / 2u;
        uint first_token = gl_WorkGroupID.y * TOKENS + fragment_token(f);
        for (uint i = gl_SubgroupInvocationID; i < M / 2u * N; i += gl_SubgroupSize) {
            uint p = i % (M / 2u);
            uint t = i / (M / 2u);
            uint pair = first_pair + p;
            if (pair >= slice_pairs() || first_token + t >= pc.n_tokens) continue;
            vec2 ab = vec2(result(2u * p, t), result(2u * p + 1u, t)) + pair_bias(pair_rows(pair));
            if (!has_two_channels(pair)) ab.y = 0.0;
            store(pc.first_head + pair / n_pairs(), pair % n_pairs(), first_token + t, ab);
        }
    }
}
#else
void main() {
    uint row_lane = gl_LocalInvocationIndex % ROW_LANES;
    uint k_lane = gl_LocalInvocationIndex / ROW_LANES;
    uint first_pair = gl_WorkGroupID.x * ROW_LANES * PAIRS + first_of_lane(row_lane, PAIRS);
    uint first_token = gl_WorkGroupID.y * TOKENS;
    uvec2 out_rows[PAIRS];

    if (NORM_QUADS > 0u) normalise_row(pc.x_offset + first_token * session.row_stride);
    [[unroll]] for (uint p = 0u; p < PAIRS; ++p) {
        uint pair = min(first_pair + p * ROW_STRIDE, slice_pairs() - 1u);
        uvec2 rows = pair_rows(pair);
        out_rows[p] = rows;
#ifdef COMPLEX_WEIGHTS
        weight_row[p] = pair;  // interleaved pairs of even heads: the complex rows in order
#else
        weight_row[p] = rows.x;
        weight_row[PAIRS + p] = rows.y;
#endif
    }
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
        x_quad[t] = x_quad_of(pc.x_offset, min(first_token + t, pc.n_tokens - 1u), session.row_stride);
    }
    multiply(k_lane);
    if (k_lane != 0u) return;
    STORE_LOOP for (uint p = 0u; p < PAIRS; ++p) {
        uint pair = first_pair + p * ROW_STRIDE;
        if (pair >= slice_pairs()) continue;
        bool two_channels = has_two_channels(pair);
        vec2 bias = pair_bias(out_rows[p]);
        STORE_LOOP for (uint t = 0u; t < TOKENS; ++t) {
            if (first_token + t < pc.n_tokens) {
#ifdef COMPLEX_WEIGHTS
                vec2 ab = vec2(SUM(results, 2u * p * TOKENS + t), SUM(results, (2u * p + 1u) * TOKENS + t)) + bias;
#else
                vec2 ab = vec2(SUM(results, p * TOKENS + t), SUM(results, (PAIRS + p) * TOKENS + t)) + bias;
#endif
                if (!two_channels) ab.y = 0.0;
                store(pc.first_head + pair / n_pairs(), pair % n_pairs(), first_token + t, ab);
            }
        }
    }
}
#endif
