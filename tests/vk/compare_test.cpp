// The comparison itself: a test that cannot fail is worth nothing.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/compare.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cmath>

namespace gyre::test {
namespace {

TEST(Compare, MeasuresAgainstTheLargestExpectedValue) {
    const std::vector<float> actual = {1.0f, -4.0f, 0.5f};
    const std::vector<double> expected = {1.0, -4.0, 0.75};
    const Comparison result = compare(actual, expected, 0.01);
    EXPECT_DOUBLE_EQ(result.max_expected, 4.0);
    EXPECT_DOUBLE_EQ(result.max_abs, 0.25);
    EXPECT_DOUBLE_EQ(result.max_rel, 0.0625);
    EXPECT_DOUBLE_EQ(result.nmse, 0.0625 / (1 + 16 + 0.5625));
    EXPECT_EQ(result.first_bad, 2u);
    EXPECT_EQ(result.worst, 2u);
    EXPECT_EQ(compare(actual, expected, 0.0625).n_bad, 0u);
}

TEST(Compare, NotANumberIsAlwaysBad) {
    const std::vector<float> actual = {NAN, INFINITY, INFINITY};
    const std::vector<double> expected = {1.0, 1.0, INFINITY};
    const Comparison result = compare(actual, expected, 1e30);
    EXPECT_EQ(result.n_bad, 2u);
    EXPECT_EQ(result.first_bad, 0u);
}

TEST(Compare, ExpectCloseFailsWithReasonAndPlace) {
    EXPECT_NONFATAL_FAILURE(
        ExpectClose(std::vector<float>{1.0f, 2.0f}, std::vector<double>{1.0, 2.5}, 0.1, "a reason"),
        "[1] = 2, expected 2.5");
    EXPECT_NONFATAL_FAILURE(
        ExpectClose(std::vector<float>{1.0f}, std::vector<float>{2.0f}, 0.1, "a reason"),
        "a reason");
    EXPECT_NONFATAL_FAILURE(
        ExpectClose(std::vector<float>{}, std::vector<double>{2.0}, 0.1, "a reason"), "0 values");
    ExpectClose(std::vector<float>{1.0f}, std::vector<double>{1.05}, 0.1, "near enough");
}

}  // namespace
}  // namespace gyre::test
