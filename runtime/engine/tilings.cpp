// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/tilings.h"

#include <algorithm>
#include <span>

#include "runtime/engine/device_tiles.h"
#include "runtime/kernels/shared_memory.h"
#include "runtime/model/weight_formats.h"
#include "runtime/vk/descriptor_set.h"
#include "shaders/interface/bindings.h"

namespace gyre {
namespace {

constexpr std::uint32_t kSharedBytes = 16384;  // of a workgroup, that every device has

// What is tried beside a device's default. Only what cannot change a bit is in here: a row's sum is
// made by k_lanes invocations in an order that nothing else changes, and a norm's sums by a whole
// workgroup. So k_lanes is the device's, a product with a norm after it keeps its local size, and
// one with a norm inside its tile; matrix units sum in an order of their own. By promise,
// because time is short; but the largest after others, whose compilation says how long its own will
// take.
struct Shape {
    std::uint32_t local_size, rows, tokens;
    bool staged = false;
};
constexpr Shape kSoftwareDecode[] = {{8, 16, 1},  {8, 8, 1}, {32, 8, 1},
                                     {32, 16, 1}, {8, 4, 1}, {32, 4, 1}};
constexpr Shape kSoftwarePrefill[] = {{32, 4, 8}, {8, 4, 8}, {8, 8, 8},
                                      {32, 8, 8}, {8, 4, 4}, {32, 4, 4}};
constexpr Shape kGpuDecode[] = {{64, 2, 1}, {64, 1, 1}, {128, 2, 1}, {32, 2, 1}, {128, 1, 1},
                                {32, 1, 1}, {64, 4, 1}, {128, 4, 1}, {32, 4, 1}};
constexpr Shape kGpuPrefill[] = {{64, 4, 4}, {64, 2, 4},       {64, 2, 2},  {128, 4, 4},
                                 {64, 4, 8}, {64, 4, 8, true}, {128, 2, 4}, {128, 4, 8, true},
                                 {64, 2, 8}, {32, 2, 4}};

// Rows and tokens of a workgroup of matrix units, beside the default's.
struct CooperativeTile {
    std::uint32_t rows, tokens;
};
constexpr CooperativeTile kCooperativePrefill[] = {{64, 64}, {128, 32}, {32, 32}, {128, 64}};

std::span<const Shape> shapes(const DeviceCaps& caps, bool decode) {
    if (caps.software) {
        return decode ? std::span<const Shape>(kSoftwareDecode) : kSoftwarePrefill;
    }
    return decode ? std::span<const Shape>(kGpuDecode) : kGpuPrefill;
}

bool may_replace(const DeviceCaps& caps, const Shape& shape, const ProductKind& kind,
                 const Tiling& first, bool texels) {
    if (kind.role == ProductRole::kNormInside) return false;
    if (kind.role == ProductRole::kNormAfter && shape.local_size != first.local_size) return false;
    if (kind.complex && shape.rows % 2 != 0) return false;  // a complex row gives two outputs
    // Software drivers have run out of stack over large tiles of complex weights, and of words.
    const bool large = shape.rows * shape.tokens > first.rows * first.tokens;
    return !large || !caps.software || kind.decode || (texels && !kind.complex);
}

const PromptTile& prompt_tile(const DeviceTiles& tiles, WeightFormat format) {
    const std::uint64_t block = format_info(format).block_elements;
    return block == 1 ? tiles.plain : block <= 32 ? tiles.blocks : tiles.superblocks;
}

}  // namespace

// The reasons are in docs/kernels.md, measurements in docs/performance.md. A software driver wants
// few invocations that each do much, and norms that nobody repeats; a GPU needs more invocations
// than a GPT-2 matrix has rows, so the sum is split too, and repeats a norm in less time than one
// workgroup takes for it.
Tilings Tilings::for_device(const DeviceInfo& device, const DeviceCaps& caps, WeightFormat format) {
    Tilings t;
    if (caps.software) {
        t.attention_streams = 8;
        t.norms_after = t.norm_texels = true;
        const bool few = format == WeightFormat::kF32 || format == WeightFormat::kQ8_0 ||
                         format == WeightFormat::kQ6_K;
        const std::uint32_t rows = few ? 8 : 16;
        t.decode = {.local_size = 8, .rows = rows, .tokens = 1, .k_lanes = 1, .texels = true};
        t.decode_norm = {.local_size = 32, .rows = 8, .tokens = 1, .k_lanes = 1, .texels = true};
        t.prefill = {.local_size = 32, .rows = 4, .tokens = 8, .k_lanes = 1, .texels = true};
        return t;
    }
    const DeviceTiles& tiles = device_tiles(device);
    const PromptTile& prompt = prompt_tile(tiles, format);
    t.decode = {.local_size = 64,
                .rows = 2,
                .k_lanes = 8,
                .texels = tiles.decode_texels,
                .rolled = tiles.decode_rolled};
    t.decode_norm = t.decode;
    t.prefill = {.local_size = prompt.local_size,
                 .rows = prompt.rows,
                 .tokens = prompt.tokens,
                 .texels = tiles.prompt_texels,
                 .rolled = prompt.rolled};
    const Tiling tile = cooperative_tiling(caps);
    if (can_use_cooperative(caps, tile)) t.prefill = tile;
    return t;
}

// A model has fewer heads than a GPU has room for workgroups. Four tiles each, when the context is
// full, are worth the merging.
std::uint32_t Tilings::attention_splits(std::uint32_t n_ctx) const {
    return attention_streams != 0 ? 1 : std::clamp(n_ctx / (4 * attention_size), 1u, 8u);
}

Tiling with_even_rows(Tiling tiling) {
    if (tiling.rows % 2 == 0) return tiling;
    tiling.rows *= 2;
    tiling.tokens = std::max(tiling.tokens / 2, 1u);
    return tiling;
}

ProductRole product_role(const LinearVariant& variant) {
    if (variant.norm_quads != 0) return ProductRole::kNormInside;
    if (variant.epilogue == LinearEpilogue::kResidualNorm) return ProductRole::kNormAfter;
    return variant.epilogue == LinearEpilogue::kLogits ? ProductRole::kLogits : ProductRole::kPlain;
}

std::vector<Tiling> tiling_candidates(const DeviceCaps& caps, const ProductKind& kind,
                                      const Tiling& first, bool texels_fit) {
    std::vector<Tiling> candidates = {first};
    candidates[0].texels &= texels_fit;
    // Where software drivers differ by texels, they differ for every tile: tilings.h knows it.
    if (!caps.software && texels_fit) {
        candidates.push_back(first);
        candidates[1].texels = !first.texels;
    }
    const auto others = first.cooperative() ? std::span<const Shape>() : shapes(caps, kind.decode);
    for (const Shape& shape : others) {
        Tiling tiling = candidates[0];
        tiling.local_size = shape.local_size;
        tiling.rows = shape.rows;
        tiling.tokens = shape.tokens;
        tiling.staged = shape.staged;
        if (tiling != candidates[0] && may_replace(caps, shape, kind, first, tiling.texels)) {
            candidates.push_back(tiling);
        }
    }
    for (const CooperativeTile& tile : kCooperativePrefill) {
        Tiling tiling = cooperative_tiling(caps, tile.rows, tile.tokens);
        tiling.texels = candidates[0].texels;
        if (first.cooperative() && can_use_cooperative(caps, tiling)) {
            candidates.push_back(tiling);
        }
    }
    return candidates;
}

bool takes_fixed_tiles(const DeviceCaps& caps, const WeightMatrix& matrix) {
    return uses_fixed_tiles(caps) && format_info(matrix.format).has_tiles(matrix.complex) &&
           std::all_of(matrix.slices.begin(), matrix.slices.end(), [&](const WeightSlice& slice) {
               return texels_fit(caps, slice.range.size);
           });
}

// Norms after need whole sums, made by one dispatch right before the norm.
ModelTilings::ModelTilings(const Device& device, const Plan& plan, const ModelWeights& weights)
    : info_(device.info()), caps_(device.caps()) {
    const Operations operations = plan.all();
    wants_norms_after_ = Tilings::for_device(info_, caps_, weights.token_embd.format).norms_after &&
                         norms_follow_sums(operations);
    norms_after_ =
        wants_norms_after_ && !uses_fixed_tiles(caps_) &&
        std::all_of(operations.begin(), operations.end(), [&](const Operation& operation) {
            return operation.kind != OperationKind::kProduct || operation.then != Then::kAdd ||
                   weights.matrix(operation.matrix(0)).slices.size() == 1;
        });
}

std::uint32_t ModelTilings::norm_quads(const WeightMatrix& matrix) const {
    if (norms_after_ || uses_fixed_tiles(caps_)) return 0;
    const std::uint32_t quads = activation_stride(matrix.n_in) / 4;
    const ProductKind kind{matrix.format, matrix.complex, true, ProductRole::kNormInside};
    return quads <= max_norm_quads(default_of(kind), kSharedBytes) ? quads : 0;
}

bool ModelTilings::norm_texels() const {
    return Tilings::for_device(info_, caps_, WeightFormat::kF32).norm_texels;
}

std::uint32_t ModelTilings::norm_size(WeightFormat format) const {
    return default_of({format, false, true, ProductRole::kNormInside}).local_size;
}

Tiling ModelTilings::default_of(const ProductKind& kind) const {
    Tilings tilings = Tilings::for_device(info_, caps_, kind.format);
    if (!kind.decode) return kind.complex ? with_even_rows(tilings.prefill) : tilings.prefill;
    // Two rows of a product share a complex weight, unpacked once.
    if (caps_.software && kind.complex && kind.format != WeightFormat::kF32) {
        tilings.decode.rows = 16;
    }
    // Where slices alone forbid norms after, the norms keep that local size, and with it their
    // bits.
    const bool inside = kind.role == ProductRole::kNormInside && !wants_norms_after_;
    return inside ? tilings.decode_norm : tilings.decode;
}

Tiling ModelTilings::of(const ProductKind& kind) const {
    const auto chosen = chosen_.find(kind);
    return chosen == chosen_.end() ? default_of(kind) : chosen->second;
}

}  // namespace gyre
