// Rotary variants that a kernel has to know; everything else about a variant is data in a table.
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_ROTARY_H
#define GYRE_INTERFACE_ROTARY_H

#include "interface_types.h"

// Which two channels of a head form pair i.  X(id, NAME, function in lib/rotary.glsl)
#define ROTARY_PAIRING_LIST(X)                                                          \
    X(0, INTERLEAVED, rotary_pair_interleaved) /* (2i, 2i+1): RoFormer, GPT-J, CRoPE */ \
    X(1, HALF, rotary_pair_half)               /* (i, i + stride): GPT-NeoX, RoVE    */

// What happens to the values.  X(id, NAME)
#define ROTARY_VALUES_LIST(X)                                                       \
    X(0, NONE)        /* plain values                                            */ \
    X(1, ROTATE_ONLY) /* turned at the key's position, never turned back         */ \
    X(2, ROVE)        /* turned with the keys, turned back at the query position */

#define ROTARY_VALUES_NONE        0
#define ROTARY_VALUES_ROTATE_ONLY 1
#define ROTARY_VALUES_ROVE        2

INTERFACE_BEGIN
#ifdef __cplusplus
enum class RotaryPairing : uint {
#define GYRE_ENUM_ENTRY(id, name, function) name = id,
    ROTARY_PAIRING_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
enum class RotaryValues : uint {
#define GYRE_ENUM_ENTRY(id, name) name = id,
    ROTARY_VALUES_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
#endif
INTERFACE_END

#endif
