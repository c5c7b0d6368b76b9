// The products that linear.comp is tested with, and what they give in float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/linear_cases.h"

#include <cmath>

#include "runtime/model/weight_formats.h"
#include "tests/reference/activation.h"
#include "tests/reference/layer_norm.h"
#include "tests/shaders/rounding.h"

namespace gyre::test {
namespace {

constexpr auto kF32 = WeightFormat::kF32;
constexpr auto kF16 = WeightFormat::kF16;
constexpr auto kBf16 = WeightFormat::kBf16;
constexpr auto kQ8 = WeightFormat::kQ8_0;
constexpr auto kQ4 = WeightFormat::kQ4_0;
constexpr auto kQ4K = WeightFormat::kQ4_K;
constexpr auto kQ6K = WeightFormat::kQ6_K;
constexpr auto kLogits = LinearEpilogue::kLogits;
constexpr auto kResidual = LinearEpilogue::kResidual;
constexpr auto kActivate = LinearEpilogue::kActivate;
constexpr auto kResidualNorm = LinearEpilogue::kResidualNorm;
constexpr auto kKeep = LinearEpilogue::kKeep;
constexpr auto kMultiply = LinearEpilogue::kMultiply;

// clang-format off
const LinearCase kCases[] = {
    // name, format, rows, n_in, tokens, epilogue, tiling, options
    // Odd shapes in every format.
    {"one_weight",            kF32,     1,    1,  1, kLogits,   kDecode},
    {"f32_odd",               kF32,    17,   60,  1, kLogits,   kDecode},
    {"f32_prime",             kF32,   257,   61, 13, kLogits,   kPrefill},
    {"f16_odd",               kF16,    28,   60,  1, kLogits,   kDecode},
    {"f16_prime",             kF16,   127,   67, 17, kLogits,   kWidePrefill},
    {"bf16_odd",              kBf16,   17,   60,  2, kLogits,   kPrefill},
    {"bf16_prime",            kBf16,   31,    7,  1, kLogits,   kDecodeLanes},
    {"q8_0_one_block",        kQ8,      1,   32,  1, kLogits,   kDecode},
    {"q8_0_three_blocks",     kQ8,     29,   96,  5, kLogits,   kSmall},
    {"q8_0_small_weights",    kQ8,     17,   64,  1, kLogits,   kDecode, {.subnormal_scales = true}},
    {"q4_0_one_block",        kQ4,      2,   32,  1, kLogits,   kDecode},
    {"q4_0_five_blocks",      kQ4,    257,  160, 28, kLogits,   kPrefill},
    {"q4_0_small_weights",    kQ4,     17,   64,  1, kLogits,   kDecode, {.subnormal_scales = true}},
    {"q4_k_one_superblock",   kQ4K,     1,  256,  1, kLogits,   kDecode},
    {"q4_k_five_superblocks", kQ4K,    29, 1280, 13, kLogits,   kWidePrefill},
    {"q4_k_small_weights",    kQ4K,    17,  256,  1, kLogits,   kDecode, {.subnormal_scales = true}},
    {"q4_k_one_row",          kQ4K,     5,  768,  1, kLogits,   kOneRow},
    {"q6_k_one_superblock",   kQ6K,     2,  256,  1, kLogits,   kDecode},
    {"q6_k_five_superblocks", kQ6K,    31, 1280,  5, kLogits,   kSmall},
    {"q6_k_small_weights",    kQ6K,    17,  256,  1, kLogits,   kDecode, {.subnormal_scales = true}},
    {"q6_k_one_row",          kQ6K,     5,  768,  1, kLogits,   kOneRow},
    // Lanes that share a sum: fewer steps than lanes, as many, one more.
    {"lanes_few_steps",       kF32,     9,   12,  1, kLogits,   kDecodeLanes},
    {"lanes_equal_steps",     kF32,     9,   32,  1, kResidual, kDecodeLanes},
    {"lanes_one_more_step",   kQ8,      9,  576,  1, kResidual, kDecodeLanes},
    // Steps at once, and a part of them at the end.
    {"lanes_at_once_f32",     kF32,     9,  300,  1, kLogits,   kDecodeLanes},
    {"lanes_at_once_f16",     kF16,     9,  600,  1, kResidual, kDecodeLanes, {.norm = true}},
    // A loop over the blocks of a step.
    {"rolled_q8_0_lanes",     kQ8,      9,  576,  1, kResidual, rolled(kDecodeLanes)},
    {"rolled_q4_0",           kQ4,     29,  160, 13, kLogits,   rolled(kPrefill)},
    {"rolled_q4_k_lanes",     kQ4K,    67,  768,  1, kLogits,   rolled(kDecodeLanes), {.norm = true}},
    {"rolled_q6_k_lanes",     kQ6K,    29,  768,  1, kLogits,   rolled(kDecodeLanes)},
    {"rolled_complex_q4_k",   kQ4K,    34,  512,  5, kResidual, rolled(kPrefill), {.is_complex = true}},
    {"one_row_a_workgroup",   kF16,     5,  768,  1, kLogits,   kOneRow},
    // Every epilogue with and without bias, every activation.
    {"residual",              kF32,    60,   60,  3, kResidual, kPrefill},
    {"residual_without_bias", kF32,    60,   60,  3, kResidual, kPrefill, {.bias = false}},
    {"gelu_tanh",             kF32,    65,   60,  3, kActivate, kPrefill},
    {"gelu_erf",              kF32,    65,   60,  3, kActivate, kPrefill, {.activation = Activation::kGeluErf}},
    {"relu2",                 kF32,    65,   60,  3, kActivate, kPrefill, {.bias = false, .activation = Activation::kRelu2}},
    {"silu",                  kF32,    65,   60,  3, kActivate, kPrefill, {.activation = Activation::kSilu}},
    {"keep",                  kF16,    65,   60,  3, kKeep,     kPrefill},
    {"keep_lanes",            kQ8,      9,  576,  1, kKeep,     kDecodeLanes, {.bias = false}},
    {"multiply",              kF32,    65,   60,  3, kMultiply, kPrefill},
    {"multiply_sliced",       kQ4,     50,   64,  1, kMultiply, kDecode, {.bias = false, .rows_a_slice = 24}},
    {"scaled_residual",       kF32,    60,   60,  3, kResidual, kPrefill, {.scale = 0.4f}},
    {"scaled_capped_logits",  kF16,    67,   61,  2, kLogits,   kPrefill, {.scale = 1.5f, .cap = 7.0f}},
    {"capped_small_logits",   kF32,    67,   61,  1, kLogits,   kDecode, {.bias = false, .x_deviation = 1e-3f, .cap = 30.0f}},
    // One product an output: what is left is the error of the activation itself, tails included.
    {"gelu_tanh_alone",       kF32,   257,    1,  3, kActivate, kPrefill, {.bias = false, .x_deviation = 12}},
    {"gelu_erf_alone",        kF32,   257,    1,  3, kActivate, kPrefill, {.bias = false, .activation = Activation::kGeluErf, .x_deviation = 12}},
    {"silu_alone",            kF32,   257,    1,  3, kActivate, kPrefill, {.bias = false, .activation = Activation::kSilu, .x_deviation = 12}},
    {"relu2_alone",           kF32,   257,    1,  3, kActivate, kPrefill, {.bias = false, .activation = Activation::kRelu2, .x_deviation = 12}},
    // Activations that float16 would lose, and such as it does not hold.
    {"small_x",               kF16,    67,   60,  3, kLogits,   kPrefill, {.bias = false, .x_deviation = 1e-4f}},
    {"large_x",               kF16,    67,   60,  3, kLogits,   kPrefill, {.bias = false, .x_deviation = 1e5f}},
    // The norm inside.
    {"norm_f32",              kF32,    67,   60,  1, kActivate, kDecode, {.norm = true}},
    {"norm_f16_lanes",        kF16,    67,   61,  1, kLogits,   kDecodeLanes, {.bias = false, .norm = true}},
    {"norm_q8_0",             kQ8,     67,   96,  1, kLogits,   kDecodeLanes, {.norm = true}},
    {"norm_q4_0_each_token",  kQ4,     67,   96,  3, kLogits,   kDecode, {.norm = true}},
    {"norm_q4_k_lanes",       kQ4K,    67,  512,  1, kActivate, kDecodeLanes, {.norm = true}},
    {"norm_q6_k_each_token",  kQ6K,    67,  512,  3, kLogits,   kDecode, {.bias = false, .norm = true}},
    {"norm_gpt2_xl",          kF16,    16, 1600,  1, kActivate, kDecode, {.norm = true}},
    {"norm_rms",              kF32,    67,   61,  1, kActivate, kDecode, {.bias = false, .norm = true, .rms = true}},
    {"norm_rms_lanes",        kQ8,     67,   96,  1, kLogits,   kDecodeLanes, {.norm = true, .rms = true}},
    // GPT-2 small.
    {"gpt2_attn_output",      kF16,   768,  768,  5, kResidual, kPrefill},
    {"gpt2_ffn_up",           kQ8,   3072,  768,  1, kActivate, kDecode, {.norm = true}},
    {"gpt2_ffn_up_prompt",    kQ4,   3072,  768, 17, kActivate, kWidePrefill},
    {"gpt2_ffn_down",         kQ8,    768, 3072,  1, kResidual, kDecodeLanes},
    {"gpt2_ffn_down_f32",     kF32,   768, 3072,  2, kResidual, kPrefill},
    {"gpt2_ffn_up_q4_k",      kQ4K,  3072,  768,  1, kActivate, kDecode, {.norm = true}},
    {"gpt2_ffn_down_q6_k",    kQ6K,   768, 3072,  1, kResidual, kDecodeLanes},
    {"gpt2_output_q4_k",      kQ4K,   768,  768,  5, kResidual, kPrefill},
    {"gpt2_ffn_up_q6_k",      kQ6K,  3072,  768, 17, kActivate, kWidePrefill},
    {"q4_k_sliced",           kQ4K,    50,  512,  2, kResidual, kPrefill, {.rows_a_slice = 24}},
    {"q6_k_logits_sliced",    kQ6K,  5025,  256,  1, kLogits,   kDecode, {.bias = false, .norm = true, .rows_a_slice = 2000}},
    {"gpt2_logits_sliced",    kQ4,  50257,   96,  1, kLogits,   kDecode, {.bias = false, .norm = true, .rows_a_slice = 20000}},
    {"gpt2_logits_prompt",    kQ8,  50257,   32,  2, kLogits,   kPrefill, {.bias = false}},
    {"sliced_residual",       kF16,    50,   64,  5, kResidual, kPrefill, {.rows_a_slice = 16}},
    // Complex weights: half the numbers, the same shapes.
    {"complex_one_weight",    kF32,     2,    2,  1, kLogits,   kDecode, {.is_complex = true}},
    {"complex_f32",           kF32,    34,   60,  5, kResidual, kPrefill, {.is_complex = true}},
    {"complex_f16_norm",      kF16,    34,   60,  1, kResidual, kDecode, {.norm = true, .is_complex = true}},
    {"complex_bf16_lanes",    kBf16,   34,   62,  1, kLogits,   kDecodeLanes, {.is_complex = true}},
    {"complex_q8_0",          kQ8,    130,  192, 13, kResidual, kWidePrefill, {.is_complex = true}},
    {"complex_q4_0",          kQ4,    130,  192,  1, kResidual, kDecode, {.bias = false, .is_complex = true}},
    {"complex_q4_k",          kQ4K,   130,  512,  5, kResidual, kPrefill, {.is_complex = true}},
    {"complex_q4_k_lanes",    kQ4K,    66, 1536,  1, kLogits,   kDecodeLanes, {.norm = true, .is_complex = true}},
    {"complex_q6_k",          kQ6K,   130,  512,  1, kResidual, kDecode, {.bias = false, .is_complex = true}},
    {"complex_q6_k_sliced",   kQ6K,    50,  512,  2, kResidual, kSmall, {.rows_a_slice = 24, .is_complex = true}},
    {"complex_sliced",        kQ8,     50,   64,  2, kResidual, kPrefill, {.rows_a_slice = 24, .is_complex = true}},
    {"complex_gpt2",          kF16,   768,  768,  1, kResidual, kDecode, {.is_complex = true}},
    // The norm after: one workgroup, several, lanes, a row that ends within a quad.
    {"after_one_workgroup",  kF32,     5,    7,  1, kResidualNorm, kDecode},
    {"after_f32",            kF32,   770,   60,  1, kResidualNorm, kDecode, {.bias = false}},
    {"after_f16_lanes",      kF16,   131,   67,  1, kResidualNorm, kDecodeLanes},
    {"after_gpt2",           kQ8,    768, 3072,  1, kResidualNorm, kDecode},
    {"after_rms",            kF16,   131,   67,  1, kResidualNorm, kDecodeLanes, {.bias = false, .rms = true}},
    {"after_scaled",         kF32,    77,   60,  1, kResidualNorm, kDecode, {.scale = 0.4f}},
    {"after_complex",        kQ4,    130,  192,  1, kResidualNorm, kDecode, {.is_complex = true}},
};
// clang-format on

void apply_activation(Activation activation, LinearExpected& expected) {
    for (std::size_t i = 0; i < expected.y.size(); ++i) {
        double& y = expected.y[i];
        double& bound = expected.bounds[i];
        if (activation == Activation::kSilu) {
            // |silu'| < 1.1; exp is good to 3 + 2 |x| ULP, sum and quotient to 3.5.
            const double error = (6.5 + 2 * std::abs(y)) * 2 * kUnit;
            bound = 1.1 * bound + error * std::abs(reference::silu(y)) + 0x1p-126;
            y = reference::silu(y);
        } else if (activation == Activation::kRelu2) {
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

// tanh has a slope of at most 1. Its formula: below half the cap nine roundings of what it gives;
// above, exp is good to 3 + 2 |2u| ULP of at most exp(-1), and 1 - exp is at least 0.6.
void cap(double cap, double& y, double& bound) {
    y = reference::soft_cap(y, cap);
    bound += 20 * kUnit * std::abs(y);
}

}  // namespace

std::span<const LinearCase> linear_cases() {
    return kCases;
}

std::vector<LinearCase> linear_cases_of(WeightFormat format) {
    const std::uint32_t block = format_block_elements(format);
    const std::uint32_t odd = block >= 256 ? 3 * block : 5 * block;  // blocks: no whole step at 32
    // clang-format off
    std::vector<LinearCase> cases = {
        {"subnormal_block", format,   3,   block, 1, kLogits,   kDecode,           {.subnormal_scales = true}},
        {"odd_blocks",      format, 257,     odd, 5, kLogits,   kPrefill},
        {"lanes_norm",      format,  67,    1536, 1, kActivate, kDecodeLanes,      {.norm = true}},
        {"rolled",          format,  29,     odd, 9, kLogits,   rolled(kPrefill)},
        {"complex_slices",  format, 130, 2 * odd, 5, kResidual, kPrefill,          {.rows_a_slice = 24, .is_complex = true}},
    };
    if (format_info(format).has_scales()) {
        cases.push_back({"subnormal_ints",  format,   3,   block, 1, kLogits,   kDecode,           {.subnormal_scales = true, .integer_halves = true}});
        cases.push_back({"normal_ints",     format,   5,     odd, 1, kLogits,   kDecode,           {.integer_halves = true}});
    }
    // clang-format on
    return cases;
}

LinearData::LinearData(const LinearCase& linear_case) : c(linear_case) {
    const LinearOptions& o = c.options;
    reference::Generator generator(31);
    weights =
        random_weights(c.format, o.is_complex, c.n_rows, c.n_in, generator, o.subnormal_scales);
    x = generator.bells(std::size_t{c.n_tokens} * c.n_in, o.x_deviation);
    const std::uint32_t normed = c.epilogue == kResidualNorm ? c.n_rows : c.n_in;
    gain = generator.bells(normed);
    if (o.bias) norm_bias = generator.bells(normed);
    if (o.bias) bias = generator.bells(c.n_rows);
    residual = generator.bells(std::size_t{c.n_tokens} * c.n_rows);
}

LinearExpected expected_of(const LinearData& data) {
    const LinearCase& c = data.c;
    std::vector<double> x = reference::widen(data.x), x_error(x.size(), 0.0);
    if (c.options.norm) {
        const auto gain = reference::widen(data.gain), bias = reference::widen(data.norm_bias);
        const auto error = c.options.rms ? rms_norm_error : layer_norm_error;
        const auto norm = c.options.rms ? reference::rms_norm : reference::layer_norm;
        x_error = error(x, c.n_in, gain, bias, double{kNormEpsilon}, c.tiling.local_size);
        x = norm(x, c.n_in, gain, bias, double{kNormEpsilon});
    }
    const auto bias = reference::widen(data.bias);
    LinearExpected expected{data.weights.product(x, bias), data.weights.bounds(x, bias, c.tiling)};
    const auto carried = data.weights.magnitude(x_error, {});
    for (std::size_t i = 0; i < expected.y.size(); ++i) {
        double& bound = expected.bounds[i];
        bound += carried[i];
        if (c.options.scale != 1.0f) {
            expected.y[i] *= double{c.options.scale};
            bound = double{c.options.scale} * bound + kUnit * std::abs(expected.y[i]);
        }
        if (c.options.cap != 0.0f) cap(double{c.options.cap}, expected.y[i], bound);
        if (c.epilogue == kMultiply) {
            const auto factor = static_cast<double>(data.residual[i]);
            expected.y[i] *= factor;
            bound = std::abs(factor) * bound + kUnit * std::abs(expected.y[i]);
        }
        if (c.epilogue != kResidual && c.epilogue != kResidualNorm) continue;
        expected.y[i] += static_cast<double>(data.residual[i]);
        bound += kUnit * std::abs(expected.y[i]);
    }
    if (c.epilogue == LinearEpilogue::kActivate) apply_activation(c.options.activation, expected);
    return expected;
}

}  // namespace gyre::test
