// The rotary reference against closed forms: hand-rotated pairs, identities, published frequencies.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/rotary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/reference/generator.h"

namespace gyre::reference {
namespace {

constexpr double kRounding = 1e-14;  // a few operations of float64 on numbers near 1
constexpr double kPi = std::numbers::pi;

TEST(RotaryReferenceTest, QuarterTurnTakesAToBAndBToMinusA) {
    const std::vector<double> inv_freq = {kPi / 2};
    std::vector<double> head = {3, 5};
    rotate(head, rotating_pairs(Pairing::kInterleaved, inv_freq), 1);
    EXPECT_NEAR(head[0], -5, kRounding);
    EXPECT_NEAR(head[1], 3, kRounding);
}

TEST(RotaryReferenceTest, PairingsNameTheChannelsOfThePapers) {
    const std::vector<double> inv_freq = {1, 0.5, 0.25};
    const auto interleaved = rotating_pairs(Pairing::kInterleaved, inv_freq);
    const auto half = rotating_pairs(Pairing::kHalf, inv_freq);
    EXPECT_EQ(interleaved[2].a, 4u);
    EXPECT_EQ(interleaved[2].b, 5u);
    EXPECT_EQ(half[2].a, 2u);
    EXPECT_EQ(half[2].b, 5u);
    EXPECT_EQ(half[2].inv_freq, 0.25);
}

// Every element by RoFormer's equation 34 (and GPT-NeoX's rotate_half), spelled out.
TEST(RotaryReferenceTest, TurnsEveryPairByItsOwnAngle) {
    const std::vector<double> x = {0.5, -1, 2, 0.25, 7};  // channel 4 belongs to no pair
    const std::vector<double> inv_freq = {1, 0.01};
    const double c0 = std::cos(3.0), s0 = std::sin(3.0), c1 = std::cos(0.03), s1 = std::sin(0.03);
    std::vector<double> interleaved = x, half = x;
    rotate(interleaved, rotating_pairs(Pairing::kInterleaved, inv_freq), 3);
    rotate(half, rotating_pairs(Pairing::kHalf, inv_freq), 3);
    const std::vector<double> by_hand_interleaved = {x[0] * c0 - x[1] * s0, x[0] * s0 + x[1] * c0,
                                                     x[2] * c1 - x[3] * s1, x[2] * s1 + x[3] * c1,
                                                     7};
    const std::vector<double> by_hand_half = {x[0] * c0 - x[2] * s0, x[1] * c1 - x[3] * s1,
                                              x[0] * s0 + x[2] * c0, x[1] * s1 + x[3] * c1, 7};
    for (std::size_t i = 0; i < x.size(); ++i) {
        EXPECT_NEAR(interleaved[i], by_hand_interleaved[i], kRounding) << i;
        EXPECT_NEAR(half[i], by_hand_half[i], kRounding) << i;
    }
}

TEST(RotaryReferenceTest, NegativePositionTurnsBack) {
    Generator generator(1);
    const std::vector<double> x = widen(generator.bells(20));
    for (const Pairing pairing : {Pairing::kInterleaved, Pairing::kHalf}) {
        const auto pairs = rotating_pairs(pairing, standard_inv_freq(16));
        std::vector<double> head = x;
        rotate(head, pairs, 1023);
        EXPECT_GT(std::abs(head[0] - x[0]), 1e-3);
        rotate(head, pairs, -1023);
        for (std::size_t i = 0; i < x.size(); ++i)
            EXPECT_NEAR(head[i], x[i], kRounding) << i;
    }
}

TEST(RotaryReferenceTest, DotProductDependsOnTheDistanceAlone) {
    Generator generator(2);
    const std::vector<double> q = widen(generator.bells(8)), k = widen(generator.bells(8));
    const auto pairs = rotating_pairs(Pairing::kHalf, standard_inv_freq(8));
    const auto dot_at = [&](double q_position, double k_position) {
        std::vector<double> turned_q = q, turned_k = k;
        rotate(turned_q, pairs, q_position);
        rotate(turned_k, pairs, k_position);
        double sum = 0;
        for (std::size_t i = 0; i < 8; ++i)
            sum += turned_q[i] * turned_k[i];
        return sum;
    };
    EXPECT_NEAR(dot_at(9, 4), dot_at(1009, 1004), 1e-12);
    EXPECT_GT(std::abs(dot_at(9, 4) - dot_at(4, 9)), 1e-3);  // and on its sign
}

TEST(RotaryReferenceTest, AmplitudeScalesTurnedChannelsOnly) {
    std::vector<double> head = {1, 2, 3, 4};
    const std::vector<double> inv_freq = {0};
    rotate(head, rotating_pairs(Pairing::kHalf, inv_freq), 5, 1.5);
    EXPECT_EQ(head, (std::vector<double>{1.5, 3, 3, 4}));
}

// zeta^(n / 512) of the query times zeta^(-m / 512) of the key is zeta^((n - m) / 512): with equal
// heads of length 1 in every pair, the dot product is the sum of zeta_i^(distance / 512)
// cos(distance w_i).
TEST(RotaryReferenceTest, XposDecaysWithTheDistanceAlone) {
    auto pairs = rotating_pairs(Pairing::kHalf, standard_inv_freq(4));
    add_xpos(pairs);
    EXPECT_NEAR(pairs[0].zeta, 0.4 / 1.4, kRounding);
    EXPECT_NEAR(pairs[1].zeta, 0.9 / 1.4, kRounding);
    for (const double start : {0.0, 900.0}) {
        std::vector<double> q = {1, 1, 0, 0}, k = q;
        rotate(q, pairs, start + 256, 1.0, 1.0);
        rotate(k, pairs, start, 1.0, -1.0);
        double dot = 0, closed = 0;
        for (std::size_t i = 0; i < 4; ++i)
            dot += q[i] * k[i];
        for (const TurningPair& pair : pairs)
            closed += std::sqrt(pair.zeta) * std::cos(256 * pair.inv_freq);
        EXPECT_NEAR(dot, closed, 1e-12);
    }
}

TEST(RotaryReferenceTest, StandardFrequencies) {
    const std::vector<double> inv_freq = standard_inv_freq(64);
    ASSERT_EQ(inv_freq.size(), 32u);
    EXPECT_EQ(inv_freq[0], 1.0);
    EXPECT_NEAR(inv_freq[16], 0.01, 1e-16);
    EXPECT_NEAR(standard_inv_freq(4, 500000.0)[1], 1 / std::sqrt(500000.0), 1e-16);
}

// Fastest: one rotation in 32 tokens. Slowest: two rotations in the training length. Half of the
// pairs stay.
TEST(RotaryReferenceTest, RopeIdFrequencies) {
    const std::vector<double> inv_freq = rope_id_inv_freq(64, 4096);
    ASSERT_EQ(inv_freq.size(), 32u);
    EXPECT_NEAR(2 * kPi / inv_freq[0], 32, 1e-9);
    EXPECT_NEAR(2 * kPi / inv_freq[1], 42.2, 0.05);
    EXPECT_NEAR(2 * kPi / inv_freq[15], 2048, 1e-9);
    for (std::size_t i = 16; i < 32; ++i)
        EXPECT_EQ(inv_freq[i], 0) << i;
}

TEST(RotaryReferenceTest, RotateHeadsTurnsEveryHeadAtItsTokensPosition) {
    Generator generator(3);
    const std::vector<double> x = widen(generator.bells(2 * 3 * 4));
    const auto pairs = rotating_pairs(Pairing::kInterleaved, standard_inv_freq(4));
    const std::vector<double> positions = {5, 11};
    const std::vector<double> rotated = rotate_heads(x, 3, 4, pairs, positions, 1.25);
    for (std::size_t t = 0; t < 2; ++t) {
        for (std::size_t h = 0; h < 3; ++h) {
            const std::size_t start = (t * 3 + h) * 4;
            std::vector<double> head(x.begin() + static_cast<std::ptrdiff_t>(start),
                                     x.begin() + static_cast<std::ptrdiff_t>(start + 4));
            rotate(head, pairs, positions[t], 1.25);
            for (std::size_t i = 0; i < 4; ++i)
                EXPECT_EQ(rotated[start + i], head[i]);
        }
    }
}

}  // namespace
}  // namespace gyre::reference
