// Random weight matrices in every format: bytes as a file has them, the numbers they mean, and the
// device's layout.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/kernels/kernel_table.h"
#include "runtime/kernels/tensor.h"
#include "tests/reference/generator.h"

namespace gyre::test {

struct RandomMatrix {
    WeightFormat format = WeightFormat::kF32;
    std::uint32_t n_rows = 0;
    std::uint32_t n_in = 0;
    std::vector<std::uint8_t> bytes;  // rows as in a file
    std::vector<double> values;       // [n_rows][n_in], decoded by tests/reference
    std::vector<double> terms;        // the same, or |terms| where a value is a sum of two

    std::uint32_t n_chunks() const;  // of a row on the device, padding included
    std::uint32_t n_steps() const;   // what the product loop counts
    // Rows [first, first + count) in the device's layout, by runtime/model's repack_rows.
    std::vector<std::uint32_t> device_words(std::uint32_t first, std::uint32_t count) const;
};

// Random bits, not rounded numbers: every quant value (-128 and nibble 0 too) and every fraction
// occurs. Weights lie below 1 in magnitude, most of them near 1/8. n_in: a multiple of
// format_block_elements. subnormal_scales: the block scales are binary16 subnormals (below 2^-14),
// as they are in blocks whose weights are all small.
RandomMatrix random_matrix(WeightFormat format, std::uint32_t n_rows, std::uint32_t n_in,
                           reference::Generator& generator, bool subnormal_scales = false);

// What a product multiplies with: a matrix of real numbers, or of complex ones (CRoPE), which is
// kept as two matrices of half the rows and half the columns.
struct RandomWeights {
    bool is_complex = false;
    std::uint32_t n_rows = 0;  // outputs, real numbers
    std::uint32_t n_in = 0;    // inputs, real numbers
    RandomMatrix real, imag;   // imag: only of complex weights

    // y [n_tokens][n_rows], and the sum of |terms| of each.
    std::vector<double> product(std::span<const double> x, std::span<const double> bias) const;
    std::vector<double> magnitude(std::span<const double> x, std::span<const double> bias) const;
    // How far y may be from product() by rounding, with sums in the tiling's order.
    std::vector<double> bounds(std::span<const double> x, std::span<const double> bias,
                               const Tiling& tiling) const;
};

RandomWeights random_weights(WeightFormat format, bool is_complex, std::uint32_t n_rows,
                             std::uint32_t n_in, reference::Generator& generator,
                             bool subnormal_scales = false);

std::uint32_t format_block_elements(WeightFormat format);  // a row is a multiple of it
const char* format_name(WeightFormat format);
std::vector<WeightFormat> all_formats();  // WEIGHT_FORMAT_LIST

}  // namespace gyre::test
