// Rotated pairs into the state and into the cache: what qkv.comp and store_kv.comp end with.
// SPDX-License-Identifier: Apache-2.0
//
// Needs CACHE (specialization constant), pc.head_dim, state[] and cache[].

uint n_pairs() {
    return (pc.head_dim + 1u) / 2u;
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
