// What work is expected to take, from measured times.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/work_rates.h"

#include <gtest/gtest.h>

namespace gyre::test {
namespace {

constexpr WorkKind kPrompt = WorkKind::kPromptProduct;
constexpr WorkKind kToken = WorkKind::kTokenProduct;
constexpr WorkKind kAttention = WorkKind::kAttention;

Work work(double prompt, double attention = 0.0) {
    Work work;
    work.add(kPrompt, prompt);
    work.add(kAttention, attention);
    return work;
}

TEST(WorkRatesTest, ExpectsNextTimeWhatTheLastOneTook) {
    WorkRates rates;
    rates.took(work(1e9), 5.0);
    EXPECT_NEAR(rates.seconds(kPrompt, 1e9), 5.0, 1e-9);
    EXPECT_NEAR(rates.seconds(kPrompt, 2e8), 1.0, 1e-9);
    rates.took(work(1e9), 50.0);
    EXPECT_NEAR(rates.seconds(work(1e9)), 50.0, 1e-9);
    rates.took(work(1e9), 30.0);
    EXPECT_NEAR(rates.seconds(work(1e9)), 30.0, 1e-9);
}

// Catches: one wrong measurement that makes the next submission many times too long.
TEST(WorkRatesTest, GoodNewsIsBelievedByHalves) {
    WorkRates rates;
    rates.took(work(1e9), 8.0);
    rates.took(work(1e9), 1e-3);
    EXPECT_NEAR(rates.seconds(kPrompt, 1e9), 4.0, 1e-9);
    EXPECT_NEAR(rates.seconds(kAttention, 1e9), 4.0, 1e-9) << "follows";
    rates.took(work(1e9, 1e9), 1e-3);
    EXPECT_NEAR(rates.seconds(kPrompt, 1e9), 2.0, 1e-9);
    EXPECT_NEAR(rates.seconds(kAttention, 1e9), 2.0, 1e-9);
    for (int i = 0; i < 20; ++i)
        rates.took(work(1e9), 1e-3);
    EXPECT_NEAR(rates.seconds(kPrompt, 1e9), 1e-3, 1e-9);
}

// Catches: attention that is taken for as quick as products for ever.
TEST(WorkRatesTest, KindsHaveSpeedsOfTheirOwn) {
    WorkRates rates;
    rates.took(work(1e9), 10.0);
    EXPECT_NEAR(rates.seconds(kAttention, 1e9), 10.0, 1e-9) << "follows what was measured";
    EXPECT_NEAR(rates.seconds(kToken, 1e9), 10.0, 1e-9);
    rates.took(work(0.0, 1e9), 80.0);
    EXPECT_NEAR(rates.seconds(kAttention, 1e9), 80.0, 1e-9);
    EXPECT_NEAR(rates.seconds(kPrompt, 1e9), 10.0, 1e-9) << "is measured and stays";
    EXPECT_NEAR(rates.seconds(kToken, 1e9), 80.0, 1e-9) << "never measured";
    EXPECT_NEAR(rates.seconds(work(1e9, 1e9)), 90.0, 1e-9);
    rates.took(work(1e9, 1e9), 180.0);
    EXPECT_NEAR(rates.seconds(work(1e9, 1e9)), 180.0, 1e-9);
}

// Mixed submissions alone, with products of 1 and attention of 5 seconds a unit.
TEST(WorkRatesTest, MixturesTellTheKindsApart) {
    WorkRates rates;
    for (int i = 0; i < 60; ++i) {
        const double a = i % 2 == 0 ? 0.5 : 0.02;
        rates.took(work(1.0, a), 1.0 + 5.0 * a);
    }
    EXPECT_NEAR(rates.seconds(kPrompt, 1.0), 1.0, 0.05);
    EXPECT_NEAR(rates.seconds(kAttention, 1.0), 5.0, 0.5);
}

TEST(WorkRatesTest, NothingIsLearntFromNothing) {
    WorkRates rates;
    rates.took(Work(), 1.0);
    rates.took(work(1e9), 0.0);
    EXPECT_DOUBLE_EQ(rates.seconds(kPrompt, 1.0), WorkRates::kFirstGuess);
    EXPECT_TRUE(Work().empty());
    EXPECT_FALSE(work(1.0).empty());
}

}  // namespace
}  // namespace gyre::test
