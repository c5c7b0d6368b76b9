// The frequency rules against values that were worked out apart from them: closed forms, published
// constants, and the papers' formulas evaluated in long double.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "runtime/model/rotary_spec.h"

namespace gyre::testing {
namespace {

constexpr long double kPi = std::numbers::pi_v<long double>;

RotaryRecipe recipe(RotaryScalingType type, std::uint32_t d, double theta, double s,
                    std::uint32_t t) {
    RotaryRecipe r;
    r.rotary_dim = d;
    r.theta = theta;
    r.scaling.type = type;
    r.scaling.factor = s;
    r.scaling.original_context_length = t;
    return r;
}

RotaryFrequencies fill(const RotaryRecipe& r, std::uint32_t n_ctx = 1024) {
    return rotary_scaling_rule(r.scaling.type).fill(r, n_ctx);
}

long double plain(double theta, std::uint32_t d, std::size_t i) {
    return std::exp(-2.0L * static_cast<long double>(i) / d *
                    std::log(static_cast<long double>(theta)));
}

void expect_relative(double got, long double expected, const std::string& what) {
    EXPECT_NEAR(static_cast<double>(got / expected), 1.0, 1e-13) << what;
}

TEST(RotaryFrequencies, TableHasEveryRuleUnderItsName) {
    for (const char* name : {"none", "linear", "ntk", "dynamic", "yarn", "llama3", "longrope"}) {
        const RotaryScalingRule* rule = find_rotary_scaling(name);
        ASSERT_NE(rule, nullptr) << name;
        EXPECT_EQ(&rotary_scaling_rule(rule->type), rule);
    }
    EXPECT_EQ(find_rotary_scaling("su"), nullptr);
}

TEST(RotaryFrequencies, PlainFrequenciesArePowersOfTheBase) {
    const auto w = fill(recipe(RotaryScalingType::kNone, 64, 10000.0, 1.0, 0));
    ASSERT_EQ(w.inv_freq.size(), 32u);
    for (std::size_t i = 0; i < 32; ++i) {
        expect_relative(w.inv_freq[i], plain(10000.0, 64, i), "pair " + std::to_string(i));
    }
    EXPECT_EQ(w.inv_freq[0], 1.0);
    EXPECT_NEAR(w.inv_freq[16], 0.01, 1e-16);
    EXPECT_EQ(w.amplitude, 1.0);
}

TEST(RotaryFrequencies, LinearInterpolationDividesAll) {
    const auto w = fill(recipe(RotaryScalingType::kLinear, 64, 10000.0, 4.0, 0));
    for (std::size_t i = 0; i < 32; ++i) {
        expect_relative(w.inv_freq[i], plain(10000.0, 64, i) / 4, "pair " + std::to_string(i));
    }
    EXPECT_EQ(w.amplitude, 1.0);
}

// The exponent d/(d-2) is chosen so that the fastest pair stays and the slowest is divided by s.
TEST(RotaryFrequencies, NtkKeepsTheFastestAndInterpolatesTheSlowest) {
    const auto w = fill(recipe(RotaryScalingType::kNtk, 64, 10000.0, 8.0, 0));
    EXPECT_EQ(w.inv_freq[0], 1.0);
    expect_relative(w.inv_freq[31], plain(10000.0, 64, 31) / 8, "slowest");
    expect_relative(w.inv_freq[16], plain(10000.0, 64, 16) * std::pow(8.0L, -32.0L / 62), "middle");
    const auto two =
        fill(recipe(RotaryScalingType::kNtk, 2, 10000.0, 8.0, 0));  // d/(d-2) is no number
    EXPECT_EQ(two.inv_freq, (std::vector<double>{1.0}));
}

TEST(RotaryFrequencies, DynamicNtkFollowsTheLengthBeyondTheOriginal) {
    const RotaryRecipe r = recipe(RotaryScalingType::kDynamic, 64, 10000.0, 2.0, 1024);
    for (const std::uint32_t n_ctx : {1u, 512u, 1024u}) {
        expect_relative(fill(r, n_ctx).inv_freq[31], plain(10000.0, 64, 31), "within");
    }
    // s L/T - (s-1) = 2*2 - 1 = 3 and 2*4 - 1 = 7
    expect_relative(fill(r, 2048).inv_freq[31], plain(10000.0, 64, 31) / 3, "twice");
    expect_relative(fill(r, 4096).inv_freq[31], plain(10000.0, 64, 31) / 7, "four times");
    EXPECT_EQ(fill(r, 4096).inv_freq[0], 1.0);
    EXPECT_TRUE(rotary_scaling_rule(RotaryScalingType::kDynamic).depends_on_context);
}

// arXiv:2309.00071 section 3.2 with the bounds of its published code, written in the paper's order.
long double yarn_frequency(std::size_t i, std::uint32_t d, double theta, long double s,
                           long double t, long double fast, long double slow) {
    const auto correction = [&](long double rotates) {
        return d * std::log(t / (rotates * 2 * kPi)) /
               (2 * std::log(static_cast<long double>(theta)));
    };
    const long double low = std::max(std::floor(correction(fast)), 0.0L);
    long double high = std::min(std::ceil(correction(slow)), d - 1.0L);
    if (high == low) high += 0.001L;
    long double gamma = (static_cast<long double>(i) - low) / (high - low);
    gamma = std::min(std::max(gamma, 0.0L), 1.0L);
    const long double w = plain(theta, d, i);
    return (w / s) * gamma + w * (1 - gamma);
}

TEST(RotaryFrequencies, YarnIsThePapersFormula) {
    const struct {
        std::uint32_t d;
        double theta, s;
        std::uint32_t t;
    } rows[] = {{128, 10000.0, 16.0, 4096}, {64, 10000.0, 4.0, 1024},   {64, 500000.0, 32.0, 8192},
                {32, 10000.0, 2.0, 64},     {8, 1000000.0, 8.0, 32768}, {8, 10000.0, 4.0, 100000},
                {16, 10000.0, 4.0, 6}};
    for (const auto& row : rows) {
        const auto w = fill(recipe(RotaryScalingType::kYarn, row.d, row.theta, row.s, row.t));
        for (std::size_t i = 0; i < w.inv_freq.size(); ++i) {
            expect_relative(w.inv_freq[i], yarn_frequency(i, row.d, row.theta, row.s, row.t, 32, 1),
                            "d " + std::to_string(row.d) + " pair " + std::to_string(i));
        }
    }
}

// LLaMA-2 with s = 16: d = 128, T = 4096. corr(32) = 20.94 and corr(1) = 45.03, by hand.
TEST(RotaryFrequencies, YarnRampLiesWhereLlama2HasIt) {
    const auto w = fill(recipe(RotaryScalingType::kYarn, 128, 10000.0, 16.0, 4096));
    for (std::size_t i = 0; i <= 20; ++i)
        expect_relative(w.inv_freq[i], plain(10000.0, 128, i), "kept");
    for (std::size_t i = 46; i < 64; ++i) {
        expect_relative(w.inv_freq[i], plain(10000.0, 128, i) / 16, "interpolated");
    }
    EXPECT_LT(w.inv_freq[21], static_cast<double>(plain(10000.0, 128, 21)));
    EXPECT_GT(w.inv_freq[45], static_cast<double>(plain(10000.0, 128, 45) / 16));
}

TEST(RotaryFrequencies, YarnAmplitude) {
    RotaryRecipe r = recipe(RotaryScalingType::kYarn, 64, 10000.0, 32.0, 4096);
    EXPECT_NEAR(fill(r).amplitude, 1.3465735902799727, 1e-15);  // 0.1 ln 32 + 1
    r.scaling.attn_factor = 0.5;
    EXPECT_NEAR(fill(r).amplitude, 0.5 * 1.3465735902799727, 1e-15);
    r.scaling.attn_factor = 1.0;
    r.scaling.mscale = 0.707;
    r.scaling.mscale_all_dim = 0.707;
    EXPECT_EQ(fill(r).amplitude, 1.0);  // as DeepSeek-V2 has them, they cancel
    r.scaling.mscale_all_dim = 1.0;
    EXPECT_NEAR(fill(r).amplitude, (1 + 0.0707 * std::log(32.0)) / 1.3465735902799727, 1e-15);
    EXPECT_EQ(fill(recipe(RotaryScalingType::kYarn, 64, 10000.0, 1.0, 4096)).amplitude, 1.0);
}

// ggml's ext_factor 0: no ramp, so plain interpolation, and no amplitude of the rule's own.
TEST(RotaryFrequencies, YarnWithoutExtrapolationIsLinear) {
    RotaryRecipe r = recipe(RotaryScalingType::kYarn, 64, 10000.0, 8.0, 1024);
    r.scaling.ext_factor = 0.0;
    const auto w = fill(r);
    for (std::size_t i = 0; i < 32; ++i)
        expect_relative(w.inv_freq[i], plain(10000.0, 64, i) / 8, "linear");
    EXPECT_EQ(w.amplitude, 1.0);
}

TEST(RotaryFrequencies, YarnBetasMoveTheRamp) {
    RotaryRecipe r = recipe(RotaryScalingType::kYarn, 64, 10000.0, 8.0, 4096);
    r.scaling.beta_fast = 16.0;
    r.scaling.beta_slow = 4.0;
    const auto w = fill(r);
    for (std::size_t i = 0; i < 32; ++i) {
        expect_relative(w.inv_freq[i], yarn_frequency(i, 64, 10000.0, 8, 4096, 16, 4), "betas");
    }
}

// Llama 3.1 8B: d = 128, theta = 500000, s = 8, T = 8192, factors 1 and 4. Its published rope_freqs
// hold 29 ones and end in 29 eights: T w / 2 pi is above 4 up to pair 28 and below 1 from pair 35.
TEST(RotaryFrequencies, Llama3IsThePublishedModels) {
    const auto w = fill(recipe(RotaryScalingType::kLlama3, 128, 500000.0, 8.0, 8192));
    for (std::size_t i = 0; i <= 28; ++i)
        expect_relative(w.inv_freq[i], plain(500000.0, 128, i), "kept");
    for (std::size_t i = 35; i < 64; ++i) {
        expect_relative(w.inv_freq[i], plain(500000.0, 128, i) / 8, "interpolated");
    }
    for (std::size_t i = 29; i < 35;
         ++i) {  // the paper's code: smooth = (T/lambda - lo) / (hi - lo)
        const long double frequency = plain(500000.0, 128, i);
        const long double lambda = 2 * kPi / frequency;
        const long double smooth = (8192 / lambda - 1) / (4 - 1);
        expect_relative(w.inv_freq[i], (1 - smooth) * frequency / 8 + smooth * frequency,
                        "blended");
    }
    EXPECT_EQ(w.amplitude, 1.0);
}

TEST(RotaryFrequencies, LongRopeDividesByTheListOfTheLength) {
    RotaryRecipe r = recipe(RotaryScalingType::kLongrope, 8, 10000.0, 32.0, 4096);
    r.scaling.short_factor = {1.0, 1.25, 2.0, 4.0};
    r.scaling.long_factor = {1.5, 3.0, 20.0, 60.0};
    for (std::size_t i = 0; i < 4; ++i) {
        expect_relative(fill(r, 4096).inv_freq[i], plain(10000.0, 8, i) / r.scaling.short_factor[i],
                        "short");
        expect_relative(fill(r, 4097).inv_freq[i], plain(10000.0, 8, i) / r.scaling.long_factor[i],
                        "long");
    }
    // Phi-3 mini 128k: sqrt(1 + ln 32 / ln 4096) = sqrt(17/12), published as 1.190238.
    EXPECT_NEAR(fill(r, 4096).amplitude, 1.190238, 1e-6);
    EXPECT_NEAR(fill(r, 4096).amplitude, std::sqrt(17.0 / 12.0), 1e-15);
    EXPECT_TRUE(rotary_scaling_rule(RotaryScalingType::kLongrope).depends_on_context);
}

TEST(RotaryFrequencies, FrequencyFactorsComeBeforeTheScaling) {
    RotaryRecipe r = recipe(RotaryScalingType::kLinear, 4, 100.0, 2.0, 0);
    r.freq_factors = {4.0, 5.0};
    const auto w = fill(r);
    EXPECT_NEAR(w.inv_freq[0], 1.0 / 8, 1e-16);
    EXPECT_NEAR(w.inv_freq[1], 0.1 / 10, 1e-16);
}

// arXiv:2403.00071. Wavelengths of 6.28, 62.8, 628.3 and 6283.2; none is shorter than a position.
TEST(RotaryFrequencies, ResonanceMakesWavelengthsWhole) {
    const auto w = whole_wavelengths({1.0, 0.1, 0.01, 0.001, 0.0, 1000.0});
    const double wavelengths[] = {6.0, 63.0, 628.0, 6283.0};
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(2 * std::numbers::pi / w[i], wavelengths[i], 1e-10);
    EXPECT_EQ(w[4], 0.0);
    EXPECT_EQ(w[5], 2 * std::numbers::pi);
}

// arXiv:2603.18017: one rotation in 32 tokens down to two rotations in the training length, half
// the head.
TEST(RotaryFrequencies, RopeIdPeriods) {
    const auto w = rope_id_inv_freq(64, 1024);
    ASSERT_EQ(w.size(), 32u);
    const auto period = [&](std::size_t i) { return 2 * std::numbers::pi / w[i]; };
    EXPECT_NEAR(period(0), 32.0, 1e-12);
    EXPECT_NEAR(period(1), 38.5, 0.05);
    EXPECT_NEAR(period(2), 46.3, 0.05);
    EXPECT_NEAR(period(15), 512.0, 1e-10);
    for (std::size_t i = 1; i < 16; ++i)
        EXPECT_NEAR(period(i) / period(i - 1), std::pow(16.0, 1.0 / 15), 1e-12);
    for (std::size_t i = 16; i < 32; ++i)
        EXPECT_EQ(w[i], 0.0);
    EXPECT_NEAR(2 * std::numbers::pi / rope_id_inv_freq(64, 4096)[15], 2048.0, 1e-9);
    EXPECT_EQ(rope_id_inv_freq(4, 1024), (std::vector<double>{2 * std::numbers::pi / 32, 0.0}));
}

// p-RoPE keeps the original exponents (of the whole head); HoPE asks whether a rotation is
// completed.
TEST(RotaryFrequencies, PRopeAndHopePutZerosAtTheSlowEnd) {
    EXPECT_EQ(p_rope_inv_freq(8, 10000.0, 0.5)[1], rope_inv_freq(8, 10000.0)[1]);
    EXPECT_EQ(p_rope_inv_freq(8, 10000.0, 0.5)[2], 0.0);
    EXPECT_EQ(p_rope_inv_freq(8, 10000.0, 1.0), rope_inv_freq(8, 10000.0));
    EXPECT_EQ(p_rope_inv_freq(8, 10000.0, 0.0), std::vector<double>(4, 0.0));
    // Periods 6.28, 62.8, 628 and 6283.
    EXPECT_EQ(hope_inv_freq(8, 10000.0, 628)[1], rope_inv_freq(8, 10000.0)[1]);
    EXPECT_EQ(hope_inv_freq(8, 10000.0, 628)[2], 0.0);
    EXPECT_EQ(hope_inv_freq(8, 10000.0, 629)[2], rope_inv_freq(8, 10000.0)[2]);
    EXPECT_EQ(hope_inv_freq(8, 10000.0, 629)[3], 0.0);
}

}  // namespace
}  // namespace gyre::testing
