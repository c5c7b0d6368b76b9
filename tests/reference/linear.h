// Matrix times vectors in float64: real and complex weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gyre::reference {

// y[t, r] = sum over i of weight[r, i] * x[t, i], plus bias[r].
// x [n_tokens, n_in]; weight [n_out, n_in], one row an output; bias [n_out], or empty: none.
std::vector<double> linear(std::span<const double> x, std::span<const double> weight,
                           std::span<const double> bias, std::size_t n_in);

// The same with |x|, |weight|, |bias|: what the rounding error of any order of summation is
// proportional to. |computed - exact| <= n * u * magnitude to first order, n additions, u = 2^-24.
// Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 4.2.
std::vector<double> linear_magnitude(std::span<const double> x, std::span<const double> weight,
                                     std::span<const double> bias, std::size_t n_in);

// Channels (2c, 2c + 1) of x are the complex number x_c, channels (2r, 2r + 1) of y are y_r:
// y_r = sum over c of (re[r, c] + i im[r, c]) * x_c, plus bias (a plain vector over the channels).
// x [n_tokens, n_in]; re, im [n_out / 2, n_in / 2]; bias [n_out], or empty: none.
// Lou, Xu, CRoPE, arXiv:2601.02728, equation 30, in which w = a - i b.
std::vector<double> complex_linear(std::span<const double> x, std::span<const double> re,
                                   std::span<const double> im, std::span<const double> bias,
                                   std::size_t n_in);

}  // namespace gyre::reference
