// Variations of good model files, as published and as made up: each loads because it changes
// nothing, or is refused by the name of what may change the results. Never in between.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>

#include "runtime/model/model_config.h"
#include "runtime/model/model_tensors.h"
#include "tests/model/gguf_builder.h"

namespace gyre::testing {
namespace {

constexpr std::uint32_t kUint8 = 0;  // GGUF's numbers of types
constexpr std::uint32_t kInt32 = 5;
constexpr std::uint32_t kUint64 = 10;
constexpr std::uint32_t kFloat64 = 12;

// GPT-2 as published: learned positions, every bias.
GgufBuilder gpt2() {
    GgufBuilder b = small_model();
    b.erase("gyre.position").tensor("position_embd.weight", {8, 8});
    return b;
}

// GPT-2's shape with rotary positions.
GgufBuilder rotary() {
    return small_model();
}

// Pythia's shape.
GgufBuilder gptneox() {
    GgufBuilder b;
    b.string("general.architecture", "gptneox").u32("gptneox.context_length", 8);
    b.u32("gptneox.embedding_length", 8).u32("gptneox.block_count", 2);
    b.u32("gptneox.feed_forward_length", 12).u32("gptneox.attention.head_count", 2);
    b.u32("gptneox.rope.dimension_count", 2).boolean("gptneox.use_parallel_residual", true);
    b.f32("gptneox.attention.layer_norm_epsilon", 1e-5f);
    b.tensors = small_model().tensors;
    return b.tensor("output.weight", {8, 5});
}

// Llama's shape: two query heads of 4, one key head.
GgufBuilder llama() {
    GgufBuilder b;
    b.string("general.architecture", "llama").u32("llama.context_length", 8);
    b.u32("llama.embedding_length", 8).u32("llama.block_count", 2);
    b.u32("llama.feed_forward_length", 12).u32("llama.attention.head_count", 2);
    b.u32("llama.attention.head_count_kv", 1).u32("llama.rope.dimension_count", 4);
    b.f32("llama.attention.layer_norm_rms_epsilon", 1e-5f).u32("llama.vocab_size", 5);
    b.tensor("token_embd.weight", {8, 5}).tensor("output_norm.weight", {8});
    for (const std::string blk : {"blk.0.", "blk.1."}) {
        b.tensor(blk + "attn_norm.weight", {8}).tensor(blk + "attn_q.weight", {8, 8});
        b.tensor(blk + "attn_k.weight", {8, 4}).tensor(blk + "attn_v.weight", {8, 4});
        b.tensor(blk + "attn_output.weight", {8, 8}).tensor(blk + "ffn_norm.weight", {8});
        b.tensor(blk + "ffn_gate.weight", {8, 12}).tensor(blk + "ffn_up.weight", {8, 12});
        b.tensor(blk + "ffn_down.weight", {12, 8});
    }
    return b;
}

struct Outcome {
    Status status;
    std::vector<std::string> notes;
};

Outcome load(const GgufBuilder& builder, const std::vector<std::string>& ignored) {
    const Bytes file = builder.build();
    const auto gguf = Gguf::parse(file);
    if (!gguf.ok()) return {gguf.status(), {}};
    GgufReading reading(gguf.value(), ignored);
    const auto config = read_model_config(reading);
    if (!config.ok()) return {config.status(), reading.notes()};
    return {find_model_tensors(reading, config.value()).status(), reading.notes()};
}

using Build = GgufBuilder (*)();
using Change = std::function<void(GgufBuilder&)>;

struct Variation {
    Build base;
    const char* name;  // of the key or tensor that is refused, and that can be ignored
    Change change;
    const char* also = "";  // the message also says
};

// Refused by its name; and with that name ignored it loads, and is noted.
void expect_refused(const Variation& row) {
    GgufBuilder b = row.base();
    row.change(b);
    const Outcome refused = load(b, {});
    ASSERT_FALSE(refused.status.ok()) << "runs in silence";
    EXPECT_EQ(refused.status.code(), StatusCode::kUnsupported);
    const std::string& message = refused.status.message();
    EXPECT_NE(message.find("'" + std::string(row.name) + "'"), std::string::npos) << message;
    EXPECT_NE(message.find(row.also), std::string::npos) << message;
    EXPECT_TRUE(refused.notes.empty());

    const Outcome ignored = load(b, {row.name});
    EXPECT_TRUE(ignored.status.ok()) << ignored.status.message();
    ASSERT_EQ(ignored.notes.size(), 1u);
    EXPECT_NE(ignored.notes[0].find(row.name), std::string::npos) << ignored.notes[0];
    EXPECT_FALSE(load(b, {"gpt2.other", "blk.0"}).status.ok()) << "other names change nothing";
}

Change u32(const char* key, std::uint32_t value) {
    return [=](GgufBuilder& b) { b.u32(key, value); };
}
Change f32(const char* key, float value) {
    return [=](GgufBuilder& b) { b.f32(key, value); };
}
Change boolean(const char* key, bool value) {
    return [=](GgufBuilder& b) { b.boolean(key, value); };
}
Change string(const char* key, const char* value) {
    return [=](GgufBuilder& b) { b.string(key, value); };
}
Change tensor(const char* name, std::vector<std::uint64_t> dims) {
    return [=](GgufBuilder& b) { b.tensor(name, dims); };
}
Change without_tensor(const char* name) {
    return [=](GgufBuilder& b) { b.erase_tensor(name); };
}

TEST(RefusedFiles, KeysThatMayChangeTheResults) {
    const Variation rows[] = {
        {gpt2, "gpt2.final_logit_softcapping", f32("gpt2.final_logit_softcapping", 30.0f),
         "only 0"},
        {gpt2, "gpt2.attn_logit_softcapping", f32("gpt2.attn_logit_softcapping", 50.0f), "= 50"},
        {gpt2, "gpt2.logit_scale", f32("gpt2.logit_scale", 0.5f), "only 1"},
        {gpt2, "gpt2.embedding_scale", f32("gpt2.embedding_scale", 12.0f), "= 12"},
        {gpt2, "gpt2.residual_scale", f32("gpt2.residual_scale", 0.22f), "--ignore-key"},
        {gpt2, "gpt2.attention.scale", f32("gpt2.attention.scale", 0.25f), "1/sqrt(4)"},
        {gpt2, "gpt2.expert_count", u32("gpt2.expert_count", 8), "= 8"},
        {gpt2, "gpt2.expert_used_count", u32("gpt2.expert_used_count", 2)},
        {gpt2, "gpt2.hidden_activation", string("gpt2.hidden_activation", "silu"), "= silu"},
        {gpt2, "gpt2.comment", string("gpt2.comment", "x")},
        {gpt2, "gpt2.", u32("gpt2.", 1)},
        {gpt2, "gpt2", u32("gpt2", 1)},
        {gpt2, "gpt2.vocab_size_swa", u32("gpt2.vocab_size_swa", 5)},  // longer than a free one
        {gpt2, "gpt2.logit_scale_swa", f32("gpt2.logit_scale_swa", 1.0f)},
        {gpt2, "gpt2.attention.causal", boolean("gpt2.attention.causal", false), "only true"},
        {gpt2, "gpt2.attention.causal", u32("gpt2.attention.causal", 1), "only true"},
        {gpt2, "gpt2.attention.max_alibi_bias", f32("gpt2.attention.max_alibi_bias", 8.0f)},
        {gpt2, "gpt2.attention.clamp_kqv", f32("gpt2.attention.clamp_kqv", 8.0f)},
        {gpt2, "gpt2.attention.sliding_window_pattern",
         u32("gpt2.attention.sliding_window_pattern", 6)},
        {gpt2, "gpt2.rope.freq_base", f32("gpt2.rope.freq_base", 10000.0f)},
        {gpt2, "gpt2.rope.scaling.type", string("gpt2.rope.scaling.type", "yarn"), "only 'none'"},
        {gpt2, "gpt2.rope.scaling.factor", f32("gpt2.rope.scaling.factor", 4.0f), "only 1"},
        {gpt2, "gyre.rotary.values", string("gyre.rotary.values", "rove")},
        {gpt2, "gyre.positions", string("gyre.positions", "rotary")},
        {gpt2, "llama.rope.freq_base", f32("llama.rope.freq_base", 10000.0f)},
        {gpt2, "gpt21.context_length", u32("gpt21.context_length", 8)},
        {gpt2, "general.type", string("general.type", "adapter"), "'adapter'"},
        {gpt2, "general.type", string("general.type", "mmproj"), "expected one of model"},
        {gpt2, "adapter.type", string("adapter.type", "lora")},
        {gpt2, "adapter.lora.alpha", f32("adapter.lora.alpha", 16.0f)},
        {gpt2, "training.type", string("training.type", "finetune_lora")},
        {gpt2, "nobody", string("nobody", "x")},
        {rotary, "gpt2.rope.freq_base_swa", f32("gpt2.rope.freq_base_swa", 10000.0f)},
        {rotary, "gpt2.rope.dimension_sections",
         [](auto& b) {
             b.template array<std::int32_t>("gpt2.rope.dimension_sections", kInt32, {1, 1});
         },
         "[int32 x 2]"},
        {rotary, "gyre.rotary.scaling.factor", f32("gyre.rotary.scaling.factor", 4.0f)},
        {rotary, "gyre.rotary.resonance",
         [](auto& b) {
             b.template array<float>("gyre.rotary.inv_freq", 6, {1.0f, 0.1f});
             b.boolean("gyre.rotary.resonance", true);
         }},
        {rotary, "gyre.rotary.scaling.low_freq_factor",
         [](auto& b) {
             b.string("gyre.rotary.scaling.type", "ntk").f32("gyre.rotary.scaling.factor", 2.0f);
             b.f32("gyre.rotary.scaling.low_freq_factor", 1.0f);
         }},
        {gptneox, "gptneox.logit_scale", f32("gptneox.logit_scale", 2.0f)},
        {gptneox, "gptneox.attention.sliding_window_pattern",
         u32("gptneox.attention.sliding_window_pattern", 2)},
        {gptneox, "gpt2.logit_scale", f32("gpt2.logit_scale", 1.0f)},  // another architecture's
        {llama, "llama.expert_count", u32("llama.expert_count", 8)},   // Mixtral
        {llama, "llama.use_parallel_residual", boolean("llama.use_parallel_residual", true),
         "only false"},
        {llama, "llama.final_logit_softcapping", f32("llama.final_logit_softcapping", 30.0f)},
        {llama, "llama.rope.freq_base_swa", f32("llama.rope.freq_base_swa", 1e4f)},
    };
    for (const Variation& row : rows) {
        SCOPED_TRACE(row.name);
        expect_refused(row);
    }
}

TEST(RefusedFiles, TensorsThatMayChangeTheResults) {
    const Variation rows[] = {
        {gpt2, "blk.0.ffn_gate.weight", tensor("blk.0.ffn_gate.weight", {8, 12})},
        {gpt2, "blk.1.attn_q_norm.weight", tensor("blk.1.attn_q_norm.weight", {4})},
        {gpt2, "blk.0.post_attention_norm.weight", tensor("blk.0.post_attention_norm.weight", {8})},
        {gpt2, "token_embd_norm.weight", tensor("token_embd_norm.weight", {8})},
        {gpt2, "blk.0.attn_q.bias", tensor("blk.0.attn_q.bias", {8})},
        {gpt2, "output.scale", tensor("output.scale", {1})},
        {gpt2, "cls.output.weight", tensor("cls.output.weight", {8, 2})},
        {gpt2, "blk.0.attn_q.weight", tensor("blk.0.attn_q.weight", {8, 8})},
        {gpt2, "blk.1.attn_sinks.weight", tensor("blk.1.attn_sinks.weight", {2})},
        {gpt2, "blk.2.ffn_up.weight", tensor("blk.2.ffn_up.weight", {8, 12}), "block_count is 2"},
        {gpt2, "rope_freqs.weight", tensor("rope_freqs.weight", {2})},
        {gpt2, "blk.0.ffn_up.weight.lora_a", tensor("blk.0.ffn_up.weight.lora_a", {8, 2})},
        {rotary, "rope_factors_long.weight", tensor("rope_factors_long.weight", {2})},
        {gptneox, "blk.0.attn_k_norm.weight", tensor("blk.0.attn_k_norm.weight", {4})},
        {llama, "blk.1.attn_q_norm.weight", tensor("blk.1.attn_q_norm.weight", {4})},
        {llama, "blk.0.post_ffw_norm.weight", tensor("blk.0.post_ffw_norm.weight", {8})},
        {llama, "blk.1.attn_qkv.weight", tensor("blk.1.attn_qkv.weight", {8, 16})},
        {llama, "blk.0.ffn_gate_exps.weight", tensor("blk.0.ffn_gate_exps.weight", {8, 12, 2})},
        {llama, "blk.0.attn_norm_2.weight", tensor("blk.0.attn_norm_2.weight", {8})},
    };
    for (const Variation& row : rows) {
        SCOPED_TRACE(row.name);
        expect_refused(row);
    }
}

TEST(RefusedFiles, PartsThatTheArchitectureHas) {
    const Variation rows[] = {
        {gpt2, "blk.0.attn_qkv.bias", without_tensor("blk.0.attn_qkv.bias"), "blk.1.attn_qkv.bias"},
        {gpt2, "blk.1.attn_norm.bias", without_tensor("blk.1.attn_norm.bias"), "missing"},
        {gptneox, "blk.1.ffn_down.bias", without_tensor("blk.1.ffn_down.bias"), "missing"},
        {gptneox, "output.weight", without_tensor("output.weight"), "gptneox"},
        {gpt2, "position_embd.weight", without_tensor("position_embd.weight"), "gyre.position"},
        {llama, "blk.1.attn_k.bias", tensor("blk.0.attn_k.bias", {4}), "blk.0.attn_k.bias"},
    };
    for (const Variation& row : rows) {
        SCOPED_TRACE(row.name);
        expect_refused(row);
    }
}

struct Harmless {
    const char* what;
    Build base;
    Change change;
};

void expect_loads(const Harmless& row) {
    GgufBuilder b = row.base();
    row.change(b);
    const Outcome outcome = load(b, {});
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
    EXPECT_TRUE(outcome.notes.empty());
}

TEST(RefusedFiles, ValuesThatChangeNothingLoad) {
    const Harmless rows[] = {
        {"cap 0", gpt2, f32("gpt2.final_logit_softcapping", 0.0f)},
        {"cap 0", gpt2, f32("gpt2.attn_logit_softcapping", 0.0f)},
        {"scale 1", gpt2, f32("gpt2.logit_scale", 1.0f)},
        {"scale 1", gpt2, f32("gpt2.embedding_scale", 1.0f)},
        {"scale 1", gpt2, f32("gpt2.residual_scale", 1.0f)},
        {"scale 1 in float64", gpt2,
         [](auto& b) { b.scalar("gpt2.residual_scale", kFloat64, 1.0); }},
        {"1/sqrt(head_dim)", gpt2, f32("gpt2.attention.scale", 0.5f)},
        {"score scale 0", gpt2, f32("gpt2.attention.scale", 0.0f)},
        {"no experts", gpt2, u32("gpt2.expert_count", 0)},
        {"no experts in uint8", gpt2,
         [](auto& b) { b.template scalar<std::uint8_t>("gpt2.expert_used_count", kUint8, 0); }},
        {"no experts in uint64", gpt2,
         [](auto& b) { b.template scalar<std::uint64_t>("gpt2.expert_count", kUint64, 0); }},
        {"causal", gpt2, boolean("gpt2.attention.causal", true)},
        {"no ALiBi", gpt2, f32("gpt2.attention.max_alibi_bias", 0.0f)},
        {"no clamp", gpt2, f32("gpt2.attention.clamp_kqv", 0.0f)},
        {"a Llama", llama, [](auto&) {}},
        {"fused queries, keys and values", llama,
         [](auto& b) {
             for (const std::string blk : {"blk.0.", "blk.1."}) {
                 for (const char* part : {"attn_q", "attn_k", "attn_v"})
                     b.erase_tensor(blk + part + ".weight");
                 b.tensor(blk + "attn_qkv.weight", {8, 16});
             }
         }},
        {"sequential", llama, boolean("llama.use_parallel_residual", false)},
        {"the other epsilon", llama, f32("llama.attention.layer_norm_epsilon", 1e-6f)},
        {"the other epsilon", gpt2, f32("gpt2.attention.layer_norm_rms_epsilon", 1e-6f)},
        {"vocab_size", gpt2, u32("gpt2.vocab_size", 5)},
        {"pooling", gpt2, u32("gpt2.pooling_type", 0)},
        {"layout", gpt2, string("gpt2.tensor_data_layout", "x")},
        {"no scaling", gpt2, string("gpt2.rope.scaling.type", "none")},
        {"no scaling", rotary, string("gpt2.rope.scaling.type", "none")},
        {"factor 1", gpt2, f32("gpt2.rope.scaling.factor", 1.0f)},
        {"factor 1", rotary, f32("gpt2.rope.scaling.factor", 1.0f)},
        {"finetuned", rotary, boolean("gpt2.rope.scaling.finetuned", true)},
        {"YaRN's numbers without YaRN", rotary, f32("gpt2.rope.scaling.yarn_beta_fast", 16.0f)},
        {"whole", gpt2, string("general.type", "model")},
        {"merged again", gpt2,
         [](auto& b) {
             b.template scalar<std::uint16_t>("split.no", 2, 0);
             b.template scalar<std::uint16_t>("split.count", 2, 0);
             b.template scalar<std::int32_t>("split.tensors.count", kInt32, 29);
         }},
        {"one part", gpt2, u32("split.count", 1)},
        {"no bias at all", gpt2,
         [](auto& b) {
             std::erase_if(b.tensors,
                           [](const BuilderTensor& t) { return t.name.ends_with(".bias"); });
         }},
        {"output.weight beside token_embd", gpt2, tensor("output.weight", {8, 5})},
        {"frequency factors", rotary, tensor("rope_freqs.weight", {2})},
    };
    for (const Harmless& row : rows) {
        SCOPED_TRACE(row.what);
        expect_loads(row);
    }
}

// What converters and publishers write, as far as it is not the tokenizer's.
void add_published_keys(GgufBuilder& b) {
    b.string("general.type", "model")
        .string("general.name", "GPT2")
        .string("general.size_label", "x");
    b.string("general.basename", "gpt2")
        .string("general.license", "mit")
        .u32("general.file_type", 15);
    b.strings("general.tags", {"text-generation"}).strings("general.languages", {"en"});
    b.u32("general.base_model.count", 1).string("general.base_model.0.name", "GPT2");
    b.string("general.source.url", "https://example.org").string("general.quantized_by", "x");
    b.u32("general.quantization_version", 2).u32("general.alignment", 32);
    b.string("quantize.imatrix.file", "imatrix.dat").string("quantize.imatrix.dataset", "data.txt");
    b.template scalar<std::int32_t>("quantize.imatrix.entries_count", kInt32, 48);
    b.template scalar<std::int32_t>("quantize.imatrix.chunks_count", kInt32, 128);
    b.string("mradermacher.quantized_by", "x").string("mradermacher.convert_type", "hf");
}

TEST(RefusedFiles, WhatConvertersWriteLoads) {
    const Harmless rows[] = {
        {"gpt2", gpt2, add_published_keys},
        {"gpt2 until 2025: output.weight a copy of token_embd", gpt2,
         [](auto& b) {
             add_published_keys(b);
             b.tensor("output.weight", {8, 5});
         }},
        {"gptneox", gptneox, add_published_keys},
        {"tools/common/gpt2_metadata.py", rotary,
         [](auto& b) {
             b.u32("general.file_type", 1).u32("gpt2.attention.head_count_kv", 2);
             b.string("gyre.rotary.pairing", "half").f32("gpt2.rope.freq_base", 10000.0f);
         }},
    };
    for (const Harmless& row : rows) {
        SCOPED_TRACE(row.what);
        expect_loads(row);
    }
}

TEST(RefusedFiles, IgnoringAllThatIsUnread) {
    GgufBuilder b = gptneox();
    b.f32("gptneox.logit_scale", 2.0f).u32("gptneox.unheard_of", 1);
    b.tensor("blk.0.ffn_gate.weight", {8, 12}).erase_tensor("output.weight");
    b.erase_tensor("blk.1.ffn_up.bias");
    const Outcome outcome = load(b, {std::string(kIgnoreUnread)});
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
    EXPECT_EQ(outcome.notes.size(), 5u);
    // What is read is still checked.
    b.string("gyre.rotary.values", "twisted");
    EXPECT_FALSE(load(b, {std::string(kIgnoreUnread)}).status.ok());
}

TEST(RefusedFiles, WhatTheModelNeedsCannotBeIgnored) {
    for (const char* name : {"gpt2.block_count", "general.architecture", "token_embd.weight",
                             "blk.0.attn_qkv.weight"}) {
        const Outcome outcome = load(gpt2(), {name});
        ASSERT_FALSE(outcome.status.ok()) << name;
        EXPECT_NE(outcome.status.message().find(name), std::string::npos)
            << outcome.status.message();
    }
}

// What cannot be typed is named as the message shows it.
TEST(RefusedFiles, NamesAreIgnoredAsMessagesWriteThem) {
    GgufBuilder b = gpt2();
    b.u32("gpt2.\xc2\x9bm\n", 1);
    const Outcome refused = load(b, {});
    ASSERT_FALSE(refused.status.ok());
    EXPECT_NE(refused.status.message().find("'gpt2.??m?' = 1"), std::string::npos)
        << refused.status.message();
    EXPECT_TRUE(load(b, {"gpt2.??m?"}).status.ok());
}

TEST(RefusedFiles, NamesThatFitNothingAreTold) {
    const Bytes file = gpt2().u32("gpt2.extra", 1).build();
    const auto gguf = Gguf::parse(file);
    ASSERT_TRUE(gguf.ok());
    GgufReading reading(gguf.value(), {"gpt2.extra", "gpt2.misspelt"});
    ASSERT_TRUE(read_model_config(reading).ok());
    EXPECT_EQ(reading.unused_names(), std::vector<std::string>{"gpt2.misspelt"});
}

}  // namespace
}  // namespace gyre::testing
