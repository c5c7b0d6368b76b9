// Log-probabilities: against probabilities that are known, and their order.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/log_probabilities.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gyre {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(LogProbabilitiesTest, OfKnownProbabilities) {
    const std::vector<double> probabilities = {0.5, 0.125, 0.25, 0.125};
    std::vector<float> logits;
    logits.reserve(probabilities.size());
    for (const double p : probabilities)
        logits.push_back(static_cast<float>(std::log(p) + 3.0));  // a constant changes nothing
    const LogProbabilities odds(logits);
    for (std::uint32_t t = 0; t < 4; ++t) {
        // A float's rounding of the logit near 3.
        EXPECT_NEAR(odds.of(t), std::log(probabilities[t]), 3e-7) << t;
    }
    const auto top = odds.top(3);
    ASSERT_EQ(top.size(), 3u);
    EXPECT_EQ(top[0].token, 0u);
    EXPECT_EQ(top[1].token, 2u);
    EXPECT_EQ(top[2].token, 1u) << "of equals the lower id";
    EXPECT_EQ(top[1].log_probability, odds.of(2));
}

TEST(LogProbabilitiesTest, LargeLogitsNeitherOverflowNorVanish) {
    const std::vector<float> logits = {3.0e38f, 3.0e38f, -3.0e38f, -kInf};
    const LogProbabilities odds(logits);
    EXPECT_NEAR(odds.of(0), -std::log(2.0), 1e-7);
    EXPECT_LE(odds.of(2), -1e38f);
    EXPECT_EQ(odds.of(3), -kInf);
    const auto top = odds.top(10);
    ASSERT_EQ(top.size(), 4u) << "there are no more";
    EXPECT_EQ(top[3].token, 3u);
    EXPECT_TRUE(odds.top(0).empty());
}

// Catches: a sum in float, whose error grows with the vocabulary.
TEST(LogProbabilitiesTest, ManyEqualTokens) {
    const std::vector<float> logits(200'000, -7.25f);
    EXPECT_NEAR(LogProbabilities(logits).of(5), -std::log(200'000.0), 1e-6);
}

}  // namespace
}  // namespace gyre
