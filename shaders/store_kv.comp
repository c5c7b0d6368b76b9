// store_kv.comp: queries, keys and values [clamped, normalised,] rotated; keys and values into the cache.
// SPDX-License-Identifier: Apache-2.0
//
//   state   qkv [n_tokens, n_head + 2 n_head_kv, head_dim]  f32  read, channel order
//   state   position tables, interface/rotary.h  f32  read
//   params  gains of queries and keys, QK_NORM_LIST  f32  read
//   state   q [n_tokens, n_head, n_pairs] (a, b)  f32  written
//   cache   keys of a slice of one layer, interface/cache.h    written
//   values  its values                              written
//   step    first_position: position and cache cell of token 0
//   session SessionParams, interface/bindings.h
//   pc      StoreKvParams, interface/store_kv.h
//   grid    (n_head + 2 n_head_kv, n_tokens) workgroups; one workgroup has one head of one token
//
// Used where the product cannot do this (qkv.comp): a norm needs the whole head before it is rotated, and a cache
// that is bound in slices needs a dispatch for each, which has the slice's heads and their queries. The blocks of
// a cache with scales are quantized here too. Norm of queries and keys: Henry et al., arXiv:2010.04245, as
// Qwen 3 and Gemma 3 have it, an RMS norm with a gain per channel. For a norm of all heads together every head's
// workgroup adds up the row: a few thousand loads beside the millions of the product that made it.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "store_kv.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 32;
layout(constant_id = SPEC_STORE_PAIRING) const uint PAIRING = 1;
layout(constant_id = SPEC_STORE_ROTATE) const uint ROTATE = 1;
layout(constant_id = SPEC_STORE_VALUES) const uint VALUES = 0;
layout(constant_id = SPEC_STORE_CACHE) const uint CACHE = 1;
layout(constant_id = SPEC_STORE_NORM) const uint NORM = 0;
layout(constant_id = SPEC_STORE_CLAMP) const uint CLAMP = 0;
layout(constant_id = SPEC_NORM_RMS) const uint NORM_RMS = 0;

layout(set = 0, binding = BINDING_STATE, std430) buffer State { float state[]; };
layout(set = 0, binding = BINDING_PARAMS, std430) readonly buffer Params { float params[]; };
layout(set = 0, binding = BINDING_CACHE, std430) writeonly buffer Keys { uint cache[]; };
layout(set = 0, binding = BINDING_VALUES, std430) writeonly buffer Values { uint cached_values[]; };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; SessionParams session; };

shared float partial[LOCAL_SIZE];
shared float values[2 * STORE_MAX_PAIRS];  // the head, rotated, in pair order

#define CACHE_LAYOUT CacheLayout(session.n_ctx, session.head_words, pc.v_offset, pc.key_scales, pc.value_scales)
#include "kv_cache.glsl"
#include "rotary.glsl"
#include "store_pair.glsl"
#define block_value(i) values[i]
#include "quantize_block.glsl"

float workgroup_sum(float value) {
    barrier();  // the previous sum has been read
    partial[gl_LocalInvocationIndex] = value;
    barrier();
    float sum = 0.0;
    for (uint i = 0u; i < LOCAL_SIZE; ++i) {
        sum += partial[i];
    }
    return sum;
}

float channel(uint at) {
    float y = state[at];
    return CLAMP != 0u ? clamp(y, -session.qkv_clamp, session.qkv_clamp) : y;
}

// Of what is normalised: of the row at state word x, or of the rotated head.
float element(uint x, uint i) {
    return NORM == QK_NORM_HEADS_ROTATED ? values[i] : channel(x + i);
}

// (mean, 1 / deviation) of n elements: as lib/norm.glsl, of a row that begins anywhere.
vec2 norm_statistics(uint x, uint n) {
    float mean = 0.0;
    if (NORM_RMS == 0u) {
        float sum = 0.0;
        for (uint i = gl_LocalInvocationIndex; i < n; i += LOCAL_SIZE) {
            sum += element(x, i);
        }
        mean = workgroup_sum(sum) / float(n);
    }
    float squares = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < n; i += LOCAL_SIZE) {
        float d = element(x, i) - mean;
        squares += d * d;
    }
    return vec2(mean, 1.0 / sqrt(workgroup_sum(squares) / float(n) + session.norm_epsilon));
}

