// Random weight matrices in every format: bytes as a file has them, the numbers they mean, and the
// device's layout.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/random_matrix.h"

#include <cassert>

#include "runtime/base/host_size.h"
#include "runtime/model/weight_formats.h"
#include "tests/reference/linear.h"
#include "tests/reference/weight_decode.h"
#include "tests/shaders/buffer_image.h"
#include "tests/shaders/rounding.h"

namespace gyre::test {
namespace {

using reference::Generator;
using Bytes = std::vector<std::uint8_t>;

void append_u16(Bytes& bytes, std::uint32_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value));
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
}

// Any sign and fraction, 2^(lowest - bias) <= |value| < 2^(lowest + n - bias); subnormal for 0.
std::uint32_t random_half(Generator& generator, std::uint32_t lowest_exponent,
                          std::uint32_t n_exponents = 4) {
    const std::uint32_t exponent = lowest_exponent + generator.below(n_exponents);
    return generator.below(2) << 15 | exponent << 10 | generator.below(1024);
}

// Where a block has float16 numbers that scale its elements, and what exponents keep those small:
// elements are at most about a quarter.
struct ScaleField {
    WeightFormat format;
    std::uint32_t at;
    std::uint32_t lowest_exponent;
    std::uint32_t n_exponents = 4;
};
constexpr ScaleField kScaleFields[] = {
    {WeightFormat::kQ8_0, 0, 2},  // scales 2^-13 to 2^-9, quants to 128
    {WeightFormat::kQ4_0, 0, 6},  // to 2^-5, quants to 8
    {WeightFormat::kQ4_1, 0, 5},  // to 2^-6, quants to 15
    {WeightFormat::kQ4_1, 2, 8},
    {WeightFormat::kQ5_0, 0, 5},  // to 2^-6, quants to 16
    {WeightFormat::kQ5_1, 0, 4},
    {WeightFormat::kQ5_1, 2, 8},
    {WeightFormat::kQ2_K, 80, 3},  // d to 2^-8 times 15 * 3, dmin times 15
    {WeightFormat::kQ2_K, 82, 3},
    {WeightFormat::kQ3_K, 108, 2},  // d to 2^-9, scales to 32, quants to 4
    {WeightFormat::kQ4_K, 0, 0},    // d to 2^-11 times 63 * 15, dmin to 2^-8 times 63
    {WeightFormat::kQ4_K, 2, 3},
    {WeightFormat::kQ5_K, 0, 0, 2},  // d to 2^-13 times 63 * 31
    {WeightFormat::kQ5_K, 2, 3},
    {WeightFormat::kQ6_K, 208, 0, 3},  // d to 2^-12, scales to 128, quants to 32
    {WeightFormat::kIq4Nl, 0, 2},      // to 2^-9, levels to 127
    {WeightFormat::kIq4Xs, 0, 0, 2},   // d to 2^-13, scales to 32
    {WeightFormat::kTq2_0, 64, 8},     // to 2^-3, quants to 2
};
constexpr std::uint32_t kLowestE8m0 = 118, kE8m0s = 6;  // 2^-9 to 2^-4, elements to 6

void put_u16(Bytes& bytes, std::size_t at, std::uint32_t value) {
    bytes[at] = static_cast<std::uint8_t>(value);
    bytes[at + 1] = static_cast<std::uint8_t>(value >> 8);
}

void append_plain(WeightFormat format, Generator& generator, Bytes& bytes) {
    if (format == WeightFormat::kF32) {
        const std::uint32_t word = as_word(generator.uniform() * 0.25f);
        append_u16(bytes, word);
        append_u16(bytes, word >> 16);
    } else if (format == WeightFormat::kF16) {  // bias 15: 2^-6 to 2^-2
        append_u16(bytes, random_half(generator, 9));
    } else {  // bias 127: 2^-6 to 2^-2
        append_u16(bytes, generator.below(2) << 15 | (121 + generator.below(4)) << 7 |
                              generator.below(128));
    }
}

void append_block(WeightFormat format, Generator& generator, bool subnormal_scales, Bytes& bytes) {
    const std::size_t start = bytes.size();
    for (std::uint32_t i = 0; i < format_info(format).block_bytes; ++i)
        bytes.push_back(static_cast<std::uint8_t>(generator.below(256)));
    for (const ScaleField& field : kScaleFields) {
        if (field.format != format) continue;
        put_u16(bytes, start + field.at,
                subnormal_scales
                    ? generator.below(2) << 15 | (1 + generator.below(1023))
                    : random_half(generator, field.lowest_exponent, field.n_exponents));
    }
    if (format_info(format).scales == WeightScales::kE8m0) {
        const std::uint32_t exponent =
            subnormal_scales ? generator.below(4) : kLowestE8m0 + generator.below(kE8m0s);
        bytes[start] = static_cast<std::uint8_t>(exponent);
    }
}

