// Known answers and bounds of the sampler's arithmetic.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/sampler_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "runtime/text/random.h"

namespace gyre {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct PhiloxCase {
    PhiloxCounter counter;
    PhiloxKey key;
    PhiloxCounter expected;
};

// The rows "philox4x32 10" of kat_vectors in the Random123 library.
const PhiloxCase kPhilox[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

TEST(PhiloxTest, KnownAnswers) {
    for (const PhiloxCase& c : kPhilox)
        EXPECT_EQ(philox4x32_10(c.counter, c.key), c.expected);
}

TEST(RandomBitsTest, UsesAllBitsOfSeedAndStep) {
    EXPECT_EQ(random_bits(0, 0), 0xe169c58d6627e8d5u);
    const std::uint64_t base = random_bits(5, 9);
    for (int bit = 0; bit < 64; ++bit) {
        EXPECT_NE(random_bits(5 ^ (std::uint64_t{1} << bit), 9), base) << bit;
        EXPECT_NE(random_bits(5, 9 ^ (std::uint64_t{1} << bit)), base) << bit;
    }
    const PhiloxCounter words =
        philox4x32_10({0x89abcdef, 0x01234567, 0, 0}, {0x76543210, 0xfedcba98});
    EXPECT_EQ(random_bits(0xfedcba9876543210u, 0x0123456789abcdefu),
              (std::uint64_t{words[1]} << 32) | words[0]);
}

TEST(ExpTest, IsCloseAndNeverDecreases) {
    double worst = 0;
    float previous = 2;
    // Every 1009th float from -0 down to -87.
    for (std::uint32_t bits = 0x80000000u;; bits += 1009) {
        const auto x = std::bit_cast<float>(bits);
        if (x < -87.0f) break;
        const float e = exp_nonpositive(x);
        const double exact = std::exp(static_cast<double>(x));
        worst = std::max(worst, std::abs(e - exact) / exact);
        ASSERT_LE(e, previous) << x;
        previous = e;
    }
    EXPECT_LT(worst, 8.2e-8);  // half a unit in the last place alone is up to 6.0e-8
}

TEST(ExpTest, Ends) {
    EXPECT_EQ(exp_nonpositive(0.0f), 1.0f);
    EXPECT_EQ(exp_nonpositive(-0.0f), 1.0f);
    EXPECT_EQ(exp_nonpositive(-1e-30f), 1.0f);
    EXPECT_GT(exp_nonpositive(-87.0f), FLT_MIN);
    EXPECT_EQ(exp_nonpositive(std::nextafter(-87.0f, -kInf)), 0.0f);
    EXPECT_EQ(exp_nonpositive(-kInf), 0.0f);
}

// Bits that another implementation (a shader, another compiler) must reproduce. Worked out in
// Python with every operation rounded to float32 by itself, which a fused multiply-add would not
// give.
TEST(ExpTest, KnownBits) {
    const std::pair<float, std::uint32_t> cases[] = {
        {-0.1f, 0x3F67A36Du},   {-0.34657f, 0x3F35051Eu}, {-0.35f, 0x3F346670u},
        {-1.0f, 0x3EBC5AB2u},   {-2.5f, 0x3DA81C2Eu},     {-7.0f, 0x3A6F0B5Du},
        {-13.37f, 0x35D18D6Cu}, {-21.0f, 0x30506D86u},    {-50.25f, 0x1B35981Cu},
        {-86.9f, 0x00C60F89u}};
    for (const auto& [x, bits] : cases) {
        EXPECT_EQ(std::bit_cast<std::uint32_t>(exp_nonpositive(x)), bits) << x;
    }
}

// The same for 89,089 arguments, as one number: FNV-1a over the words of the results.
TEST(ExpTest, KnownBitsOfAWholeTable) {
    std::uint64_t hash = 0xCBF29CE484222325u;
    for (int i = 0; i <= 87 * 1024; ++i) {
        const float x = static_cast<float>(-i) / 1024;  // exact
        hash = (hash ^ std::bit_cast<std::uint32_t>(exp_nonpositive(x))) * 0x100000001B3u;
    }
    EXPECT_EQ(hash, 0x632AE47CA3EA74F0u);
}

TEST(TokenWeightTest, Values) {
    EXPECT_EQ(token_weight(3.5f, 3.5f, 0.7f), kMaxWeight);
    EXPECT_EQ(token_weight(0.0f, 0.6931472f, 1.0f), kMaxWeight / 2);
    EXPECT_EQ(token_weight(-kInf, 0.0f, 1.0f), 0u);
    EXPECT_EQ(token_weight(-FLT_MAX, FLT_MAX, 1e-30f), 0u);  // the difference overflows
    EXPECT_EQ(token_weight(-21.4f, 0.0f, 1.0f), 1u);
    EXPECT_EQ(token_weight(-21.6f, 0.0f, 1.0f), 0u);
    EXPECT_EQ(token_weight(-22.0f, 0.0f, 1.0f), 0u);  // where candidates are left out
    EXPECT_EQ(token_weight(-1.0f, 0.0f, 1e30f), 0u);
}

TEST(CanonicalLogitTest, OnlySubnormalsAndZerosChange) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(canonical_logit(-0.0f)), 0u);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(canonical_logit(-FLT_TRUE_MIN)), 0u);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(canonical_logit(std::nextafter(FLT_MIN, 0.0f))), 0u);
    for (const float x : {FLT_MIN, -FLT_MIN, 1.0f, -FLT_MAX, -kInf})
        EXPECT_EQ(canonical_logit(x), x);
}

