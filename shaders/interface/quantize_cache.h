// quantize_cache.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_QUANTIZE_CACHE_H
#define GYRE_INTERFACE_QUANTIZE_CACHE_H

#include "bindings.h"
#include "cache.h"

INTERFACE_BEGIN
struct QuantizeCacheParams {
    CacheLayout cache;
    uint kv_offset;  // state word of [n_tokens][keys, values][n_head_kv][n_pairs] pairs
    uint kv_stride;  // words from one token to the next
    uint n_tokens;
    uint n_head_kv;
    uint n_pairs;    // of a head
};
PUSH_CONSTANTS(QuantizeCacheParams);
INTERFACE_END

#endif
