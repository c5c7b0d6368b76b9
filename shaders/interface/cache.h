// The KV cache of one layer, as words of one buffer.
// SPDX-License-Identifier: Apache-2.0
//
// Channels are stored in pair order: pair p of a head is the couple (a, b) that lib/rotary.glsl names,
// so one invocation writes whole words and a context shift turns words in place.
//   keys    uvec4 K[n_head_kv][head_words / 4][n_ctx]   neighbouring cells beside each other
//   values  uint  V[n_head_kv][n_ctx][head_words]       neighbouring pairs beside each other
// head_words is words a cell and head, rounded up to 4; the padding stays zero.
#ifndef GYRE_INTERFACE_CACHE_H
#define GYRE_INTERFACE_CACHE_H

#include "interface_types.h"

// X(id, NAME, words a pair)
#define CACHE_FORMAT_LIST(X)                                  \
    X(0, F32, 2) /* a, b as float32                        */ \
    X(1, F16, 1) /* a in the low half of the word, b above */

#define CACHE_FORMAT_F32 0
#define CACHE_FORMAT_F16 1

INTERFACE_BEGIN
#ifdef __cplusplus
enum class CacheFormat : uint {
#define GYRE_ENUM_ENTRY(id, name, words) k##name = id,
    CACHE_FORMAT_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
#endif
INTERFACE_END

#endif
