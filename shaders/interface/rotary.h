// Rotary variants that a kernel has to know; everything else about a variant is data in a table.
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_ROTARY_H
#define GYRE_INTERFACE_ROTARY_H

#include "interface_types.h"

// Which two channels of a head form pair i.  X(id, Name, function in lib/rotary.glsl)
#define ROTARY_PAIRING_LIST(X)                                                          \
    X(0, Interleaved, rotary_pair_interleaved) /* (2i, 2i+1): RoFormer, GPT-J, CRoPE */ \
    X(1, Half, rotary_pair_half)               /* (i, i + stride): GPT-NeoX, RoVE    */

// What happens to the values.  X(id, Name)
#define ROTARY_VALUES_LIST(X)                                                       \
    X(0, None)       /* plain values                                            */ \
    X(1, RotateOnly) /* rotated at the key's position, never rotated back         */ \
    X(2, Rove)       /* rotated with the keys, rotated back at the query position */

#define ROTARY_VALUES_NONE        0
#define ROTARY_VALUES_ROTATE_ONLY 1
#define ROTARY_VALUES_ROVE        2

// A position table has (cos, sin) of every pair at every position, in two factors: position 256 a + b of
// a session has the product, as complex numbers, of its coarse row a and its fine row b.
//   fine    float2 [min(n_ctx, ROTARY_FINE_ROWS)][n_pairs]    rows of 0, 1, 2, ... positions
//   coarse  float2 [ceil(n_ctx / ROTARY_FINE_ROWS)][n_pairs]  after them: rows of first, first + 256, ...
// The coarse rows have everything that belongs to the session or to all positions alike: its first
// position and the amplitude. xPos's decay is in both.
#define ROTARY_FINE_ROWS 256u

INTERFACE_BEGIN
#ifdef __cplusplus
enum class RotaryPairing : uint {
#define GYRE_ENUM_ENTRY(id, name, function) k##name = id,
    ROTARY_PAIRING_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
enum class ValueRotation : uint {
#define GYRE_ENUM_ENTRY(id, name) k##name = id,
    ROTARY_VALUES_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
#endif
INTERFACE_END

#endif
