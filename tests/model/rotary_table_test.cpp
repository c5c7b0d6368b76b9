// Pair geometry, and the position tables against long double.
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
    expect_pairs(pair_channels(half, 2, 8), {{0, 2}, {1, 3}, {4, 5}, {6, 7}});  // 4 of 8 rotate
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
struct Rotate {
    long double cos, sin;
};
Rotate exact_rotation(std::uint32_t position, double w) {
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

std::vector<double> many_frequencies() {
    std::vector<double> w = rope_inv_freq(64, 10000.0);
    for (const double extra : {0.1, 1.0 / 3.0, 3.141592653589793, 1e-9, -0.7})
        w.push_back(extra);
    return w;
}

std::vector<float> table_of(const RotarySpec& spec, RotaryTable which, std::uint32_t first,
                            std::uint32_t n_ctx, double decay_origin = 0.0) {
    std::vector<float> table(host_size(rotary_table_floats(spec, n_ctx)));
    fill_rotary_table(spec, which, first, n_ctx, decay_origin, table);
    return table;
}

// What rotary_at of shaders/lib/rotary.glsl gives, in float32.
struct Rotation {
    float cos, sin;
};
Rotation at(const RotarySpec& spec, std::span<const float> table, std::uint32_t position,
            std::uint32_t pair) {
    const std::size_t n_rows = table.size() / 2 / spec.n_pairs();
    const std::size_t n_fine = n_rows > 256 ? 256 : n_rows - 1;  // one coarse row up to there
    const float* a = &table[((n_fine + position / 256) * std::size_t{spec.n_pairs()} + pair) * 2];
    const float* b = &table[(position % 256 * std::size_t{spec.n_pairs()} + pair) * 2];
    const float cc = a[0] * b[0], ss = a[1] * b[1], cs = a[0] * b[1], sc = a[1] * b[0];
    return {cc - ss, cs + sc};
}

// Catches: rows of the wrong positions, factors rounded before they are complete, a table that
// repeats after 256 positions.
TEST(RotaryTable, ProductIsExactToTwoRoundingsAndAProductAtEveryPosition) {
    const std::vector<double> w = many_frequencies();
    const RotarySpec spec = spec_with(w);
    constexpr std::uint32_t kContext = 1u << 20;
    std::mt19937 random(12);
    for (const std::uint32_t first : {0u, 3u, 1048575u, 1u << 31, 0xffffffffu - kContext}) {
        const auto table = table_of(spec, RotaryTable::kQueries, first, kContext);
        double worst = 0.0;
        for (std::uint32_t n = 0; n < 20000; ++n) {
            const auto position =
                static_cast<std::uint32_t>(n < 4       ? kContext - 1 - n
                                           : n % 2 > 0 ? random() % kContext
                                                       : random() % (kContext / 256) * 256 + n % 4);
            for (std::uint32_t i = 0; i < w.size(); ++i) {
                const Rotate rotate = exact_rotation(first + position, w[i]);
                const Rotation got = at(spec, table, position, i);
                worst = std::max(worst, static_cast<double>(std::hypot(got.cos - rotate.cos,
                                                                       got.sin - rotate.sin)));
            }
        }
        // Two factors off by u each, and a complex product by sqrt(5) u, u = 2^-24.
        EXPECT_LE(worst, (2.0 + std::sqrt(5.0)) * 0x1p-24 * (1 + 1e-6)) << "from " << first;
        RecordProperty("worst_from_" + std::to_string(first), std::to_string(worst));
    }
}

// The first 256 positions of a session at 0 are fine rows as they are: as exact as one rounding.
TEST(RotaryTable, FirstCoarseRowOfPositionZeroIsOne) {
    const RotarySpec spec = spec_with(many_frequencies());
    const auto table = table_of(spec, RotaryTable::kQueries, 0, 300);
    std::vector<float> rows(std::size_t{300} * spec.n_pairs() * 2);
    fill_rotary_rows(spec, 1.0, 0, 300, rows);
    for (std::uint32_t i = 0; i < 256 * spec.n_pairs(); ++i) {
        const Rotation got = at(spec, table, i / spec.n_pairs(), i % spec.n_pairs());
        ASSERT_EQ(got.cos, rows[2 * i]) << i;
        ASSERT_EQ(got.sin, rows[2 * i + 1]) << i;
    }
}

TEST(RotaryTable, FitsABindingAtAMillionPositions) {
    RotarySpec spec = spec_with(std::vector<double>(128, 0.5));  // the largest head
    EXPECT_EQ(rotary_table_floats(spec, 1), (1u + 1) * 128 * 2);
    EXPECT_EQ(rotary_table_floats(spec, 255), (255u + 1) * 128 * 2);
    EXPECT_EQ(rotary_table_floats(spec, 256), (256u + 1) * 128 * 2);
    EXPECT_EQ(rotary_table_floats(spec, 257), (256u + 2) * 128 * 2);
    EXPECT_LE(rotary_table_floats(spec, 1u << 20) * sizeof(float), 5u << 20);
}

TEST(RotaryRows, AreWithinOneUnitUpToAMillionPositions) {
    const std::vector<double> w = many_frequencies();
    const RotarySpec spec = spec_with(w);
    std::mt19937 random(11);
    std::vector<float> row(w.size() * 2);
    double worst = 0.0;
    for (int n = 0; n < 3000; ++n) {
        const std::uint32_t position =
            n < 8 ? (1u << 20) - static_cast<std::uint32_t>(n) : random() % (1u << 20);
        fill_rotary_rows(spec, 1.0, position, 1, row);
        for (std::size_t i = 0; i < w.size(); ++i) {
            const Rotate rotate = exact_rotation(position, w[i]);
            worst = std::max(
                {worst, units_off(row[2 * i], rotate.cos), units_off(row[2 * i + 1], rotate.sin)});
        }
    }
    EXPECT_LE(worst, 0.51) << "units in the last place";  // correctly rounded, but for ties
}

TEST(RotaryRows, LayoutIsPositionThenPairThenCosSin) {
    const RotarySpec spec = spec_with({0.5, 0.0, 0.25});
    std::vector<float> table(4u * 3 * 2);
    fill_rotary_rows(spec, 1.0, 10, 4, table);
    for (std::uint32_t t = 0; t < 4; ++t) {
        const double p = 10.0 + t;
        EXPECT_FLOAT_EQ(table[t * 6 + 0], static_cast<float>(std::cos(0.5 * p)));
        EXPECT_FLOAT_EQ(table[t * 6 + 1], static_cast<float>(std::sin(0.5 * p)));
        EXPECT_EQ(table[t * 6 + 2], 1.0f);
        EXPECT_EQ(table[t * 6 + 3], 0.0f);
        EXPECT_FLOAT_EQ(table[t * 6 + 5], static_cast<float>(std::sin(0.25 * p)));
    }
    fill_rotary_rows(spec, 1.0, 0, 1, std::span(table).first(6));
    EXPECT_EQ(table[0], 1.0f);  // position 0 rotates nothing, exactly
    EXPECT_EQ(table[1], 0.0f);
}

// The amplitude belongs to the rotated channels: with partial rotary the rest passes as it is.
TEST(RotaryRows, AmplitudeScalesRotatedPairsOnly) {
    const RotarySpec spec = spec_with({0.5, 0.0});
    std::vector<float> unit(4);
    std::vector<float> scaled(4);
    fill_rotary_rows(spec, 1.0, 3, 1, unit);
    fill_rotary_rows(spec, 1.25, 3, 1, scaled);
    EXPECT_FLOAT_EQ(scaled[0], 1.25f * unit[0]);
    EXPECT_FLOAT_EQ(scaled[1], 1.25f * unit[1]);
    EXPECT_EQ(scaled[2], 1.0f);
    EXPECT_EQ(scaled[3], 0.0f);
}

// YaRN's amplitude and xPos's decay belong to queries and keys. xPos (arXiv:2212.10554): the query
// at n is multiplied by z^n, the key at m by z^-m, so that their product decays with n - m.
TEST(RotaryTable, AmplitudeAndDecayAreForQueriesAndKeysAlone) {
    RotarySpec spec = spec_with({0.5, 0.0});
    spec.amplitude = 1.25;
    spec.log_decay = {std::log(0.999), 0.0};
    for (const std::uint32_t cell : {0u, 3u, 200u, 255u, 256u, 700u}) {
        // A session from position 7 on, counted from 400.
        const double position = 7.0 + cell, angle = 0.5 * position;
        const double decay = std::pow(0.999, position - 400.0);
        const struct {
            RotaryTable which;
            double factor;
        } tables[] = {{RotaryTable::kQueries, 1.25 * decay},
                      {RotaryTable::kKeys, 1.25 / decay},
                      {RotaryTable::kValues, 1.0}};
        for (const auto& [which, factor] : tables) {
            const auto table = table_of(spec, which, 7, cell == 200 ? 201 : 701, 400.0);
            const Rotation rotated = at(spec, table, cell, 0);
            EXPECT_NEAR(rotated.cos, factor * std::cos(angle), 5 * 0x1p-24 * factor) << cell;
            EXPECT_NEAR(rotated.sin, factor * std::sin(angle), 5 * 0x1p-24 * factor) << cell;
            const Rotation still = at(spec, table, cell, 1);
            EXPECT_EQ(still.cos, 1.0f) << "the amplitude belongs to the rotated channels";
            EXPECT_EQ(still.sin, 0.0f);
        }
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

TEST(RotarySpec, RotatesOnlyIfSomethingDoes) {
    RotarySpec spec = spec_with({0.0, 1.0});
    EXPECT_TRUE(spec.rotates());
    spec.rotate_keys = false;
    EXPECT_FALSE(spec.rotates());
    spec.values = ValueRotation::kRotateOnly;
    EXPECT_TRUE(spec.rotates());
    spec.inv_freq = {0.0, 0.0};
    EXPECT_FALSE(spec.rotates());
}

}  // namespace
}  // namespace gyre::testing
