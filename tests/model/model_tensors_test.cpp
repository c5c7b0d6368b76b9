// Names and shapes of a model's tensors.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_tensors.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/model/gguf_builder.h"

namespace gyre::testing {
namespace {

// The file must outlive the tensors, so a test gets both.
struct LoadedModel {
    explicit LoadedModel(const GgufBuilder& builder) : file(builder.build()) {
        auto parsed = Gguf::parse(file);
        status = parsed.status();
        if (!status.ok()) return;
        gguf.emplace(std::move(parsed).value());
        GgufReading reading(*gguf);
        const auto config = read_model_config(reading);
        status = config.status();
        if (!status.ok()) return;
        auto found = find_model_tensors(reading, config.value());
        status = found.status();
        if (status.ok()) tensors = std::move(found).value();
    }

    Bytes file;
    std::optional<Gguf> gguf;
    ModelTensors tensors;
    Status status;
};

void expect_refused(const GgufBuilder& builder, const std::string& named,
                    const std::string& also = "") {
    const LoadedModel model(builder);
    ASSERT_FALSE(model.status.ok()) << "expected an error about " << named;
    EXPECT_NE(model.status.message().find("'" + named + "'"), std::string::npos)
        << model.status.message();
    EXPECT_NE(model.status.message().find(also), std::string::npos) << model.status.message();
}

TEST(ModelTensors, FindsEveryTensorOfTheSmallModel) {
    const LoadedModel model(small_model());
    ASSERT_TRUE(model.status.ok()) << model.status.message();
    const ModelTensors& t = model.tensors;
    EXPECT_EQ(t.token_embd->name, "token_embd.weight");
    EXPECT_EQ(t.output, t.token_embd);
    EXPECT_EQ(t.position_embd, nullptr);
    ASSERT_EQ(t.layers.size(), 2u);
    const LayerTensors& layer = t.layers[1];
    EXPECT_EQ(layer.attn_norm.weight->name, "blk.1.attn_norm.weight");
    EXPECT_EQ(layer.attn_norm.bias->name, "blk.1.attn_norm.bias");
    EXPECT_EQ(layer.attn_qkv.weight->name, "blk.1.attn_qkv.weight");
    EXPECT_EQ(layer.attn_qkv.bias->name, "blk.1.attn_qkv.bias");
    EXPECT_EQ(layer.attn_qkv.imag, nullptr);
    EXPECT_EQ(layer.attn_output.weight->name, "blk.1.attn_output.weight");
    EXPECT_EQ(layer.ffn_norm.weight->name, "blk.1.ffn_norm.weight");
    EXPECT_EQ(layer.ffn_up.weight->name, "blk.1.ffn_up.weight");
    EXPECT_EQ(layer.ffn_up.bias->name, "blk.1.ffn_up.bias");
    EXPECT_EQ(layer.ffn_down.weight->name, "blk.1.ffn_down.weight");
    EXPECT_EQ(layer.attn_sinks, nullptr);
    EXPECT_EQ(t.output_norm.bias->name, "output_norm.bias");
}

TEST(ModelTensors, EveryRequiredTensorIsNamedWhereMissingOrMisshapen) {
    for (const BuilderTensor& tensor : small_model().tensors) {
        const bool bias = tensor.name.ends_with(".bias");
        GgufBuilder without = small_model();
        without.erase_tensor(tensor.name);
        if (bias && !tensor.name.starts_with("blk.")) {
            EXPECT_TRUE(LoadedModel(without).status.ok()) << tensor.name << " is optional";
        } else {
            expect_refused(without, tensor.name, "missing");
        }
        std::vector<std::uint64_t> dims = tensor.dims;
        ++dims[0];
        GgufBuilder wrong = small_model();
        wrong.tensor(tensor.name, dims);
        expect_refused(wrong, tensor.name, "expected");
        if (tensor.name == "token_embd.weight") continue;  // its rows are the vocabulary
        dims = tensor.dims;
        dims.push_back(2);
        wrong.tensor(tensor.name, dims);
        expect_refused(wrong, tensor.name, "expected");
    }
}

// Phi-3's ffn_up: the gate's rows, then its own.
TEST(ModelTensors, AGateMayBeTheFirstRowsOfUp) {
    GgufBuilder b;
    b.string("general.architecture", "phi3").u32("phi3.context_length", 8);
    b.u32("phi3.embedding_length", 8).u32("phi3.block_count", 1);
    b.u32("phi3.feed_forward_length", 3).u32("phi3.attention.head_count", 2);
    b.f32("phi3.attention.layer_norm_rms_epsilon", 1e-5f);
    b.tensor("token_embd.weight", {8, 5}).tensor("output_norm.weight", {8});
    b.tensor("blk.0.attn_norm.weight", {8}).tensor("blk.0.attn_qkv.weight", {8, 24});
    b.tensor("blk.0.attn_output.weight", {8, 8}).tensor("blk.0.ffn_norm.weight", {8});
    b.tensor("blk.0.ffn_up.weight", {8, 6}, 0.0f, 1.0f).tensor("blk.0.ffn_down.weight", {3, 8});
    const LoadedModel model(b);
    ASSERT_TRUE(model.status.ok()) << model.status.message();
    const LayerTensors& layer = model.tensors.layers[0];
    for (const LinearTensors* part : {&layer.ffn_gate, &layer.ffn_up}) {
        EXPECT_EQ(part->weight->dims, (std::array<std::uint64_t, 4>{8, 3, 1, 1}));
        const std::vector<float> values = read_floats(*part->weight);
        ASSERT_EQ(values.size(), 24u);
        EXPECT_EQ(values[0], part == &layer.ffn_gate ? 0.0f : 24.0f);
        EXPECT_EQ(values[23], part == &layer.ffn_gate ? 23.0f : 47.0f);
    }
    GgufBuilder narrow = b;
    expect_refused(narrow.tensor("blk.0.ffn_up.weight", {8, 3}), "blk.0.ffn_up.weight", "[8, 6]");
    expect_refused(b.tensor("blk.0.ffn_gate.weight", {8, 3}), "blk.0.ffn_gate.weight", "reads it");
}

TEST(ModelTensors, ATransposedMatrixIsRefused) {
    GgufBuilder b = small_model();
    b.tensor("blk.0.ffn_up.weight", {12, 8});
    expect_refused(b, "blk.0.ffn_up.weight", "[12, 8]; expected [8, 12]");
}

TEST(ModelTensors, LayersBeyondTheCountAreAnError) {
    GgufBuilder b = small_model();
    b.u32("gpt2.block_count", 1);
    expect_refused(b, "blk.1.attn_norm.weight", "block_count");
    for (const char* name : {"blk.2.extra", "blk.-1.x", "blk.99999999999.x", "blk..x", "blk.x"}) {
        expect_refused(small_model().tensor(name, {1}), name, "block_count");
    }
}

// A kind of bias is there in all layers or in none.
TEST(ModelTensors, EveryBiasMayBeMissingInAllLayers) {
    for (const char* name :
         {"attn_norm", "attn_qkv", "attn_output", "ffn_norm", "ffn_up", "ffn_down"}) {
        const std::string rest = std::string(name) + ".bias";
        GgufBuilder b = small_model();
        expect_refused(b.erase_tensor("blk.0." + rest), "blk.0." + rest, "blk.1." + rest);
        b.erase_tensor("blk.1." + rest);
        EXPECT_TRUE(LoadedModel(b).status.ok()) << rest;
        b = small_model();
        expect_refused(b.erase_tensor("blk.1." + rest), "blk.1." + rest, "blk.0." + rest);
    }
}

TEST(ModelTensors, GroupedHeadsShrinkTheProjection) {
    GgufBuilder b = small_model();
    b.u32("gpt2.attention.head_count_kv", 1);
    expect_refused(b, "blk.0.attn_qkv.weight", "[8, 24]; expected [8, 16]");
    for (const std::string blk : {"blk.0.", "blk.1."}) {
        b.tensor(blk + "attn_qkv.weight", {8, 16}).tensor(blk + "attn_qkv.bias", {16});
    }
    EXPECT_TRUE(LoadedModel(b).status.ok());
}

TEST(ModelTensors, LearnedPositionsMayHaveMoreRowsButNotFewer) {
    GgufBuilder b = small_model();
    b.erase("gyre.position").tensor("position_embd.weight", {8, 10});
    EXPECT_NE(LoadedModel(b).tensors.position_embd, nullptr);
    expect_refused(b.tensor("position_embd.weight", {8, 7}), "position_embd.weight", "more rows");
}

TEST(ModelTensors, AnOutputMatrixUntiesTheModel) {
    GgufBuilder b = small_model();
    b.tensor("output.weight", {8, 5});
    const LoadedModel model(b);
    ASSERT_TRUE(model.status.ok());
    EXPECT_EQ(model.tensors.output->name, "output.weight");
    expect_refused(b.tensor("output.weight", {8, 4}), "output.weight", "expected [8, 5]");
}

TEST(ModelTensors, ComplexProjectionsAreTwoHalves) {
    GgufBuilder b = small_model();
    b.string("gyre.attention.projection", "complex")
        .string("gyre.attention.output_projection", "complex")
        .string("gyre.rotary.pairing", "interleaved");
    expect_refused(b, "blk.0.attn_qkv.re.weight", "missing");
    for (const std::string blk : {"blk.0.", "blk.1."}) {
        b.erase_tensor(blk + "attn_qkv.weight").erase_tensor(blk + "attn_output.weight");
        b.tensor(blk + "attn_qkv.re.weight", {4, 12}).tensor(blk + "attn_qkv.im.weight", {4, 12});
        b.tensor(blk + "attn_output.re.weight", {4, 4})
            .tensor(blk + "attn_output.im.weight", {4, 4});
    }
    const LoadedModel model(b);
    ASSERT_TRUE(model.status.ok()) << model.status.message();
    EXPECT_EQ(model.tensors.layers[0].attn_qkv.weight->name, "blk.0.attn_qkv.re.weight");
    EXPECT_EQ(model.tensors.layers[0].attn_qkv.imag->name, "blk.0.attn_qkv.im.weight");
    EXPECT_EQ(model.tensors.layers[1].attn_output.imag->name, "blk.1.attn_output.im.weight");
    EXPECT_EQ(model.tensors.layers[0].attn_qkv.bias->dims[0], 24u);  // the bias stays whole
    expect_refused(b.erase_tensor("blk.1.attn_qkv.im.weight"), "blk.1.attn_qkv.im.weight",
                   "missing");
}

TEST(ModelTensors, SinksAreInEveryLayerOrInNone) {
    GgufBuilder b = small_model();
    b.tensor("blk.0.attn_sinks.weight", {2});
    expect_refused(b, "blk.1.attn_sinks.weight", "missing");
    b.tensor("blk.1.attn_sinks.weight", {2});
    EXPECT_NE(LoadedModel(b).tensors.layers[1].attn_sinks, nullptr);
}

// Half precision vectors are converted; blocks are for matrices.
TEST(ModelTensors, VectorTypes) {
    GgufBuilder b = small_model();
    Bytes halves;
    for (const int h : {0x3c00, 0x4000, 0xbc00, 0x0000, 0x3800, 0x3c00, 0x3c00, 0x3c00}) {
        append(halves, static_cast<std::uint16_t>(h));
    }
    b.tensor({"output_norm.bias", {8}, 1, halves});
    const LoadedModel model(b);
    ASSERT_TRUE(model.status.ok()) << model.status.message();
    EXPECT_EQ(read_floats(*model.tensors.output_norm.bias),
              (std::vector<float>{1.0f, 2.0f, -1.0f, 0.0f, 0.5f, 1.0f, 1.0f, 1.0f}));

    GgufBuilder wide = small_model();
    wide.u32("gpt2.embedding_length", 32).u32("gpt2.block_count", 1);
    wide.tensors.clear();
    wide.tensor("token_embd.weight", {32, 5});
    wide.tensor({"blk.0.attn_norm.weight", {32}, 8, Bytes(34)});
    expect_refused(wide, "blk.0.attn_norm.weight", "Q8_0; expected F32, F16 or BF16");
}

}  // namespace
}  // namespace gyre::testing
