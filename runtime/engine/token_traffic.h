// How many bytes of weights and cache one decoded token reads, from the layouts that the kernels
// read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "runtime/engine/kv_cache.h"
#include "runtime/engine/plan.h"
#include "runtime/model/model_weights.h"

namespace gyre {

// Matrices of the plan's products. The one row that embed reads and the vectors (norms, biases) are
// not counted.
struct TokenTraffic {
    std::uint64_t weight_bytes = 0;          // on the device, padding included
    std::uint64_t minimum_weight_bytes = 0;  // in the file
    std::uint64_t layer_products = 0;        // multiplications of real numbers in the plan's body
    std::uint64_t vocabulary_products = 0;   // and in its head
    std::uint64_t cache_bytes = 0;           // keys, values and scales of the cells that it sees
};

// Bytes of keys, values and scales that a token reads in a layer with depth tokens before it.
std::uint64_t attention_bytes(const ModelSpec& spec, std::uint32_t layer, const CacheShape& cache,
                              std::uint32_t depth);

std::uint64_t bytes_of(const WeightMatrix& matrix);  // on the device, padding included

// depth: tokens in the cache before this one.
TokenTraffic token_traffic(const ModelSpec& spec, const Plan& plan, const ModelWeights& weights,
                           const CacheShape& cache, std::uint32_t depth);

}  // namespace gyre
