// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/token_traffic.h"

#include <algorithm>

#include "runtime/model/weight_formats.h"

namespace gyre {
namespace {

void add_matrix(const WeightMatrix& matrix, TokenTraffic& traffic) {
    for (const WeightSlice& slice : matrix.slices)
        traffic.weight_bytes += slice.range.size;
    // Complex: real and imaginary parts, each a quarter of the real matrix, each used twice.
    const std::uint32_t parts = matrix.complex ? 2 : 1;
    traffic.minimum_weight_bytes +=
        row_bytes(matrix.format, matrix.n_in / parts) * (matrix.n_rows / parts) * parts;
}

}  // namespace

TokenTraffic token_traffic(const ModelConfig& config, const ModelWeights& weights,
                           const CacheShape& cache, std::uint32_t depth) {
    TokenTraffic traffic;
    for (const LayerWeights& layer : weights.layers) {
        for (const LinearWeights* linear :
             {&layer.attn_qkv, &layer.attn_output, &layer.ffn_up, &layer.ffn_down}) {
            add_matrix(linear->matrix, traffic);
            traffic.layer_products += std::uint64_t{linear->matrix.n_rows} * linear->matrix.n_in;
        }
    }
    add_matrix(weights.output, traffic);
    traffic.vocabulary_products = std::uint64_t{weights.output.n_rows} * weights.output.n_in;

    std::uint64_t cells = std::uint64_t{depth} + 1;  // the token sees itself
    const std::uint32_t window = config.attention.sliding_window;
    if (window != 0) {
        cells = std::min(cells, std::uint64_t{window} + config.attention.sink_tokens);
    }
    const std::uint64_t words = std::uint64_t{cache.head_words} + cache.head_blocks;
    traffic.cache_bytes = 2 * cells * cache.n_head_kv * words * 4 * config.n_layer;
    return traffic;
}

}  // namespace gyre
