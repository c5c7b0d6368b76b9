// How far a correct float32 kernel may be from the float64 reference: bounds derived, not measured.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/rounding.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace gyre::test {

double product_roundings(std::uint32_t n_in, std::uint32_t k_lanes) {
    // Four products and their sum are one dot: 4 roundings, of which 3 are in no chain with others;
    // a block format adds its block's sum and scale: one more for every 32 elements.
    return std::ceil(n_in / (4.0 * k_lanes)) + std::ceil(n_in / (32.0 * k_lanes)) + k_lanes + 8.0;
}

double cooperative_roundings(std::uint32_t n_in) {
    return n_in + 8.0 + 3 * 0x1p-20 / kUnit;
}

std::vector<double> layer_norm_error(std::span<const double> x, std::size_t n_channels,
                                     std::span<const double> gain, std::span<const double> bias,
                                     double epsilon, std::uint32_t local_size) {
    const auto n = static_cast<double>(n_channels);
    const double chain = std::ceil(n / local_size) + local_size + 3;
    std::vector<double> error(x.size());
    for (std::size_t row = 0; row < x.size(); row += n_channels) {
        double mean = 0, mean_abs = 0, variance = 0;
        for (std::size_t i = 0; i < n_channels; ++i) {
            mean += x[row + i] / n;
            mean_abs += std::abs(x[row + i]) / n;
        }
        for (std::size_t i = 0; i < n_channels; ++i) {
            variance += (x[row + i] - mean) * (x[row + i] - mean) / n;
        }
        const double mean_error = chain * kUnit * mean_abs;
        const double deviation = std::sqrt(variance + epsilon);
        // An error of the mean adds its square to the variance: the first-order term sums to zero.
        const double statistics_error =
            (chain / 2 + 8) * kUnit + mean_error * mean_error / (deviation * deviation);
        for (std::size_t i = 0; i < n_channels; ++i) {
            const double centred = std::abs(x[row + i] - mean) / deviation;
            const double relative = statistics_error + 6 * kUnit;
            error[row + i] = (mean_error / deviation + centred * relative) * std::abs(gain[i]);
            const double y = centred * std::abs(gain[i]);
            error[row + i] += kUnit * (y + (bias.empty() ? 0.0 : std::abs(bias[i])));
        }
    }
    return error;
}

std::vector<double> rms_norm_error(std::span<const double> x, std::size_t n_channels,
                                   std::span<const double> gain, std::span<const double> bias,
                                   double epsilon, std::uint32_t local_size) {
    const auto n = static_cast<double>(n_channels);
    const double chain = std::ceil(n / local_size) + local_size + 3;
    std::vector<double> error(x.size());
    for (std::size_t row = 0; row < x.size(); row += n_channels) {
        double squares = 0;
        for (std::size_t i = 0; i < n_channels; ++i)
            squares += x[row + i] * x[row + i] / n;
        const double root = std::sqrt(squares + epsilon);
        for (std::size_t i = 0; i < n_channels; ++i) {
            // Half of the sum's relative error is left after the root; 14 roundings as above.
            const double y = std::abs(x[row + i] / root * gain[i]);
            error[row + i] = y * (chain / 2 + 14) * kUnit;
            error[row + i] += kUnit * (y + (bias.empty() ? 0.0 : std::abs(bias[i])));
        }
    }
    return error;
}

testing::AssertionResult within(std::span<const float> found, std::span<const double> expected,
                                std::span<const double> bounds) {
    if (found.size() != expected.size() || found.size() != bounds.size()) {
        return testing::AssertionFailure() << found.size() << " found, " << expected.size()
                                           << " expected, " << bounds.size() << " bounds";
    }
    std::size_t n_bad = 0, first_bad = 0;
    double largest = 0, largest_relative = 0, largest_share = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double error = std::abs(static_cast<double>(found[i]) - expected[i]);
        const bool bad = !(error <= bounds[i]);  // NaN is bad
        if (bad && n_bad++ == 0) first_bad = i;
        if (std::isnan(error)) continue;
        largest = std::max(largest, error);
        if (expected[i] != 0)
            largest_relative = std::max(largest_relative, error / std::abs(expected[i]));
        if (bounds[i] > 0) largest_share = std::max(largest_share, error / bounds[i]);
    }
    testing::Test::RecordProperty("largest_share_of_bound", std::to_string(largest_share));
    if (n_bad == 0) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << n_bad << " of " << found.size() << " out of bounds; first at " << first_bad << ": "
           << found[first_bad] << ", expected " << expected[first_bad] << " +- "
           << bounds[first_bad] << "; max abs error " << largest << ", max rel " << largest_relative
           << ", max share of the bound " << largest_share;
}

testing::AssertionResult same_bits(std::span<const float> found, std::span<const float> expected) {
    if (found.size() != expected.size()) {
        return testing::AssertionFailure()
               << found.size() << " found, " << expected.size() << " expected";
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (std::bit_cast<std::uint32_t>(found[i]) == std::bit_cast<std::uint32_t>(expected[i]))
            continue;
        return testing::AssertionFailure()
               << "first difference at " << i << ": " << found[i] << " and " << expected[i]
               << ", difference " << found[i] - expected[i];
    }
    return testing::AssertionSuccess();
}

}  // namespace gyre::test
