// What rows of the table of architectures make of a file: scales, caps, and layers that differ.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "runtime/model/model_config.h"
#include "tests/model/gguf_builder.h"

namespace gyre::testing {
namespace {

constexpr std::uint32_t kBool = 7;  // GGUF's number of the type

// A model of one head of 4 and no layer's tensors, which the config does not ask for.
GgufBuilder model_of(const std::string& arch, std::uint32_t n_layer) {
    GgufBuilder b;
    b.string("general.architecture", arch).u32(arch + ".context_length", 8);
    b.u32(arch + ".embedding_length", 16).u32(arch + ".block_count", n_layer);
    b.u32(arch + ".feed_forward_length", 12).u32(arch + ".attention.head_count", 2);
    b.u32(arch + ".attention.key_length", 4).u32(arch + ".attention.value_length", 4);
    b.f32(arch + ".attention.layer_norm_rms_epsilon", 1e-5f);
    return b.tensor("token_embd.weight", {16, 5});
}

ModelConfig config_of(const GgufBuilder& builder) {
    const Bytes file = builder.build();
    const auto gguf = Gguf::parse(file);
    EXPECT_TRUE(gguf.ok());
    auto config = read_model_config(gguf.value());
    EXPECT_TRUE(config.ok()) << config.status().message();
    return config.ok() ? std::move(config).value() : ModelConfig();
}

void expect_refused(const GgufBuilder& builder, const std::string& named, const std::string& also) {
    const Bytes file = builder.build();
    const auto gguf = Gguf::parse(file);
    const auto config = read_model_config(gguf.value());
    ASSERT_FALSE(config.ok()) << "expected an error about " << named;
    EXPECT_NE(config.status().message().find("'" + named + "'"), std::string::npos)
        << config.status().message();
    EXPECT_NE(config.status().message().find(also), std::string::npos) << config.status().message();
}

using Numbers = std::vector<std::uint32_t>;

TEST(ModelFamilies, HaveDifferentNames) {
    std::set<std::string> names;
    for (const Architecture& row : architectures()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_EQ(find_architecture(row.name), &row);
    }
    EXPECT_EQ(find_architecture("llam"), nullptr);
}

TEST(ModelFamilies, Gemma3HasWindowsAndTwoBases) {
    GgufBuilder b = model_of("gemma3", 7);
    b.u32("gemma3.attention.sliding_window", 3).f32("gemma3.rope.freq_base", 1e6f);
    b.f32("gemma3.rope.scaling.factor", 8.0f);
    const ModelConfig config = config_of(b);
    EXPECT_EQ(config.attention.windows, (Numbers{3, 3, 3, 3, 3, 0, 3}));
    EXPECT_EQ(config.layer_rotary, (Numbers{1, 1, 1, 1, 1, 0, 1}));
    EXPECT_EQ(config.rotary.theta, 1e6);
    EXPECT_EQ(config.rotary.scaling.type, RotaryScalingType::kLinear);
    ASSERT_EQ(config.other_rotary.size(), 1u);
    EXPECT_EQ(config.other_rotary[0].theta, 1e4);
    EXPECT_EQ(config.other_rotary[0].scaling.type, RotaryScalingType::kNone);
    EXPECT_EQ(config.embedding_scale, 4.0f);
    EXPECT_EQ(config.attention.score_scale, 0.0f);
    EXPECT_EQ(config.logit_cap, 0.0f);
    b.f32("gemma3.rope.freq_base_swa", 500.0f).f32("gemma3.final_logit_softcapping", 30.0f);
    EXPECT_EQ(config_of(b).other_rotary[0].theta, 500.0);
    EXPECT_EQ(config_of(b).logit_cap, 30.0f);
}

TEST(ModelFamilies, WithoutAWindowAllLayersAreAlike) {
    GgufBuilder b = model_of("gemma3", 7);
    EXPECT_TRUE(config_of(b).attention.windows.empty());
    EXPECT_TRUE(config_of(b).layer_rotary.empty());
    // A key about windows that are not there.
    expect_refused(b.f32("gemma3.rope.freq_base_swa", 500.0f), "gemma3.rope.freq_base_swa",
                   "= 500");
}

TEST(ModelFamilies, TheFileMaySayWhichLayersAreGlobal) {
    GgufBuilder b = model_of("gemma3", 4);
    b.u32("gemma3.attention.sliding_window", 3);
    const std::string key = "gemma3.attention.sliding_window_pattern";
    EXPECT_EQ(config_of(b.u32(key, 2)).attention.windows, (Numbers{3, 0, 3, 0}));
    b.array<std::uint8_t>(key, kBool, {0, 1, 1, 0});
    EXPECT_EQ(config_of(b).attention.windows, (Numbers{0, 3, 3, 0}));
    EXPECT_EQ(config_of(b).layer_rotary, (Numbers{0, 1, 1, 0}));
    expect_refused(b.array<std::uint8_t>(key, kBool, {0, 1}), key, "2 entries; expected 4");
    expect_refused(b.array<std::int32_t>(key, 5, {0, 1, 1, 0}), key, "type is");
    expect_refused(b.u32(key, 0), key, "range");
}

TEST(ModelFamilies, Gemma2HasAWindowAndCapsThatFilesMayLeaveOut) {
    GgufBuilder b = model_of("gemma2", 3);
    EXPECT_EQ(config_of(b).attention.windows, (Numbers{4096, 0, 4096}));
    EXPECT_TRUE(config_of(b).layer_rotary.empty());
    EXPECT_EQ(config_of(b).attention.score_cap, 50.0f);
    EXPECT_EQ(config_of(b).logit_cap, 30.0f);
    b.f32("gemma2.attn_logit_softcapping", 0.0f).u32("gemma2.attention.sliding_window", 5);
    EXPECT_EQ(config_of(b).attention.score_cap, 0.0f);
    EXPECT_EQ(config_of(b).attention.windows, (Numbers{5, 0, 5}));
    EXPECT_TRUE(config_of(b.tensor("output.weight", {16, 5})).tied);
    expect_refused(b.f32("gemma2.final_logit_softcapping", -1.0f), "gemma2.final_logit_softcapping",
                   "range");
}

TEST(ModelFamilies, SmolLm3HasLayersThatDoNotRotate) {
    GgufBuilder b = model_of("smollm3", 9);
    const ModelConfig config = config_of(b);
    EXPECT_TRUE(config.attention.windows.empty());
    EXPECT_EQ(config.layer_rotary, (Numbers{0, 0, 0, 1, 0, 0, 0, 1, 0}));
    ASSERT_EQ(config.other_rotary.size(), 1u);
    EXPECT_FALSE(config.rotary_specs(8)[1].rotates());
    EXPECT_TRUE(config.rotary_specs(8)[0].rotates());
    EXPECT_TRUE(config_of(b.string("gyre.position", "none")).layer_rotary.empty());
}

TEST(ModelFamilies, GraniteHasScales) {
    GgufBuilder b = model_of("granite", 1);
    expect_refused(b, "granite.logit_scale", "missing");
    b.f32("granite.logit_scale", 8.0f);
    EXPECT_EQ(config_of(b).logit_scale, 0.125f);
    EXPECT_EQ(config_of(b).embedding_scale, 1.0f);
    b.f32("granite.embedding_scale", 12.0f).f32("granite.residual_scale", 0.25f);
    b.f32("granite.attention.scale", 0.015625f);
    EXPECT_EQ(config_of(b).embedding_scale, 12.0f);
    EXPECT_EQ(config_of(b).residual_scale, 0.25f);
    EXPECT_EQ(config_of(b).attention.score_scale, 0.015625f);
    EXPECT_EQ(config_of(b.f32("granite.residual_scale", 0.0f)).residual_scale, 1.0f);
    EXPECT_EQ(config_of(b).position, PositionKind::kRotary);
    b.boolean("granite.rope.scaling.finetuned", false).u32("granite.rope.dimension_count", 4);
    EXPECT_EQ(config_of(b).position, PositionKind::kNone);
}

// Gemma 3 27B: 62 layers, and 1 / sqrt(n_embd / n_head) though its heads are smaller.
TEST(ModelFamilies, AScaleThatOnlyTheNumberOfLayersSays) {
    EXPECT_EQ(config_of(model_of("gemma3", 61)).attention.score_scale, 0.0f);
    EXPECT_FLOAT_EQ(config_of(model_of("gemma3", 62)).attention.score_scale,
                    1.0f / std::sqrt(8.0f));
}

}  // namespace
}  // namespace gyre::testing
