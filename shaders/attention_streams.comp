// attention_streams.comp: attention.comp for devices on which invocations do not need each other.
// SPDX-License-Identifier: Apache-2.0
//
//   buffers, step and pc as attention.comp; TEXELS: the cache is loaded as texels
//   grid    (n_head, ceil(n_tokens / QUERIES)) workgroups of QUERIES queries of one head
//
// Each invocation is a stream of its own: it holds its query and its sum in registers and goes through
// every n-th visible cell, n = LOCAL_SIZE / QUERIES, with the running softmax of Milakov and Gimelshein,
// arXiv:1805.02867. Nothing is shared and nobody waits until the streams of a query are added at the
// end. Software drivers run this several times faster: a barrier or a word of shared memory costs them
// as much as a texel. GPUs would run out of registers. A query's bits depend on n, not on its batch.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_samplerless_texture_functions : require
#include "attention.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 8;
layout(constant_id = SPEC_ATTENTION_PAIRS) const uint N_PAIRS = 32;
layout(constant_id = SPEC_ATTENTION_PAIRING) const uint PAIRING = 1;
layout(constant_id = SPEC_ATTENTION_VALUES) const uint VALUES = 0;
layout(constant_id = SPEC_ATTENTION_CACHE) const uint CACHE = 1;
layout(constant_id = SPEC_ATTENTION_ALIBI) const uint ALIBI = 0;
layout(constant_id = SPEC_ATTENTION_WINDOW) const uint WINDOW = 0;
layout(constant_id = SPEC_ATTENTION_SCALES) const uint SCALES = 0;
layout(constant_id = SPEC_ATTENTION_SINKS) const uint SINKS = 0;
layout(constant_id = SPEC_ATTENTION_CAP) const uint CAP = 0;
layout(constant_id = SPEC_ATTENTION_QUERIES) const uint QUERIES = 1;
layout(constant_id = SPEC_ATTENTION_TEXELS) const uint TEXELS = 0;

const uint STREAMS = LOCAL_SIZE / QUERIES;  // of a query
const uint PAIRS_A_QUAD = CACHE == CACHE_FORMAT_F32 ? 2u : CACHE == CACHE_FORMAT_F16 ? 4u : 8u;
const uint QUADS = (N_PAIRS + PAIRS_A_QUAD - 1u) / PAIRS_A_QUAD;
const uint PADDED_PAIRS = QUADS * PAIRS_A_QUAD;
const uint BLOCKS = (N_PAIRS + CACHE_BLOCK_PAIRS - 1u) / CACHE_BLOCK_PAIRS;
const float LOWEST = -3.402823466e38;

layout(set = 0, binding = BINDING_STATE, std430) buffer State { float state[]; };
layout(set = 0, binding = BINDING_PARAMS, std430) readonly buffer Params { float params[]; };
layout(set = 0, binding = BINDING_CACHE, std430) readonly buffer KeyQuads { uvec4 cache4[]; };
layout(set = 0, binding = BINDING_CACHE, std430) readonly buffer KeyWords { uint cache[]; };
layout(set = 0, binding = BINDING_CACHE_TEXELS) uniform utextureBuffer cache_texels;
layout(set = 0, binding = BINDING_VALUES, std430) readonly buffer ValueQuads { uvec4 cached_values4[]; };
layout(set = 0, binding = BINDING_VALUES, std430) readonly buffer ValueWords { uint cached_values[]; };
layout(set = 0, binding = BINDING_VALUE_TEXELS) uniform utextureBuffer value_texels;
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; SessionParams session; };

shared vec2 softmax[LOCAL_SIZE];            // (largest score, sum of weights) of each stream
shared vec2 sums[LOCAL_SIZE * N_PAIRS];     // [stream][pair]

#include "kv_cache.glsl"
#include "rotary.glsl"
#include "soft_cap.glsl"

vec2 query[PADDED_PAIRS];
vec2 sum[PADDED_PAIRS];  // of the weighted values

uvec4 load_key4(uint at) {
    return TEXELS != 0u ? texelFetch(cache_texels, int(at)) : cache4[at];
}

uvec4 load_value4(uint at) {
    return TEXELS != 0u ? texelFetch(value_texels, int(at)) : cached_values4[at];
}

// Pair p of a quad, before its scale.
vec2 pair_of(uvec4 quad, uint p) {
    if (CACHE == CACHE_FORMAT_Q8_0) return unpack_q8_pair(quad[p / 2u], p % 2u);
    if (CACHE == CACHE_FORMAT_F16) return unpackHalf2x16(quad[p]);
    return uintBitsToFloat(uvec2(quad[2u * p], quad[2u * p + 1u]));
}

