// How far a correct float32 kernel may be from the float64 reference: bounds derived, not measured.
// SPDX-License-Identifier: Apache-2.0
//
// First-order rounding analysis (Higham, Accuracy and Stability of Numerical Algorithms, chapters 3
// and 4): a sum whose longest chain has n roundings is off by at most n u (sum of |terms|). Library
// functions by Vulkan 1.1, appendix "Precision and Operation of SPIR-V Instructions": division 2.5
// ULP, inversesqrt 2 ULP, exp 3 + 2 |x| ULP; 1 ULP = 2 u at most.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gyre::test {

inline constexpr double kUnit = 0x1p-24;      // u: half a unit in the last place of a float32
inline constexpr double kHalfUnit = 0x1p-10;  // of a binary16; packHalf2x16 may round either way
inline constexpr double kHalfTiny = 0x1p-24;  // what is lost of a subnormal binary16

// The longest chain of roundings in a product of n_in elements: k_lanes invocations take four
// elements a time, and the lanes are added in order; then scale, bias and what follows.
double product_roundings(std::uint32_t n_in, std::uint32_t k_lanes);

// The same by matrix units, which add products in any order: and the parts of both factors. A
// factor is a binary16 and 2^10 times what that leaves in another; each may be rounded either way,
// by less than 2^-10 of what it is to hold. What is left of weight and x, and the product of the
// two second parts, are 2^-20 of a product each.
double cooperative_roundings(std::uint32_t n_in);
inline constexpr double kWeightTiny = 0x1p-34;      // what is lost of a weight however small
inline constexpr double kActivationTiny = 0x1p-30;  // of x, which goes in as a sixteenth

// Error of norm.comp for every element of x [n_tokens, n_channels]; local_size invocations sum a
// row.
std::vector<double> layer_norm_error(std::span<const double> x, std::size_t n_channels,
                                     std::span<const double> gain, std::span<const double> bias,
                                     double epsilon, std::uint32_t local_size);

// The same of an RMS norm, whose sum has one pass.
std::vector<double> rms_norm_error(std::span<const double> x, std::size_t n_channels,
                                   std::span<const double> gain, std::span<const double> bias,
                                   double epsilon, std::uint32_t local_size);

// Compares element by element. bounds: one an element. On failure: how many are out of bounds, the
// first such index, the largest absolute and relative error and the largest share of the bound.
testing::AssertionResult within(std::span<const float> found, std::span<const double> expected,
                                std::span<const double> bounds);

// Equal bits.
testing::AssertionResult same_bits(std::span<const float> found, std::span<const float> expected);

}  // namespace gyre::test
