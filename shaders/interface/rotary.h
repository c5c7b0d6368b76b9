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
    X(1, RotateOnly) /* turned at the key's position, never turned back         */ \
    X(2, Rove)       /* turned with the keys, turned back at the query position */

#define ROTARY_VALUES_NONE        0
#define ROTARY_VALUES_ROTATE_ONLY 1
#define ROTARY_VALUES_ROVE        2

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
