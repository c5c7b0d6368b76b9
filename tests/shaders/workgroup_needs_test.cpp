// What a workgroup takes of the device, as variants say it, against the compiled modules.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "runtime/kernels/kernel_interfaces.h"
#include "runtime/kernels/kernel_variants.h"
#include "runtime/kernels/shader_modules.h"
#include "runtime/kernels/shared_memory.h"
#include "tests/spirv/reflect.h"

namespace gyre::test {
namespace {

constexpr bool kHasCooperative = GYRE_COOPERATIVE_KERNELS != 0;

// A variant of each kernel, and one for each constant that an array of shared memory is as long as.
struct VariantCase {
    const char* name;
    KernelVariant variant;
};

DeviceCaps matrix_caps() {
    DeviceCaps caps;
    caps.subgroup_size = 32;
    caps.cooperative = {.m = 16, .n = 8, .k = 32};
    return caps;
}

std::vector<VariantCase> variant_cases() {
    constexpr Tiling kLanes{.local_size = 32, .rows = 2, .tokens = 4, .k_lanes = 8};
    constexpr Tiling kStaged{.local_size = 128, .rows = 8, .tokens = 16, .staged = true};
    constexpr Tiling kDecode{.local_size = 32, .rows = 2, .tokens = 1};
    std::vector<VariantCase> cases = {
        {"embed", EmbedVariant{WeightFormat::kQ4_0, true, true}},
        {"norm", NormVariant{.local_size = 96, .texels = true, .rms = true, .add = true}},
        {"qkv", QkvVariant{.rotary = {}, .norm_quads = 192, .rms_norm = true, .tiling = kDecode}},
        {"qkv_lanes", QkvVariant{.format = WeightFormat::kQ6_K, .rotary = {}, .tiling = kLanes}},
        {"qkv_staged", QkvVariant{.complex = true, .rotary = {}, .tiling = kStaged}},
        {"qkv_one_tile", QkvVariant{.rotary = {}, .tiling = kFixedPrefill}},
        {"store_kv",
         StoreVariant{.rotary = {}, .norm = QkNorm::kHeads, .rms_norm = true, .clamp = true}},
        {"attention",
         AttentionVariant{.rotary = {}, .n_pairs = 33, .local_size = 128, .splits = 4}},
        {"attention_f32",
         AttentionVariant{.cache = CacheFormat::kF32, .rotary = {}, .n_pairs = 33}},
        {"attention_q8_0",
         AttentionVariant{.cache = CacheFormat::kQ8_0, .rotary = {}, .n_pairs = 33}},
        {"attention_streams",
         AttentionVariant{
             .rotary = {}, .n_pairs = 33, .local_size = 32, .queries = 4, .texels = true}},
        {"linear", LinearVariant{.norm_quads = 192, .scale = true, .cap = true, .tiling = kDecode}},
        {"linear_lanes", LinearVariant{.format = WeightFormat::kQ4_K, .tiling = kLanes}},
        {"linear_staged", LinearVariant{.complex = true, .tiling = kStaged}},
        {"linear_one_tile", LinearVariant{.integer_halves = true, .tiling = kFixedDecode}},
        {"linear_norm_after",
         LinearVariant{
             .epilogue = LinearEpilogue::kResidualNorm, .rms_norm = true, .tiling = kDecode}},
        {"quantize_cache", QuantizeCacheVariant{}},
        {"shift_cache", ShiftCacheVariant{}},
        {"sample_scan", SampleVariant{SampleStage::kScan}},
        {"sample_weigh", SampleVariant{SampleStage::kWeigh}},
        {"sample_pick", SampleVariant{SampleStage::kPick}},
        {"measure_copy", MeasureCopyVariant{kStaged}},
        {"measure_fma", MeasureFmaVariant{true}},
    };
    if (!kHasCooperative) return cases;
    const Tiling tile = cooperative_tiling(matrix_caps());
    cases.push_back({"qkv_cooperative",
                     QkvVariant{.format = WeightFormat::kQ8_0, .rotary = {}, .tiling = tile}});
    cases.push_back(
        {"linear_cooperative_f16", LinearVariant{.format = WeightFormat::kF16, .tiling = tile}});
    cases.push_back({"linear_cooperative", LinearVariant{.complex = true, .tiling = tile}});
    cases.push_back({"measure_matrix", MeasureMatrixVariant{tile}});
    return cases;
}

class VariantTest : public testing::TestWithParam<VariantCase> {};

TEST_P(VariantTest, TakesWhatItDeclares) {
    const KernelSource source = kernel_source(GetParam().variant, matrix_caps());
    const auto modules = shader_modules();
    const auto row = std::find_if(modules.begin(), modules.end(), [&](const auto& module) {
        return module.name == source.module();
    });
    ASSERT_NE(row, modules.end()) << source.module();
    const auto reflection = reflect(module_words(*row), source.constants);
    ASSERT_TRUE(reflection.ok()) << reflection.status().message();
    EXPECT_FALSE(reflection->conflicting_defaults);
    EXPECT_EQ(reflection->local_size,
              (std::array<std::uint32_t, 3>{source.workgroup.local_size, 1, 1}));
    EXPECT_EQ(reflection->shared_bytes, source.workgroup.shared_bytes);
}

INSTANTIATE_TEST_SUITE_P(Kernels, VariantTest, testing::ValuesIn(variant_cases()),
                         [](const auto& row) { return std::string(row.param.name); });

// Catches: a norm inside a product that a device with the least memory would refuse.
TEST(MaxNormQuads, IsTheLargestThatFits) {
    for (const Tiling& tiling : {Tiling{.local_size = 128, .rows = 2},
                                 Tiling{.local_size = 64, .rows = 4, .k_lanes = 8}}) {
        const std::uint32_t most = max_norm_quads(tiling, 16384);
        const auto bytes = [&](std::uint32_t quads) {
            return shared_bytes(LinearVariant{.norm_quads = quads, .tiling = tiling}, {});
        };
        EXPECT_LE(bytes(most), 16384u);
        EXPECT_GT(bytes(most + 1), 16384u);
        EXPECT_EQ(max_norm_quads(tiling, bytes(1)), 1u);
        EXPECT_EQ(max_norm_quads(tiling, bytes(1) - 1), 0u);
    }
}

// Catches: a kernel whose shared memory nobody compares.
TEST(VariantCases, HaveEveryKernel) {
    std::set<std::string> kernels;
    for (const VariantCase& each : variant_cases())
        kernels.insert(kernel_source(each.variant, matrix_caps()).kernel);
    for (const KernelInterface& each : kernel_interfaces()) {
        if (each.kernel == std::string("measure_matrix") && !kHasCooperative) continue;
        EXPECT_TRUE(kernels.count(each.kernel)) << each.kernel;
    }
}

}  // namespace
}  // namespace gyre::test
