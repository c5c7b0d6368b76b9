// Layer normalisation in float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/layer_norm.h"

#include <cassert>
#include <cmath>

namespace gyre::reference {

std::vector<double> layer_norm(std::span<const double> x, std::size_t n_channels,
                               std::span<const double> gain, std::span<const double> bias,
                               double epsilon) {
    assert(n_channels > 0 && x.size() % n_channels == 0);
    assert(gain.size() == n_channels && (bias.empty() || bias.size() == n_channels));
    std::vector<double> y(x.size());
    for (std::size_t row = 0; row < x.size(); row += n_channels) {
        const auto channels = x.subspan(row, n_channels);
        double mean = 0;
        for (const double value : channels)
            mean += value;
        mean /= static_cast<double>(n_channels);
        double variance = 0;
        for (const double value : channels)
            variance += (value - mean) * (value - mean);
        variance /= static_cast<double>(n_channels);
        const double deviation = std::sqrt(variance + epsilon);
        for (std::size_t i = 0; i < n_channels; ++i) {
            y[row + i] = (channels[i] - mean) / deviation * gain[i];
            if (!bias.empty()) y[row + i] += bias[i];
        }
    }
    return y;
}

std::vector<double> rms_norm(std::span<const double> x, std::size_t n_channels,
                             std::span<const double> gain, std::span<const double> bias,
                             double epsilon) {
    assert(n_channels > 0 && x.size() % n_channels == 0);
    assert(gain.size() == n_channels && (bias.empty() || bias.size() == n_channels));
    std::vector<double> y(x.size());
    for (std::size_t row = 0; row < x.size(); row += n_channels) {
        double squares = 0;
        for (const double value : x.subspan(row, n_channels))
            squares += value * value;
        const double root = std::sqrt(squares / static_cast<double>(n_channels) + epsilon);
        for (std::size_t i = 0; i < n_channels; ++i) {
            y[row + i] = x[row + i] / root * gain[i];
            if (!bias.empty()) y[row + i] += bias[i];
        }
    }
    return y;
}

}  // namespace gyre::reference
