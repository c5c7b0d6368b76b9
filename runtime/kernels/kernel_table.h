// The table of kernels: shader module + specialization -> pipeline, made once and shared.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/vk/device.h"
#include "runtime/vk/pipeline.h"
#include "shaders/interface/cache.h"
#include "shaders/interface/linear.h"
#include "shaders/interface/rotary.h"
#include "shaders/interface/weight_formats.h"

namespace gyre {

// How a product is cut into invocations. Results depend on k_lanes (order of summation) and on
// local_size (order of a norm's sums), never on rows and tokens; cooperative ones have their own.
struct Tiling {
    // Invocations a workgroup: row lanes * k_lanes. Row lanes are at most 8 or a multiple of 8.
    std::uint32_t local_size = 64;
    std::uint32_t rows = 4;     // weight rows an invocation (qkv: a pair counts two)
    std::uint32_t tokens = 1;   // tokens a workgroup
    std::uint32_t k_lanes = 1;  // invocations that share one row's sum
    bool texels = false;        // weights and x as texels; their ranges must fit (texels_fit)
    bool staged = false;  // x through shared memory, 1 KiB a token; without a norm, one k lane
    bool rolled = false;  // formats with scales: a loop over a step's blocks, for less code and
                          // fewer registers
    // The module for this one tile (kFixedDecode, kFixedPrefill), without a norm: weights as
    // texels, and of one token x too, as a view that begins at it (DescriptorSet::create).
    bool fixed = false;
    // By the device's matrix units, without a norm: COOPERATIVE_SUBGROUPS subgroups, and `rows` are
    // a workgroup's. One k lane.
    bool cooperative = false;

    std::uint32_t rows_a_workgroup() const {
        return cooperative ? rows : local_size / k_lanes * rows;
    }
    bool operator==(const Tiling&) const = default;
};

// The tiles that have modules of their own: shaders/CMakeLists.txt, docs/kernels.md.
inline constexpr Tiling kFixedDecode{.local_size = 4, .rows = 8, .tokens = 1, .fixed = true};
inline constexpr Tiling kFixedPrefill{.local_size = 4, .rows = 8, .tokens = 4, .fixed = true};

// Software drivers that cannot show a matrix as texels are those that compile what they are given
// as it stands. Their weights lie in slices that fit texels. A workgroup is (part of) one subgroup,
// whose invocations hand x round.
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

// Of norms that are dispatches of their own.
struct NormVariant {
    std::uint32_t local_size = 64;
    bool texels = false;
    bool rms = false;
    bool add = false;  // the result, times scale, is added to what is there
};

struct QkvVariant {
    WeightFormat format = WeightFormat::kF32;
    bool complex = false;  // weights as real and imaginary parts (CRoPE)
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
    bool head_norm = false;
    bool rms_norm = false;
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
    bool complex = false;  // weights as real and imaginary parts (CRoPE)
    LinearEpilogue epilogue = LinearEpilogue::kLogits;
    Activation activation = Activation::kGeluTanh;  // for LinearEpilogue::kActivate
    std::uint32_t norm_quads = 0;
    bool rms_norm = false;
    bool scale = false;  // the result is multiplied by LinearParams::scale
    bool cap = false;    // logits are capped softly
    Tiling tiling;
};

// A pipeline and what its dispatch has to know. Lives as long as the KernelTable.
struct Kernel {
    const Pipeline* pipeline = nullptr;
    Tiling tiling;
    std::uint32_t splits = 1;  // AttentionVariant::splits
};

// The three dispatches of a sampled token; greedy tokens leave out weigh.
struct SampleKernels {
    Kernel scan, weigh, pick;
};

// May be used from several threads. Must not outlive the Device.
class KernelTable {
  public:
    explicit KernelTable(Device& device) : device_(&device) {}

    Result<Kernel> embed(WeightFormat format, bool scale = false);
    Result<Kernel> norm(std::uint32_t local_size, bool texels = false);
    Result<Kernel> norm(const NormVariant& variant);
    Result<Kernel> qkv(const QkvVariant& variant);
    Result<Kernel> attention(const AttentionVariant& variant);
    Result<Kernel> linear(const LinearVariant& variant);
    Result<Kernel> store_kv(const StoreVariant& variant);
    Result<Kernel> quantize_cache();
    Result<Kernel> shift_cache(CacheFormat format, const RotaryKernelSpec& rotary);
    Result<SampleKernels> sample();
    // rows: uvec4 that an invocation copies.
    Result<Kernel> measure_copy(const Tiling& tiling);
    Result<Kernel> measure_fma(bool fused);
    // Of can_use_cooperative.
    Result<Kernel> measure_matrix(const Tiling& tiling);

    // Destroys a pipeline that nobody uses any more.
    void forget(const Kernel& kernel);

    std::size_t pipeline_count() const;

  private:
    Result<const Pipeline*> get(const std::string& module, std::vector<SpecConstant> spec,
                                bool full_subgroups = false);

    Device* device_;
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<Pipeline>> pipelines_;  // by module and constants
};

}  // namespace gyre
