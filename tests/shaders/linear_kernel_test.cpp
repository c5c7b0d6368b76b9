// linear.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/reference/activation.h"
#include "tests/reference/layer_norm.h"
#include "tests/shaders/kernel_test.h"

namespace gyre::test {
namespace {

using Format = WeightFormat;
using Epilogue = LinearEpilogue;

constexpr float kEpsilon = 1e-5f;

struct LinearCase {
    const char* name;
    Format format;
    std::uint32_t n_rows, n_in, n_tokens;
    Epilogue epilogue;
    Tiling tiling;
    bool bias = true;
    bool norm = false;  // fused: decode only
    Activation activation = Activation::kGeluTanh;
    std::uint32_t rows_a_slice = 0;  // 0: one slice
    bool subnormal_scales = false;
    bool is_complex = false;
};

constexpr Tiling kDecode{.local_size = 64, .rows = 4, .tokens = 1, .k_lanes = 1};
constexpr Tiling kDecodeLanes{.local_size = 64, .rows = 2, .tokens = 1, .k_lanes = 8};
constexpr Tiling kPrefill{.local_size = 64, .rows = 4, .tokens = 4, .k_lanes = 1};
constexpr Tiling kWidePrefill{.local_size = 128, .rows = 2, .tokens = 8, .k_lanes = 1};
constexpr Tiling kSmall{.local_size = 16, .rows = 1, .tokens = 3, .k_lanes = 1};
constexpr Tiling kOneRow{.local_size = 32, .rows = 1, .tokens = 1, .k_lanes = 32};

const LinearCase kCases[] = {
    // Odd shapes in every format.
    {"one_weight", Format::kF32, 1, 1, 1, Epilogue::kLogits, kDecode},
    {"f32_odd", Format::kF32, 17, 60, 1, Epilogue::kLogits, kDecode},
    {"f32_prime", Format::kF32, 257, 61, 13, Epilogue::kLogits, kPrefill},
    {"f16_odd", Format::kF16, 28, 60, 1, Epilogue::kLogits, kDecode},
    {"f16_prime", Format::kF16, 127, 67, 17, Epilogue::kLogits, kWidePrefill},
    {"bf16_odd", Format::kBf16, 17, 60, 2, Epilogue::kLogits, kPrefill},
    {"bf16_prime", Format::kBf16, 31, 7, 1, Epilogue::kLogits, kDecodeLanes},
    {"q8_0_one_block", Format::kQ8_0, 1, 32, 1, Epilogue::kLogits, kDecode},
    {"q8_0_three_blocks", Format::kQ8_0, 29, 96, 5, Epilogue::kLogits, kSmall},
    {"q8_0_small_weights", Format::kQ8_0, 17, 64, 1, Epilogue::kLogits, kDecode, true, false,
     Activation::kGeluTanh, 0, true},
    {"q4_0_one_block", Format::kQ4_0, 2, 32, 1, Epilogue::kLogits, kDecode},
    {"q4_0_five_blocks", Format::kQ4_0, 257, 160, 28, Epilogue::kLogits, kPrefill},
    {"q4_0_small_weights", Format::kQ4_0, 17, 64, 1, Epilogue::kLogits, kDecode, true, false,
     Activation::kGeluTanh, 0, true},
    // Lanes that share a sum: fewer steps than lanes, as many, one more.
    {"lanes_few_steps", Format::kF32, 9, 12, 1, Epilogue::kLogits, kDecodeLanes},
    {"lanes_equal_steps", Format::kF32, 9, 32, 1, Epilogue::kResidual, kDecodeLanes},
    {"lanes_one_more_step", Format::kQ8_0, 9, 64 * 9, 1, Epilogue::kResidual, kDecodeLanes},
    {"one_row_a_workgroup", Format::kF16, 5, 768, 1, Epilogue::kLogits, kOneRow},
    // Every epilogue with and without bias, every activation.
    {"residual", Format::kF32, 60, 60, 3, Epilogue::kResidual, kPrefill},
    {"residual_without_bias", Format::kF32, 60, 60, 3, Epilogue::kResidual, kPrefill, false},
    {"gelu_tanh", Format::kF32, 65, 60, 3, Epilogue::kActivate, kPrefill},
    {"gelu_erf", Format::kF32, 65, 60, 3, Epilogue::kActivate, kPrefill, true, false,
     Activation::kGeluErf},
    {"relu2", Format::kF32, 65, 60, 3, Epilogue::kActivate, kPrefill, false, false,
     Activation::kRelu2},
    // The norm inside.
    {"norm_f32", Format::kF32, 67, 60, 1, Epilogue::kActivate, kDecode, true, true},
    {"norm_f16_lanes", Format::kF16, 67, 61, 1, Epilogue::kLogits, kDecodeLanes, false, true},
    {"norm_q8_0", Format::kQ8_0, 67, 96, 1, Epilogue::kLogits, kDecodeLanes, true, true},
    {"norm_q4_0_each_token", Format::kQ4_0, 67, 96, 3, Epilogue::kLogits, kDecode, true, true},
    {"norm_gpt2_xl", Format::kF16, 16, 1600, 1, Epilogue::kActivate, kDecode, true, true},
    // GPT-2 small.
    {"gpt2_attn_output", Format::kF16, 768, 768, 5, Epilogue::kResidual, kPrefill},
    {"gpt2_ffn_up", Format::kQ8_0, 3072, 768, 1, Epilogue::kActivate, kDecode, true, true},
    {"gpt2_ffn_up_prompt", Format::kQ4_0, 3072, 768, 17, Epilogue::kActivate, kWidePrefill},
    {"gpt2_ffn_down", Format::kQ8_0, 768, 3072, 1, Epilogue::kResidual, kDecodeLanes},
    {"gpt2_ffn_down_f32", Format::kF32, 768, 3072, 2, Epilogue::kResidual, kPrefill},
    {"gpt2_logits_sliced", Format::kQ4_0, 50257, 96, 1, Epilogue::kLogits, kDecode, false, true,
     Activation::kGeluTanh, 20000},
    {"gpt2_logits_prompt", Format::kQ8_0, 50257, 32, 2, Epilogue::kLogits, kPrefill, false},
    {"sliced_residual", Format::kF16, 50, 64, 5, Epilogue::kResidual, kPrefill, true, false,
     Activation::kGeluTanh, 16},
    // Complex weights: half the numbers, the same shapes.
    {.name = "complex_one_weight",
     .format = Format::kF32,
     .n_rows = 2,
     .n_in = 2,
     .n_tokens = 1,
     .epilogue = Epilogue::kLogits,
     .tiling = kDecode,
     .is_complex = true},
    {.name = "complex_f32",
     .format = Format::kF32,
     .n_rows = 34,
     .n_in = 60,
     .n_tokens = 5,
     .epilogue = Epilogue::kResidual,
     .tiling = kPrefill,
     .is_complex = true},
    {.name = "complex_f16_norm",
     .format = Format::kF16,
     .n_rows = 34,
     .n_in = 60,
     .n_tokens = 1,
     .epilogue = Epilogue::kResidual,
     .tiling = kDecode,
     .norm = true,
     .is_complex = true},
    {.name = "complex_bf16_lanes",
     .format = Format::kBf16,
     .n_rows = 34,
     .n_in = 62,
     .n_tokens = 1,
     .epilogue = Epilogue::kLogits,
     .tiling = kDecodeLanes,
     .is_complex = true},
    {.name = "complex_q8_0",
     .format = Format::kQ8_0,
     .n_rows = 130,
     .n_in = 192,
     .n_tokens = 13,
     .epilogue = Epilogue::kResidual,
     .tiling = kWidePrefill,
     .is_complex = true},
    {.name = "complex_q4_0",
     .format = Format::kQ4_0,
     .n_rows = 130,
     .n_in = 192,
     .n_tokens = 1,
     .epilogue = Epilogue::kResidual,
     .tiling = kDecode,
     .bias = false,
     .is_complex = true},
    {.name = "complex_sliced",
     .format = Format::kQ8_0,
     .n_rows = 50,
     .n_in = 64,
     .n_tokens = 2,
     .epilogue = Epilogue::kResidual,
     .tiling = kPrefill,
     .rows_a_slice = 24,
     .is_complex = true},
    {.name = "complex_gpt2_attn_output",
     .format = Format::kF16,
     .n_rows = 768,
     .n_in = 768,
     .n_tokens = 1,
     .epilogue = Epilogue::kResidual,
     .tiling = kDecode,
     .is_complex = true},
};

// Everything a case multiplies; made once, run in any tiling and for any range of tokens.
struct LinearData {
    LinearCase c;
    RandomWeights weights;
    std::vector<float> x, gain, norm_bias, bias, residual;

