// Compares what a kernel computed with its reference, and says where and how far they differ.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace gyre::test {

inline constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

struct Comparison {
    double max_expected = 0;           // largest |expected|; 1 if all are zero
    double max_abs = 0;                // largest |actual - expected|
    double max_rel = 0;                // max_abs / max_expected
    double nmse = 0;                   // sum (actual - expected)^2 / sum expected^2
    std::size_t worst = kNowhere;      // index of max_abs
    std::size_t first_bad = kNowhere;  // first index beyond the tolerance, or not finite
    std::size_t n_bad = 0;
};

// tolerance: of |actual - expected|, as a part of the largest |expected|. A NaN in actual is always
// bad; an infinity is good only where the same one is expected.
Comparison compare(std::span<const float> actual, std::span<const double> expected,
                   double tolerance);

// One line: the errors and, if there are bad values, the first of them.
std::string describe(const Comparison& comparison, std::span<const float> actual,
                     std::span<const double> expected);

// Fails the running test unless all values are within the tolerance. reason: why the tolerance is
// what it is ("f16 scales: 2^-11"), shown when it fails.
void ExpectClose(std::span<const float> actual, std::span<const double> expected, double tolerance,
                 const char* reason, const char* file = __builtin_FILE(),
                 int line = __builtin_LINE());

void ExpectClose(std::span<const float> actual, std::span<const float> expected, double tolerance,
                 const char* reason, const char* file = __builtin_FILE(),
                 int line = __builtin_LINE());

// Vectors of either type convert to one of the overloads without a cast.
inline void ExpectClose(const std::vector<float>& actual, const std::vector<double>& expected,
                        double tolerance, const char* reason, const char* file = __builtin_FILE(),
                        int line = __builtin_LINE()) {
    ExpectClose(std::span<const float>(actual), std::span<const double>(expected), tolerance,
                reason, file, line);
}
inline void ExpectClose(const std::vector<float>& actual, const std::vector<float>& expected,
                        double tolerance, const char* reason, const char* file = __builtin_FILE(),
                        int line = __builtin_LINE()) {
    ExpectClose(std::span<const float>(actual), std::span<const float>(expected), tolerance, reason,
                file, line);
}

}  // namespace gyre::test
