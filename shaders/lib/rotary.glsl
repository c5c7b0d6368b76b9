// Rotation of channel pairs. No angle is computed here: (cos, sin) come from the host's tables.
// SPDX-License-Identifier: Apache-2.0
//
// Needs state[] and kv_cache.glsl. Su et al., RoFormer, arXiv:2104.09864, section 3.4.2. RoVE:
// Garcia-Castellanos et al., arXiv:2606.11275.
#include "rotary.h"

// The channels (a, b) of pair i. b == head_dim for the last pair of an odd head: there is no b.

uvec2 rotary_pair_interleaved(uint i, uint stride) {
    return uvec2(2u * i, 2u * i + 1u);
}

// The first `stride` pairs reach across the rotated channels, the rest couple what follows them.
uvec2 rotary_pair_half(uint i, uint stride) {
    return i < stride ? uvec2(i, i + stride) : uvec2(2u * i, 2u * i + 1u);
}

uvec2 rotary_pair(uint pairing, uint i, uint stride) {
    switch (pairing) {
#define ROTARY_CASE(id, name, function) \
    case id:                            \
        return function(i, stride);
        ROTARY_PAIRING_LIST(ROTARY_CASE)
    }
    return uvec2(0u);
}

// R_p (a, b) for cs = (cos, sin) of the pair's angle at position p.
vec2 rotate_pair(vec2 ab, vec2 cs) {
    return vec2(ab.x * cs.x - ab.y * cs.y, ab.x * cs.y + ab.y * cs.x);
}

// (cos, sin) of a pair at a position of the session, of the position table at this word: interface/rotary.h.
// Precise: every kernel, and the host, gets the same bits.
vec2 rotary_at(uint table, uint position, uint pair, uint n_pairs) {
    uint fine_rows = min(CACHE_LAYOUT.n_ctx, ROTARY_FINE_ROWS);
    uint coarse = table + 2u * ((fine_rows + position / ROTARY_FINE_ROWS) * n_pairs + pair);
    uint fine = table + 2u * (position % ROTARY_FINE_ROWS * n_pairs + pair);
    vec2 a = vec2(state[coarse], state[coarse + 1u]);
    vec2 b = vec2(state[fine], state[fine + 1u]);
    precise vec2 cs = vec2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
    return cs;
}

// R_-p (a, b): the transpose.
vec2 rotate_pair_back(vec2 ab, vec2 cs) {
    return vec2(ab.x * cs.x + ab.y * cs.y, ab.y * cs.x - ab.x * cs.y);
}