TEST(PenalizedLogitTest, MovesTowardsUnlikely) {
    EXPECT_EQ(penalized_logit(3.0f, 2.0f, 0.5f), 1.5f);
    EXPECT_EQ(penalized_logit(-3.0f, 2.0f, 0.5f), -6.0f);
    EXPECT_EQ(penalized_logit(0.0f, 2.0f, 0.5f), 0.0f);
    EXPECT_EQ(penalized_logit(-kInf, 0.5f, 2.0f), -kInf);
    EXPECT_EQ(penalized_logit(FLT_MAX, 0.5f, 2.0f), FLT_MAX);
    EXPECT_EQ(penalized_logit(-FLT_MAX, 2.0f, 0.5f), -FLT_MAX);
    EXPECT_EQ(penalized_logit(FLT_MIN, 2.0f, 0.5f), 0.0f);  // would be subnormal
}

TEST(OrderKeyTest, DescendsByLogitThenAscendsById) {
    const float values[] = {FLT_MAX,  2.0f,  1.5f,  FLT_MIN,  0.0f,
                            -FLT_MIN, -1.5f, -2.0f, -FLT_MAX, -kInf};
    for (std::size_t i = 0; i + 1 < std::size(values); ++i) {
        EXPECT_LT(order_key(values[i], 0xFFFFFFFFu), order_key(values[i + 1], 0)) << values[i];
        EXPECT_LT(order_key(values[i], 6), order_key(values[i], 7));
    }
    for (const float v : values) {
        EXPECT_EQ(order_key_logit(order_key(v, 9)), v);
        EXPECT_EQ(order_key_id(order_key(v, 0xDEADBEEFu)), 0xDEADBEEFu);
    }
}

TEST(MultiplyHighTest, KnownProducts) {
    EXPECT_EQ(multiply_high(~std::uint64_t{0}, ~std::uint64_t{0}), ~std::uint64_t{0} - 1);
    EXPECT_EQ(multiply_high(0, ~std::uint64_t{0}), 0u);
    EXPECT_EQ(multiply_high(std::uint64_t{1} << 63, 6), 3u);
    EXPECT_EQ(multiply_high(0x123456789ABCDEF0u, 0xFEDCBA9876543210u), 0x121FA00AD77D7422u);
    EXPECT_EQ(multiply_high(0xFFFFFFFF00000001u, 0x00000001FFFFFFFFu), 0x1FFFFFFFDu);
}

TEST(TopPThresholdTest, RoundsUp) {
    EXPECT_EQ(top_p_threshold(0.5f, 8), 4u);
    EXPECT_EQ(top_p_threshold(0.5f, 9), 5u);
    EXPECT_EQ(top_p_threshold(0.25f, 1), 1u);
    EXPECT_EQ(top_p_threshold(std::nextafter(1.0f, 0.0f), std::uint64_t{1} << 40),
              (std::uint64_t{1} << 40) - (1u << 16));
    EXPECT_EQ(top_p_threshold(FLT_MIN, std::uint64_t{1} << 62), 0u);  // one candidate stays anyway
}

TEST(MinPThresholdTest, RoundsUp) {
    EXPECT_EQ(min_p_threshold(0.0f), 0u);
    EXPECT_EQ(min_p_threshold(1.0f), kMaxWeight);
    EXPECT_EQ(min_p_threshold(0.5f), kMaxWeight / 2);
    EXPECT_EQ(min_p_threshold(FLT_TRUE_MIN), 1u);
}

}  // namespace
}  // namespace gyre
