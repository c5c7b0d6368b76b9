// Rotary keys and tensors of a file to the RotarySpec that the kernels get.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/model/model_config.h"
#include "tests/model/gguf_builder.h"

namespace gyre::testing {
namespace {

// Heads of 8: n_embd 8, one head.
GgufBuilder rotary_model() {
    GgufBuilder b = small_model();
    b.u32("gpt2.attention.head_count", 1).u32("gpt2.context_length", 64);
    return b;
}

Result<ModelConfig> config_of(const GgufBuilder& builder) {
    const Bytes file = builder.build();
    GYRE_ASSIGN(const Gguf gguf, Gguf::parse(file));
    return read_model_config(gguf);
}

RotarySpec spec_of(const GgufBuilder& builder, std::uint32_t n_ctx = 64) {
    const auto config = config_of(builder);
    EXPECT_TRUE(config.ok()) << config.status().message();
    return config.ok() ? config->rotary_spec(n_ctx) : make_unrotated_spec(8);
}

void expect_refused(const GgufBuilder& builder, const std::string& named,
                    const std::string& also = "") {
    const auto config = config_of(builder);
    ASSERT_FALSE(config.ok()) << "expected an error about " << named;
    EXPECT_NE(config.status().message().find(named), std::string::npos)
        << config.status().message();
    EXPECT_NE(config.status().message().find(also), std::string::npos) << config.status().message();
}

void expect_near(const std::vector<double>& got, const std::vector<double>& expected) {
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_NEAR(got[i], expected[i], 1e-14) << "pair " << i;
    }
}

TEST(RotaryConfig, DefaultsAreWholeHeadHalfPairsBaseTenThousand) {
    const RotarySpec spec = spec_of(rotary_model());
    expect_near(spec.inv_freq, {1.0, 0.1, 0.01, 0.001});  // 10000^(-i/4)
    EXPECT_EQ(spec.pairing, RotaryPairing::kHalf);
    EXPECT_EQ(spec.stride, 4u);
    EXPECT_TRUE(spec.rotate_keys);
    EXPECT_EQ(spec.values, ValueRotation::kNone);
    EXPECT_EQ(spec.amplitude, 1.0);
    EXPECT_TRUE(spec.rotates());
}

// The exponents and the stride belong to the rotary channels, not to the head.
TEST(RotaryConfig, PartialRotaryRotatesTheFirstChannels) {
    const RotarySpec spec = spec_of(rotary_model().u32("gpt2.rope.dimension_count", 4));
    expect_near(spec.inv_freq, {1.0, 0.01, 0.0, 0.0});  // 10000^(-i/2)
    EXPECT_EQ(spec.stride, 2u);
}

TEST(RotaryConfig, ExplicitFrequenciesAreOverTheWholeHeadAndWin) {
    GgufBuilder b = rotary_model();
    b.array<float>("gyre.rotary.inv_freq", 6, {0.5f, 0.0f, 0.25f, -1.0f});
    b.u32("gpt2.rope.dimension_count", 4).f32("gpt2.rope.freq_base", 77.0f);
    b.f32("gpt2.rope.scaling.factor", 8.0f);
    const RotarySpec spec = spec_of(b);
    expect_near(spec.inv_freq, {0.5, 0.0, 0.25, -1.0});
    EXPECT_EQ(spec.stride, 4u);
}

TEST(RotaryConfig, ExplicitFrequenciesOfAWrongLengthOrValueAreRefused) {
    GgufBuilder b = rotary_model();
    expect_refused(b.array<float>("gyre.rotary.inv_freq", 6, {}), "inv_freq",
                   "0 entries; expected 4");
    expect_refused(b.array<float>("gyre.rotary.inv_freq", 6, {1.0f, 1.0f, 1.0f}), "inv_freq",
                   "3 entries");
    for (const float bad : {INFINITY, -INFINITY, std::nanf(""), 1e30f}) {
        expect_refused(b.array<float>("gyre.rotary.inv_freq", 6, {1.0f, 1.0f, bad, 0.0f}),
                       "inv_freq", "entry 2");
    }
    expect_refused(b.array<double>("gyre.rotary.inv_freq", 12, {1.0, 1e308, 0.0, 0.0}), "entry 1");
    expect_refused(b.array<std::uint32_t>("gyre.rotary.inv_freq", 4, {1, 1, 1, 1}), "inv_freq",
                   "uint32");
}

TEST(RotaryConfig, OddHeadsLeaveTheLastChannelAlone) {
    GgufBuilder b = rotary_model();
    b.u32("gpt2.embedding_length", 5);
    const RotarySpec spec = spec_of(b);
    EXPECT_EQ(spec.n_pairs(), 3u);
    expect_near(spec.inv_freq, {1.0, 0.01, 0.0});  // four of five channels rotate
    EXPECT_EQ(spec.stride, 2u);
    b.array<float>("gyre.rotary.inv_freq", 6, {0.5f, 0.25f});
    expect_near(spec_of(b).inv_freq, {0.5, 0.25, 0.0});
    b.u32("gpt2.embedding_length", 1).erase("gyre.rotary.inv_freq");
    expect_refused(b, "dimension_count", "head size 1");
}

TEST(RotaryConfig, SwitchesAreRead) {
    GgufBuilder b = rotary_model();
    b.string("gyre.rotary.pairing", "interleaved").boolean("gyre.rotary.keys", false);
    b.string("gyre.rotary.values", "rotate_only").boolean("gyre.rotary.xpos", true);
    const RotarySpec spec = spec_of(b);
    EXPECT_EQ(spec.pairing, RotaryPairing::kInterleaved);
    EXPECT_FALSE(spec.rotate_keys);
    EXPECT_EQ(spec.values, ValueRotation::kRotateOnly);
    EXPECT_TRUE(config_of(b)->rotary.xpos);
    EXPECT_EQ(spec_of(b.string("gyre.rotary.values", "rove")).values, ValueRotation::kRove);
}

TEST(RotaryConfig, StandardScalingKeys) {
    GgufBuilder b = rotary_model();
    b.string("gpt2.rope.scaling.type", "linear").f32("gpt2.rope.scaling.factor", 4.0f);
    expect_near(spec_of(b).inv_freq, {0.25, 0.025, 0.0025, 0.00025});
    b.f32("gpt2.rope.scaling.attn_factor", 1.5f);
    EXPECT_EQ(spec_of(b).amplitude, 1.5);
    // A factor without a type is linear, as ggml reads it; "none" switches the factor off.
    expect_near(spec_of(rotary_model().f32("gpt2.rope.scaling.factor", 2.0f)).inv_freq,
                {0.5, 0.05, 0.005, 0.0005});
    expect_near(spec_of(rotary_model().f32("gpt2.rope.scale_linear", 2.0f)).inv_freq,
                {0.5, 0.05, 0.005, 0.0005});
    GgufBuilder none = rotary_model();
    none.string("gpt2.rope.scaling.type", "none").f32("gpt2.rope.scaling.factor", 2.0f);
    expect_near(spec_of(none).inv_freq, {1.0, 0.1, 0.01, 0.001});
}

// Converters write transformers' attention_factor, which is the amplitude, or YaRN's attn_factor,
// which multiplies its rule and goes with an extrapolation_factor.
TEST(RotaryConfig, YarnAttnFactorIsTheAmplitudeUnlessTheFileHasYarnsOwnWords) {
    const double rule = 0.1 * std::log(8.0) + 1.0;
    GgufBuilder b = rotary_model();
    b.string("gpt2.rope.scaling.type", "yarn").f32("gpt2.rope.scaling.factor", 8.0f);
    EXPECT_NEAR(spec_of(b).amplitude, rule, 1e-12);
    // 1 is what switches the amplitude off, not a factor that changes nothing.
    b.f32("gpt2.rope.scaling.yarn_attn_factor", 1.0f);
    EXPECT_EQ(spec_of(b).amplitude, 1.0);
    b.f32("gpt2.rope.scaling.yarn_attn_factor", 1.25f);
    EXPECT_EQ(spec_of(b).amplitude, 1.25);
    b.f32("gpt2.rope.scaling.attn_factor", 2.0f);
    EXPECT_EQ(spec_of(b).amplitude, 2.5);
    b.f32("gpt2.rope.scaling.yarn_ext_factor", 1.0f);
    EXPECT_NEAR(spec_of(b).amplitude, 2.5 * rule, 1e-12);
    b.f32("gpt2.rope.scaling.yarn_ext_factor", -1.0f);
    EXPECT_NEAR(spec_of(b).amplitude, 2.5 * rule, 1e-12);
}

TEST(RotaryConfig, YarnKeysReachTheRecipe) {
    GgufBuilder b = rotary_model();
    b.string("gpt2.rope.scaling.type", "yarn").f32("gpt2.rope.scaling.factor", 8.0f);
    b.u32("gpt2.rope.scaling.original_context_length", 32)
        .f32("gpt2.rope.scaling.yarn_beta_fast", 16.0f);
    b.f32("gpt2.rope.scaling.yarn_beta_slow", 2.0f).f32("gpt2.rope.scaling.yarn_attn_factor", 0.5f);
    b.f32("gpt2.rope.scaling.attn_factor", 3.0f).boolean("gpt2.rope.scaling.finetuned", true);
    const auto config = config_of(b);
    ASSERT_TRUE(config.ok()) << config.status().message();
    const RotaryScaling& scaling = config->rotary.scaling;
    EXPECT_EQ(scaling.type, RotaryScalingType::kYarn);
    EXPECT_EQ(scaling.factor, 8.0);
    EXPECT_EQ(scaling.original_context_length, 32u);
    EXPECT_EQ(scaling.beta_fast, 16.0);
    EXPECT_EQ(scaling.beta_slow, 2.0);
    EXPECT_EQ(scaling.attn_factor, 1.5);
    EXPECT_EQ(scaling.ext_factor, 1.0);
    EXPECT_EQ(
        config_of(b.f32("gpt2.rope.scaling.yarn_ext_factor", -1.0f))->rotary.scaling.ext_factor,
        1.0);
    EXPECT_EQ(
        config_of(b.f32("gpt2.rope.scaling.yarn_ext_factor", 0.0f))->rotary.scaling.ext_factor,
        0.0);
    expect_refused(b.f32("gpt2.rope.scaling.yarn_beta_slow", 17.0f), "yarn_beta_slow");
    b.f32("gpt2.rope.scaling.yarn_beta_slow", 1.0f);
    expect_refused(b.f32("gpt2.rope.scaling.yarn_log_multiplier", 0.1f), "yarn_log_multiplier");
    b.f32("gpt2.rope.scaling.yarn_log_multiplier", 0.0f);
    EXPECT_TRUE(config_of(b).ok());
    expect_refused(b.f32("gpt2.rope.scaling.factor", 0.5f), "scaling.factor", "below 1");
}

TEST(RotaryConfig, OwnScalingNeedsItsKeys) {
    GgufBuilder b = rotary_model();
    expect_refused(b.f32("gyre.rotary.scaling.factor", 2.0f), "scaling.factor",
                   "nothing here reads it");
    b.string("gyre.rotary.scaling.type", "ntk");
    EXPECT_TRUE(config_of(b).ok());
    expect_refused(b.string("gyre.rotary.scaling.type", "dynamic"), "original_context_length",
                   "missing");
    expect_refused(b.string("gyre.rotary.scaling.type", "llama3"), "original_context_length",
                   "missing");
    b.u32("gyre.rotary.scaling.original_context_length", 32);
    expect_refused(b, "low_freq_factor", "missing");
    b.f32("gyre.rotary.scaling.low_freq_factor", 4.0f)
        .f32("gyre.rotary.scaling.high_freq_factor", 4.0f);
    expect_refused(b, "high_freq_factor", "not above");
    b.f32("gyre.rotary.scaling.low_freq_factor", 1.0f);
    EXPECT_TRUE(config_of(b).ok());
    expect_refused(b.f32("gyre.rotary.scaling.factor", 0.5f), "scaling.factor", "range");
    b.f32("gyre.rotary.scaling.factor", 2.0f).string("gpt2.rope.scaling.type", "linear");
    expect_refused(b, "gyre.rotary.scaling.type", "gpt2.rope.scaling.type");
    expect_refused(rotary_model().string("gyre.rotary.scaling.type", "ntk"), "scaling.factor",
                   "missing");
}

TEST(RotaryConfig, LongRopeReadsItsTensors) {
    GgufBuilder b = rotary_model();
    b.string("gyre.rotary.scaling.type", "longrope").f32("gyre.rotary.scaling.factor", 4.0f);
    b.u32("gyre.rotary.scaling.original_context_length", 16);
    expect_refused(b, "rope_factors_short.weight", "missing");
    b.tensor("rope_factors_short.weight", {4}, 2.0f, 0.0f);
    expect_refused(b, "rope_factors_long.weight", "missing");
    b.tensor("rope_factors_long.weight", {4}, 4.0f, 0.0f);
    expect_near(spec_of(b, 16).inv_freq, {0.5, 0.05, 0.005, 0.0005});
    expect_near(spec_of(b, 17).inv_freq, {0.25, 0.025, 0.0025, 0.00025});
    EXPECT_NEAR(spec_of(b, 17).amplitude, std::sqrt(1.5), 1e-15);  // ln 4 / ln 16 = 1/2
    EXPECT_EQ(spec_of(b.f32("gyre.rotary.scaling.attention_factor", 1.25f)).amplitude, 1.25);
    expect_refused(b.tensor("rope_factors_long.weight", {3}), "rope_factors_long.weight",
                   "expected one");
    // The same under the ecosystem's key: attn_factor is the whole amplitude there.
    GgufBuilder standard = rotary_model();
    standard.string("gpt2.rope.scaling.type", "longrope").f32("gpt2.rope.scaling.factor", 4.0f);
    standard.u32("gpt2.rope.scaling.original_context_length", 16);
    standard.tensor("rope_factors_short.weight", {4}, 2.0f, 0.0f);
    standard.tensor("rope_factors_long.weight", {4}, 4.0f, 0.0f);
    EXPECT_EQ(spec_of(standard).amplitude, 1.0);
    EXPECT_EQ(spec_of(standard.f32("gpt2.rope.scaling.attn_factor", 1.19f)).amplitude,
              double{1.19f});
}

TEST(RotaryConfig, FrequencyFactorsDivide) {
    GgufBuilder b = rotary_model();
    b.tensor("rope_freqs.weight", {4}, 1.0f, 1.0f);
    expect_near(spec_of(b).inv_freq, {1.0, 0.05, 0.01 / 3.0, 0.00025});
    expect_refused(b.tensor("rope_freqs.weight", {5}), "rope_freqs.weight",
                   "expected one vector of 4");
    expect_refused(b.tensor("rope_freqs.weight", {4}, 0.0f), "rope_freqs.weight", "positive");
    expect_refused(b.tensor("rope_freqs.weight", {4}, -1.0f, 0.0f), "rope_freqs.weight",
                   "positive");
    expect_refused(b.tensor("rope_freqs.weight", {4}, std::nanf("")), "rope_freqs.weight",
                   "positive");
}

TEST(RotaryConfig, TemperatureFollowsTheLength) {
    AttentionTemperature temperature{0.1, 2.0, 100};
    EXPECT_EQ(temperature.factor(1), 1.0);
    EXPECT_EQ(temperature.factor(100), 1.0);
    EXPECT_NEAR(temperature.factor(200), std::pow(1.0 + 0.1 * std::log(2.0), 2.0), 1e-15);
    EXPECT_NEAR(temperature.factor(272), 1.2101, 3e-4);  // 272 / 100 is nearly e: 1.1^2
    EXPECT_EQ(AttentionTemperature{}.factor(1000000), 1.0);
}

}  // namespace
}  // namespace gyre::testing