float score_of(uint kv_head, uint cell) {
    float score = 0.0;
    [[unroll]] for (uint c = 0u; c < QUADS; ++c) {
        uvec4 quad = load_key4(key_word(kv_head, cell, 4u * c) / 4u);
        float part = 0.0;
        [[unroll]] for (uint p = 0u; p < PAIRS_A_QUAD; ++p) {
            part += dot(query[c * PAIRS_A_QUAD + p], pair_of(quad, p));
        }
        if (CACHE == CACHE_FORMAT_Q8_0) {
            uint block = c * PAIRS_A_QUAD / CACHE_BLOCK_PAIRS;
            part *= uintBitsToFloat(cache[key_scale_word(kv_head, cell, block, BLOCKS)]);
        }
        score += part;
    }
    return score;
}

// sum = keep * sum + weight * the cell's value.
void add_value(uint kv_head, uint cell, float keep, float weight) {
    [[unroll]] for (uint c = 0u; c < QUADS; ++c) {
        uvec4 quad = load_value4(value_word(kv_head, cell, 4u * c) / 4u);
        float factor = weight;
        if (CACHE == CACHE_FORMAT_Q8_0) {
            uint block = c * PAIRS_A_QUAD / CACHE_BLOCK_PAIRS;
            factor *= uintBitsToFloat(cached_values[value_scale_word(kv_head, cell, block, BLOCKS)]);
        }
        [[unroll]] for (uint p = 0u; p < PAIRS_A_QUAD; ++p) {
            uint i = c * PAIRS_A_QUAD + p;
            sum[i] = keep * sum[i] + factor * pair_of(quad, p);
        }
    }
}

void main() {
    uint id = gl_LocalInvocationIndex;
    uint head = gl_WorkGroupID.x;
    uint stream = id % STREAMS;
    uint own_token = gl_WorkGroupID.y * QUERIES + id / STREAMS;
    uint token = min(own_token, pc.n_tokens - 1u);  // past the end: the last again, not stored
    uint kv_head = head / (pc.n_head / pc.n_head_kv);
    uint position = step_state.first_position + token;

    [[unroll]] for (uint p = 0u; p < PADDED_PAIRS; ++p) {
        uint at = pc.q_offset + token * session.q_stride + 2u * (head * N_PAIRS + p);
        query[p] = p < N_PAIRS ? vec2(state[at], state[at + 1u]) : vec2(0.0);
        sum[p] = vec2(0.0);
    }
    float scale = SCALES != 0u ? pc.scale * state[session.scales_offset + position] : pc.scale;
    float slope = ALIBI != 0u ? params[pc.slopes_offset + head] : 0.0;

    // Visible are the kept first cells and the window up to the query's own cell.
    uint window_first = WINDOW != 0u ? max(position + 1u, pc.window) - pc.window : 0u;
    uint n_kept = WINDOW != 0u ? min(session.sink_tokens, window_first) : 0u;
    uint n_visible = n_kept + position + 1u - window_first;
    float maximum = LOWEST;
    float weights = 0.0;
    for (uint i = stream; i < n_visible; i += STREAMS) {
        uint cell = i < n_kept ? i : i - n_kept + window_first;
        float score = scale * score_of(kv_head, cell);
        if (CAP != 0u) score = soft_cap(score, session.score_cap);
        if (ALIBI != 0u) score -= slope * float(position - cell);
        float larger = max(maximum, score);
        float keep = exp(maximum - larger);
        float weight = exp(score - larger);
        maximum = larger;
        weights = keep * weights + weight;
        add_value(kv_head, cell, keep, weight);
    }

    softmax[id] = vec2(maximum, weights);
    [[unroll]] for (uint p = 0u; p < N_PAIRS; ++p) {
        sums[id * N_PAIRS + p] = sum[p];
    }
    barrier();
    if (own_token >= pc.n_tokens) return;
    uint first = id - stream;  // the query's first stream
    maximum = LOWEST;
    for (uint s = first; s < first + STREAMS; ++s) {
        maximum = max(maximum, softmax[s].x);
    }
    // A learned logit that takes weight and gives no value; it may be the largest of all.
    float sink = SINKS != 0u ? params[pc.sink_logits_offset + head] : LOWEST;
    maximum = max(maximum, sink);
    weights = SINKS != 0u ? exp(sink - maximum) : 0.0;
    float shares[STREAMS];
    [[unroll]] for (uint s = 0u; s < STREAMS; ++s) {
        shares[s] = exp(softmax[first + s].x - maximum);
        weights += softmax[first + s].y * shares[s];
    }
    uint out_row = pc.mix_offset + token * session.mix_stride + head * session.head_dim;
    for (uint p = stream; p < N_PAIRS; p += STREAMS) {
        vec2 ab = vec2(0.0);
        [[unroll]] for (uint s = 0u; s < STREAMS; ++s) {
            ab += shares[s] * sums[(first + s) * N_PAIRS + p];
        }
        ab /= weights;
        if (VALUES == ROTARY_VALUES_ROVE) {
            ab = rotate_pair_back(ab, rotary_at(pc.value_table, position, p, N_PAIRS));
        }
        uvec2 channels = rotary_pair(PAIRING, p, pc.rotary_stride);
        state[out_row + channels.x] = ab.x;
        if (channels.y < session.head_dim) state[out_row + channels.y] = ab.y;
    }
}
