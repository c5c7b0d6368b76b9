// The attention reference against closed forms and identities of the papers.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numeric>

#include "tests/reference/generator.h"

namespace gyre::reference {
namespace {

constexpr double kRounding = 1e-12;  // sums of some tens of float64 terms near 1

std::vector<double> positions_from(double first, std::size_t n) {
    std::vector<double> positions(n);
    std::iota(positions.begin(), positions.end(), first);
    return positions;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected,
                 double bound) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i)
        EXPECT_NEAR(found[i], expected[i], bound) << i;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

// A small layer: 6 tokens, 4 heads on 2 kv heads, 8 channels of which 6 rotate.
struct Layer {
    AttentionOptions options;
    std::vector<double> q, k, v;

    explicit Layer(RotaryValues values, Pairing pairing = Pairing::kHalf) {
        options.n_heads = 4;
        options.n_kv_heads = 2;
        options.head_dim = 8;
        options.pairs = rotating_pairs(pairing, standard_inv_freq(6));
        options.values = values;
        Generator generator(7);
        q = widen(generator.bells(6 * 4 * 8));
        k = widen(generator.bells(6 * 2 * 8));
        v = widen(generator.bells(6 * 2 * 8));
    }
    std::vector<double> at(double first_position) const {
        const auto positions = positions_from(first_position, 6);
        return attention(options, q, k, v, positions, positions);
    }
};

TEST(AttentionReferenceTest, OneKeyGivesItsValue) {
    AttentionOptions options;
    options.head_dim = 4;
    const std::vector<double> q = {1, 2, 3, 4}, v = {5, 6, 7, 8}, position = {3};
    expect_near(attention(options, q, q, v, position, position), v, 0);
}

TEST(AttentionReferenceTest, WeightsByHand) {
    AttentionOptions options;
    options.head_dim = 4;  // scale 1/2
    const std::vector<double> q = {2, 0, 0, 0}, keys = {1, 0, 0, 0, 0, 9, 9, 9};
    const auto weights = attention_weights(options, 0, q, 1, keys, positions_from(0, 2));
    EXPECT_NEAR(weights[0], std::exp(1.0) / (std::exp(1.0) + 1), kRounding);
    EXPECT_NEAR(weights[1], 1 / (std::exp(1.0) + 1), kRounding);
}

TEST(AttentionReferenceTest, CausalMaskHidesLaterKeys) {
    const Layer layer(RotaryValues::kNone);
    Layer changed = layer;
    for (std::size_t i = 4 * 2 * 8; i < changed.k.size(); ++i)
        changed.k[i] = changed.v[i] = 100;
    const auto a = layer.at(0), b = changed.at(0);
    for (std::size_t i = 0; i < 4 * 4 * 8; ++i)
        EXPECT_EQ(a[i], b[i]) << i;
    EXPECT_GT(std::abs(a[4 * 4 * 8] - b[4 * 4 * 8]), 1);
}

TEST(AttentionReferenceTest, SharedKvHeadsEqualCopiedOnes) {
    const Layer layer(RotaryValues::kRove);
    Layer copied = layer;
    copied.options.n_kv_heads = 4;
    copied.k.clear();
    copied.v.clear();
    for (std::size_t t = 0; t < 6; ++t) {
        for (std::size_t h = 0; h < 4; ++h) {
            for (std::size_t d = 0; d < 8; ++d) {
                copied.k.push_back(layer.k[(t * 2 + h / 2) * 8 + d]);
                copied.v.push_back(layer.v[(t * 2 + h / 2) * 8 + d]);
            }
        }
    }
    expect_near(layer.at(0), copied.at(0), kRounding);
}

TEST(AttentionReferenceTest, RoveOfOneTokenIsRope) {
    for (const Pairing pairing : {Pairing::kInterleaved, Pairing::kHalf}) {
        const Layer rope(RotaryValues::kNone, pairing), rove(RotaryValues::kRove, pairing);
        const auto rope_all = rope.at(40), rove_all = rove.at(40);
        for (std::size_t i = 0; i < 4 * 8; ++i)
            EXPECT_NEAR(rope_all[i], rove_all[i], kRounding) << i;
        EXPECT_GT(largest_difference(rope_all, rove_all), 1e-2);  // later tokens differ
    }
}

TEST(AttentionReferenceTest, ShiftOfAllPositionsChangesNothing) {
    for (const RotaryValues values : {RotaryValues::kNone, RotaryValues::kRove}) {
        const Layer layer(values);
        expect_near(layer.at(0), layer.at(777), kRounding);
    }
    const Layer absolute(RotaryValues::kRotateOnly);  // RoFormer's values do know where they are
    EXPECT_GT(largest_difference(absolute.at(0), absolute.at(777)), 1e-2);
}

// out_i = sum over j of a_ij R_(j - i) v_j: RoVE written with distances instead of two rotations.
TEST(AttentionReferenceTest, RoveEqualsItsRelativeForm) {
    const Layer layer(RotaryValues::kRove);
    const auto positions = positions_from(3, 6);
    const AttentionOptions& o = layer.options;
    const auto q = rotate_heads(layer.q, 4, 8, o.pairs, positions);
    const auto k = rotate_heads(layer.k, 2, 8, o.pairs, positions);
    std::vector<double> expected(layer.q.size(), 0.0);
    for (std::size_t i = 0; i < 6; ++i) {
        for (std::size_t h = 0; h < 4; ++h) {
            const std::span<const double> q_head(q.data() + (i * 4 + h) * 8, 8);
            const auto a = attention_weights(o, h, q_head, positions[i], k, positions);
            for (std::size_t j = 0; j <= i; ++j) {
                std::vector<double> v(
                    layer.v.begin() + static_cast<std::ptrdiff_t>((j * 2 + h / 2) * 8),
                    layer.v.begin() + static_cast<std::ptrdiff_t>((j * 2 + h / 2) * 8 + 8));
                rotate(v, o.pairs, positions[j] - positions[i]);
                for (std::size_t d = 0; d < 8; ++d)
                    expected[(i * 4 + h) * 8 + d] += a[j] * v[d];
            }
        }
    }
    expect_near(layer.at(3), expected, kRounding);
}

// q = 0 weighs n keys alike; values 1 + 0i give the mean of e^(i w (j - i)): a Dirichlet kernel.
TEST(AttentionReferenceTest, UniformRoveIsTheDirichletKernel) {
    constexpr std::size_t n = 17;
    constexpr double w = 0.37;
    AttentionOptions options;
    options.head_dim = 2;
    options.values = RotaryValues::kRove;
    const std::vector<double> inv_freq = {w};
    options.pairs = rotating_pairs(Pairing::kHalf, inv_freq);
    std::vector<double> v;
    for (std::size_t j = 0; j < n; ++j)
        v.insert(v.end(), {1.0, 0.0});
    const std::vector<double> q = {0, 0}, last = {n - 1};
    const auto y = attention(options, q, v, v, last, positions_from(0, n));
    // It may be negative, where std::polar() need not give a number.
    const double factor = std::sin(n * w / 2) / (n * std::sin(w / 2));
    const std::complex<double> closed = factor * std::polar(1.0, -w * (n - 1) / 2);
    EXPECT_NEAR(y[0], closed.real(), kRounding);
    EXPECT_NEAR(y[1], closed.imag(), kRounding);
}

// Moving the cache of RoVE to new positions must rotate keys and values; rotating keys alone is
// wrong.
TEST(AttentionReferenceTest, ContextShiftOfRoveTurnsValuesToo) {
    const Layer layer(RotaryValues::kRove);
    AttentionOptions o = layer.options;
    const auto before = positions_from(100, 6), after = positions_from(0, 6);
    const std::vector<double> shift(6, -100.0);
    const auto k = rotate_heads(layer.k, 2, 8, o.pairs, before);
    const auto v = rotate_heads(layer.v, 2, 8, o.pairs, before);
    const auto k_shifted = rotate_heads(k, 2, 8, o.pairs, shift);
    const auto v_shifted = rotate_heads(v, 2, 8, o.pairs, shift);
    const auto q = rotate_heads(layer.q, 4, 8, o.pairs, after);
    std::vector<double> back = after;
    for (double& position : back)
        position = -position;
    const auto both =
        rotate_heads(mix_turned(o, q, k_shifted, v_shifted, after, after), 4, 8, o.pairs, back);
    const auto keys_only =
        rotate_heads(mix_turned(o, q, k_shifted, v, after, after), 4, 8, o.pairs, back);
    expect_near(both, layer.at(0), kRounding);
    EXPECT_GT(largest_difference(keys_only, layer.at(0)), 0.1);
}

TEST(AttentionReferenceTest, VoRopeTurnsValuesButNotKeys) {
    Layer layer(RotaryValues::kRove);
    layer.options.rotate_keys = false;
    const auto positions = positions_from(0, 6);
    const std::span<const double> q_head(layer.q.data() + 5 * 4 * 8, 8);
    const auto a = attention_weights(layer.options, 0, q_head, 5, layer.k, positions);
    std::complex<double> pair0 = 0;  // channels (0, 3), frequency 1
    for (std::size_t j = 0; j < 6; ++j) {
        const std::complex<double> v(layer.v[j * 16], layer.v[j * 16 + 3]);
        pair0 += a[j] * v * std::polar(1.0, static_cast<double>(j) - 5);
    }
    const auto y = layer.at(0);
    EXPECT_NEAR(y[5 * 32], pair0.real(), kRounding);
    EXPECT_NEAR(y[5 * 32 + 3], pair0.imag(), kRounding);
}

// YaRN's factor m multiplies logits by m^2 when the whole head rotates, and leaves the values
// alone.
TEST(AttentionReferenceTest, AmplitudeScalesLogitsOnly) {
    AttentionOptions options;
    options.head_dim = 2;
    options.values = RotaryValues::kRove;
    const std::vector<double> inv_freq = {0.0};
    options.pairs = rotating_pairs(Pairing::kHalf, inv_freq);
    options.amplitude = 1.2;
    const std::vector<double> q = {1, 0}, k = {1, 0, 0, 0}, v = {1, 0, 0, 1}, last = {1};
    const auto y = attention(options, q, k, v, last, positions_from(0, 2));
    const double weight = 1 / (1 + std::exp(-1.44 / std::sqrt(2.0)));
    EXPECT_NEAR(y[0], weight, kRounding);
    EXPECT_NEAR(y[1], 1 - weight, kRounding);
}

// xPos lets logits fade with the distance and does not touch values, so RoVE still rotates them
// back.
TEST(AttentionReferenceTest, XposFadesLogitsOnly) {
    Layer layer(RotaryValues::kRove);
    const auto plain = layer.at(0);
    add_xpos(layer.options.pairs);
    EXPECT_GT(largest_difference(layer.at(0), plain), 1e-5);
    expect_near(layer.at(0), layer.at(300), kRounding);
    const auto first = layer.at(0);
    for (std::size_t i = 0; i < 4 * 8; ++i)
        EXPECT_NEAR(first[i], plain[i], kRounding) << i;
}

TEST(AttentionReferenceTest, WindowKeepsNearKeysAndSinks) {
    AttentionOptions options;
    options.window = 3;
    const std::vector<double> q = {0}, keys(10, 0.0);
    auto weights = attention_weights(options, 0, q, 9, keys, positions_from(0, 10));
    for (std::size_t j = 0; j < 10; ++j)
        EXPECT_NEAR(weights[j], j >= 7 ? 1.0 / 3 : 0.0, kRounding) << j;
    options.sink_tokens = 2;
    weights = attention_weights(options, 0, q, 9, keys, positions_from(0, 10));
    for (std::size_t j = 0; j < 10; ++j) {
        EXPECT_NEAR(weights[j], j < 2 || j >= 7 ? 0.2 : 0.0, kRounding) << j;
    }
}

TEST(AttentionReferenceTest, SinkLogitTakesWeightAndGivesNothing) {
    AttentionOptions options;
    options.sink_logits = {0.0};
    const std::vector<double> q = {0}, keys = {0, 0, 0};
    const auto weights = attention_weights(options, 0, q, 2, keys, positions_from(0, 3));
    EXPECT_EQ(weights.size(), 3u);
    for (const double weight : weights)
        EXPECT_NEAR(weight, 0.25, kRounding);
}

// The slopes that the ALiBi paper prints for 8 heads; for 12, those and every other one of 16's.
TEST(AttentionReferenceTest, AlibiSlopes) {
    const std::vector<double> eight = alibi_slopes(8);
    ASSERT_EQ(eight.size(), 8u);
    for (std::size_t h = 0; h < 8; ++h)
        EXPECT_NEAR(eight[h], 1.0 / (2 << h), 1e-17) << h;
    EXPECT_EQ(alibi_slopes(2, 4), (std::vector<double>{0.25, 0.0625}));
    const std::vector<double> twelve = alibi_slopes(12);
    ASSERT_EQ(twelve.size(), 12u);
    for (std::size_t h = 0; h < 8; ++h)
        EXPECT_EQ(twelve[h], eight[h]) << h;
    for (std::size_t h = 8; h < 12; ++h) {
        EXPECT_NEAR(twelve[h], std::exp2(-0.5 - static_cast<double>(h - 8)), 1e-16) << h;
    }
}

TEST(AttentionReferenceTest, AlibiWeighsByDistance) {
    AttentionOptions options;
    options.alibi = true;  // one head: slope 2^-8
    const std::vector<double> q = {0}, keys(4, 0.0);
    const auto weights = attention_weights(options, 0, q, 3, keys, positions_from(0, 4));
    EXPECT_NEAR(weights[0] / weights[3], std::exp(-3.0 / 256), kRounding);
    EXPECT_NEAR(weights[2] / weights[3], std::exp(-1.0 / 256), kRounding);
}

TEST(AttentionReferenceTest, TemperatureStartsAfterTheTrainingLength) {
    AttentionOptions options;
    options.temperature = {0.1, 2, 4};
    const std::vector<double> q = {1};
    const auto ratio_at = [&](double position) {  // keys 1 and 0: the ratio is e^factor
        const std::vector<double> keys = {1, 0}, where = {0, 0};
        const auto weights = attention_weights(options, 0, q, position, keys, where);
        return std::log(weights[0] / weights[1]);
    };
    EXPECT_NEAR(ratio_at(3), 1, kRounding);
    EXPECT_NEAR(ratio_at(15), std::pow(1 + 0.1 * std::log(4.0), 2), kRounding);
}

}  // namespace
}  // namespace gyre::reference
