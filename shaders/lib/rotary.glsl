// Rotation of channel pairs. No angle is computed here: (cos, sin) come from the host's table.
// SPDX-License-Identifier: Apache-2.0
//
// Su et al., RoFormer, arXiv:2104.09864, section 3.4.2. RoVE: Garcia-Castellanos et al., arXiv:2606.11275.
#include "rotary.h"

// The channels (a, b) of pair i. b == head_dim for the last pair of an odd head: there is no b.

uvec2 rotary_pair_interleaved(uint i, uint stride) {
    return uvec2(2u * i, 2u * i + 1u);
}

// The first `stride` pairs reach across the turned channels, the rest couple what follows them.
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
vec2 rotary_turn(vec2 ab, vec2 cs) {
    return vec2(ab.x * cs.x - ab.y * cs.y, ab.x * cs.y + ab.y * cs.x);
}

// R_-p (a, b): the transpose.
vec2 rotary_turn_back(vec2 ab, vec2 cs) {
    return vec2(ab.x * cs.x + ab.y * cs.y, ab.y * cs.x - ab.x * cs.y);
}
