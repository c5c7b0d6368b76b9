// attention.comp: softmax(q k) v over the cache in one pass, rotated back at the query under RoVE.
// SPDX-License-Identifier: Apache-2.0
//
//   state   q [n_tokens, n_head, n_pairs] (a, b)  f32  read, already rotated
//   cache   keys of a slice of one layer, interface/cache.h    read
//   values  its values                              read
//   state   position table of the values, interface/rotary.h  f32  read
//   params  ALiBi slopes [n_head], sink logits [n_head]  f32  read
//   state   mix [n_tokens, n_head, head_dim]      f32  written, channel order
//   step    first_position of token 0; a token sees the cells up to its own position
//   session SessionParams, interface/bindings.h
//   pc      AttentionParams, interface/attention.h
//   state   partials and tickets with SPLITS > 1: scratch of [n_tokens, n_head, SPLITS] workgroups, and
//           one ticket per query and head, 0 before and after
//   grid    (n_head, n_tokens, SPLITS) workgroups; SPLITS of them answer one query of one head
//
// Flash style (Dao et al., arXiv:2205.14135): in a tile of LOCAL_SIZE cells each invocation scores one
// cell and then adds one pair of the tile's values; no score leaves the workgroup. Tiles begin at
// multiples of LOCAL_SIZE, so a query's bits do not depend on its batch. SPLITS workgroups take the
// tiles in turn, and the last of them adds the sums of all, in their order: a long cache keeps more of
// a GPU busy than a model has heads. RoVE's rotation back comes after the normalisation, per query
// head: arXiv:2606.11275, section 2.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "attention.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;
layout(constant_id = SPEC_ATTENTION_PAIRS) const uint N_PAIRS = 32;  // at most LOCAL_SIZE
layout(constant_id = SPEC_ATTENTION_PAIRING) const uint PAIRING = 1;
layout(constant_id = SPEC_ATTENTION_VALUES) const uint VALUES = 0;
layout(constant_id = SPEC_ATTENTION_CACHE) const uint CACHE = 1;
layout(constant_id = SPEC_ATTENTION_ALIBI) const uint ALIBI = 0;
layout(constant_id = SPEC_ATTENTION_WINDOW) const uint WINDOW = 0;
layout(constant_id = SPEC_ATTENTION_SCALES) const uint SCALES = 0;
layout(constant_id = SPEC_ATTENTION_SINKS) const uint SINKS = 0;
layout(constant_id = SPEC_ATTENTION_CAP) const uint CAP = 0;
layout(constant_id = SPEC_ATTENTION_SPLITS) const uint SPLITS = 1;

// Pairs in a uvec4 of the cache: interface/cache.h.
const uint PAIRS_A_QUAD = CACHE == CACHE_FORMAT_F32 ? 2u : CACHE == CACHE_FORMAT_F16 ? 4u : 8u;
const uint BLOCKS = (N_PAIRS + CACHE_BLOCK_PAIRS - 1u) / CACHE_BLOCK_PAIRS;
const uint QUADS = (N_PAIRS + PAIRS_A_QUAD - 1u) / PAIRS_A_QUAD;
const uint GROUPS = LOCAL_SIZE / N_PAIRS;  // cells whose values are added at the same time
const uint PART_WORDS = 2u * N_PAIRS + 2u;  // of a split: weighted pairs, sum of weights, largest score
const float LOWEST = -3.402823466e38;

layout(set = 0, binding = BINDING_STATE, std430) buffer State { float state[]; };
layout(set = 0, binding = BINDING_STATE, std430) coherent buffer Parts { float parts[]; };
layout(set = 0, binding = BINDING_PARAMS, std430) readonly buffer Params { float params[]; };
layout(set = 0, binding = BINDING_CACHE, std430) readonly buffer KeyQuads { uvec4 cache4[]; };
layout(set = 0, binding = BINDING_CACHE, std430) readonly buffer KeyWords { uint cache[]; };
layout(set = 0, binding = BINDING_VALUES, std430) readonly buffer Values { uint cached_values[]; };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; SessionParams session; };

