// Every variant that the other tests run can be built on a device of the Vulkan minimum.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/shaders/attention_cases.h"
#include "tests/shaders/kernel_test.h"
#include "tests/shaders/linear_cases.h"
#include "tests/shaders/qkv_cases.h"

namespace gyre::test {
namespace {

bool is_gpt2(const char* name) {
    return std::string(name).find("gpt2") != std::string::npos;
}

// 128 invocations and 16 KiB of shared memory, at the widths of GPT-2 and with the largest heads.
// What a kernel needs is taken from its SPIR-V and compared with the lowered limits: software
// drivers have more.
class MinimumLimitsTest : public GpuTest {
  protected:
    void expect_built(const char* name, const Result<Kernel>& kernel) {
        EXPECT_TRUE(kernel.ok()) << name << ": " << kernel.status().message();
    }
};

TEST_F(MinimumLimitsTest, HoldForEveryKernel) {
    DeviceOptions options;
    options.limit = DeviceCapsLimit::specification_minimum();
    auto device = make_device(options);
    ASSERT_OK(device);
    KernelTable kernels(device.value());
    for (const LinearCase& c : linear_cases()) {
        if (!is_gpt2(c.name)) continue;
        const std::uint32_t quads = c.options.norm ? activation_stride(c.n_in) / 4 : 0;
        expect_built(c.name, kernels.get(LinearVariant{.format = c.format,
                                                       .complex = c.options.is_complex,
                                                       .epilogue = c.epilogue,
                                                       .activation = c.options.activation,
                                                       .norm_quads = quads,
                                                       .tiling = c.tiling}));
    }
    for (const QkvCase& c : qkv_cases()) {
        if (!is_gpt2(c.name)) continue;
        const std::uint32_t quads = c.options.norm ? activation_stride(c.n_in) / 4 : 0;
        expect_built(c.name, kernels.get(QkvVariant{.format = c.format,
                                                    .complex = c.options.is_complex,
                                                    .cache = c.cache,
                                                    .rotary = c.rotary.kernel_spec(),
                                                    .norm_quads = quads,
                                                    .tiling = c.tiling}));
    }
    for (const AttentionCase& c : attention_cases()) {
        if (!is_gpt2(c.name) && c.heads.dim < 128) continue;
        expect_built(c.name, kernels.get(AttentionVariant{.cache = c.cache,
                                                          .rotary = c.rotary.kernel_spec(),
                                                          .n_pairs = (c.heads.dim + 1) / 2,
                                                          .local_size = c.extras.local_size}));
    }
    for (const WeightFormat format : all_formats())
        expect_built("embed", kernels.get(EmbedVariant{format}));
    expect_built("norm", kernels.get(NormVariant{.local_size = 128}));
    expect_built("quantize_cache", kernels.get(QuantizeCacheVariant{}));
    expect_built("shift_cache", kernels.get(ShiftCacheVariant{CacheFormat::kQ8_0, {}}));
    const auto sample = kernels.sample();
    EXPECT_TRUE(sample.ok()) << sample.status().message();
}

// A limit that is really in the way is refused with a text, not left to the driver.
TEST_F(MinimumLimitsTest, AreNoticed) {
    DeviceOptions options;
    options.limit.max_shared_bytes = 1024;
    auto device = make_device(options);
    ASSERT_OK(device);
    KernelTable kernels(device.value());
    const auto kernel = kernels.get(LinearVariant{.norm_quads = 192, .tiling = kDecode});
    ASSERT_FALSE(kernel.ok());
    EXPECT_EQ(kernel.status().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace gyre::test