// Of the row that the head at state word x is in, or of the head.
vec2 statistics_before(uint x, uint token, bool is_query) {
    if (NORM != QK_NORM_ROWS) return norm_statistics(x, session.head_dim);
    uint row = session.qkv_offset + token * session.qkv_stride;
    if (is_query) return norm_statistics(row, session.n_head * session.head_dim);
    return norm_statistics(row + session.n_head * session.head_dim, session.n_head_kv * session.head_dim);
}

bool has_two(uvec2 channels) {
    return channels.y < session.head_dim;  // the last pair of an odd head has one
}

vec2 loaded(uint x, uvec2 channels) {
    return vec2(channel(x + channels.x), has_two(channels) ? channel(x + channels.y) : 0.0);
}

vec2 normalised(vec2 ab, vec2 statistics, uint gain, uvec2 channels) {
    ab = (ab - statistics.x) * statistics.y;
    ab.x *= params[gain + channels.x];
    ab.y = has_two(channels) ? ab.y * params[gain + channels.y] : 0.0;
    return ab;
}

void main() {
    uint head = gl_WorkGroupID.x;  // over queries, then keys, then values
    uint token = gl_WorkGroupID.y;
    uint position = step_state.first_position + token;
    bool is_query = head < pc.n_head;
    bool is_value = head >= pc.n_head + pc.n_head_kv;
    bool is_key = !is_query && !is_value;
    uint kv_head = is_key ? head - pc.n_head : head - pc.n_head - pc.n_head_kv;
    uint first = is_query ? pc.q_in : is_key ? pc.k_in : pc.v_in;
    uint x = first + token * session.qkv_stride + (is_query ? head : kv_head) * session.head_dim;

    bool normalise = NORM != QK_NORM_NONE && !is_value;
    bool before = NORM != QK_NORM_HEADS_ROTATED;  // the rotation
    vec2 statistics = vec2(0.0, 1.0);
    if (normalise && before) statistics = statistics_before(x, token, is_query);
    uint gain = is_query ? pc.q_gain : pc.k_gain;
    if (NORM == QK_NORM_HEADS_OWN || NORM == QK_NORM_ROWS) {
        gain += (is_query ? head : kv_head) * session.head_dim;
    }
    bool rotate = is_value ? VALUES != ROTARY_VALUES_NONE : ROTATE != 0u;
    uint table = is_query ? pc.query_table : is_key ? pc.key_table : pc.value_table;
    if (normalise && !before) {
        for (uint pair = gl_LocalInvocationIndex; pair < n_pairs(); pair += LOCAL_SIZE) {
            vec2 ab = loaded(x, rotary_pair(PAIRING, pair, pc.rotary_stride));
            if (rotate) ab = rotate_pair(ab, rotary_at(table, position, pair, n_pairs()));
            values[2u * pair] = ab.x;
            values[2u * pair + 1u] = ab.y;
        }
        barrier();
        statistics = norm_statistics(x, session.head_dim);
    }
    for (uint pair = gl_LocalInvocationIndex; pair < n_pairs(); pair += LOCAL_SIZE) {
        uvec2 channels = rotary_pair(PAIRING, pair, pc.rotary_stride);
        vec2 ab = loaded(x, channels);
        if (normalise && before) ab = normalised(ab, statistics, gain, channels);
        if (rotate) ab = rotate_pair(ab, rotary_at(table, position, pair, n_pairs()));
        if (normalise && !before) ab = normalised(ab, statistics, gain, channels);
        values[2u * pair] = ab.x;
        values[2u * pair + 1u] = ab.y;
        if (is_query) {
            write_state(pc.q_offset + token * session.q_stride + 2u * (head * n_pairs() + pair), ab);
        } else if (CACHE != CACHE_FORMAT_Q8_0) {
            uint word = words_before_pair(pair);
            if (is_key) {
                write_key(key_word(kv_head, position, word), ab);
            } else {
                write_value(value_word(kv_head, position, word), ab);
            }
        }
    }
    if (CACHE != CACHE_FORMAT_Q8_0) return;
    barrier();
    if (is_query) return;
    uint n_blocks = (n_pairs() + CACHE_BLOCK_PAIRS - 1u) / CACHE_BLOCK_PAIRS;
    for (uint block = gl_LocalInvocationIndex; block < n_blocks; block += LOCAL_SIZE) {
        quantize_block(is_key, kv_head, position, block, n_blocks, n_pairs(), 32u * block);
    }
}
