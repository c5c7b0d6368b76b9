// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/kernel_variants.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "runtime/kernels/shader_modules.h"
#include "runtime/kernels/shared_memory.h"
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
std::string format_suffix(WeightFormat format) {
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
    return !tiling.staged || (norm_quads == 0 && tiling.k_lanes == 1 && !tiling.one_tile());
}

[[maybe_unused]] bool may_be_cooperative(const Tiling& tiling, std::uint32_t norm_quads) {
    return !tiling.cooperative() || (norm_quads == 0 && tiling.k_lanes == 1 && !tiling.one_tile() &&
                                     !tiling.staged && tiling.rows % 2 == 0);
}

constexpr const char* kCooperativeSuffix = "_cooperative";

std::string product_suffix(bool complex, WeightFormat format, const Tiling& tiling) {
    if (tiling.cooperative()) return format_suffix(format) + kCooperativeSuffix;
    std::string suffix = (complex ? "_complex" : "") + format_suffix(format);
    if (!tiling.one_tile()) return suffix;
    return suffix + '_' + std::to_string(tiling.rows) + 'x' + std::to_string(tiling.tokens);
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
            .algorithm = ProductAlgorithm::kCooperative};
}

bool can_use_cooperative(const DeviceCaps& caps, const Tiling& tiling) {
    const auto& modules = shader_modules();
    const bool built = std::any_of(modules.begin(), modules.end(), [](const ShaderModuleRow& row) {
        return std::string_view(row.name).ends_with(kCooperativeSuffix);
    });
    if (!built || !caps.features.cooperative_matrix) return false;
    const CooperativeShape& shape = caps.cooperative;
    return tiling.local_size <= caps.max_invocations &&
           cooperative_shared_bytes(tiling, shape, 2) <= caps.max_shared_bytes &&
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

namespace {

KernelSource source_of(const EmbedVariant& v, const DeviceCaps& /*caps*/) {
    KernelSource source{.kernel = "embed",
                        .suffix = format_suffix(v.format),
                        .tiling = {.local_size = 64, .rows = 1}};
    source.constants = {spec(SPEC_LOCAL_SIZE, source.tiling.local_size)};
    append_flag(source.constants, SPEC_EMBED_SCALE, v.scale);
    append_flag(source.constants, SPEC_INTEGER_HALVES, v.integer_halves);
    return source;
}

KernelSource source_of(const NormVariant& v, const DeviceCaps& /*caps*/) {
    KernelSource source{.kernel = "norm", .tiling = {.local_size = v.local_size}};
    source.constants = {spec(SPEC_LOCAL_SIZE, v.local_size), spec(SPEC_NORM_TEXELS, v.texels)};
    append_flag(source.constants, SPEC_NORM_ADD, v.add);
    append_flag(source.constants, SPEC_NORM_RMS, v.rms);
    return source;
}

KernelSource source_of(const QkvVariant& v, const DeviceCaps& caps) {
    assert(v.tiling.rows % 2 == 0 && "an invocation of qkv multiplies whole pairs");
    assert((v.norm_quads == 0 || v.tiling.tokens == 1) && "the fused norm holds one row");
    assert((!v.tiling.one_tile() || (v.norm_quads == 0 && v.tiling.k_lanes == 1)) && "fixed, too");
    assert(may_be_staged(v.tiling, v.norm_quads) && may_be_cooperative(v.tiling, v.norm_quads));
    std::vector<SpecConstant> constants = {
        spec(SPEC_LOCAL_SIZE, v.tiling.local_size), spec(SPEC_QKV_PAIRING, v.rotary.pairing),
        spec(SPEC_QKV_ROTATE, v.rotary.rotate_keys), spec(SPEC_QKV_VALUES, v.rotary.values),
        spec(SPEC_QKV_CACHE, v.cache)};
    if (v.tiling.cooperative()) {
        append(constants, shape_constants(caps));
        constants.push_back(spec(SPEC_COOPERATIVE_COMPLEX, v.complex));
        append(constants,
               {spec(SPEC_QKV_PAIRS, v.tiling.rows / 2), spec(SPEC_QKV_TOKENS, v.tiling.tokens),
                spec(SPEC_QKV_TEXELS, v.tiling.texels)});
    } else if (!v.tiling.one_tile()) {
        append(constants,
               {spec(SPEC_QKV_PAIRS, v.tiling.rows / 2), spec(SPEC_QKV_TOKENS, v.tiling.tokens),
                spec(SPEC_QKV_K_LANES, v.tiling.k_lanes), spec(SPEC_QKV_NORM_QUADS, v.norm_quads),
                spec(SPEC_QKV_TEXELS, v.tiling.texels), spec(SPEC_QKV_STAGED, v.tiling.staged),
                spec(SPEC_QKV_ROLLED, v.tiling.rolled), spec(SPEC_QKV_ROW_STEP, v.row_step)});
    }
    append_flag(constants, SPEC_NORM_RMS, v.rms_norm && v.norm_quads != 0);
    append_flag(constants, SPEC_INTEGER_HALVES, v.integer_halves && !v.tiling.one_tile());
    return {.kernel = "qkv",
            .suffix = product_suffix(v.complex, v.format, v.tiling),
            .constants = std::move(constants),
            .tiling = v.tiling,
            .workgroup = {.full_subgroups = v.tiling.cooperative()}};
}

KernelSource source_of(const AttentionVariant& v, const DeviceCaps& /*caps*/) {
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
        return {.kernel = "attention",
                .constants = std::move(constants),
                .tiling = {.local_size = v.local_size},
                .splits = v.splits};
    }
    assert(v.splits == 1);
    assert(v.local_size % v.queries == 0 && "every query has the same number of streams");
    constants.push_back(spec(SPEC_ATTENTION_QUERIES, v.queries));
    constants.push_back(spec(SPEC_ATTENTION_TEXELS, v.texels));
    return {.kernel = "attention_streams",
            .constants = std::move(constants),
            .tiling = {.local_size = v.local_size, .tokens = v.queries}};
}

KernelSource source_of(const LinearVariant& v, const DeviceCaps& caps) {
    assert((v.norm_quads == 0 || v.tiling.tokens == 1) && "the fused norm holds one row");
    assert((!v.complex || v.tiling.rows % 2 == 0) && "a complex row gives two outputs");
    assert((v.epilogue != LinearEpilogue::kResidualNorm ||
            (v.norm_quads == 0 && v.tiling.tokens == 1)) &&
           "one norm, before or after, of one row");
    assert(may_be_staged(v.tiling, v.norm_quads) && may_be_cooperative(v.tiling, v.norm_quads));
    const Activation activation =
        v.epilogue == LinearEpilogue::kActivate ? v.activation : Activation::kGeluTanh;
    assert((!v.tiling.one_tile() || (v.norm_quads == 0 && v.tiling.k_lanes == 1 &&
                                     v.epilogue != LinearEpilogue::kResidualNorm)) &&
           "fixed, too");
    std::vector<SpecConstant> constants = {spec(SPEC_LOCAL_SIZE, v.tiling.local_size),
                                           spec(SPEC_LINEAR_EPILOGUE, v.epilogue),
                                           spec(SPEC_LINEAR_ACTIVATION, activation)};
    if (v.tiling.cooperative()) {
        append(constants, shape_constants(caps));
        constants.push_back(spec(SPEC_COOPERATIVE_COMPLEX, v.complex));
        append(constants,
               {spec(SPEC_LINEAR_ROWS, v.tiling.rows), spec(SPEC_LINEAR_TOKENS, v.tiling.tokens),
                spec(SPEC_LINEAR_TEXELS, v.tiling.texels)});
    } else if (!v.tiling.one_tile()) {
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
    append_flag(constants, SPEC_INTEGER_HALVES, v.integer_halves && !v.tiling.one_tile());
    append_flag(constants, SPEC_LINEAR_CAP, v.cap);
    return {.kernel = "linear",
            .suffix = product_suffix(v.complex, v.format, v.tiling),
            .constants = std::move(constants),
            .tiling = v.tiling,
            .workgroup = {.full_subgroups = v.tiling.cooperative()}};
}

KernelSource source_of(const StoreVariant& v, const DeviceCaps& /*caps*/) {
    KernelSource source{.kernel = "store_kv", .tiling = {.local_size = v.local_size}};
    source.constants = {spec(SPEC_LOCAL_SIZE, source.tiling.local_size),
                        spec(SPEC_STORE_PAIRING, v.rotary.pairing),
                        spec(SPEC_STORE_ROTATE, v.rotary.rotate_keys),
                        spec(SPEC_STORE_VALUES, v.rotary.values), spec(SPEC_STORE_CACHE, v.cache)};
    const bool normalises = v.norm != QkNorm::kNone;
    if (normalises) source.constants.push_back(spec(SPEC_STORE_NORM, v.norm));
    append_flag(source.constants, SPEC_STORE_CLAMP, v.clamp);
    append_flag(source.constants, SPEC_NORM_RMS, normalises && v.rms_norm);
    return source;
}

KernelSource source_of(const QuantizeCacheVariant& /*v*/, const DeviceCaps& /*caps*/) {
    return {.kernel = "quantize_cache",
            .constants = {spec(SPEC_LOCAL_SIZE, 64)},
            .tiling = {.local_size = 64}};
}

KernelSource source_of(const ShiftCacheVariant& v, const DeviceCaps& /*caps*/) {
    return {.kernel = "shift_cache",
            .constants = {spec(SPEC_LOCAL_SIZE, 64), spec(SPEC_SHIFT_CACHE, v.cache),
                          spec(SPEC_SHIFT_ROTATE_KEYS, v.rotary.rotate_keys),
                          spec(SPEC_SHIFT_ROTATE_VALUES, v.rotary.values != ValueRotation::kNone)},
            .tiling = {.local_size = 64}};
}

KernelSource source_of(const SampleVariant& v, const DeviceCaps& /*caps*/) {
    constexpr const char* kModules[] = {"sample_scan", "sample_weigh", "sample_pick"};
    return {.kernel = kModules[static_cast<std::size_t>(v.stage)],
            .constants = {spec(SPEC_LOCAL_SIZE, 64)},
            .tiling = {.local_size = 64}};
}

KernelSource source_of(const MeasureCopyVariant& v, const DeviceCaps& /*caps*/) {
    return {.kernel = "measure_copy",
            .constants = {spec(SPEC_LOCAL_SIZE, v.tiling.local_size),
                          spec(SPEC_MEASURE_COPY_TEXELS, v.tiling.texels),
                          spec(SPEC_MEASURE_COPY_QUADS, v.tiling.rows)},
            .tiling = v.tiling};
}

KernelSource source_of(const MeasureFmaVariant& v, const DeviceCaps& /*caps*/) {
    return {.kernel = "measure_fma",
            .constants = {spec(SPEC_LOCAL_SIZE, 64), spec(SPEC_MEASURE_FMA_FUSED, v.fused)},
            .tiling = {.local_size = 64}};
}

KernelSource source_of(const MeasureMatrixVariant& v, const DeviceCaps& caps) {
    KernelSource source{.kernel = "measure_matrix",
                        .constants = shape_constants(caps),
                        .tiling = v.tiling,
                        .workgroup = {.full_subgroups = v.tiling.cooperative()}};
    source.constants.push_back(spec(SPEC_LOCAL_SIZE, v.tiling.local_size));
    return source;
}

}  // namespace

std::string KernelSource::key() const {
    std::string key = module();
    for (const SpecConstant& constant : constants) {
        key += ' ' + std::to_string(constant.id) + '=' + std::to_string(constant.value);
    }
    return key;
}

KernelSource kernel_source(const KernelVariant& variant, const DeviceCaps& caps) {
    KernelSource source = std::visit([&](const auto& v) { return source_of(v, caps); }, variant);
    source.workgroup.local_size = source.tiling.local_size;
    source.workgroup.shared_bytes = shared_bytes(variant, caps);
    return source;
}

}  // namespace gyre
