// shift_cache.comp: moves cells towards the start of the cache and rotates them to their new positions.
// SPDX-License-Identifier: Apache-2.0
//
//   state   rotations of keys and of values [n_pairs] (cos, sin) of the shift  f32  read
//   cache   keys of a slice of one layer, interface/cache.h  read, written
//   values  its values                              read, written
//   pc      ShiftCacheParams, interface/shift_cache.h
//   grid    2 * n_head_kv * blocks invocations; one invocation moves the pairs of one block
//
// Under RoVE the cached values are rotated like the keys, so they must rotate with them
// (R_j' v = R_(j'-j) R_j v); rotating only the keys would give wrong results without an error. An invocation
// goes through the cells in order: it reads cell from + i before anything is written there, since to < from.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "shift_cache.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;
layout(constant_id = SPEC_SHIFT_CACHE) const uint CACHE = 1;
layout(constant_id = SPEC_SHIFT_ROTATE_KEYS) const uint ROTATE_KEYS = 1;
layout(constant_id = SPEC_SHIFT_ROTATE_VALUES) const uint ROTATE_VALUES = 0;

layout(set = 0, binding = BINDING_STATE, std430) readonly buffer State { float state[]; };
layout(set = 0, binding = BINDING_CACHE, std430) buffer Keys { uint cache[]; };
layout(set = 0, binding = BINDING_VALUES, std430) buffer Values { uint cached_values[]; };

#include "kv_cache.glsl"
#include "rotary.glsl"

bool is_key;
uint kv_head;

uint word_at(uint cell, uint word) {
    return is_key ? key_word(kv_head, cell, word) : value_word(kv_head, cell, word);
}

uint scale_at(uint cell, uint block, uint n_blocks) {
    return is_key ? key_scale_word(kv_head, cell, block, n_blocks)
                  : value_scale_word(kv_head, cell, block, n_blocks);
}

uint load(uint at) {
    return is_key ? cache[at] : cached_values[at];
}

void store(uint at, uint word) {
    if (is_key) {
        cache[at] = word;
    } else {
        cached_values[at] = word;
    }
}

vec2 rotated(vec2 ab, uint pair) {
    if ((is_key ? ROTATE_KEYS : ROTATE_VALUES) == 0u) return ab;
    uint at = (is_key ? pc.key_rotation : pc.value_rotation) + 2u * pair;
    return rotate_pair(ab, vec2(state[at], state[at + 1u]));
}

void move_pair(uint from, uint to, uint pair) {
    uint word = words_before_pair(pair);
    uint source = word_at(from, word);
    uint target = word_at(to, word);
    if (CACHE == CACHE_FORMAT_F16) {
        store(target, packHalf2x16(rotated(unpackHalf2x16(load(source)), pair)));
    } else {
        vec2 ab = rotated(uintBitsToFloat(uvec2(load(source), load(source + 1u))), pair);
        store(target, floatBitsToUint(ab.x));
        store(target + 1u, floatBitsToUint(ab.y));
    }
}

// Scales are made anew: rotating mixes the two values of a pair.
void move_q8_block(uint from, uint to, uint block, uint n_blocks) {
    uint first = block * CACHE_BLOCK_PAIRS;
    uint n = min(CACHE_BLOCK_PAIRS, pc.n_pairs - first);
    vec2 pairs[CACHE_BLOCK_PAIRS];
    float scale = uintBitsToFloat(load(scale_at(from, block, n_blocks)));
    float largest = 0.0;
    for (uint i = 0u; i < n; ++i) {
        uint word = load(word_at(from, words_before_pair(first + i)));
        pairs[i] = rotated(scale * unpack_q8_pair(word, i % 2u), first + i);
        largest = max(largest, max(abs(pairs[i].x), abs(pairs[i].y)));
    }
    scale = q8_scale(largest);
    for (uint i = 0u; i < n; i += 2u) {
        uint word = pack_q8(pairs[i].x, scale) | pack_q8(pairs[i].y, scale) << 8u;
        if (i + 1u < n) {
            word |= pack_q8(pairs[i + 1u].x, scale) << 16u | pack_q8(pairs[i + 1u].y, scale) << 24u;
        }
        store(word_at(to, words_before_pair(first + i)), word);
    }
    store(scale_at(to, block, n_blocks), floatBitsToUint(scale));
}

void main() {
    uint n_blocks = (pc.n_pairs + CACHE_BLOCK_PAIRS - 1u) / CACHE_BLOCK_PAIRS;
    uint id = gl_GlobalInvocationID.x;
    if (id >= 2u * pc.n_head_kv * n_blocks) return;
    uint block = id % n_blocks;
    uint head = id / n_blocks;  // the keys' heads, then the values'
    is_key = head < pc.n_head_kv;
    kv_head = is_key ? head : head - pc.n_head_kv;
    for (uint i = 0u; i < pc.n_cells; ++i) {
        if (CACHE == CACHE_FORMAT_Q8_0) {
            move_q8_block(pc.from + i, pc.to + i, block, n_blocks);
        } else {
            uint end = min((block + 1u) * CACHE_BLOCK_PAIRS, pc.n_pairs);
            for (uint pair = block * CACHE_BLOCK_PAIRS; pair < end; ++pair) {
                move_pair(pc.from + i, pc.to + i, pair);
            }
        }
    }
}
