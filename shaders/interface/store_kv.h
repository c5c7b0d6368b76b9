// store_kv.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_STORE_KV_H
#define GYRE_INTERFACE_STORE_KV_H

#include "bindings.h"
#include "cache.h"

#define SPEC_STORE_PAIRING   1  // ROTARY_PAIRING_LIST
#define SPEC_STORE_ROTATE    2  // 1: queries and keys are rotated
#define SPEC_STORE_VALUES    3  // ROTARY_VALUES_LIST
#define SPEC_STORE_CACHE     4  // CACHE_FORMAT_LIST
#define SPEC_STORE_NORM      5  // QK_NORM_LIST
#define SPEC_STORE_CLAMP     6  // 1: queries, keys and values are clamped first

#define STORE_MAX_PAIRS 128  // of a head

// How queries and keys are normalised.  X(id, Name)
#define QK_NORM_LIST(X)                                                                                   \
    X(0, None)                                                                                            \
    X(1, Heads)        /* head by head, before they are rotated; gains [head_dim]                      */ \
    X(2, HeadsOwn)     /* the same; gains [heads][head_dim]                                            */ \
    X(3, HeadsRotated) /* RMS, head by head, after they are rotated; gains [head_dim]                  */ \
    X(4, Rows)         /* all heads together, before they are rotated; gains [heads][head_dim]         */

#define QK_NORM_NONE          0
#define QK_NORM_HEADS         1
#define QK_NORM_HEADS_OWN     2
#define QK_NORM_HEADS_ROTATED 3
#define QK_NORM_ROWS          4

INTERFACE_BEGIN
struct StoreKvParams {
    uint q_in;           // state word of the first query head, [n_tokens][..., n_head, ...][head_dim]
    uint k_in;           // the same of the keys
    uint v_in;           // and of the values
    uint n_head;         // query heads of this dispatch
    uint n_head_kv;      // key heads = value heads of this dispatch: the slice's
    uint rotary_stride;  // HALF: channels between the two of a rotated pair
    uint query_table;    // state word of a position table (rotary.h), amplitude included
    uint key_table;      // the same for the keys
    uint value_table;    // the same for the values: unit amplitude
    uint q_offset;       // state word of q, [n_tokens][n_head][n_pairs] pairs, in pair order
    uint q_gain;         // params word of the gains of the first query head, with a norm
    uint k_gain;         // the same for the keys
    uint v_offset;       // as in CacheLayout, whose other members are the session's
    uint key_scales;
    uint value_scales;
};
PUSH_CONSTANTS(StoreKvParams);

#ifdef __cplusplus
enum class QkNorm : uint {
#define GYRE_ENUM_ENTRY(id, name) k##name = id,
    QK_NORM_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
#endif
INTERFACE_END

#endif
