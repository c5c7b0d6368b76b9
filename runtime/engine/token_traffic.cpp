// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/token_traffic.h"

#include <algorithm>

#include "runtime/model/weight_formats.h"

namespace gyre {
namespace {

void add_matrix(const WeightMatrix& matrix, TokenTraffic& traffic) {
    traffic.weight_bytes += bytes_of(matrix);
    // Complex: real and imaginary parts, each a quarter of the real matrix, each used twice.
    const std::uint32_t parts = matrix.complex ? 2 : 1;
    traffic.minimum_weight_bytes +=
        row_bytes(matrix.format, matrix.n_in / parts) * (matrix.n_rows / parts) * parts;
}

// Returns their multiplications of real numbers.
std::uint64_t add_products(const Operations& operations, const ModelWeights& weights,
                           TokenTraffic& traffic) {
    std::uint64_t products = 0;
    for (const Operation& operation : operations) {
        if (operation.kind != OperationKind::kProduct) continue;
        for (std::size_t part = 0; part < operation.parts.size(); ++part) {
            const WeightMatrix& matrix = weights.matrix(operation.matrix(part));
            add_matrix(matrix, traffic);
            products += std::uint64_t{matrix.n_rows} * matrix.n_in;
        }
    }
    return products;
}

}  // namespace

std::uint64_t bytes_of(const WeightMatrix& matrix) {
    std::uint64_t bytes = 0;
    for (const WeightSlice& slice : matrix.slices)
        bytes += slice.range.size;
    return bytes;
}

std::uint64_t attention_bytes(const ModelSpec& spec, std::uint32_t layer, const CacheShape& cache,
                              std::uint32_t depth) {
    std::uint64_t cells = std::uint64_t{depth} + 1;  // the token sees itself
    const std::uint32_t window = spec.window(layer);
    if (window != 0) cells = std::min(cells, std::uint64_t{window} + spec.attention.sink_tokens);
    const std::uint64_t words = std::uint64_t{cache.head_words} + cache.head_blocks;
    return 2 * cells * cache.n_head_kv * words * 4;
}

TokenTraffic token_traffic(const ModelSpec& spec, const Plan& plan, const ModelWeights& weights,
                           const CacheShape& cache, std::uint32_t depth) {
    TokenTraffic traffic;
    traffic.layer_products = add_products(plan.body, weights, traffic);
    traffic.vocabulary_products = add_products(plan.head, weights, traffic);

    for (const Operation& operation : plan.body) {
        if (operation.kind != OperationKind::kAttend) continue;
        traffic.cache_bytes += attention_bytes(spec, operation.layer, cache, depth);
    }
    return traffic;
}

}  // namespace gyre
