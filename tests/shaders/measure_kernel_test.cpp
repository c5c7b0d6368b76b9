// The kernels that measure do what is counted: every byte, every link.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "shaders/interface/cooperative.h"
#include "tests/shaders/kernel_test.h"
#include "tests/shaders/tilings.h"

namespace gyre::test {
namespace {

class MeasureKernelTest : public KernelTest {
  protected:
    // The n words of the state that a dispatch may write, and no other.
    std::vector<std::uint32_t> words_of(
        std::uint32_t n,
        const std::function<void(CommandRecorder&, const DescriptorSet&)>& record) {
        KernelBuffers buffers;
        buffers.state = BufferImage::without_gap_before(n);
        buffers.state.allow(0, n);
        KernelResult result =
            run(buffers, [&](CommandRecorder& recorder, auto sets) { record(recorder, sets[0]); });
        EXPECT_GE(result.state.size(), n);
        result.state.resize(n);
        return std::move(result.state);
    }
};

// What runtime/engine/device_rates.cpp uses, each way to read.
constexpr Tiling kCopyTilings[] = {
    {.local_size = 8, .rows = 64},
    {.local_size = 8, .rows = 64, .texels = true},
    {.local_size = 64, .rows = 8},
    {.local_size = 64, .rows = 8, .texels = true},
};

// Sizes around a workgroup's 512 quads: the words after the last are canaries.
TEST_F(MeasureKernelTest, EveryByteIsCopied) {
    for (const std::uint32_t n_quads : {1u, 63u, 512u, 513u, 5000u}) {
        std::vector<std::uint32_t> words(std::size_t{4} * n_quads);
        for (std::size_t i = 0; i < words.size(); ++i)
            words[i] = static_cast<std::uint32_t>(i) * 2654435761u;
        for (const Tiling& tiling : kCopyTilings) {
            KernelBuffers buffers;
            buffers.state = BufferImage::without_gap_before(4 * n_quads);
            buffers.state.allow(0, 4 * n_quads);
            buffers.weights = {words};
            ASSERT_TRUE(all_texels_fit(device().caps(), buffers));
            const Kernel kernel = built(kernels().get(MeasureCopyVariant{tiling}));
            const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
                record_measure_copy(recorder, kernel, sets[0], MeasureCopyParams{n_quads});
            });
            ASSERT_GE(result.state.size(), words.size());
            EXPECT_TRUE(std::equal(words.begin(), words.end(), result.state.begin()))
                << n_quads << " quads, workgroups of " << tiling.local_size
                << (tiling.texels ? ", texels" : "");
        }
    }
}

// What an invocation's 8 elements, from i to i + 7, add up to after n links. Whole numbers below
// 2^24: floats hold them exactly, whether or not the device rounds between product and sum.
double sum_of_chains(std::uint32_t i, double factor, double addend, std::uint32_t n_links) {
    double sum = 0;
    for (std::uint32_t e = 0; e < 4 * MEASURE_FMA_CHAINS; ++e) {
        const double x = i + e;
        // factor 1: x + n * addend. factor -1: addend - x after an odd number of links, else x.
        sum += factor == 1.0 ? x + n_links * addend : (n_links % 2 == 1 ? addend - x : x);
    }
    return sum;
}

TEST_F(MeasureKernelTest, ChainsAreAsLongAsCounted) {
    for (const bool fused : {true, false}) {
        const Kernel kernel = built(kernels().get(MeasureFmaVariant{fused}));
        const std::uint32_t n_workgroups = 5;
        const std::uint32_t n = n_workgroups * kernel.tiling.local_size;
        for (const float factor : {1.0f, -1.0f}) {
            for (const std::uint32_t n_rounds : {0u, 1u, 37u}) {
                const MeasureFmaParams params{n_rounds, factor, 3.0f};
                const auto words = words_of(n, [&](auto& recorder, const auto& set) {
                    record_measure_fma(recorder, kernel, set, params, n_workgroups);
                });
                const std::uint32_t n_links = n_rounds * MEASURE_FMA_UNROLL;
                EXPECT_EQ(measure_fma_flops(params), 2u * 4u * MEASURE_FMA_CHAINS * n_links);
                for (std::uint32_t i = 0; i < n; ++i) {
                    ASSERT_EQ(as_float(words[i]),
                              sum_of_chains(i % kernel.tiling.local_size, factor, 3.0, n_links))
                        << "invocation " << i << ", " << n_rounds << " rounds, factor " << factor;
                }
            }
        }
    }
}

// An element of the product is K times its row's part of a and its column's of b; whole numbers
// once more, up to 2^24.
TEST_F(MeasureKernelTest, MatricesAreMultipliedAsOftenAsCounted) {
    const DeviceCaps& caps = device().caps();
    const Tiling tiling = cooperative_tiling(caps);
    const bool usable = can_use_cooperative(caps, tiling);
    EXPECT_TRUE(usable || cooperative_tilings(caps).empty());
    if (!usable) return;
    const Kernel kernel = built(kernels().get(MeasureMatrixVariant{tiling}));
    const CooperativeShape& shape = caps.cooperative;
    const std::uint32_t n_workgroups = 3;
    const std::uint32_t n = n_workgroups * COOPERATIVE_SUBGROUPS * shape.m * shape.n;
    for (const std::uint32_t n_rounds : {0u, 1u, 5u}) {
        const MeasureMatrixParams params{n_rounds, 2.0f, -3.0f};
        const auto words = words_of(n, [&](auto& recorder, const auto& set) {
            record_measure_matrix(recorder, kernel, set, params, n_workgroups);
        });
        const std::uint32_t n_links = MEASURE_MATRIX_CHAINS * MEASURE_MATRIX_UNROLL * n_rounds;
        EXPECT_EQ(measure_matrix_flops(shape, params),
                  2u * COOPERATIVE_SUBGROUPS * shape.m * shape.n * shape.k * n_links);
        const float first = 0.5f * MEASURE_MATRIX_CHAINS * (MEASURE_MATRIX_CHAINS - 1);
        for (std::uint32_t i = 0; i < n; ++i) {
            const std::uint32_t row = i / shape.n % shape.m, column = i % shape.n;
            const std::uint32_t each = shape.k * (1 + row) * (1 + column);
            ASSERT_EQ(as_float(words[i]), first - 6.0f * static_cast<float>(each * n_links))
                << i << ", " << n_rounds << " rounds";
        }
    }
}

}  // namespace
}  // namespace gyre::test
