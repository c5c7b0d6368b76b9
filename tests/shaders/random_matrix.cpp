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

void append_quants(Bytes& bytes, std::uint32_t n, Generator& generator) {
    for (std::uint32_t i = 0; i < n; ++i)
        bytes.push_back(static_cast<std::uint8_t>(generator.below(256)));
}

void append_block(Bytes& bytes, std::uint32_t scale, std::uint32_t n_quant_bytes,
                  Generator& generator) {
    append_u16(bytes, scale);
    append_quants(bytes, n_quant_bytes, generator);
}

Bytes random_row(WeightFormat format, std::uint32_t n_in, Generator& generator,
                 bool subnormal_scales) {
    Bytes bytes;
    const auto scale = [&](std::uint32_t lowest_exponent, std::uint32_t n_exponents = 4) {
        return subnormal_scales ? 1 + generator.below(1023)
                                : random_half(generator, lowest_exponent, n_exponents);
    };
    switch (format) {
        case WeightFormat::kF32:
            for (std::uint32_t i = 0; i < n_in; ++i) {
                const std::uint32_t word = as_word(generator.uniform() * 0.25f);
                append_u16(bytes, word);
                append_u16(bytes, word >> 16);
            }
            break;
        case WeightFormat::kF16:  // bias 15: 2^-6 to 2^-2
            for (std::uint32_t i = 0; i < n_in; ++i)
                append_u16(bytes, random_half(generator, 9));
            break;
        case WeightFormat::kBf16:  // bias 127: 2^-6 to 2^-2
            for (std::uint32_t i = 0; i < n_in; ++i) {
                append_u16(bytes, generator.below(2) << 15 | (121 + generator.below(4)) << 7 |
                                      generator.below(128));
            }
            break;
        case WeightFormat::kQ8_0:  // scales 2^-13 to 2^-9, quants to 128
            for (std::uint32_t i = 0; i < n_in; i += 32)
                append_block(bytes, scale(2), 32, generator);
            break;
        case WeightFormat::kQ4_0:  // scales 2^-9 to 2^-5, quants to 8
            for (std::uint32_t i = 0; i < n_in; i += 32)
                append_block(bytes, scale(6), 16, generator);
            break;
        case WeightFormat::kQ4_K:  // d to 2^-11 times 63 * 15, dmin to 2^-8 times 63
            for (std::uint32_t i = 0; i < n_in; i += 256) {
                append_u16(bytes, scale(0));
                append_block(bytes, scale(3), 140, generator);
            }
            break;
        case WeightFormat::kQ6_K:  // d to 2^-12, scales to 128, quants to 32
            for (std::uint32_t i = 0; i < n_in; i += 256) {
                append_quants(bytes, 208, generator);
                append_u16(bytes, scale(0, 3));
            }
            break;
    }
    return bytes;
}

std::vector<double> decode(WeightFormat format, const Bytes& bytes) {
    switch (format) {
        case WeightFormat::kF32:
            return reference::decode_f32_row(bytes);
        case WeightFormat::kF16:
            return reference::decode_f16_row(bytes);
        case WeightFormat::kBf16:
            return reference::decode_bf16_row(bytes);
        case WeightFormat::kQ8_0:
            return reference::decode_q8_0_row(bytes);
        case WeightFormat::kQ4_0:
            return reference::decode_q4_0_row(bytes);
        case WeightFormat::kQ4_K:
            return reference::decode_q4_k_row(bytes);
        case WeightFormat::kQ6_K:
            return reference::decode_q6_k_row(bytes);
    }
    return {};
}

struct FormatRow {
    WeightFormat format;
    const char* name;
    std::uint32_t chunk, step;  // elements
};

const FormatRow kFormats[] = {
#define GYRE_FORMAT_ROW(id, NAME, cpp, chunk, vecs, step, scales) \
    {WeightFormat::k##cpp, #NAME, chunk, step},
    WEIGHT_FORMAT_LIST(GYRE_FORMAT_ROW)
#undef GYRE_FORMAT_ROW
};

const FormatRow& row_of(WeightFormat format) {
    return kFormats[static_cast<std::uint32_t>(format)];
}

}  // namespace

std::uint32_t format_block_elements(WeightFormat format) {
    switch (format) {
        case WeightFormat::kQ8_0:
        case WeightFormat::kQ4_0:
            return 32;
        case WeightFormat::kQ4_K:
        case WeightFormat::kQ6_K:
            return 256;
        default:
            return 1;
    }
}
const char* format_name(WeightFormat format) {
    return row_of(format).name;
}

std::vector<WeightFormat> all_formats() {
    std::vector<WeightFormat> formats;
    for (const FormatRow& row : kFormats)
        formats.push_back(row.format);
    return formats;
}

std::uint32_t RandomMatrix::n_steps() const {
    return (n_in + row_of(format).step - 1) / row_of(format).step;
}

std::uint32_t RandomMatrix::n_chunks() const {
    return n_steps() * (row_of(format).step / row_of(format).chunk);
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
    matrix.values = decode(format, matrix.bytes);
    switch (format) {
        case WeightFormat::kQ4_0:
            matrix.terms = reference::q4_0_row_terms(matrix.bytes);
            break;
        case WeightFormat::kQ4_K:
            matrix.terms = reference::q4_k_row_terms(matrix.bytes);
            break;
        default:
            matrix.terms = matrix.values;
    }
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
    const double roundings =
        tiling.cooperative ? cooperative_roundings(n_in) : product_roundings(n_in, tiling.k_lanes);
    std::vector<double> bounds = magnitude(x, bias);
    for (double& bound : bounds)
        bound *= roundings * kUnit;
    if (!tiling.cooperative) return bounds;
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