    explicit LinearData(const LinearCase& linear_case) : c(linear_case) {
        reference::Generator generator(31);
        weights =
            random_weights(c.format, c.is_complex, c.n_rows, c.n_in, generator, c.subnormal_scales);
        x = generator.bells(std::size_t{c.n_tokens} * c.n_in);
        gain = generator.bells(c.n_in);
        norm_bias = c.bias ? generator.bells(c.n_in) : std::vector<float>{};
        bias = c.bias ? generator.bells(c.n_rows) : std::vector<float>{};
        residual = generator.bells(std::size_t{c.n_tokens} * c.n_rows);
    }
};

struct Expected {
    std::vector<double> y, bounds;
};

void apply_activation(Activation activation, Expected& expected) {
    for (std::size_t i = 0; i < expected.y.size(); ++i) {
        double& y = expected.y[i];
        double& bound = expected.bounds[i];
        if (activation == Activation::kRelu2) {
            bound = 2 * std::abs(y) * bound + bound * bound + 4 * kUnit * y * y;
            y = reference::relu2(y);
        } else {
            // |gelu'| < 1.13. The formula itself: exp is good to 3 + 2 |x| ULP and the quotient to
            // 2.5, which together move tanh and erfc by less than 2^-19.
            bound = 1.13 * bound + 0.5 * std::abs(y) * 0x1p-19;
            y = activation == Activation::kGeluErf ? reference::gelu_erf(y)
                                                   : reference::gelu_tanh(y);
        }
    }
}

Expected expected_of(const LinearData& data) {
    const LinearCase& c = data.c;
    std::vector<double> x = reference::widen(data.x), x_error(x.size(), 0.0);
    if (c.norm) {
        const auto gain = reference::widen(data.gain), bias = reference::widen(data.norm_bias);
        x_error = layer_norm_error(x, c.n_in, gain, bias, double{kEpsilon}, c.tiling.local_size);
        x = reference::layer_norm(x, c.n_in, gain, bias, double{kEpsilon});
    }
    const auto bias = reference::widen(data.bias);
    Expected expected{data.weights.product(x, bias), data.weights.magnitude(x, bias)};
    const auto carried = data.weights.magnitude(x_error, {});
    for (std::size_t i = 0; i < expected.y.size(); ++i) {
        double& bound = expected.bounds[i];
        bound = product_roundings(c.n_in, c.tiling.k_lanes) * kUnit * bound + carried[i];
        if (c.epilogue != Epilogue::kResidual) continue;
        expected.y[i] += static_cast<double>(data.residual[i]);
        bound += kUnit * std::abs(expected.y[i]);
    }
    if (c.epilogue == Epilogue::kActivate) apply_activation(c.activation, expected);
    return expected;
}

class LinearKernelTest : public KernelTest {
  protected:
    // Tokens [first, first + n) of the data in one dispatch: [n][n_rows].
    std::vector<float> multiply(const LinearData& data, const Tiling& tiling, std::uint32_t first,
                                std::uint32_t n) {
        const LinearCase& c = data.c;
        KernelBuffers buffers;
        const WeightMatrix matrix = add_weights(data.weights, c.rows_a_slice, buffers);
        LinearParams params{};
        params.x_stride = activation_stride(c.n_in);
        params.x_offset = buffers.state.add_rows(data.x, c.n_in, params.x_stride, ACTIVATION_ALIGN);
        params.x_offset += first * params.x_stride;
        params.n_tokens = n;
        params.norm_weight_offset = buffers.params.add_floats(data.gain);
        params.norm_bias_offset = c.bias ? buffers.params.add_floats(data.norm_bias) : NO_OFFSET;
        params.norm_epsilon = kEpsilon;
        const std::uint32_t bias = c.bias ? buffers.params.add_floats(data.bias) : NO_OFFSET;
        params.out_stride = activation_stride(c.n_rows);
        params.out_offset = add_output(data, params.out_stride, first, n, buffers);

        LinearVariant variant{.format = c.format,
                              .complex = c.is_complex,
                              .epilogue = c.epilogue,
                              .activation = c.activation,
                              .norm_quads = 0,
                              .tiling = tiling};
        if (c.norm) variant.norm_quads = activation_stride(c.n_in) / 4;
        const Kernel kernel = built(kernels().linear(variant));
        const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
            for (std::size_t slice = 0; slice < sets.size(); ++slice) {
                describe_slice(matrix, matrix.slices[slice], params);
                params.bias_offset = c.bias ? bias + params.first_row : NO_OFFSET;
                record_linear(recorder, kernel, sets[slice], params);
            }
        });
        const auto& words = c.epilogue == Epilogue::kLogits ? result.cache : result.state;
        return rows_at(words, params.out_offset, n, c.n_rows, params.out_stride);
    }

