// attention.comp, attention_streams.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_ATTENTION_H
#define GYRE_INTERFACE_ATTENTION_H

#include "bindings.h"
#include "cache.h"

#define SPEC_ATTENTION_PAIRS   1  // pairs of a head: ceil(head_dim / 2)
#define SPEC_ATTENTION_PAIRING 2  // ROTARY_PAIRING_LIST
#define SPEC_ATTENTION_VALUES  3  // ROTARY_VALUES_LIST
#define SPEC_ATTENTION_CACHE   4  // CACHE_FORMAT_LIST
#define SPEC_ATTENTION_ALIBI   5  // 1: a slope per query head, times the distance, is subtracted
#define SPEC_ATTENTION_WINDOW  6  // 1: sliding window
#define SPEC_ATTENTION_SCALES  7  // 1: a factor by query position (temperature)
#define SPEC_ATTENTION_SINKS   8  // 1: a learned sink logit per query head
#define SPEC_ATTENTION_CAP    12  // 1: scores are capped softly, before slopes are subtracted
// attention.comp alone
#define SPEC_ATTENTION_SPLITS 11  // workgroups that share a query's cells
// attention_streams.comp alone
#define SPEC_ATTENTION_QUERIES 9  // queries per workgroup; a divisor of SPEC_LOCAL_SIZE
#define SPEC_ATTENTION_TEXELS 10  // 1: the cache is loaded as texels

INTERFACE_BEGIN
// What the loops over cells read is here even where only the session changes it: V3D's compiler keeps what it
// loads from a uniform block in registers across a loop, and halves its threads for it.
struct AttentionParams {
    uint q_offset;           // state word of q, pair order
    uint mix_offset;         // state word of the result, [n_tokens][n_head][head_dim], channel order
    uint n_tokens;
    uint n_head;             // query heads
    uint n_head_kv;
    uint rotary_stride;      // as QkvParams
    uint value_table;        // state word of a position table (rotary.h), unit amplitude
    CacheLayout cache;
    float scale;             // on the dot product: 1 / sqrt(head_dim)
    uint slopes_offset;      // params word of [n_head] ALiBi slopes
    uint window;             // cells that a query sees, its own included
    uint sink_logits_offset; // params word of [n_head] learned sink logits
};
PUSH_CONSTANTS(AttentionParams);
INTERFACE_END

#endif
