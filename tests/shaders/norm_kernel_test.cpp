// norm.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "tests/reference/generator.h"
#include "tests/reference/layer_norm.h"
#include "tests/shaders/kernel_test.h"

namespace gyre::test {
namespace {

struct NormCase {
    const char* name;
    std::uint32_t n_embd, n_tokens, local_size;
    float mean;  // of the input rows; their deviation is 1
    bool bias, in_place;
    bool rms = false;
    float add_scale = 0.0f;  // not 0: the result, times that, is added to what is there
};

const NormCase kCases[] = {
    {"one_channel", 1, 1, 64, 0.5f, true, false},
    {"two_channels", 2, 3, 64, 0.0f, true, false},
    {"prime", 17, 2, 64, 0.0f, true, true},
    {"one_below_a_workgroup", 63, 1, 64, 0.0f, false, false},
    {"a_workgroup", 64, 28, 64, 0.0f, true, false},
    {"one_above_a_workgroup", 65, 2, 64, 0.0f, true, true},
    {"small_workgroup", 60, 3, 32, 0.0f, true, false},
    {"large_workgroup", 127, 2, 128, 0.0f, true, false},
    {"gpt2_small", 768, 17, 64, 0.1f, true, true},
    {"gpt2_small_without_bias", 768, 1, 64, 0.1f, false, true},
    {"gpt2_xl", 1600, 2, 64, 0.1f, true, false},
    // The one-pass variance E[x^2] - E[x]^2 would lose six digits here.
    {"mean_far_above_deviation", 768, 1, 64, 1000.0f, true, false},
    {"rms_one_channel", 1, 1, 64, 0.5f, false, false, true},
    {"rms_prime", 17, 2, 64, 0.0f, true, true, true},
    {"rms_one_above_a_workgroup", 65, 3, 64, 0.3f, false, false, true},
    {"rms_small_workgroup", 60, 3, 32, 0.0f, false, false, true},
    {"rms_mean_far_above_deviation", 768, 1, 64, 1000.0f, false, false, true},
    {"added", 61, 3, 64, 0.1f, true, false, false, 1.0f},
    {"rms_added_scaled", 67, 2, 64, 0.1f, false, false, true, 0.75f},
};

class NormKernelTest : public KernelTest, public testing::WithParamInterface<NormCase> {};

TEST_P(NormKernelTest, EqualsReference) {
    const NormCase& c = GetParam();
    constexpr float kEpsilon = 1e-5f;
    reference::Generator generator(11);
    std::vector<float> x = generator.bells(std::size_t{c.n_tokens} * c.n_embd);
    for (float& value : x)
        value += c.mean;
    const std::vector<float> gain = generator.bells(c.n_embd);
    const std::vector<float> bias = c.bias ? generator.bells(c.n_embd) : std::vector<float>{};

    KernelBuffers buffers;
    NormParams params{};
    params.row_stride = activation_stride(c.n_embd);
    params.n_embd = c.n_embd;
    params.epsilon = kEpsilon;
    params.scale = c.add_scale;
    const bool adds = c.add_scale != 0.0f;
    const std::vector<float> there = generator.bells(x.size());
    params.x_offset = buffers.state.add_rows(x, c.n_embd, params.row_stride, ACTIVATION_ALIGN);
    params.out_offset = params.x_offset;
    if (c.in_place) {
        for (std::uint32_t t = 0; t < c.n_tokens; ++t) {
            buffers.state.allow_in_place(params.x_offset + t * params.row_stride, c.n_embd);
        }
    } else {
        const std::uint32_t quads = (c.n_embd + 3) / 4;  // written whole
        params.out_offset = buffers.state.add_output_rows(c.n_tokens, 4 * quads, params.row_stride,
                                                          ACTIVATION_ALIGN);
        for (std::size_t i = 0; adds && i < std::size_t{c.n_tokens} * 4 * quads; ++i) {
            const std::size_t row = i / (4 * quads), column = i % (4 * quads);
            const float value = column < c.n_embd ? there[row * c.n_embd + column] : 0.0f;
            const std::size_t at = params.out_offset + row * params.row_stride + column;
            buffers.state.set(static_cast<std::uint32_t>(at), std::bit_cast<std::uint32_t>(value));
        }
    }
    params.weight_offset = buffers.params.add_floats(gain, 4);
    params.bias_offset = c.bias ? buffers.params.add_floats(bias, 4) : NO_OFFSET;

    const auto normalise = [&](bool texels) {
        const Kernel kernel = built(kernels().get(
            NormVariant{.local_size = c.local_size, .texels = texels, .rms = c.rms, .add = adds}));
        const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
            record_norm(recorder, kernel, sets[0], params, c.n_tokens);
        });
        return rows_at(result.state, params.out_offset, c.n_tokens, c.n_embd, params.row_stride);
    };
    const auto found = normalise(false);
    ASSERT_TRUE(all_texels_fit(device().caps(), buffers));
    EXPECT_TRUE(same_bits(normalise(true), found));
    const auto x64 = reference::widen(x), gain64 = reference::widen(gain),
               bias64 = reference::widen(bias);
    std::vector<double> expected, bounds;
    if (c.rms) {
        expected = reference::rms_norm(x64, c.n_embd, gain64, bias64, double{kEpsilon});
        bounds = rms_norm_error(x64, c.n_embd, gain64, bias64, double{kEpsilon}, c.local_size);
    } else {
        expected = reference::layer_norm(x64, c.n_embd, gain64, bias64, double{kEpsilon});
        bounds = layer_norm_error(x64, c.n_embd, gain64, bias64, double{kEpsilon}, c.local_size);
    }
    for (std::size_t i = 0; adds && i < expected.size(); ++i) {
        bounds[i] = c.add_scale * bounds[i] + 2 * kUnit * std::abs(expected[i]);
        expected[i] = there[i] + c.add_scale * expected[i];
        bounds[i] += kUnit * std::abs(expected[i]);
    }
    EXPECT_TRUE(within(found, expected, bounds));
}

INSTANTIATE_TEST_SUITE_P(Norm, NormKernelTest, testing::ValuesIn(kCases), case_name<NormCase>);

}  // namespace
}  // namespace gyre::test