  private:
    static std::uint32_t add_output(const LinearData& data, std::uint32_t stride,
                                    std::uint32_t first, std::uint32_t n, KernelBuffers& buffers) {
        const LinearCase& c = data.c;
        BufferImage& image = c.epilogue == Epilogue::kLogits ? buffers.cache : buffers.state;
        const std::uint32_t offset = image.add_output_rows(n, c.n_rows, stride, ACTIVATION_ALIGN);
        if (c.epilogue != Epilogue::kResidual) return offset;
        for (std::uint32_t t = 0; t < n; ++t) {
            for (std::uint32_t row = 0; row < c.n_rows; ++row) {
                image.set(offset + t * stride + row,
                          as_word(data.residual[std::size_t{first + t} * c.n_rows + row]));
            }
        }
        return offset;
    }
};

class LinearCaseTest : public LinearKernelTest, public testing::WithParamInterface<LinearCase> {};

TEST_P(LinearCaseTest, EqualsReference) {
    const LinearData data(GetParam());
    const Expected expected = expected_of(data);
    EXPECT_TRUE(
        within(multiply(data, data.c.tiling, 0, data.c.n_tokens), expected.y, expected.bounds));
}

INSTANTIATE_TEST_SUITE_P(Linear, LinearCaseTest, testing::ValuesIn(kCases), case_name<LinearCase>);