shared vec2 query[QUADS * PAIRS_A_QUAD];
shared float tile[LOCAL_SIZE];        // the tile's scores, then its weights
shared vec3 partial[LOCAL_SIZE];      // (sum of weighted pair, sum of weights) of a group

#include "kv_cache.glsl"
#include "rotary.glsl"
#include "soft_cap.glsl"
#include "last_workgroup.glsl"

float score_of(uint kv_head, uint cell) {
    float sum = 0.0;
    [[unroll]] for (uint c = 0u; c < QUADS; ++c) {
        uvec4 quad = cache4[key_word(kv_head, cell, 4u * c) / 4u];
        if (CACHE == CACHE_FORMAT_Q8_0) {
            float part = 0.0;
            [[unroll]] for (uint p = 0u; p < 8u; ++p) {
                part += dot(query[c * 8u + p], unpack_q8_pair(quad[p / 2u], p % 2u));
            }
            uint block = c * 8u / CACHE_BLOCK_PAIRS;
            sum += part * uintBitsToFloat(cache[key_scale_word(kv_head, cell, block, BLOCKS)]);
        } else if (CACHE == CACHE_FORMAT_F16) {
            [[unroll]] for (uint w = 0u; w < 4u; ++w) {
                sum += dot(query[c * 4u + w], unpackHalf2x16(quad[w]));
            }
        } else {
            vec4 keys = uintBitsToFloat(quad);
            sum += dot(vec4(query[c * 2u], query[c * 2u + 1u]), keys);
        }
    }
    return sum;
}

vec2 value_of(uint kv_head, uint cell, uint pair) {
    uint at = value_word(kv_head, cell, words_before_pair(pair));
    if (CACHE == CACHE_FORMAT_Q8_0) {
        uint scale = cached_values[value_scale_word(kv_head, cell, pair / CACHE_BLOCK_PAIRS, BLOCKS)];
        return uintBitsToFloat(scale) * unpack_q8_pair(cached_values[at], pair % 2u);
    }
    if (CACHE == CACHE_FORMAT_F16) return unpackHalf2x16(cached_values[at]);
    return uintBitsToFloat(uvec2(cached_values[at], cached_values[at + 1u]));
}

bool visible(uint cell, uint position) {
    if (cell > position) return false;
    return WINDOW == 0u || position - cell < pc.window || cell < session.sink_tokens;
}

// The sums of all tiles that this split takes, in group 0: (weighted pair, weights) and the largest score.
vec3 attend(uint head, uint token, uint position, out float maximum) {
    uint id = gl_LocalInvocationIndex;
    uint kv_head = head / (pc.n_head / pc.n_head_kv);
    for (uint p = id; p < QUADS * PAIRS_A_QUAD; p += LOCAL_SIZE) {
        uint at = pc.q_offset + token * session.q_stride + 2u * (head * N_PAIRS + p);
        query[p] = p < N_PAIRS ? vec2(state[at], state[at + 1u]) : vec2(0.0);
    }
    float scale = SCALES != 0u ? pc.scale * state[session.scales_offset + position] : pc.scale;
    float slope = ALIBI != 0u ? params[pc.slopes_offset + head] : 0.0;

    uint pair = id % N_PAIRS;
    uint group = id / N_PAIRS;
    maximum = LOWEST;
    vec3 sum = vec3(0.0);  // this group's (weighted pair, weights)
    for (uint first = gl_WorkGroupID.z * LOCAL_SIZE; first <= position; first += SPLITS * LOCAL_SIZE) {
        // A tile with no visible cell is left out: it lies between the sinks and the window.
        if (WINDOW != 0u && first >= session.sink_tokens && position >= first + LOCAL_SIZE - 1u + pc.window) {
            continue;
        }
        barrier();  // the query is there; the last tile's weights have been read
        uint cell = first + id;
        bool seen = visible(cell, position);
        float score = LOWEST;
        if (seen) {
            score = scale * score_of(kv_head, cell);
            if (CAP != 0u) score = soft_cap(score, session.score_cap);
            if (ALIBI != 0u) score -= slope * float(position - cell);
        }
        tile[id] = score;
        barrier();
        float tile_maximum = maximum;
        for (uint i = 0u; i < LOCAL_SIZE; ++i) {
            tile_maximum = max(tile_maximum, tile[i]);
        }
        barrier();  // every score has been read
        tile[id] = seen ? exp(score - tile_maximum) : 0.0;
        barrier();
        sum *= exp(maximum - tile_maximum);
        maximum = tile_maximum;
        uint n_cells = min(LOCAL_SIZE, position + 1u - first);
        if (group < GROUPS) {
            for (uint i = group; i < n_cells; i += GROUPS) {
                float weight = tile[i];
                sum += vec3(weight * value_of(kv_head, first + i, pair), weight);
            }
        }
    }
    partial[id] = sum;
    barrier();
    for (uint g = 1u; g < GROUPS && group == 0u; ++g) {
        sum += partial[g * N_PAIRS + pair];
    }
    return sum;
}

