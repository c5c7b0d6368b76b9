// How many tokens per submission gets, from measured times.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/submission_pacer.h"

#include <gtest/gtest.h>

namespace gyre::test {
namespace {

TEST(SubmissionPacerTest, BeginsWithOne) {
    EXPECT_EQ(SubmissionPacer(0.05, 16).next(), 1u);
    EXPECT_EQ(SubmissionPacer(0.05, 16).seconds_each(), 0.0);
}

TEST(SubmissionPacerTest, FillsTheBudgetAndNoMore) {
    SubmissionPacer pacer(0.05, 16);
    pacer.took(2, 0.02);
    EXPECT_EQ(pacer.next(), 5u);
    EXPECT_DOUBLE_EQ(pacer.seconds_each(), 0.01);
    pacer.took(5, 5 * 0.026);
    EXPECT_EQ(pacer.next(), 1u);
    pacer.took(1, 0.2);  // one is more than the budget
    EXPECT_EQ(pacer.next(), 1u);
    pacer.took(16, 1e-6);
    EXPECT_EQ(pacer.next(), 16u);
    pacer.took(16, 0.0);  // a clock that did not move
    EXPECT_EQ(pacer.next(), 1u);
}

TEST(SubmissionPacerTest, KnowsWhenOneIsTooMuch) {
    SubmissionPacer pacer(0.05, 16);
    EXPECT_TRUE(pacer.one_exceeds(0.06)) << "by the guess, as nothing was measured";
    EXPECT_FALSE(pacer.one_exceeds(0.04));
    pacer.took(2, 0.02);
    EXPECT_FALSE(pacer.one_exceeds(0.06));
    pacer.took(1, 0.051);
    EXPECT_TRUE(pacer.one_exceeds(0.0));
}

}  // namespace
}  // namespace gyre::test