Bytes random_row(WeightFormat format, std::uint32_t n_in, Generator& generator,
                 bool subnormal_scales) {
    Bytes bytes;
    for (std::uint32_t i = 0; i < n_in; i += format_block_elements(format)) {
        if (format_info(format).has_scales()) {
            append_block(format, generator, subnormal_scales, bytes);
        } else {
            append_plain(format, generator, bytes);
        }
    }
    return bytes;
}

}  // namespace

std::uint32_t format_block_elements(WeightFormat format) {
    return format_info(format).block_elements;
}
const char* format_name(WeightFormat format) {
    return format_info(format).name;
}

std::vector<WeightFormat> all_formats() {
    std::vector<WeightFormat> formats;
    for (const WeightFormatInfo& info : weight_formats())
        formats.push_back(info.format);
    return formats;
}

std::uint32_t RandomMatrix::n_steps() const {
    const std::uint32_t step = format_info(format).step_elements();
    return (n_in + step - 1) / step;
}

std::uint32_t RandomMatrix::n_chunks() const {
    return n_steps() * (format_info(format).step_elements() / format_info(format).chunk_elements);
}

std::vector<std::uint32_t> RandomMatrix::device_words(std::uint32_t first,
                                                      std::uint32_t count) const {
    const DeviceMatrix slice{format, count, n_in};
    assert(slice.n_chunks() == n_chunks());
    const std::size_t row = bytes.size() / n_rows;
    const std::span<const std::uint8_t> all(bytes);
    std::vector<std::uint32_t> words(host_size(slice.size_words()), kUntouched);
    repack_rows(slice, all.subspan(first * row, count * row), 0, count, words);
    return words;
}

RandomMatrix random_matrix(WeightFormat format, std::uint32_t n_rows, std::uint32_t n_in,
                           Generator& generator, bool subnormal_scales) {
    assert(n_in % format_block_elements(format) == 0);
    RandomMatrix matrix{format, n_rows, n_in, {}, {}, {}};
    for (std::uint32_t row = 0; row < n_rows; ++row) {
        const Bytes bytes = random_row(format, n_in, generator, subnormal_scales);
        matrix.bytes.insert(matrix.bytes.end(), bytes.begin(), bytes.end());
    }
    matrix.values = reference::decode_row(format_name(format), matrix.bytes);
    matrix.terms = reference::row_terms(format_name(format), matrix.bytes);
    return matrix;
}

RandomWeights random_weights(WeightFormat format, bool is_complex, std::uint32_t n_rows,
                             std::uint32_t n_in, Generator& generator, bool subnormal_scales) {
    RandomWeights weights;
    weights.is_complex = is_complex;
    weights.n_rows = n_rows;
    weights.n_in = n_in;
    const std::uint32_t parts = is_complex ? 2 : 1;
    assert(n_rows % parts == 0 && n_in % parts == 0);
    weights.real = random_matrix(format, n_rows / parts, n_in / parts, generator, subnormal_scales);
    if (is_complex)
        weights.imag = random_matrix(format, n_rows / 2, n_in / 2, generator, subnormal_scales);
    return weights;
}

std::vector<double> RandomWeights::product(std::span<const double> x,
                                           std::span<const double> bias) const {
    if (!is_complex) return reference::linear(x, real.values, bias, n_in);
    return reference::complex_linear(x, real.values, imag.values, bias, n_in);
}

// The terms of Re y are re Re x and -im Im x, those of Im y are re Im x and im Re x: a matrix of
// real numbers with those rows has the same sum of |terms|.
std::vector<double> RandomWeights::magnitude(std::span<const double> x,
                                             std::span<const double> bias) const {
    if (!is_complex) return reference::linear_magnitude(x, real.terms, bias, n_in);
    std::vector<double> dense(std::size_t{n_rows} * n_in);
    for (std::size_t r = 0; r < n_rows / 2; ++r) {
        for (std::size_t c = 0; c < n_in / 2; ++c) {
            const double re = real.terms[r * n_in / 2 + c], im = imag.terms[r * n_in / 2 + c];
            dense[2 * r * n_in + 2 * c] = dense[(2 * r + 1) * n_in + 2 * c + 1] = re;
            dense[2 * r * n_in + 2 * c + 1] = dense[(2 * r + 1) * n_in + 2 * c] = im;
        }
    }
    return reference::linear_magnitude(x, dense, bias, n_in);
}

std::vector<double> RandomWeights::bounds(std::span<const double> x, std::span<const double> bias,
                                          const Tiling& tiling) const {
    const double roundings = tiling.cooperative() ? cooperative_roundings(n_in)
                                                  : product_roundings(n_in, tiling.k_lanes);
    std::vector<double> bounds = magnitude(x, bias);
    for (double& bound : bounds)
        bound *= roundings * kUnit;
    if (!tiling.cooperative()) return bounds;
    const std::vector<double> ones(x.size(), 1.0);
    const std::vector<double> weights = magnitude(ones, {});
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        double x_sum = 0;
        for (const double value : x.subspan(i / n_rows * n_in, n_in))
            x_sum += std::abs(value);
        bounds[i] += kWeightTiny * x_sum + kActivationTiny * weights[i];
    }
    return bounds;
}

}  // namespace gyre::test
