// How much work a submission gets, from measured times.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/pace.h"

#include <gtest/gtest.h>

namespace gyre::test {
namespace {

TEST(PaceTest, BeginsWithTheLeast) {
    EXPECT_EQ(Pace(0.05, 1, 16).next(), 1u);
    EXPECT_EQ(Pace(0.05, 8, 128).next(), 8u);
    EXPECT_EQ(Pace(0.05, 8, 128).seconds_each(), 0.0);
}

TEST(PaceTest, FillsTheBudgetAndNoMore) {
    Pace pace(0.05, 1, 16);
    pace.took(2, 0.02);
    EXPECT_EQ(pace.next(), 5u);
    EXPECT_DOUBLE_EQ(pace.seconds_each(), 0.01);
    pace.took(5, 5 * 0.026);
    EXPECT_EQ(pace.next(), 1u);
    pace.took(1, 0.2);  // one is more than the budget, and less than one there is not
    EXPECT_EQ(pace.next(), 1u);
    pace.took(16, 1e-6);
    EXPECT_EQ(pace.next(), 16u);
    pace.took(16, 0.0);  // a clock that did not move
    EXPECT_EQ(pace.next(), 1u);
}

TEST(PaceTest, KeepsToMultiplesOfTheLeast) {
    Pace pace(0.05, 8, 100);
    pace.took(8, 8 * 0.05 / 31);
    EXPECT_EQ(pace.next(), 24u);
    pace.took(8, 8 * 0.05 / 99.5);
    EXPECT_EQ(pace.next(), 96u);
    pace.took(8, 8 * 0.05 / 101);
    EXPECT_EQ(pace.next(), 100u);
    pace.took(8, 8 * 0.05 / 7);
    EXPECT_EQ(pace.next(), 8u);
}

TEST(PaceTest, AFixedAmountStays) {
    Pace pace(0.05, 20, 20);
    for (const double seconds : {1e-9, 1.0, 100.0}) {
        EXPECT_EQ(pace.next(), 20u);
        pace.took(20, seconds);
    }
    EXPECT_EQ(pace.next(), 20u);
}

}  // namespace
}  // namespace gyre::test
