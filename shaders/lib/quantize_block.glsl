// Writes one block of a head's keys or values into a cache with block scales.
// SPDX-License-Identifier: Apache-2.0
//
// Needs kv_cache.glsl and block_value(i), the values in pair order; `from` is the i of the block's first.
// Rounding: q = round(x / d), d = max |x| / 127, the Q8_0 of ggml's block formats.

void quantize_block(bool is_key, uint kv_head, uint cell, uint block, uint n_blocks, uint pairs_of_head,
                    uint from) {
    uint first_pair = block * CACHE_BLOCK_PAIRS;
    uint n_values = 2u * min(CACHE_BLOCK_PAIRS, pairs_of_head - first_pair);
    float largest = 0.0;
    for (uint i = 0u; i < n_values; ++i) {
        largest = max(largest, abs(block_value(from + i)));
    }
    float scale = q8_scale(largest);
    for (uint i = 0u; i < n_values; i += 4u) {
        uint word = 0u;
        for (uint e = 0u; e < 4u && i + e < n_values; ++e) {
            word |= pack_q8(block_value(from + i + e), scale) << (8u * e);
        }
        uint at = first_pair / 2u + i / 4u;
        if (is_key) {
            cache[key_word(kv_head, cell, at)] = word;
        } else {
            cached_values[value_word(kv_head, cell, at)] = word;
        }
    }
    if (is_key) {
        cache[key_scale_word(kv_head, cell, block, n_blocks)] = floatBitsToUint(scale);
    } else {
        cached_values[value_scale_word(kv_head, cell, block, n_blocks)] = floatBitsToUint(scale);
    }
}
