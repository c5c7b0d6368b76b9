// Error measures.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace gyre::test {

namespace {

// Infinity for a NaN and for an infinity that is not expected.
double distance(double actual, double expected) {
    if (actual == expected) return 0;
    const double d = std::fabs(actual - expected);
    return std::isfinite(d) ? d : INFINITY;
}

}  // namespace

Comparison compare(std::span<const float> actual, std::span<const double> expected,
                   double tolerance) {
    Comparison result;
    double squares = 0;
    double error_squares = 0;
    for (const double value : expected) {
        if (!std::isfinite(value)) continue;
        result.max_expected = std::max(result.max_expected, std::fabs(value));
        squares += value * value;
    }
    if (result.max_expected == 0) result.max_expected = 1;
    const std::size_t n = std::min(actual.size(), expected.size());
    for (std::size_t i = 0; i < n; ++i) {
        const double d = distance(static_cast<double>(actual[i]), expected[i]);
        error_squares += d * d;
        if (result.worst == kNowhere || d > result.max_abs) {
            result.max_abs = d;
            result.worst = i;
        }
        if (d <= tolerance * result.max_expected) continue;
        ++result.n_bad;
        if (result.first_bad == kNowhere) result.first_bad = i;
    }
    result.max_rel = result.max_abs / result.max_expected;
    result.nmse = squares > 0 ? error_squares / squares : error_squares;
    return result;
}

std::string describe(const Comparison& comparison, std::span<const float> actual,
                     std::span<const double> expected) {
    std::ostringstream out;
    out.precision(9);
    out << "max abs " << comparison.max_abs << ", max rel to " << comparison.max_expected << " "
        << comparison.max_rel << ", NMSE " << comparison.nmse;
    const auto show = [&](const char* what, std::size_t i) {
        if (i == kNowhere) return;
        out << "; " << what << " [" << i << "] = " << actual[i] << ", expected " << expected[i];
    };
    if (comparison.n_bad > 0) {
        out << "; " << comparison.n_bad << " of " << expected.size() << " are bad";
        show("first", comparison.first_bad);
        show("worst", comparison.worst);
    }
    return out.str();
}

void ExpectClose(std::span<const float> actual, std::span<const double> expected, double tolerance,
                 const char* reason, const char* file, int line) {
    if (actual.size() != expected.size()) {
        ADD_FAILURE_AT(file, line) << actual.size() << " values, expected " << expected.size();
        return;
    }
    const Comparison comparison = compare(actual, expected, tolerance);
    if (comparison.n_bad == 0) return;
    ADD_FAILURE_AT(file, line) << describe(comparison, actual, expected) << "; tolerance "
                               << tolerance << " (" << reason << ")";
}

void ExpectClose(std::span<const float> actual, std::span<const float> expected, double tolerance,
                 const char* reason, const char* file, int line) {
    const std::vector<double> wide(expected.begin(), expected.end());
    ExpectClose(actual, std::span<const double>(wide), tolerance, reason, file, line);
}

}  // namespace gyre::test
