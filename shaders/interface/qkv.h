// qkv.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_QKV_H
#define GYRE_INTERFACE_QKV_H

#include "bindings.h"
#include "cache.h"

// SPEC_LOCAL_SIZE = (invocations across rows) * SPEC_QKV_K_LANES
#define SPEC_QKV_PAIRS      1  // pairs of rows per invocation
#define SPEC_QKV_TOKENS     2  // tokens per workgroup: 1 in decode
#define SPEC_QKV_K_LANES    3  // invocations that share one row's sum
#define SPEC_QKV_NORM_QUADS 4  // vec4 of shared memory for the normalised row; 0: x is normalised already
#define SPEC_QKV_PAIRING    5  // ROTARY_PAIRING_LIST
#define SPEC_QKV_ROTATE     6  // 1: queries and keys are rotated
#define SPEC_QKV_VALUES     7  // ROTARY_VALUES_LIST
#define SPEC_QKV_CACHE      8  // CACHE_FORMAT_LIST
#define SPEC_QKV_TEXELS     9  // 1: weights and x are loaded as texels
#define SPEC_QKV_STAGED     10 // 1: x goes through shared memory; no norm, one K lane
#define SPEC_QKV_ROLLED     12 // 1: a loop over the blocks of a step, not a copy of the code for each
#define SPEC_QKV_ROW_STEP   11 // weight rows from a pair to the next, 1 or 2; 0: not the same for 32 pairs

INTERFACE_BEGIN
struct QkvParams {
    uint x_offset;            // state word of [n_tokens][row_stride]
    uint n_tokens;
    uint norm_weight_offset;  // params word of [n_in]; unused without the norm
    uint norm_bias_offset;    // params word of [n_in], or NO_OFFSET
    uint bias_offset;         // params word of [(n_head + 2 n_head_kv) head_dim], or NO_OFFSET
    uint n_steps;             // steps of a weight row, padding included
    uint block_rows;          // rows of a block of this slice's layout
    uint block_vecs;          // uvec4 from one block of rows to the next
    uint imag_chunks;         // complex weights: uvec4 from the real parts to the imaginary ones
    uint first_head;          // of this slice, counted over queries, keys, values
    uint n_heads;             // heads in this slice
    uint rotary_stride;       // HALF: channels between the two of a rotated pair
    uint query_table;         // state word of a position table (rotary.h), amplitude included
    uint key_table;           // the same for the keys
    uint value_table;         // the same for the values: unit amplitude
    uint v_offset;            // CacheLayout's: the rest of it belongs to quantize_cache.comp
};
PUSH_CONSTANTS(QkvParams);
INTERFACE_END

#endif
