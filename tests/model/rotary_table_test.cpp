// Pair geometry, and the cos/sin table against long double.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/rotary_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "runtime/base/host_size.h"

namespace gyre::testing {
namespace {

constexpr std::uint32_t kNo = PairChannels::kNoChannel;

void expect_pairs(const std::vector<PairChannels>& got,
                  const std::vector<std::pair<std::uint32_t, std::uint32_t>>& expected) {
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i].a, expected[i].first) << "pair " << i;
        EXPECT_EQ(got[i].b, expected[i].second) << "pair " << i;
    }
}

TEST(PairChannels, ByHand) {
    const auto half = RotaryPairing::kHalf;
    expect_pairs(pair_channels(half, 4, 8), {{0, 4}, {1, 5}, {2, 6}, {3, 7}});
    expect_pairs(pair_channels(half, 2, 8), {{0, 2}, {1, 3}, {4, 5}, {6, 7}});  // 4 of 8 turn
    expect_pairs(pair_channels(half, 2, 5), {{0, 2}, {1, 3}, {4, kNo}});
    expect_pairs(pair_channels(half, 1, 5), {{0, 1}, {2, 3}, {4, kNo}});
    expect_pairs(pair_channels(half, 0, 3), {{0, 1}, {2, kNo}});
    const auto interleaved = RotaryPairing::kInterleaved;
    expect_pairs(pair_channels(interleaved, 4, 8), {{0, 1}, {2, 3}, {4, 5}, {6, 7}});
    expect_pairs(pair_channels(interleaved, 1, 5), {{0, 1}, {2, 3}, {4, kNo}});
}

TEST(PairChannels, EveryChannelOccursOnce) {
    for (const auto pairing : {RotaryPairing::kInterleaved, RotaryPairing::kHalf}) {
        for (std::uint32_t head_dim = 1; head_dim <= 81; ++head_dim) {
            for (std::uint32_t stride = 0; 2 * stride <= head_dim; ++stride) {
                std::vector<int> seen(head_dim, 0);
                for (const PairChannels& pair : pair_channels(pairing, stride, head_dim)) {
                    ++seen.at(pair.a);
                    if (pair.b != kNo) ++seen.at(pair.b);
                }
                for (const int count : seen)
                    ASSERT_EQ(count, 1) << head_dim << " " << stride;
            }
        }
    }
}

RotarySpec spec_with(std::vector<double> inv_freq) {
    RotarySpec spec;
    spec.head_dim = static_cast<std::uint32_t>(inv_freq.size() * 2);
    spec.stride = spec.head_dim / 2;
    spec.inv_freq = std::move(inv_freq);
    return spec;
}

// cos and sin of position * w. A 64 bit significand cannot hold the 73 bits of the product, so it
// is made of two halves of w, each exact.
struct Turn {
    long double cos, sin;
};
Turn exact_turn(std::uint32_t position, double w) {
    const auto high = static_cast<double>(static_cast<float>(w));
    const long double a = static_cast<long double>(position) * high;
    const long double b = static_cast<long double>(position) * (static_cast<long double>(w) - high);
    return {std::cos(a) * std::cos(b) - std::sin(a) * std::sin(b),
            std::sin(a) * std::cos(b) + std::cos(a) * std::sin(b)};
}

// expected may be off by two roundings of a long double near 1, which is a double on some systems:
// for sin of a million times pi, which is nearly 0, that is several units.
double units_off(float got, long double expected) {
    constexpr long double kOracle = 2 * std::numeric_limits<long double>::epsilon();
    const float nearest = static_cast<float>(expected);
    const float unit = std::nextafter(std::fabs(nearest), INFINITY) - std::fabs(nearest);
    return static_cast<double>(std::max(0.0L, std::fabs(got - expected) - kOracle) / unit);
}

TEST(RotaryTable, IsWithinOneUnitUpToAMillionPositions) {
    std::vector<double> w = rope_inv_freq(64, 10000.0);
    for (const double extra : {0.1, 1.0 / 3.0, 3.141592653589793, 1e-9, -0.7})
        w.push_back(extra);
    const RotarySpec spec = spec_with(w);
    std::mt19937 random(11);
    std::vector<float> row(host_size(rotary_table_floats(spec, 1)));
    double worst = 0.0;
    for (int n = 0; n < 3000; ++n) {
        const std::uint32_t position =
            n < 8 ? (1u << 20) - static_cast<std::uint32_t>(n) : random() % (1u << 20);
        fill_rotary_table(spec, 1.0, position, 1, row);
        for (std::size_t i = 0; i < w.size(); ++i) {
            const Turn turn = exact_turn(position, w[i]);
            worst = std::max(
                {worst, units_off(row[2 * i], turn.cos), units_off(row[2 * i + 1], turn.sin)});
        }
    }
    EXPECT_LE(worst, 0.51) << "units in the last place";  // correctly rounded, but for ties
}

