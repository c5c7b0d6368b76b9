// Writes rotated pairs into the state and into the cache: the end of qkv.comp and store_kv.comp.
// SPDX-License-Identifier: Apache-2.0
//
// Needs CACHE (specialization constant), session.head_dim, state[], cache[] and cached_values[].

uint n_pairs() {
    return (session.head_dim + 1u) / 2u;
}

// A pair into an array of words.
#define WRITE_PAIR(words, at, ab)               \
    if (CACHE == CACHE_FORMAT_F16) {            \
        words[at] = packHalf2x16(ab);           \
    } else {                                    \
        words[at] = floatBitsToUint(ab.x);      \
        words[at + 1u] = floatBitsToUint(ab.y); \
    }

void write_key(uint at, vec2 ab) {
    WRITE_PAIR(cache, at, ab)
}

void write_value(uint at, vec2 ab) {
    WRITE_PAIR(cached_values, at, ab)
}

void write_state(uint at, vec2 ab) {
    state[at] = ab.x;
    state[at + 1u] = ab.y;
}