// Adds the other splits'; false in all workgroups of a query but the last. A split without a visible cell
// has weights of 0 and LOWEST for a largest score.
bool merge_splits(uint query_at, inout vec3 sum, inout float maximum) {
    uint id = gl_LocalInvocationIndex;
    uint first = session.partials + query_at * SPLITS * PART_WORDS;
    uint own = first + gl_WorkGroupID.z * PART_WORDS;
    if (id < N_PAIRS) {
        parts[own + 2u * id] = sum.x;
        parts[own + 2u * id + 1u] = sum.y;
    }
    if (id == 0u) {
        parts[own + 2u * N_PAIRS] = sum.z;
        parts[own + 2u * N_PAIRS + 1u] = maximum;
    }
    if (!is_last_workgroup(session.tickets + query_at, gl_NumWorkGroups.z)) return false;
    maximum = LOWEST;
    for (uint s = 0u; s < SPLITS; ++s) {
        maximum = max(maximum, parts[first + s * PART_WORDS + 2u * N_PAIRS + 1u]);
    }
    sum = vec3(0.0);
    uint pair = id % N_PAIRS;
    for (uint s = 0u; s < SPLITS; ++s) {
        uint part = first + s * PART_WORDS;
        float share = exp(parts[part + 2u * N_PAIRS + 1u] - maximum);
        sum += share * vec3(parts[part + 2u * pair], parts[part + 2u * pair + 1u], parts[part + 2u * N_PAIRS]);
    }
    return true;
}

void main() {
    uint head = gl_WorkGroupID.x;
    uint token = gl_WorkGroupID.y;
    uint position = step_state.first_position + token;
    float maximum;
    vec3 sum = attend(head, token, position, maximum);
    if (SPLITS > 1u && !merge_splits(token * pc.n_head + head, sum, maximum)) return;
    uint pair = gl_LocalInvocationIndex;
    if (pair >= N_PAIRS) return;
    if (SINKS != 0u) {
        // A learned logit that takes weight and gives no value; it may be the largest of all.
        float sink = params[pc.sink_logits_offset + head];
        float highest = max(maximum, sink);
        sum *= exp(maximum - highest);
        sum.z += exp(sink - highest);
    }
    vec2 ab = sum.xy / sum.z;
    if (VALUES == ROTARY_VALUES_ROVE) {
        ab = rotate_pair_back(ab, rotary_at(pc.value_table, position, pair, N_PAIRS));
    }
    uvec2 channels = rotary_pair(PAIRING, pair, pc.rotary_stride);
    uint out_row = pc.mix_offset + token * session.mix_stride + head * session.head_dim;
    state[out_row + channels.x] = ab.x;
    if (channels.y < session.head_dim) state[out_row + channels.y] = ab.y;
}