class LinearFormatTest : public LinearKernelTest, public testing::WithParamInterface<Format> {
  protected:
    static LinearData data(std::uint32_t n_tokens, Tiling tiling) {
        return LinearData({"bits", GetParam(), 45, 160, n_tokens, Epilogue::kResidual, tiling});
    }
};

// A prompt in one dispatch is the same as its tokens one by one, whatever the tile.
TEST_P(LinearFormatTest, BitsDoNotDependOnTheBatch) {
    constexpr std::uint32_t kTokens = 13;  // no multiple of a tile
    const LinearData prompt = data(kTokens, kDecode);
    std::vector<float> one_by_one;
    for (std::uint32_t t = 0; t < kTokens; ++t) {
        const auto y = multiply(prompt, kDecode, t, 1);
        one_by_one.insert(one_by_one.end(), y.begin(), y.end());
    }
    for (const Tiling& tiling : {kDecode, kPrefill, kWidePrefill, kSmall}) {
        EXPECT_TRUE(same_bits(multiply(prompt, tiling, 0, kTokens), one_by_one))
            << "local size " << tiling.local_size << ", rows " << tiling.rows << ", tokens "
            << tiling.tokens;
    }
}

// The norm inside gives the bits of norm.comp followed by the product.
TEST_P(LinearFormatTest, FusedNormEqualsNormThenProduct) {
    LinearData fused = data(2, kDecode);
    fused.c.norm = true;
    KernelBuffers buffers;
    NormParams params{};
    params.row_stride = activation_stride(fused.c.n_in);
    params.n_embd = fused.c.n_in;
    params.epsilon = kEpsilon;
    params.x_offset =
        buffers.state.add_rows(fused.x, fused.c.n_in, params.row_stride, ACTIVATION_ALIGN);
    params.out_offset =
        buffers.state.add_output_rows(2, fused.c.n_in, params.row_stride, ACTIVATION_ALIGN);
    params.weight_offset = buffers.params.add_floats(fused.gain);
    params.bias_offset = buffers.params.add_floats(fused.norm_bias);
    const Kernel norm = built(kernels().norm(kDecode.local_size));
    const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
        record_norm(recorder, norm, sets[0], params, 2);
    });
    LinearData plain = data(2, kDecode);
    plain.x = rows_at(result.state, params.out_offset, 2, fused.c.n_in, params.row_stride);
    EXPECT_TRUE(same_bits(multiply(fused, kDecode, 0, 2), multiply(plain, kPrefill, 0, 2)));
}

INSTANTIATE_TEST_SUITE_P(Linear, LinearFormatTest, testing::ValuesIn(all_formats()),
                         [](const auto& row) { return std::string(format_name(row.param)); });

// Twice the same dispatch gives the same bits.
TEST_F(LinearKernelTest, RepeatsItself) {
    const LinearData data({"repeat", Format::kQ4_0, 257, 768, 5, Epilogue::kActivate, kPrefill});
    EXPECT_TRUE(same_bits(multiply(data, kPrefill, 0, 5), multiply(data, kPrefill, 0, 5)));
}

TEST(LinearCasesTest, CoverEveryFormatEpilogueAndActivation) {
    const auto covered = [](auto&& matches) {
        return std::any_of(std::begin(kCases), std::end(kCases), matches);
    };
    for (const Format format : all_formats()) {
        EXPECT_TRUE(covered([&](const LinearCase& c) { return c.format == format; }))
            << format_name(format);
    }
#define GYRE_EXPECT_EPILOGUE(id, name)                                                        \
    EXPECT_TRUE(covered([](const LinearCase& c) { return c.epilogue == Epilogue::k##name; })) \
        << #name;
    LINEAR_EPILOGUE_LIST(GYRE_EXPECT_EPILOGUE)
#undef GYRE_EXPECT_EPILOGUE
#define GYRE_EXPECT_ACTIVATION(id, name, function)                                       \
    EXPECT_TRUE(covered([](const LinearCase& c) {                                        \
        return c.epilogue == Epilogue::kActivate && c.activation == Activation::k##name; \
    })) << #name;
    ACTIVATION_LIST(GYRE_EXPECT_ACTIVATION)
#undef GYRE_EXPECT_ACTIVATION
}

}  // namespace
}  // namespace gyre::test
