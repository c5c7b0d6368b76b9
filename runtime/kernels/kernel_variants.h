// What a kernel is compiled for: a plain struct for each operation, and the module and
// specialization constants that it selects.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "runtime/vk/device.h"
#include "runtime/vk/pipeline.h"
#include "shaders/interface/cache.h"
#include "shaders/interface/linear.h"
#include "shaders/interface/rotary.h"
#include "shaders/interface/store_kv.h"
#include "shaders/interface/weight_formats.h"

namespace gyre {

enum class ProductAlgorithm : std::uint8_t {
    // Every invocation multiplies its rows; any tile.
    kInvocations,
    // The same by a module for one tile (kFixedDecode, kFixedPrefill), without a norm: weights as
    // texels, and of one token x too, as a view that begins at it (DescriptorSet::create).
    kOneTile,
    // By the device's matrix units, without a norm: COOPERATIVE_SUBGROUPS subgroups, and a tile's
    // rows are a workgroup's. One k lane.
    kCooperative,
};

// How a product is cut into invocations. Results depend on k_lanes (order of summation) and on
// local_size (order of a norm's sums), never on rows and tokens; cooperative ones have their own.
struct Tiling {
    // Invocations a workgroup: row lanes * k_lanes. Row lanes are at most 8 or a multiple of 8.
    std::uint32_t local_size = 64;
    std::uint32_t rows = 4;     // weight rows per invocation (qkv: a pair counts two)
    std::uint32_t tokens = 1;   // tokens per workgroup
    std::uint32_t k_lanes = 1;  // invocations that share one row's sum
    bool texels = false;        // weights and x as texels; their ranges must fit (texels_fit)
    bool staged = false;  // x through shared memory, 1 KiB per token; without a norm, one k lane
    bool rolled = false;  // formats with scales: a loop over a step's blocks, for less code and
                          // fewer registers
    ProductAlgorithm algorithm = ProductAlgorithm::kInvocations;

