// shift_cache.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_SHIFT_CACHE_H
#define GYRE_INTERFACE_SHIFT_CACHE_H

#include "bindings.h"
#include "cache.h"

#define SPEC_SHIFT_CACHE       1  // CACHE_FORMAT_LIST
#define SPEC_SHIFT_ROTATE_KEYS   2  // 1: the keys rotate to their new positions
#define SPEC_SHIFT_ROTATE_VALUES 3  // 1: the values too (RoVE, rotate_only)

INTERFACE_BEGIN
struct ShiftCacheParams {
    CacheLayout cache;
    uint from;         // first cell that moves
    uint to;           // where it goes: before from
    uint n_cells;      // cells that move
    uint n_head_kv;
    uint n_pairs;      // of a head
    uint key_rotation;     // state word of [n_pairs]: (cos, sin) of (to - from) positions
    uint value_rotation;   // the same for the values
};
PUSH_CONSTANTS(ShiftCacheParams);
INTERFACE_END

#endif
