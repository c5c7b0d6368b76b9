// The generator gives the published numbers of SplitMix64, and data of the promised shape.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/generator.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gyre::reference {
namespace {

// First outputs for seed 1234567, as listed at
// rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64.
TEST(GeneratorTest, IsSplitMix64) {
    Generator generator(1234567);
    EXPECT_EQ(generator.bits(), 6457827717110365317u);
    EXPECT_EQ(generator.bits(), 3203168211198807973u);
    EXPECT_EQ(generator.bits(), 9817491932198370423u);
}

TEST(GeneratorTest, UniformStaysInRangeAndReachesBothEnds) {
    Generator generator(1);
    float lowest = 1, highest = -1;
    for (int i = 0; i < 100000; ++i) {
        const float value = generator.uniform();
        lowest = std::min(lowest, value);
        highest = std::max(highest, value);
    }
    EXPECT_GE(lowest, -1.0f);
    EXPECT_LT(lowest, -0.999f);
    EXPECT_LT(highest, 1.0f);
    EXPECT_GT(highest, 0.999f);
}

TEST(GeneratorTest, BellHasTheDeviationAskedFor) {
    Generator generator(2);
    double sum = 0, squares = 0;
    constexpr int kCount = 100000;
    for (int i = 0; i < kCount; ++i) {
        const double value = generator.bell(0.5f);
        sum += value;
        squares += value * value;
    }
    EXPECT_NEAR(sum / kCount, 0.0, 0.01);
    EXPECT_NEAR(std::sqrt(squares / kCount), 0.5, 0.01);
}

}  // namespace
}  // namespace gyre::reference
