// Keys to ModelConfig: defaults, and every key missing, mistyped and out of range.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/model/gguf_builder.h"

namespace gyre::testing {
namespace {

Result<ModelConfig> config_of(const GgufBuilder& builder) {
    const Bytes file = builder.build();
    GYRE_ASSIGN(const Gguf gguf, Gguf::parse(file));
    return read_model_config(gguf);
}

void expect_refused(const GgufBuilder& builder, const std::string& named,
                    const std::string& also = "") {
    const auto config = config_of(builder);
    ASSERT_FALSE(config.ok()) << "expected an error about " << named;
    EXPECT_NE(config.status().message().find(named), std::string::npos)
        << config.status().message();
    EXPECT_NE(config.status().message().find(also), std::string::npos) << config.status().message();
}

TEST(ModelConfig, ReadsTheSmallModel) {
    const auto config = config_of(small_model());
    ASSERT_TRUE(config.ok()) << config.status().message();
    EXPECT_EQ(config->architecture, "gpt2");
    EXPECT_EQ(config->name, "small");
    EXPECT_EQ(config->n_vocab, 5u);
    EXPECT_EQ(config->n_tokens, 4u);
    EXPECT_EQ(config->n_ctx, 8u);
    EXPECT_EQ(config->n_embd, 8u);
    EXPECT_EQ(config->n_layer, 2u);
    EXPECT_EQ(config->n_head, 2u);
    EXPECT_EQ(config->n_head_kv, 2u);
    EXPECT_EQ(config->head_dim, 4u);
    EXPECT_EQ(config->n_ff, 12u);
    EXPECT_EQ(config->n_qkv(), 24u);
    EXPECT_FLOAT_EQ(config->layer_norm_epsilon, 1e-5f);
    EXPECT_EQ(config->activation, Activation::kGeluTanh);
    EXPECT_EQ(config->position, PositionKind::kRotary);
    EXPECT_TRUE(config->tied);
    EXPECT_FALSE(config->parallel_residual);
    EXPECT_EQ(config->rotary.rotary_dim, 4u);
    EXPECT_EQ(config->rotary.pairing, RotaryPairing::kHalf);
    EXPECT_TRUE(check_supported(config.value()).ok());
}

TEST(ModelConfig, RequiredKeysAreNamedWhereMissing) {
    for (const char* key : {"general.architecture", "gpt2.context_length", "gpt2.embedding_length",
                            "gpt2.block_count", "gpt2.feed_forward_length",
                            "gpt2.attention.head_count", "gpt2.attention.layer_norm_epsilon"}) {
        expect_refused(small_model().erase(key), "'" + std::string(key) + "'", "missing");
    }
    expect_refused(small_model().erase_tensor("token_embd.weight"), "token_embd.weight", "missing");
}

// A model in which every known key is read, so that a wrong type of it can be seen.
GgufBuilder model_reading(const std::string& key) {
    GgufBuilder b = rich_model();
    if (key.find("gyre.rotary.scaling.") == std::string::npos &&
        key.find("gpt2.rope.scaling.") != std::string::npos) {
        for (const char* name : {"type", "factor", "original_context_length"}) {
            b.erase(std::string("gyre.rotary.scaling.") + name);
        }
    }
    if (key == "gyre.rotary.resonance") b.erase("gyre.rotary.inv_freq");
    if (key.find("_freq_factor") != std::string::npos) {
        b.string("gyre.rotary.scaling.type", "llama3");
        b.f32("gyre.rotary.scaling.low_freq_factor", 1.0f);
        b.f32("gyre.rotary.scaling.high_freq_factor", 4.0f);
    }
    return b;
}

constexpr const char* kEveryKey[] = {
    "general.architecture",
    "general.name",
    "gpt2.context_length",
    "gpt2.embedding_length",
    "gpt2.block_count",
    "gpt2.feed_forward_length",
    "gpt2.use_parallel_residual",
    "gpt2.attention.head_count",
    "gpt2.attention.head_count_kv",
    "gpt2.attention.key_length",
    "gpt2.attention.value_length",
    "gpt2.attention.layer_norm_epsilon",
    "gpt2.attention.sliding_window",
    "gpt2.rope.dimension_count",
    "gpt2.rope.freq_base",
    "gpt2.rope.scale_linear",
    "gpt2.rope.scaling.type",
    "gpt2.rope.scaling.factor",
    "gpt2.rope.scaling.original_context_length",
    "gpt2.rope.scaling.attn_factor",
    "gpt2.rope.scaling.yarn_log_multiplier",
    "gpt2.rope.scaling.yarn_ext_factor",
    "gpt2.rope.scaling.yarn_attn_factor",
    "gpt2.rope.scaling.yarn_beta_fast",
    "gpt2.rope.scaling.yarn_beta_slow",
    "tokenizer.ggml.tokens",
    "gyre.position",
    "gyre.rotary.pairing",
    "gyre.rotary.inv_freq",
    "gyre.rotary.keys",
    "gyre.rotary.values",
    "gyre.rotary.xpos",
    "gyre.rotary.resonance",
    "gyre.rotary.scaling.type",
    "gyre.rotary.scaling.factor",
    "gyre.rotary.scaling.original_context_length",
    "gyre.rotary.scaling.low_freq_factor",
    "gyre.rotary.scaling.high_freq_factor",
    "gyre.rotary.scaling.attention_factor",
    "gyre.attention.projection",
    "gyre.attention.output_projection",
    "gyre.attention.temperature.coefficient",
    "gyre.attention.temperature.power",
    "gyre.attention.temperature.train_length",
    "gyre.attention.sink_tokens",
    "gyre.activation",
};

TEST(ModelConfig, EveryKeyOfAWrongTypeIsNamed) {
    for (const std::string key : kEveryKey) {
        // An array of bools is no key's type.
        expect_refused(model_reading(key).array<std::uint8_t>(key, 7, {1}), "'" + key + "'",
                       "type is");
    }
}

TEST(ModelConfig, UnknownKeysThatChangeResultsAreRefused) {
    for (const char* key : {"gyre.rotary.twist", "gyre.positions", "gyre.", "gpt2.attention.scale",
                            "gpt2.rope.scaling.alpha", "gpt2.rope.freq_base_swa"}) {
        expect_refused(small_model().u32(key, 1), "'" + std::string(key) + "'");
    }
    EXPECT_TRUE(config_of(small_model().u32("general.quantization_version", 2)).ok());
    expect_refused(small_model().string("gpt2.comment", "x"), "'gpt2.comment' = x");
}

TEST(ModelConfig, UnknownValuesAreRefusedWithTheKnownOnes) {
    expect_refused(small_model().string("gyre.position", "polar"), "'polar'", "sinusoidal");
    expect_refused(small_model().string("gyre.activation", "swish"), "'swish'", "gelu_erf");
    expect_refused(small_model().string("gyre.attention.projection", "dual"), "'dual'", "complex");
    expect_refused(small_model().string("gyre.attention.output_projection", ""), "''", "complex");
    expect_refused(small_model().string("gyre.rotary.pairing", "thirds"), "'thirds'",
                   "interleaved");
    expect_refused(small_model().string("gyre.rotary.values", "Rove"), "'Rove'", "rotate_only");
    expect_refused(small_model().string("gyre.rotary.scaling.type", "linear"), "'linear'",
                   "llama3");
    expect_refused(small_model().string("gpt2.rope.scaling.type", "su"), "'su'", "yarn");
    expect_refused(small_model().string("general.architecture", "snake"), "'snake'", "gpt2");
}

TEST(ModelConfig, SizesOutOfRangeAreRefused) {
    const struct {
        const char* key;
        std::vector<std::uint32_t> bad;
    } rows[] = {
        {"gpt2.context_length", {0, (1u << 20) + 1, UINT32_MAX}},
        {"gpt2.embedding_length", {0, 65537, 9}},
        {"gpt2.block_count", {0, 1025, UINT32_MAX}},
        {"gpt2.feed_forward_length", {0, UINT32_MAX}},
        {"gpt2.attention.head_count", {0, 3, 1025}},
        {"gpt2.attention.head_count_kv", {0, 3, 4}},
        {"gpt2.attention.key_length", {0, 65537}},
        {"gpt2.attention.value_length", {2, 8}},  // other than the keys'
        {"gpt2.rope.dimension_count", {0, 1, 3, 6}},
    };
    for (const auto& row : rows) {
        for (const std::uint32_t bad : row.bad) {
            // An embedding of 9 is noticed at the head count, which does not divide it.
            const bool divisor = bad == 9;
            expect_refused(small_model().u32(row.key, bad), divisor ? "embedding_length" : row.key,
                           std::to_string(bad));
        }
    }
}

TEST(ModelConfig, HeadsHaveASizeOfTheirOwnByKey) {
    GgufBuilder b = small_model();
    b.u32("gpt2.attention.key_length", 6);
    EXPECT_EQ(config_of(b)->head_dim, 6u);
    EXPECT_EQ(config_of(b)->n_qkv(), 36u);
    EXPECT_EQ(config_of(b)->rotary.rotary_dim, 6u);
    expect_refused(b.u32("gpt2.attention.value_length", 4), "value_length", "expected 6");
    // Then the width need not be a multiple of the number of heads.
    b.u32("gpt2.attention.value_length", 6).u32("gpt2.embedding_length", 9);
    EXPECT_TRUE(config_of(b).ok()) << config_of(b).status().message();
}

TEST(ModelConfig, KeyHeadsDivideTheQueryHeads) {
    GgufBuilder b = small_model();
    b.u32("gpt2.attention.head_count", 4);
    expect_refused(b.u32("gpt2.attention.head_count_kv", 3), "head_count_kv", "divisor");
    EXPECT_EQ(config_of(b.u32("gpt2.attention.head_count_kv", 2))->n_qkv(), 16u);
}

TEST(ModelConfig, FloatsOutOfRangeAreRefused) {
    const float nan = std::nanf("");
    for (const float bad : {0.0f, -1e-5f, 2.0f, INFINITY, nan}) {
        expect_refused(small_model().f32("gpt2.attention.layer_norm_epsilon", bad), "epsilon",
                       "range");
    }
    for (const float bad : {0.0f, -1.0f, 1.0f, INFINITY, nan}) {
        expect_refused(small_model().f32("gpt2.rope.freq_base", bad), "freq_base", "range");
    }
    for (const float bad : {0.0f, -2.0f, INFINITY, nan}) {
        expect_refused(small_model().f32("gpt2.rope.scaling.factor", bad), "scaling.factor",
                       "range");
        expect_refused(small_model().f32("gpt2.rope.scaling.attn_factor", bad), "attn_factor",
                       "range");
    }
}

TEST(ModelConfig, TheVocabularyMayBePaddedButNotShort) {
    EXPECT_EQ(config_of(small_model().erase("tokenizer.ggml.tokens"))->n_tokens, 5u);
    expect_refused(small_model().strings("tokenizer.ggml.tokens", {"a", "b", "c", "d", "e", "f"}),
                   "tokenizer.ggml.tokens", "6 tokens; expected 1 to 5");
    expect_refused(small_model().strings("tokenizer.ggml.tokens", {}), "tokenizer.ggml.tokens");
}

TEST(ModelConfig, PositionsAgreeWithTheTensors) {
    GgufBuilder learned = small_model();
    learned.erase("gyre.position").tensor("position_embd.weight", {8, 8});
    EXPECT_EQ(config_of(learned)->position, PositionKind::kLearned);
    learned.string("gyre.position", "learned");
    EXPECT_EQ(config_of(learned)->position, PositionKind::kLearned);
    expect_refused(learned.string("gyre.position", "rotary"), "gyre.position",
                   "position_embd.weight");
    expect_refused(small_model().string("gyre.position", "learned"), "gyre.position", "missing");
    // Without the key and the table nothing says what the positions are.
    expect_refused(small_model().erase("gyre.position"), "position_embd.weight", "missing");
    expect_refused(small_model().erase("gyre.position").u32("gpt2.rope.dimension_count", 4),
                   "position_embd.weight", "missing");
    // A rotary key that nothing would read is a contradiction.
    expect_refused(
        small_model().string("gyre.position", "none").string("gyre.rotary.values", "rove"),
        "'gyre.rotary.values' = rove");
}

TEST(ModelConfig, WithoutRotaryPositionsNothingRotates) {
    const auto config = config_of(small_model().string("gyre.position", "none"));
    ASSERT_TRUE(config.ok());
    const RotarySpec spec = config->rotary_spec(8);
    EXPECT_FALSE(spec.rotates());
    EXPECT_EQ(spec.inv_freq, (std::vector<double>{0.0, 0.0}));
}

TEST(ModelConfig, AttentionKeysAreChecked) {
    GgufBuilder b = small_model();
    expect_refused(b.u32("gyre.attention.sink_tokens", 4), "sink_tokens", "sliding_window");
    b.u32("gpt2.attention.sliding_window", 6);
    EXPECT_EQ(config_of(b)->attention.sink_tokens, 4u);
    expect_refused(small_model().boolean("gpt2.attention.causal", false), "causal");
    expect_refused(small_model().f32("gpt2.attention.max_alibi_bias", 8.0f), "max_alibi_bias");
    expect_refused(small_model().f32("gpt2.attention.clamp_kqv", 1.0f), "clamp_kqv");
    GgufBuilder t = small_model();
    t.f32("gyre.attention.temperature.coefficient", 0.1f);
    expect_refused(t, "temperature.power", "missing");
    t.f32("gyre.attention.temperature.power", 2.0f);
    expect_refused(t, "temperature.train_length", "missing");
    expect_refused(t.u32("gyre.attention.temperature.train_length", 0), "train_length", "range");
    EXPECT_EQ(config_of(t.u32("gyre.attention.temperature.train_length", 4))
                  ->rotary.temperature.train_length,
              4u);
}

TEST(ModelConfig, ComplexProjectionsNeedEvenHeads) {
    GgufBuilder b = small_model();
    b.u32("gpt2.embedding_length", 6).u32("gpt2.attention.head_count", 2);  // heads of 3
    b.string("gyre.attention.output_projection", "complex");
    expect_refused(b, "projection", "even");
}

// Which features are refused is what the table says, and nothing else is.
TEST(ModelConfig, EachUnsupportedFeatureIsNamed) {
    const struct {
        const char* feature;
        std::function<void(GgufBuilder&)> ask;
    } rows[] = {
        {"gyre.position = sinusoidal", [](auto& b) { b.string("gyre.position", "sinusoidal"); }},
        {"gyre.position = alibi", [](auto& b) { b.string("gyre.position", "alibi"); }},
        {"gyre.attention.projection = complex",
         [](auto& b) {
             b.string("gyre.attention.projection", "complex");
             b.string("gyre.rotary.pairing", "interleaved");
         }},
        {"gyre.attention.output_projection = complex",
         [](auto& b) { b.string("gyre.attention.output_projection", "complex"); }},
        {"attention.sliding_window", [](auto& b) { b.u32("gpt2.attention.sliding_window", 4); }},
        {"gyre.attention.sink_tokens",
         [](auto& b) {
             b.u32("gpt2.attention.sliding_window", 4).u32("gyre.attention.sink_tokens", 1);
         }},
        {"blk.N.attn_sinks.weight", [](auto& b) { b.tensor("blk.0.attn_sinks.weight", {2}); }},
        {"gyre.attention.temperature",
         [](auto& b) {
             b.f32("gyre.attention.temperature.coefficient", 0.1f);
             b.f32("gyre.attention.temperature.power", 2.0f);
             b.u32("gyre.attention.temperature.train_length", 4);
         }},
        {"gyre.rotary.keys = false", [](auto& b) { b.boolean("gyre.rotary.keys", false); }},
        {"gyre.rotary.values = rotate_only",
         [](auto& b) { b.string("gyre.rotary.values", "rotate_only"); }},
        {"gyre.rotary.xpos = true", [](auto& b) { b.boolean("gyre.rotary.xpos", true); }},
        {"gyre.rotary.resonance = true", [](auto& b) { b.boolean("gyre.rotary.resonance", true); }},
        {"rope_freqs.weight", [](auto& b) { b.tensor("rope_freqs.weight", {2}); }},
        {"rope.scaling.type = linear", [](auto& b) { b.f32("gpt2.rope.scaling.factor", 2.0f); }},
        {"rope.scaling.type = yarn",
         [](auto& b) {
             b.string("gpt2.rope.scaling.type", "yarn").f32("gpt2.rope.scaling.factor", 2.0f);
         }},
        {"use_parallel_residual = true",
         [](auto& b) { b.boolean("gpt2.use_parallel_residual", true); }},
    };
    for (const auto& row : rows) {
        GgufBuilder b = small_model();
        row.ask(b);
        const auto config = config_of(b);
        ASSERT_TRUE(config.ok()) << row.feature << ": " << config.status().message();
        bool executable = true;
        bool found = false;
        for (const EngineCapability& capability : engine_capabilities()) {
            if (std::string(capability.feature) != row.feature) continue;
            found = true;
            executable = capability.executable;
            EXPECT_TRUE(capability.used_by(config.value())) << row.feature;
            EXPECT_FALSE(capability.used_by(config_of(small_model()).value())) << row.feature;
        }
        EXPECT_TRUE(found) << row.feature;
        const Status status = check_supported(config.value());
        EXPECT_EQ(status.ok(), executable) << row.feature << ": " << status.message();
        if (!executable) {
            EXPECT_EQ(status.code(), StatusCode::kUnsupported);
            EXPECT_NE(status.message().find(row.feature), std::string::npos) << status.message();
        }
    }
}

TEST(ModelConfig, GptNeoxHasItsPublishedDefaults) {
    GgufBuilder b;
    b.string("general.architecture", "gptneox").u32("gptneox.context_length", 8);
    b.u32("gptneox.embedding_length", 32).u32("gptneox.block_count", 1);
    b.u32("gptneox.feed_forward_length", 128).u32("gptneox.attention.head_count", 2);
    b.f32("gptneox.attention.layer_norm_epsilon", 1e-5f).u32("gptneox.rope.dimension_count", 4);
    b.tensor("token_embd.weight", {32, 5}).tensor("output.weight", {32, 5});
    const auto config = config_of(b);
    ASSERT_TRUE(config.ok()) << config.status().message();
    EXPECT_EQ(config->activation, Activation::kGeluErf);
    EXPECT_EQ(config->position, PositionKind::kRotary);
    EXPECT_TRUE(config->parallel_residual);
    EXPECT_FALSE(config->tied);
    EXPECT_EQ(config->rotary.rotary_dim, 4u);
    EXPECT_FALSE(config_of(b.boolean("gptneox.use_parallel_residual", false))->parallel_residual);
}

}  // namespace
}  // namespace gyre::testing