TEST(RotaryTable, LayoutIsPositionThenPairThenCosSin) {
    const RotarySpec spec = spec_with({0.5, 0.0, 0.25});
    std::vector<float> table(host_size(rotary_table_floats(spec, 4)));
    ASSERT_EQ(table.size(), 4u * 3 * 2);
    fill_rotary_table(spec, 1.0, 10, 4, table);
    for (std::uint32_t t = 0; t < 4; ++t) {
        const double p = 10.0 + t;
        EXPECT_FLOAT_EQ(table[t * 6 + 0], static_cast<float>(std::cos(0.5 * p)));
        EXPECT_FLOAT_EQ(table[t * 6 + 1], static_cast<float>(std::sin(0.5 * p)));
        EXPECT_EQ(table[t * 6 + 2], 1.0f);
        EXPECT_EQ(table[t * 6 + 3], 0.0f);
        EXPECT_FLOAT_EQ(table[t * 6 + 5], static_cast<float>(std::sin(0.25 * p)));
    }
    fill_rotary_table(spec, 1.0, 0, 1, std::span(table).first(6));
    EXPECT_EQ(table[0], 1.0f);  // position 0 turns nothing, exactly
    EXPECT_EQ(table[1], 0.0f);
}

// The amplitude belongs to the turned channels: with partial rotary the rest passes as it is.
TEST(RotaryTable, AmplitudeScalesTurnedPairsOnly) {
    const RotarySpec spec = spec_with({0.5, 0.0});
    std::vector<float> unit(4);
    std::vector<float> scaled(4);
    fill_rotary_table(spec, 1.0, 3, 1, unit);
    fill_rotary_table(spec, 1.25, 3, 1, scaled);
    EXPECT_FLOAT_EQ(scaled[0], 1.25f * unit[0]);
    EXPECT_FLOAT_EQ(scaled[1], 1.25f * unit[1]);
    EXPECT_EQ(scaled[2], 1.0f);
    EXPECT_EQ(scaled[3], 0.0f);
}

// YaRN's amplitude and xPos's decay belong to queries and keys. xPos (arXiv:2212.10554): the query
// at n is multiplied by z^n, the key at m by z^-m, so that their product decays with n - m.
TEST(RotaryTable, AmplitudeAndDecayAreForQueriesAndKeysAlone) {
    RotarySpec spec = spec_with({0.5});
    spec.amplitude = 1.25;
    spec.log_decay = {std::log(0.9)};
    const double angle = 0.5 * 7, z3 = 0.9 * 0.9 * 0.9;  // at position 7, counted from 4
    const struct {
        RotaryTable which;
        double factor;
    } rows[] = {{RotaryTable::kQueries, 1.25 * z3},
                {RotaryTable::kKeys, 1.25 / z3},
                {RotaryTable::kValues, 1.0}};
    for (const auto& [which, factor] : rows) {
        std::vector<float> row(2);
        fill_rotary_table(spec, which, 7, 1, 4.0, row);
        EXPECT_FLOAT_EQ(row[0], static_cast<float>(factor * std::cos(angle)));
        EXPECT_FLOAT_EQ(row[1], static_cast<float>(factor * std::sin(angle)));
    }
}

TEST(RotarySpec, AUnitTableIsNeededForValuesBesideAnAmplitude) {
    RotarySpec spec = spec_with({1.0});
    EXPECT_FALSE(spec.needs_unit_table());
    spec.amplitude = 1.2;
    EXPECT_FALSE(spec.needs_unit_table());
    spec.values = ValueRotation::kRove;
    EXPECT_TRUE(spec.needs_unit_table());
    spec.amplitude = 1.0;
    EXPECT_FALSE(spec.needs_unit_table());
}

TEST(RotarySpec, TurnsOnlyIfSomethingDoes) {
    RotarySpec spec = spec_with({0.0, 1.0});
    EXPECT_TRUE(spec.turns());
    spec.rotate_keys = false;
    EXPECT_FALSE(spec.turns());
    spec.values = ValueRotation::kRotateOnly;
    EXPECT_TRUE(spec.turns());
    spec.inv_freq = {0.0, 0.0};
    EXPECT_FALSE(spec.turns());
}

}  // namespace
}  // namespace gyre::testing
