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

TEST(ModelFamilies, OthersAreRefusedByNameAndReason) {
    expect_refused(model_of("qwen3moe", 1), "general.architecture", "'qwen3moe' is not supported");
    expect_refused(model_of("qwen3moe", 1), "general.architecture", "no experts");
    expect_refused(model_of("bert", 1), "general.architecture", "no encoders");
    expect_refused(model_of("mamba2", 1), "general.architecture", "state-space");
    expect_refused(model_of("novel", 1), "general.architecture", "expected one of gpt2, gptneox");
    for (const Architecture& row : architectures())
        EXPECT_EQ(what_is_missing(row.name), nullptr) << row.name;
    // A Mixtral calls itself a Llama.
    expect_refused(model_of("llama", 1).u32("llama.expert_count", 8), "llama.expert_count", "= 8");
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

TEST(ModelFamilies, Olmo3HasWindowsThatTheScalingLeavesAlone) {
    GgufBuilder b = model_of("olmo2", 4);
    b.tensor("output.weight", {16, 5}).f32("olmo2.rope.freq_base", 5e5f);
    EXPECT_EQ(config_of(b).attention.qk_norm, QkNorm::kRows);
    EXPECT_EQ(config_of(b).norm_placement, NormPlacement::kAfter);
    EXPECT_TRUE(config_of(b).attention.windows.empty());
    b.u32("olmo2.attention.sliding_window", 3).f32("olmo2.rope.scaling.factor", 8.0f);
    const ModelConfig config = config_of(b);
    EXPECT_EQ(config.attention.windows, (Numbers{3, 3, 3, 0}));
    EXPECT_EQ(config.layer_rotary, (Numbers{1, 1, 1, 0}));
    EXPECT_EQ(config.other_rotary[0].theta, 5e5);
    EXPECT_EQ(config.other_rotary[0].scaling.type, RotaryScalingType::kNone);
    EXPECT_EQ(config.rotary.scaling.type, RotaryScalingType::kLinear);
}

TEST(ModelFamilies, Exaone4RotatesEverywhereWithoutAWindow) {
    GgufBuilder b = model_of("exaone4", 4);
    EXPECT_TRUE(config_of(b).layer_rotary.empty());
    b.u32("exaone4.attention.sliding_window", 3);
    EXPECT_EQ(config_of(b).layer_rotary, (Numbers{0, 0, 0, 1}));
    EXPECT_FALSE(config_of(b).rotary_specs(8)[1].rotates());
}

GgufBuilder layer_norm_model_of(const std::string& arch, std::uint32_t n_layer) {
    return model_of(arch, n_layer).f32(arch + ".attention.layer_norm_epsilon", 1e-5f);
}

TEST(ModelFamilies, MptSaysWhetherItHasAlibi) {
    GgufBuilder b = layer_norm_model_of("mpt", 1);
    expect_refused(b, "mpt.attention.max_alibi_bias", "missing");
    b.f32("mpt.attention.max_alibi_bias", 6.0f).f32("mpt.attention.clamp_kqv", 8.0f);
    EXPECT_EQ(config_of(b).position, PositionKind::kAlibi);
    EXPECT_EQ(config_of(b).alibi_max, 6.0f);
    EXPECT_EQ(config_of(b).attention.clamp, 8.0f);
    b.f32("mpt.attention.max_alibi_bias", 0.0f);
    expect_refused(b, "position_embd.weight", "missing");
    EXPECT_EQ(config_of(b.tensor("position_embd.weight", {16, 8})).position,
              PositionKind::kLearned);
}

// Baichuan 13B: 40 layers, ALiBi, and keys of a rotation that it does not have.
TEST(ModelFamilies, BaichuanHasAlibiIfItHas40Layers) {
    GgufBuilder b = model_of("baichuan", 40).tensor("output.weight", {16, 5});
    EXPECT_EQ(config_of(b.u32("baichuan.rope.dimension_count", 4)).position, PositionKind::kAlibi);
    EXPECT_EQ(config_of(b).alibi_max, 8.0f);
    EXPECT_EQ(config_of(b.string("gyre.position", "rotary")).position, PositionKind::kRotary);
    b = model_of("baichuan", 32).tensor("output.weight", {16, 5});
    EXPECT_EQ(config_of(b).position, PositionKind::kRotary);
}

// Whatever use_parallel_residual says: converters write it of every file.
TEST(ModelFamilies, TensorsSayWhatAStableLmIs) {
    GgufBuilder b = layer_norm_model_of("stablelm", 1).tensor("output.weight", {16, 5});
    b.boolean("stablelm.use_parallel_residual", true);
    EXPECT_TRUE(config_of(b).parallel_residual);
    EXPECT_STREQ(config_of(b).tensor_names.ffn_norm, "attn_norm");
    EXPECT_EQ(config_of(b).attention.qk_norm, QkNorm::kNone);
    b.tensor("blk.0.ffn_norm.weight", {16}).tensor("blk.0.attn_q_norm.weight", {4, 2});
    EXPECT_FALSE(config_of(b).parallel_residual);
    EXPECT_STREQ(config_of(b).tensor_names.ffn_norm, "ffn_norm");
    EXPECT_EQ(config_of(b).attention.qk_norm, QkNorm::kHeadsOwn);
}

TEST(ModelFamilies, FalconMayHaveANormOfAttentionsOwn) {
    GgufBuilder b = layer_norm_model_of("falcon", 1);
    EXPECT_STREQ(config_of(b).tensor_names.attn_norm, "attn_norm");
    b.tensor("blk.0.attn_norm_2.weight", {16});
    EXPECT_STREQ(config_of(b).tensor_names.attn_norm, "attn_norm_2");
    EXPECT_STREQ(config_of(b).tensor_names.ffn_norm, "attn_norm");
}

// Files of 2024 without them are scaled all the same: better refused than wrong in silence.
TEST(ModelFamilies, MiniCpmSaysItsScales) {
    GgufBuilder b = model_of("minicpm", 1);
    expect_refused(b, "minicpm.embedding_scale", "missing");
    b.f32("minicpm.embedding_scale", 12.0f);
    expect_refused(b, "minicpm.residual_scale", "missing");
    b.f32("minicpm.residual_scale", 0.5f);
    expect_refused(b, "minicpm.logit_scale", "missing");
    EXPECT_EQ(config_of(b.f32("minicpm.logit_scale", 8.0f)).logit_scale, 0.125f);
}

// Gemma 3 27B: 62 layers, and 1 / sqrt(n_embd / n_head) though its heads are smaller.
TEST(ModelFamilies, AScaleThatOnlyTheNumberOfLayersSays) {
    EXPECT_EQ(config_of(model_of("gemma3", 61)).attention.score_scale, 0.0f);
    EXPECT_FLOAT_EQ(config_of(model_of("gemma3", 62)).attention.score_scale,
                    1.0f / std::sqrt(8.0f));
}

}  // namespace
}  // namespace gyre::testing
