// Layer normalisation, and that by the root mean square, in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gyre::reference {

// y[t, i] = (x[t, i] - mean_t) / sqrt(variance_t + epsilon) * gain[i] + bias[i], with the mean and
// the (biased, 1/n) variance over the channels of row t. x [n_tokens, n_channels]; gain
// [n_channels]; bias [n_channels], or empty: none. Ba, Kiros, Hinton, Layer Normalization,
// arXiv:1607.06450, equations 3 and 4.
std::vector<double> layer_norm(std::span<const double> x, std::size_t n_channels,
                               std::span<const double> gain, std::span<const double> bias,
                               double epsilon);

// y[t, i] = x[t, i] / sqrt(mean over i of x[t, i]^2 + epsilon) * gain[i] + bias[i]; shapes as
// above. Zhang, Sennrich, Root Mean Square Layer Normalization, arXiv:1910.07467, equation 4.
std::vector<double> rms_norm(std::span<const double> x, std::size_t n_channels,
                             std::span<const double> gain, std::span<const double> bias,
                             double epsilon);

}  // namespace gyre::reference
