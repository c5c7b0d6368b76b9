// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/kernel_interfaces.h"

#include <algorithm>
#include <cassert>

#include "shaders/interface/attention.h"
#include "shaders/interface/bindings.h"
#include "shaders/interface/embed.h"
#include "shaders/interface/linear.h"
#include "shaders/interface/measure_copy.h"
#include "shaders/interface/measure_fma.h"
#include "shaders/interface/measure_matrix.h"
#include "shaders/interface/norm.h"
#include "shaders/interface/qkv.h"
#include "shaders/interface/quantize_cache.h"
#include "shaders/interface/sample.h"
#include "shaders/interface/shift_cache.h"
#include "shaders/interface/store_kv.h"

namespace gyre {
namespace {

constexpr std::uint32_t kState = 1u << BINDING_STATE, kWeights = 1u << BINDING_WEIGHTS,
                        kValues = 1u << BINDING_VALUES, kParams = 1u << BINDING_PARAMS,
                        kCache = 1u << BINDING_CACHE, kStep = 1u << BINDING_STEP;

template <typename Params>
constexpr ShaderInterface takes(std::uint32_t reads, std::uint32_t writes) {
    return {.push_bytes = sizeof(Params), .uses = reads | writes, .writes = writes};
}

// Where a binding is in both columns, the kernel reads what it or another workgroup wrote.
constexpr KernelInterface kRows[] = {
    {"attention", takes<AttentionParams>(kState | kParams | kCache | kValues | kStep, kState)},
    {"attention_streams",
     takes<AttentionParams>(kState | kParams | kCache | kValues | kStep, kState)},
    {"embed", takes<EmbedParams>(kWeights | kParams | kCache | kStep, kState)},
    {"linear", takes<LinearParams>(kState | kWeights | kParams | kStep, kState | kCache)},
    {"measure_copy", takes<MeasureCopyParams>(kWeights, kState)},
    {"measure_fma", takes<MeasureFmaParams>(0, kState)},
    {"measure_matrix", takes<MeasureMatrixParams>(0, kState)},
    {"norm", takes<NormParams>(kState | kParams, kState)},
    {"qkv", takes<QkvParams>(kState | kWeights | kParams | kStep, kState | kCache)},
    {"quantize_cache", takes<QuantizeCacheParams>(kState | kStep, kCache)},
    {"sample_pick", takes<SampleParams>(kState | kCache, kWeights | kParams)},
    {"sample_scan", takes<SampleParams>(kWeights | kCache | kStep, kState)},
    {"sample_weigh", takes<SampleParams>(kState | kWeights | kCache | kStep, kState)},
    {"shift_cache", takes<ShiftCacheParams>(kState, kCache | kValues)},
    {"store_kv", takes<StoreKvParams>(kState | kParams | kStep, kState | kCache | kValues)},
};

}  // namespace

std::span<const KernelInterface> kernel_interfaces() {
    return kRows;
}

const ShaderInterface& interface_of(std::string_view kernel) {
    const auto row = std::find_if(std::begin(kRows), std::end(kRows),
                                  [&](const auto& each) { return kernel == each.kernel; });
    assert(row != std::end(kRows));
    return row->declared;
}

}  // namespace gyre
