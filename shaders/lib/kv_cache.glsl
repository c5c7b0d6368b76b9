// Stores and loads pairs of keys and values, in every format of interface/cache.h.
// SPDX-License-Identifier: Apache-2.0
//
// Needs CACHE (specialization constant), CACHE_LAYOUT (CacheLayout), cache[], which has the keys, and
// cached_values[]: the same words where a kernel sees whole layers.
#include "cache.h"

#ifndef CACHE_LAYOUT
#define CACHE_LAYOUT pc.cache
#endif

uint words_before_pair(uint pair) {
    return CACHE == CACHE_FORMAT_F16 ? pair : CACHE == CACHE_FORMAT_F32 ? 2u * pair : pair / 2u;
}

uint key_word(uint kv_head, uint cell, uint word) {
    uint quad = kv_head * (CACHE_LAYOUT.head_words / 4u) + word / 4u;
    return (quad * CACHE_LAYOUT.n_ctx + cell) * 4u + word % 4u;
}

uint value_word(uint kv_head, uint cell, uint word) {
    return CACHE_LAYOUT.v_offset + (kv_head * CACHE_LAYOUT.n_ctx + cell) * CACHE_LAYOUT.head_words + word;
}

uint key_scale_word(uint kv_head, uint cell, uint block, uint n_blocks) {
    return CACHE_LAYOUT.key_scales + (kv_head * n_blocks + block) * CACHE_LAYOUT.n_ctx + cell;
}

uint value_scale_word(uint kv_head, uint cell, uint block, uint n_blocks) {
    return CACHE_LAYOUT.value_scales + (kv_head * CACHE_LAYOUT.n_ctx + cell) * n_blocks + block;
}

// The pair in the low (odd == 0) or high half of a word of int8, before its scale.
vec2 unpack_q8_pair(uint word, uint odd) {
    int half_word = int(word >> (16u * odd));
    return vec2(ivec2(half_word << 24, half_word << 16) >> 24);
}

// Scale of a block with this largest magnitude, and a value as int8 bits.
float q8_scale(float largest) {
    return largest / 127.0;
}

uint pack_q8(float value, float scale) {
    float q = scale > 0.0 ? clamp(roundEven(value / scale), -127.0, 127.0) : 0.0;
    return uint(int(q)) & 0xffu;
}
