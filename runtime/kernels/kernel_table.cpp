// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/kernel_table.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "runtime/kernels/shader_modules.h"
#include "shaders/interface/attention.h"
#include "shaders/interface/bindings.h"
#include "shaders/interface/cooperative.h"
#include "shaders/interface/embed.h"
#include "shaders/interface/measure_copy.h"
#include "shaders/interface/measure_fma.h"
#include "shaders/interface/norm.h"
#include "shaders/interface/qkv.h"
#include "shaders/interface/shift_cache.h"
#include "shaders/interface/store_kv.h"

namespace gyre {
namespace {

// "_q8_0": modules are named after the format in lower case.
std::string module_suffix(WeightFormat format) {
    constexpr const char* kNames[] = {
#define GYRE_ROW(id, NAME, ...) "_" #NAME,
        WEIGHT_FORMAT_LIST(GYRE_ROW)
#undef GYRE_ROW
    };
    std::string suffix = kNames[static_cast<std::uint32_t>(format)];
    for (char& c : suffix) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return suffix;
}

[[maybe_unused]] bool may_be_staged(const Tiling& tiling, std::uint32_t norm_quads) {
    return !tiling.staged || (norm_quads == 0 && tiling.k_lanes == 1 && !tiling.fixed);
}

[[maybe_unused]] bool may_be_cooperative(const Tiling& tiling, std::uint32_t norm_quads) {
    return !tiling.cooperative || (norm_quads == 0 && tiling.k_lanes == 1 && !tiling.fixed &&
                                   !tiling.staged && tiling.rows % 2 == 0);
}

constexpr const char* kCooperativeSuffix = "_cooperative";

std::string product_module(const char* name, bool complex, WeightFormat format,
                           const Tiling& tiling) {
    if (tiling.cooperative) return std::string(name) + module_suffix(format) + kCooperativeSuffix;
    std::string module = std::string(name) + (complex ? "_complex" : "") + module_suffix(format);
    if (!tiling.fixed) return module;
    return module + '_' + std::to_string(tiling.rows) + 'x' + std::to_string(tiling.tokens);
}

template <typename T>
SpecConstant spec(std::uint32_t id, T value) {
    return {id, static_cast<std::uint32_t>(value)};
}

void append(std::vector<SpecConstant>& constants, std::vector<SpecConstant> more) {
    constants.insert(constants.end(), more.begin(), more.end());
}

// A constant is 0 where it is not given.
void append_flag(std::vector<SpecConstant>& constants, std::uint32_t id, bool value) {
    if (value) constants.push_back(spec(id, 1));
}

std::vector<SpecConstant> shape_constants(const DeviceCaps& caps) {
    return {spec(SPEC_COOPERATIVE_M, caps.cooperative.m),
            spec(SPEC_COOPERATIVE_N, caps.cooperative.n),
            spec(SPEC_COOPERATIVE_K, caps.cooperative.k)};
}

}  // namespace

bool uses_fixed_tiles(const DeviceCaps& caps) {
    return caps.software && caps.max_texel_range < caps.max_storage_range && caps.subgroup_ballot &&
           caps.subgroup_size % kFixedDecode.local_size == 0;
}

Tiling cooperative_tiling(const DeviceCaps& caps, std::uint32_t rows, std::uint32_t tokens) {
    return {.local_size = COOPERATIVE_SUBGROUPS * caps.subgroup_size,
            .rows = rows,
            .tokens = tokens,
            .cooperative = true};
}

bool can_use_cooperative(const DeviceCaps& caps, const Tiling& tiling) {
    const auto& modules = shader_modules();
    const bool built = std::any_of(modules.begin(), modules.end(), [](const ShaderModuleRow& row) {
        return std::string_view(row.name).ends_with(kCooperativeSuffix);
    });
    if (!built || !caps.features.cooperative_matrix) return false;
    const CooperativeShape& shape = caps.cooperative;
    // Tiles of weights and x, each as two float16, the rows' numbers, and a fragment of sums a
    // subgroup.
    const std::uint32_t bytes =
        2 * 2 * (tiling.rows + tiling.tokens) * (COOPERATIVE_STAGE + COOPERATIVE_PAD) +
        4 * tiling.rows + 4 * COOPERATIVE_SUBGROUPS * shape.m * shape.n;
    return tiling.local_size <= caps.max_invocations && bytes <= caps.max_shared_bytes &&
           tiling.rows % (COOPERATIVE_ROW_PARTS * shape.m) == 0 &&
           tiling.tokens % (COOPERATIVE_TOKEN_PARTS * shape.n) == 0;
}

std::uint32_t pair_row_step(RotaryPairing pairing, bool complex, std::uint32_t head_dim,
                            std::uint32_t rotary_stride) {
    if (complex) return 1;  // a row is a pair
    if (pairing == RotaryPairing::kInterleaved) return head_dim % 2 == 0 ? 2 : 0;
    if (pairing != RotaryPairing::kHalf) return 0;
    return head_dim % 64 == 0 && 2 * rotary_stride == head_dim ? 1 : 0;
}

Result<const Pipeline*> KernelTable::get(const std::string& module, std::vector<SpecConstant> spec,
                                         bool full_subgroups) {
    std::string key = module;
    for (const SpecConstant& constant : spec) {
        key += ' ' + std::to_string(constant.id) + '=' + std::to_string(constant.value);
    }
    const std::lock_guard lock(mutex_);
    if (const auto found = pipelines_.find(key); found != pipelines_.end())
        return found->second.get();
    for (const ShaderModuleRow& row : shader_modules()) {
        if (module != row.name) continue;
        const std::vector<std::uint32_t> words = module_words(row);
        if (words.empty()) return Status::internal("shader module " + module + " is damaged");
        GYRE_ASSIGN(Pipeline pipeline,
                    Pipeline::create(*device_, {row.name, words}, spec, full_subgroups));
        auto made = std::make_unique<Pipeline>(std::move(pipeline));
        return static_cast<const Pipeline*>(
            pipelines_.emplace(std::move(key), std::move(made)).first->second.get());
    }
    return Status::internal("no shader module named " + module);
}

void KernelTable::forget(const Kernel& kernel) {
    const std::lock_guard lock(mutex_);
    std::erase_if(pipelines_, [&](const auto& row) { return row.second.get() == kernel.pipeline; });
}

std::size_t KernelTable::pipeline_count() const {
    const std::lock_guard lock(mutex_);
    return pipelines_.size();
}

Result<Kernel> KernelTable::embed(WeightFormat format, bool scale) {
    const Tiling tiling{.local_size = 64, .rows = 1};
    std::vector<SpecConstant> constants = {spec(SPEC_LOCAL_SIZE, tiling.local_size)};
    append_flag(constants, SPEC_EMBED_SCALE, scale);
    GYRE_ASSIGN(const Pipeline* pipeline,
                get("embed" + module_suffix(format), std::move(constants)));
    return Kernel{pipeline, tiling};
}

Result<Kernel> KernelTable::norm(std::uint32_t local_size, bool texels) {
    return norm(NormVariant{.local_size = local_size, .texels = texels});
}

Result<Kernel> KernelTable::norm(const NormVariant& v) {
    std::vector<SpecConstant> constants = {spec(SPEC_LOCAL_SIZE, v.local_size),
                                           spec(SPEC_NORM_TEXELS, v.texels)};
    append_flag(constants, SPEC_NORM_ADD, v.add);
    append_flag(constants, SPEC_NORM_RMS, v.rms);
    GYRE_ASSIGN(const Pipeline* pipeline, get("norm", std::move(constants)));
    return Kernel{pipeline, Tiling{.local_size = v.local_size}};
}

Result<Kernel> KernelTable::qkv(const QkvVariant& v) {
    assert(v.tiling.rows % 2 == 0 && "an invocation of qkv multiplies whole pairs");
    assert((v.norm_quads == 0 || v.tiling.tokens == 1) && "the fused norm holds one row");
    assert((!v.tiling.fixed || (v.norm_quads == 0 && v.tiling.k_lanes == 1)) && "fixed, too");
    assert(may_be_staged(v.tiling, v.norm_quads) && may_be_cooperative(v.tiling, v.norm_quads));
    std::vector<SpecConstant> constants = {
        spec(SPEC_LOCAL_SIZE, v.tiling.local_size), spec(SPEC_QKV_PAIRING, v.rotary.pairing),
        spec(SPEC_QKV_ROTATE, v.rotary.rotate_keys), spec(SPEC_QKV_VALUES, v.rotary.values),
        spec(SPEC_QKV_CACHE, v.cache)};
    if (v.tiling.cooperative) {
        append(constants, shape_constants(device_->caps()));
        constants.push_back(spec(SPEC_COOPERATIVE_COMPLEX, v.complex));
        append(constants,
               {spec(SPEC_QKV_PAIRS, v.tiling.rows / 2), spec(SPEC_QKV_TOKENS, v.tiling.tokens),
                spec(SPEC_QKV_TEXELS, v.tiling.texels)});
    } else if (!v.tiling.fixed) {
        append(constants,
               {spec(SPEC_QKV_PAIRS, v.tiling.rows / 2), spec(SPEC_QKV_TOKENS, v.tiling.tokens),
                spec(SPEC_QKV_K_LANES, v.tiling.k_lanes), spec(SPEC_QKV_NORM_QUADS, v.norm_quads),
                spec(SPEC_QKV_TEXELS, v.tiling.texels), spec(SPEC_QKV_STAGED, v.tiling.staged),
                spec(SPEC_QKV_ROLLED, v.tiling.rolled), spec(SPEC_QKV_ROW_STEP, v.row_step)});
    }
    append_flag(constants, SPEC_NORM_RMS, v.rms_norm && v.norm_quads != 0);
    GYRE_ASSIGN(const Pipeline* pipeline, get(product_module("qkv", v.complex, v.format, v.tiling),
                                              std::move(constants), v.tiling.cooperative));
    return Kernel{pipeline, v.tiling};
}

Result<Kernel> KernelTable::attention(const AttentionVariant& v) {
    std::vector<SpecConstant> constants = {spec(SPEC_LOCAL_SIZE, v.local_size),
                                           spec(SPEC_ATTENTION_PAIRS, v.n_pairs),
                                           spec(SPEC_ATTENTION_PAIRING, v.rotary.pairing),
                                           spec(SPEC_ATTENTION_VALUES, v.rotary.values),
                                           spec(SPEC_ATTENTION_CACHE, v.cache),
                                           spec(SPEC_ATTENTION_ALIBI, v.alibi),
                                           spec(SPEC_ATTENTION_WINDOW, v.window),
                                           spec(SPEC_ATTENTION_SCALES, v.scales),
                                           spec(SPEC_ATTENTION_SINKS, v.sink_logits)};
    append_flag(constants, SPEC_ATTENTION_CAP, v.cap);
    if (v.queries == 0) {
        assert(v.n_pairs <= v.local_size && "an invocation adds one pair");
        constants.push_back(spec(SPEC_ATTENTION_SPLITS, v.splits));
        GYRE_ASSIGN(const Pipeline* pipeline, get("attention", std::move(constants)));
        return Kernel{pipeline, Tiling{.local_size = v.local_size}, v.splits};
    }
    assert(v.splits == 1);
    assert(v.local_size % v.queries == 0 && "every query has the same number of streams");
    constants.push_back(spec(SPEC_ATTENTION_QUERIES, v.queries));
    constants.push_back(spec(SPEC_ATTENTION_TEXELS, v.texels));
    GYRE_ASSIGN(const Pipeline* pipeline, get("attention_streams", std::move(constants)));
    return Kernel{pipeline, Tiling{.local_size = v.local_size, .tokens = v.queries}};
}

Result<Kernel> KernelTable::linear(const LinearVariant& v) {
    assert((v.norm_quads == 0 || v.tiling.tokens == 1) && "the fused norm holds one row");
    assert((!v.complex || v.tiling.rows % 2 == 0) && "a complex row gives two outputs");
    assert((v.epilogue != LinearEpilogue::kResidualNorm ||
            (v.norm_quads == 0 && v.tiling.tokens == 1)) &&
           "one norm, in front or behind, of one row");
    assert(may_be_staged(v.tiling, v.norm_quads) && may_be_cooperative(v.tiling, v.norm_quads));
    const Activation activation =
        v.epilogue == LinearEpilogue::kActivate ? v.activation : Activation::kGeluTanh;
    assert((!v.tiling.fixed || (v.norm_quads == 0 && v.tiling.k_lanes == 1 &&
                                v.epilogue != LinearEpilogue::kResidualNorm)) &&
           "fixed, too");
    std::vector<SpecConstant> constants = {spec(SPEC_LOCAL_SIZE, v.tiling.local_size),
                                           spec(SPEC_LINEAR_EPILOGUE, v.epilogue),
                                           spec(SPEC_LINEAR_ACTIVATION, activation)};
    if (v.tiling.cooperative) {
        append(constants, shape_constants(device_->caps()));
        constants.push_back(spec(SPEC_COOPERATIVE_COMPLEX, v.complex));
        append(constants,
               {spec(SPEC_LINEAR_ROWS, v.tiling.rows), spec(SPEC_LINEAR_TOKENS, v.tiling.tokens),
                spec(SPEC_LINEAR_TEXELS, v.tiling.texels)});
    } else if (!v.tiling.fixed) {
        append(
            constants,
            {spec(SPEC_LINEAR_ROWS, v.tiling.rows), spec(SPEC_LINEAR_TOKENS, v.tiling.tokens),
             spec(SPEC_LINEAR_K_LANES, v.tiling.k_lanes),
             spec(SPEC_LINEAR_NORM_QUADS, v.norm_quads), spec(SPEC_LINEAR_TEXELS, v.tiling.texels),
             spec(SPEC_LINEAR_STAGED, v.tiling.staged), spec(SPEC_LINEAR_ROLLED, v.tiling.rolled)});
    }
    const bool normalises = v.norm_quads != 0 || v.epilogue == LinearEpilogue::kResidualNorm;
    append_flag(constants, SPEC_NORM_RMS, v.rms_norm && normalises);
    append_flag(constants, SPEC_LINEAR_SCALE, v.scale);
    append_flag(constants, SPEC_LINEAR_CAP, v.cap);
    GYRE_ASSIGN(const Pipeline* pipeline,
                get(product_module("linear", v.complex, v.format, v.tiling), std::move(constants),
                    v.tiling.cooperative));
    return Kernel{pipeline, v.tiling};
}

Result<Kernel> KernelTable::store_kv(const StoreVariant& v) {
    const Tiling tiling{.local_size = 32};
    std::vector<SpecConstant> constants = {
        spec(SPEC_LOCAL_SIZE, tiling.local_size), spec(SPEC_STORE_PAIRING, v.rotary.pairing),
        spec(SPEC_STORE_ROTATE, v.rotary.rotate_keys), spec(SPEC_STORE_VALUES, v.rotary.values),
        spec(SPEC_STORE_CACHE, v.cache)};
    append_flag(constants, SPEC_STORE_HEAD_NORM, v.head_norm);
    append_flag(constants, SPEC_NORM_RMS, v.head_norm && v.rms_norm);
    GYRE_ASSIGN(const Pipeline* pipeline, get("store_kv", std::move(constants)));
    return Kernel{pipeline, tiling};
}

Result<Kernel> KernelTable::quantize_cache() {
    const Tiling tiling{.local_size = 64};
    GYRE_ASSIGN(const Pipeline* pipeline,
                get("quantize_cache", {spec(SPEC_LOCAL_SIZE, tiling.local_size)}));
    return Kernel{pipeline, tiling};
}

Result<Kernel> KernelTable::shift_cache(CacheFormat format, const RotaryKernelSpec& rotary) {
    const Tiling tiling{.local_size = 64};
    GYRE_ASSIGN(const Pipeline* pipeline,
                get("shift_cache",
                    {spec(SPEC_LOCAL_SIZE, tiling.local_size), spec(SPEC_SHIFT_CACHE, format),
                     spec(SPEC_SHIFT_TURN_KEYS, rotary.rotate_keys),
                     spec(SPEC_SHIFT_TURN_VALUES, rotary.values != ValueRotation::kNone)}));
    return Kernel{pipeline, tiling};
}

Result<SampleKernels> KernelTable::sample() {
    const Tiling tiling{.local_size = 64};
    const SpecConstant local_size = spec(SPEC_LOCAL_SIZE, tiling.local_size);
    GYRE_ASSIGN(const Pipeline* scan, get("sample_scan", {local_size}));
    GYRE_ASSIGN(const Pipeline* weigh, get("sample_weigh", {local_size}));
    GYRE_ASSIGN(const Pipeline* pick, get("sample_pick", {local_size}));
    return SampleKernels{{scan, tiling}, {weigh, tiling}, {pick, tiling}};
}

Result<Kernel> KernelTable::measure_copy(const Tiling& tiling) {
    GYRE_ASSIGN(const Pipeline* pipeline,
                get("measure_copy", {spec(SPEC_LOCAL_SIZE, tiling.local_size),
                                     spec(SPEC_MEASURE_COPY_TEXELS, tiling.texels),
                                     spec(SPEC_MEASURE_COPY_QUADS, tiling.rows)}));
    return Kernel{pipeline, tiling};
}

Result<Kernel> KernelTable::measure_fma(bool fused) {
    const Tiling tiling{.local_size = 64};
    GYRE_ASSIGN(const Pipeline* pipeline,
                get("measure_fma", {spec(SPEC_LOCAL_SIZE, tiling.local_size),
                                    spec(SPEC_MEASURE_FMA_FUSED, fused)}));
    return Kernel{pipeline, tiling};
}

Result<Kernel> KernelTable::measure_matrix(const Tiling& tiling) {
    std::vector<SpecConstant> constants = shape_constants(device_->caps());
    constants.push_back(spec(SPEC_LOCAL_SIZE, tiling.local_size));
    GYRE_ASSIGN(const Pipeline* pipeline,
                get("measure_matrix", std::move(constants), tiling.cooperative));
    return Kernel{pipeline, tiling};
}

}  // namespace gyre
