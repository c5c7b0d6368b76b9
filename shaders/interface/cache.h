// The KV cache of one layer, or of some of its heads, as words.
// SPDX-License-Identifier: Apache-2.0
//
// Channels are stored in pair order: pair p of a head is the couple (a, b) that lib/rotary.glsl names,
// so one invocation writes whole words and a context shift rotates words in place.
//   keys    uvec4 K[n_head_kv][head_words / 4][n_ctx]   neighbouring cells beside each other
//   values  uint  V[n_head_kv][n_ctx][head_words]       neighbouring pairs beside each other
// head_words is words per cell and head, rounded up to 4; the padding stays zero. V begins at a multiple
// of 4 words, so that its cells can be loaded in uvec4 too. Formats with scales
// have one float32 for every CACHE_BLOCK_PAIRS pairs of a cell and head:
//   float KS[n_head_kv][head_blocks][n_ctx]             after the keys
//   float VS[n_head_kv][n_ctx][head_blocks]             after the values
// A layer that fits into one binding is one range: keys, KS, values, VS. A larger one is bound in slices of
// some heads each, n_head_kv of the slice in the place of the layer's, with a range for the keys and KS and
// another for the values and VS: every kernel but qkv.comp and quantize_cache.comp, which see whole layers,
// has a binding for each.
#ifndef GYRE_INTERFACE_CACHE_H
#define GYRE_INTERFACE_CACHE_H

#include "interface_types.h"

// X(id, Name, pairs per uvec4, block scales: 1 or 0)
#define CACHE_FORMAT_LIST(X)                                      \
    X(0, F32, 2, 0)  /* a, b as float32                        */ \
    X(1, F16, 4, 0)  /* a in the low half of the word, b above */ \
    X(2, Q8_0, 8, 1) /* a, b as int8, two pairs a word         */

#define CACHE_FORMAT_F32  0
#define CACHE_FORMAT_F16  1
#define CACHE_FORMAT_Q8_0 2

#define CACHE_BLOCK_PAIRS 16  // 32 values share a scale, as in the weight format of that name

INTERFACE_BEGIN
// Where things lie in a slice of a layer's cache, in words of the range that has them; the same for every
// kernel that touches it.
struct CacheLayout {
    uint n_ctx;         // cells
    uint head_words;    // words per cell and head, multiple of 4
    uint v_offset;      // word where the values begin
    uint key_scales;    // word where KS begins; formats with scales only
    uint value_scales;  // word where VS begins
};
#ifdef __cplusplus
enum class CacheFormat : uint {
#define GYRE_ENUM_ENTRY(id, name, pairs, scales) k##name = id,
    CACHE_FORMAT_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
#endif
INTERFACE_END

#endif