    bool one_tile() const { return algorithm == ProductAlgorithm::kOneTile; }
    bool cooperative() const { return algorithm == ProductAlgorithm::kCooperative; }
    std::uint32_t rows_a_workgroup() const {
        return cooperative() ? rows : local_size / k_lanes * rows;
    }
    bool operator==(const Tiling&) const = default;
};

// The tiles that have modules of their own: shaders/CMakeLists.txt, docs/kernels.md.
inline constexpr Tiling kFixedDecode{
    .local_size = 4, .rows = 8, .tokens = 1, .algorithm = ProductAlgorithm::kOneTile};
inline constexpr Tiling kFixedPrefill{
    .local_size = 4, .rows = 8, .tokens = 4, .algorithm = ProductAlgorithm::kOneTile};

// Software drivers whose buffer views cannot hold a matrix are those whose compiler unrolls no
// loops. Their weights lie in slices that fit texels. A workgroup is (part of) one subgroup, whose
// invocations share what they load of x.
bool uses_fixed_tiles(const DeviceCaps& caps);

// The tile of `rows` weight rows and `tokens` tokens for the device's matrix units; without them
// the default one.
Tiling cooperative_tiling(const DeviceCaps& caps, std::uint32_t rows = 64,
                          std::uint32_t tokens = 32);

// Whether there are kernels for the device's matrix units, and room for such a tile of any format.
bool can_use_cooperative(const DeviceCaps& caps, const Tiling& tiling);

// What of a rotary variant is compiled into the kernels; the rest is data.
struct RotaryKernelSpec {
    RotaryPairing pairing = RotaryPairing::kHalf;
    bool rotate_keys = true;
    ValueRotation values = ValueRotation::kNone;
};

struct EmbedVariant {
    WeightFormat format = WeightFormat::kF32;
    bool scale = false;           // rows are multiplied by EmbedParams::scale
    bool integer_halves = false;  // WeightMatrix::integer_halves
};

// Of norms that are dispatches of their own.
struct NormVariant {
    std::uint32_t local_size = 64;
    bool texels = false;
    bool rms = false;
    bool add = false;  // the result, times scale, is added to what is there
};

struct QkvVariant {
    WeightFormat format = WeightFormat::kF32;
    bool complex = false;         // weights as real and imaginary parts (CRoPE)
    bool integer_halves = false;  // WeightMatrix::integer_halves
    CacheFormat cache = CacheFormat::kF16;
    RotaryKernelSpec rotary;
    std::uint32_t norm_quads = 0;  // vec4 of the normalised row; 0: x is normalised already
    bool rms_norm = false;
    std::uint32_t row_step = 0;  // pair_row_step()
    Tiling tiling;
};

// Weight rows from one pair to the next, if that is the same for 32 pairs at a time: their scales
// are loaded by four then. 0: it is not; right for any pairing, only slower.
std::uint32_t pair_row_step(RotaryPairing pairing, bool complex, std::uint32_t head_dim,
                            std::uint32_t rotary_stride);

struct StoreVariant {
    CacheFormat cache = CacheFormat::kF16;
    RotaryKernelSpec rotary;
    QkNorm norm = QkNorm::kNone;
    bool rms_norm = false;
    bool clamp = false;  // queries, keys and values, to +- SessionParams::qkv_clamp
    std::uint32_t local_size = 32;
};

struct AttentionVariant {
    CacheFormat cache = CacheFormat::kF16;
    RotaryKernelSpec rotary;
    std::uint32_t n_pairs = 1;  // pairs of a head, at most local_size
    bool alibi = false;
    bool window = false;
    bool scales = false;
    bool sink_logits = false;
    std::uint32_t local_size = 64;
    std::uint32_t queries = 0;  // a workgroup of attention_streams; 0: attention, one query
    bool texels = false;        // with queries: the cache as texels; it must fit (texels_fit)
    std::uint32_t splits = 1;   // without queries: workgroups that share a query's cells
    bool cap = false;           // scores are capped softly
};

struct LinearVariant {
    WeightFormat format = WeightFormat::kF32;
    bool complex = false;         // weights as real and imaginary parts (CRoPE)
    bool integer_halves = false;  // WeightMatrix::integer_halves
    LinearEpilogue epilogue = LinearEpilogue::kLogits;
    Activation activation = Activation::kGeluTanh;  // for LinearEpilogue::kActivate
    std::uint32_t norm_quads = 0;
    bool rms_norm = false;
    bool scale = false;  // the result is multiplied by LinearParams::scale
    bool cap = false;    // logits are capped softly
    Tiling tiling;
};

struct QuantizeCacheVariant {};

struct ShiftCacheVariant {
    CacheFormat cache = CacheFormat::kF16;
    RotaryKernelSpec rotary;
};

// The three dispatches of a sampled token.
enum class SampleStage : std::uint8_t { kScan, kWeigh, kPick };
struct SampleVariant {
    SampleStage stage = SampleStage::kScan;
};

// Kernels that measure the device.
struct MeasureCopyVariant {
    Tiling tiling;  // rows: uvec4 that an invocation copies
};
struct MeasureFmaVariant {
    bool fused = false;
};
struct MeasureMatrixVariant {
    Tiling tiling;  // of can_use_cooperative
};

using KernelVariant =
    std::variant<EmbedVariant, NormVariant, QkvVariant, StoreVariant, AttentionVariant,
                 LinearVariant, QuantizeCacheVariant, ShiftCacheVariant, SampleVariant,
                 MeasureCopyVariant, MeasureFmaVariant, MeasureMatrixVariant>;

// The pipeline that a variant means on a device.
struct KernelSource {
    const char* kernel;  // of kernel_interfaces()
    std::string suffix = {};
    std::vector<SpecConstant> constants = {};
    Tiling tiling = {};
    std::uint32_t splits = 1;  // AttentionVariant::splits
    WorkgroupNeeds workgroup = {};

    std::string module() const { return kernel + suffix; }  // a name of shader_modules()
    std::string key() const;                                // of module and constants
};
KernelSource kernel_source(const KernelVariant& variant, const DeviceCaps& caps);

}  // namespace gyre
