// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/shared_memory.h"

#include <algorithm>

#include "shaders/interface/cooperative.h"
#include "shaders/interface/sample.h"
#include "shaders/interface/store_kv.h"

namespace gyre {
namespace {

constexpr std::uint64_t kHalf = 2, kWord = 4, kVec2 = 8, kVec3 = 12, kVec4 = 16;  // bytes

// lib/normed_row.glsl and lib/x_rows.glsl: an array that is not used has one element.
std::uint64_t product_bytes(const Tiling& tiling, WeightFormat format, std::uint32_t norm_quads,
                            const DeviceCaps& caps) {
    constexpr std::uint64_t kStageQuads = 64;  // of x, for each token
    if (tiling.one_tile()) return 0;
    if (tiling.cooperative()) {
        return cooperative_shared_bytes(tiling, caps.cooperative,
                                        format == WeightFormat::kF16 ? 1 : 2);
    }
    const std::uint64_t sums = tiling.k_lanes > 1 ? tiling.rows * tiling.tokens : 1;
    const std::uint64_t normed = std::max(norm_quads, 1u);
    const std::uint64_t staged = tiling.staged ? tiling.tokens * kStageQuads : 1;
    return kWord * tiling.local_size * sums + kVec4 * (normed + staged);
}

std::uint64_t bytes_of(const EmbedVariant& /*v*/, const DeviceCaps& /*caps*/) {
    return 0;
}

std::uint64_t bytes_of(const NormVariant& v, const DeviceCaps& /*caps*/) {
    return kWord * v.local_size;
}

std::uint64_t bytes_of(const QkvVariant& v, const DeviceCaps& caps) {
    return product_bytes(v.tiling, v.format, v.norm_quads, caps);
}

std::uint64_t bytes_of(const StoreVariant& v, const DeviceCaps& /*caps*/) {
    return kWord * (v.local_size + 2 * STORE_MAX_PAIRS);
}

std::uint64_t bytes_of(const AttentionVariant& v, const DeviceCaps& /*caps*/) {
    if (v.queries > 0) return kVec2 * v.local_size * (1 + v.n_pairs);
    const std::uint32_t pairs_a_quad = v.cache == CacheFormat::kF32   ? 2
                                       : v.cache == CacheFormat::kF16 ? 4
                                                                      : 8;
    const std::uint64_t query = (v.n_pairs + pairs_a_quad - 1) / pairs_a_quad * pairs_a_quad;
    const std::uint64_t ticket = kWord;
    return kVec2 * query + (kWord + kVec3) * v.local_size + ticket;
}

std::uint64_t bytes_of(const LinearVariant& v, const DeviceCaps& caps) {
    const bool has_ticket = !v.tiling.one_tile() && !v.tiling.cooperative();
    return product_bytes(v.tiling, v.format, v.norm_quads, caps) + (has_ticket ? kWord : 0);
}

std::uint64_t bytes_of(const QuantizeCacheVariant& /*v*/, const DeviceCaps& /*caps*/) {
    return 0;
}

std::uint64_t bytes_of(const ShiftCacheVariant& /*v*/, const DeviceCaps& /*caps*/) {
    return 0;
}

std::uint64_t bytes_of(const SampleVariant& v, const DeviceCaps& /*caps*/) {
    constexpr std::uint64_t kHistogram = 3 * SAMPLE_SLOTS;
    constexpr std::uint64_t kLists = 3 * 256 + 2048, kPickScalars = 13;  // lib/sample_select.glsl
    switch (v.stage) {
        case SampleStage::kScan:
            return kWord * (SAMPLE_BLOCK / 32 + 3);
        case SampleStage::kWeigh:
            return kWord * (kHistogram + 1);
        case SampleStage::kPick:
            return kWord * (kHistogram + kLists + kPickScalars);
    }
    return 0;
}

std::uint64_t bytes_of(const MeasureCopyVariant& /*v*/, const DeviceCaps& /*caps*/) {
    return 0;
}

std::uint64_t bytes_of(const MeasureFmaVariant& /*v*/, const DeviceCaps& /*caps*/) {
    return 0;
}

std::uint64_t bytes_of(const MeasureMatrixVariant& /*v*/, const DeviceCaps& caps) {
    const CooperativeShape& shape = caps.cooperative;
    return kHalf * (shape.m + shape.n) * shape.k;
}

}  // namespace

std::uint64_t cooperative_shared_bytes(const Tiling& tiling, const CooperativeShape& shape,
                                       std::uint32_t weight_parts) {
    constexpr std::uint64_t kStride = COOPERATIVE_STAGE + COOPERATIVE_PAD;
    const std::uint64_t halves = kStride * (weight_parts * tiling.rows + 2 * tiling.tokens);
    const std::uint64_t sums = COOPERATIVE_SUBGROUPS * shape.m * shape.n;
    return kHalf * halves + kWord * (tiling.rows + sums);  // a number for each row
}

std::uint32_t max_norm_quads(const Tiling& tiling, std::uint64_t bytes) {
    // linear takes a word more than qkv. Without a norm there is one quad for it.
    const std::uint64_t least = bytes_of(LinearVariant{.tiling = tiling}, {});
    return bytes < least ? 0 : static_cast<std::uint32_t>((bytes - least) / kVec4) + 1;
}

std::uint64_t shared_bytes(const KernelVariant& variant, const DeviceCaps& caps) {
    return std::visit([&](const auto& v) { return bytes_of(v, caps); }, variant);
}

}  // namespace gyre
