// How many tokens per submission gets, from measured times.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/pace.h"

#include <gtest/gtest.h>

namespace gyre::test {
namespace {

TEST(PaceTest, BeginsWithOne) {
    EXPECT_EQ(Pace(0.05, 16).next(), 1u);
    EXPECT_EQ(Pace(0.05, 16).seconds_each(), 0.0);
}

TEST(PaceTest, FillsTheBudgetAndNoMore) {
    Pace pace(0.05, 16);
    pace.took(2, 0.02);
    EXPECT_EQ(pace.next(), 5u);
    EXPECT_DOUBLE_EQ(pace.seconds_each(), 0.01);
    pace.took(5, 5 * 0.026);
    EXPECT_EQ(pace.next(), 1u);
    pace.took(1, 0.2);  // one is more than the budget
    EXPECT_EQ(pace.next(), 1u);
    pace.took(16, 1e-6);
    EXPECT_EQ(pace.next(), 16u);
    pace.took(16, 0.0);  // a clock that did not move
    EXPECT_EQ(pace.next(), 1u);
}

TEST(PaceTest, KnowsWhenOneIsTooMuch) {
    Pace pace(0.05, 16);
    EXPECT_TRUE(pace.one_exceeds(0.06)) << "by the guess, as nothing was measured";
    EXPECT_FALSE(pace.one_exceeds(0.04));
    pace.took(2, 0.02);
    EXPECT_FALSE(pace.one_exceeds(0.06));
    pace.took(1, 0.051);
    EXPECT_TRUE(pace.one_exceeds(0.0));
}

}  // namespace
}  // namespace gyre::test
