// Specs that no file has: the engine computes them as the float64 reference does, without knowing
// them.
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/spec_model.h"

namespace gyre::test {
namespace {

constexpr double kF32Error = 2e-5;  // of the largest logit, as golden_logits_test
constexpr double kF16Error = 4e-3;
constexpr double kQ8Error = 5e-2;

struct SpecCase {
    const char* name;
    bool biases;
    void (*change)(ModelSpec& spec);  // of GPT-2 with rotary positions
};

void rms(ModelSpec& spec) {
    spec.norm = NormKind::kRms;
}
void separate(ModelSpec& spec) {
    spec.attention.separate_qkv = true;
}
void gated(ModelSpec& spec) {
    spec.gated = true;
    spec.activation = Activation::kSilu;
}
void head_norm(ModelSpec& spec) {
    spec.norm = NormKind::kRms;
    spec.attention.qk_norm = QkNorm::kHeads;
}
void layer_head_norm(ModelSpec& spec) {
    spec.attention.qk_norm = QkNorm::kHeads;
    spec.rotary.pairing = RotaryPairing::kInterleaved;
}
void own_head_norms(ModelSpec& spec) {
    spec.attention.qk_norm = QkNorm::kHeadsOwn;
}
void row_norms(ModelSpec& spec) {
    rms(spec);
    separate(spec);
    spec.attention.qk_norm = QkNorm::kRows;
}
void layer_row_norms(ModelSpec& spec) {
    spec.attention.qk_norm = QkNorm::kRows;
    spec.rotary.pairing = RotaryPairing::kInterleaved;
}
void rotated_head_norms(ModelSpec& spec) {
    rms(spec);
    spec.attention.qk_norm = QkNorm::kHeadsRotated;
}
void clamped(ModelSpec& spec) {
    spec.attention.clamp = 0.8f;
}
void norms_without_weights(ModelSpec& spec) {
    spec.norm_weights = false;
}
void embedding_norm(ModelSpec& spec) {
    spec.embedding_norm = true;
}
void alibi(ModelSpec& spec) {
    spec.position = PositionKind::kAlibi;
    spec.alibi_max = 5.0f;
}
void norms_after(ModelSpec& spec) {
    spec.norm_placement = NormPlacement::kAfter;
}
void norms_on_both_sides(ModelSpec& spec) {
    spec.norm_placement = NormPlacement::kBoth;
    spec.residual_scale = 0.75f;
}
void windows(ModelSpec& spec) {
    spec.attention.windows = {3, 0, 5};
}
void two_bases(ModelSpec& spec) {
    spec.other_rotary = {spec.rotary};
    spec.other_rotary[0].theta = 300.0;
    spec.layer_rotary = {0, 1, 0};
}
void some_layers_do_not_rotate(ModelSpec& spec) {
    spec.other_rotary = {spec.rotary};
    spec.other_rotary[0].rotary_dim = 0;
    spec.layer_rotary = {0, 1, 0};
}
void caps(ModelSpec& spec) {
    spec.attention.score_cap = 1.5f;
    spec.logit_cap = 2.0f;
}
void scales(ModelSpec& spec) {
    spec.embedding_scale = 5.0f;
    spec.residual_scale = 0.4f;
    spec.attention.score_scale = 0.1f;
    spec.logit_scale = 1.75f;
}
void parallel_gated(ModelSpec& spec) {
    gated(spec);
    spec.parallel_residual = true;
}
// Qwen 3's shape: a head size of its own, everything that a Llama has.
void llama(ModelSpec& spec) {
    rms(spec);
    separate(spec);
    gated(spec);
    head_norm(spec);
    spec.head_dim = 16;
    spec.rotary.rotary_dim = 16;
}
// Gemma 3's shape and the caps of Gemma 2: all of it at once.
void everything(ModelSpec& spec) {
    llama(spec);
    norms_on_both_sides(spec);
    windows(spec);
    two_bases(spec);
    caps(spec);
    spec.embedding_scale = 5.0f;
    spec.attention.score_scale = 0.3f;
    spec.logit_scale = 1.5f;
    spec.activation = Activation::kGeluTanh;
    spec.tied = true;
}

// What stands in front of the store, and norms after blocks alone.
void olmo(ModelSpec& spec) {
    row_norms(spec);
    gated(spec);
    clamped(spec);
    norms_after(spec);
    embedding_norm(spec);
    windows(spec);
}

const SpecCase kCases[] = {
    {"gpt2", true, [](ModelSpec&) {}},
    {"rms", false, rms},
    {"rms_with_bias", true, rms},
    {"separate_qkv", false, separate},
    {"separate_qkv_with_biases", true, separate},
    {"gated", false, gated},
    {"gated_with_biases", true, gated},
    {"head_norm", false, head_norm},
    {"layer_head_norm", true, layer_head_norm},
    {"own_head_norms", true, own_head_norms},
    {"row_norms", false, row_norms},
    {"layer_row_norms", true, layer_row_norms},
    {"rotated_head_norms", false, rotated_head_norms},
    {"clamped", true, clamped},
    {"norms_without_weights", false, norms_without_weights},
    {"embedding_norm", true, embedding_norm},
    {"alibi", false, alibi},
    {"norms_after", false, norms_after},
    {"norms_on_both_sides", true, norms_on_both_sides},
    {"windows", false, windows},
    {"two_bases", false, two_bases},
    {"some_layers_do_not_rotate", false, some_layers_do_not_rotate},
    {"caps", false, caps},
    {"scales", true, scales},
    {"parallel_gated", true, parallel_gated},
    {"llama", false, llama},
    {"everything", false, everything},
    {"olmo", false, olmo},
};

// Odd sizes; heads of 9 channels have a pair of one.
ModelSpec base_spec() {
    ModelSpec spec;
    spec.n_vocab = 41;
    spec.n_ctx = 48;
    spec.n_embd = 36;
    spec.n_layer = 3;
    spec.n_head = 4;
    spec.n_head_kv = 2;
    spec.head_dim = 9;
    spec.n_ff = 52;
    spec.layer_norm_epsilon = 1e-5f;
    spec.position = PositionKind::kRotary;
    spec.rotary.rotary_dim = 8;
    return spec;
}

SpecModel model_of(const SpecCase& c) {
    ModelSpec spec = base_spec();
    c.change(spec);
    return {spec, c.biases};
}

class SpecTest : public EngineTest, public testing::WithParamInterface<SpecCase> {
  protected:
    static std::shared_ptr<Model> open(const SpecModel& spec, const DeviceCapsLimit& limit = {}) {
        return EngineTest::open(spec.file(), limit);
    }
    static std::vector<std::uint32_t> tokens() {
        std::vector<std::uint32_t> ids;
        for (std::uint32_t i = 0; i < 23; ++i)
            ids.push_back((7 * i + i * i) % 41);
        return ids;
    }
    // A prompt in chunks, and token by token.
    static void expect_reference(const std::shared_ptr<Model>& model,
                                 const std::vector<float>& expected, CacheFormat cache,
                                 double error) {
        const auto ids = tokens();
        const auto session = EngineTest::session(model, 8, cache);
        const Logits rows = every_row(*session, ids);
        EXPECT_LE(relative_error(rows, expected), error) << "a prompt";
        EXPECT_LE(relative_error(decoded_rows(*session, ids), expected), error) << "decoding";
        const std::span last = std::span(expected).last(model->config().n_vocab);
        EXPECT_LE(relative_error(last_row(*session, ids), last), error) << "the last row";
    }
};

// Catches: a field of the spec that a kernel, a fusion or a phase forgets.
TEST_P(SpecTest, EqualsTheReference) {
    const SpecModel spec = model_of(GetParam());
    const auto wide = spec.logits(tokens());
    const std::vector<float> expected(wide.begin(), wide.end());
    const auto model = open(spec);
    expect_reference(model, expected, CacheFormat::kF32, kF32Error);
    expect_reference(model, expected, CacheFormat::kF16, kF16Error);
    expect_reference(model, expected, CacheFormat::kQ8_0, kQ8Error);
}

// The kernels and fusions of GPUs, on a software driver.
TEST_P(SpecTest, EqualsTheReferenceAsAGpu) {
    const SpecModel spec = model_of(GetParam());
    const auto wide = spec.logits(tokens());
    const std::vector<float> expected(wide.begin(), wide.end());
    DeviceCapsLimit limit;
    limit.not_software = true;
    expect_reference(open(spec, limit), expected, CacheFormat::kF32, kF32Error);
}

// A shift moves the cells of every layer by its own angles.
TEST_P(SpecTest, ShiftsAsIfTheTokensHadNeverBeen) {
    const SpecModel spec = model_of(GetParam());
    const auto ids = tokens();
    // Of one layer: those above keep what they saw of the dropped tokens.
    ModelSpec one = spec.spec();
    one.n_layer = 1;
    const SpecModel single(one, GetParam().biases);
    const auto moved = EngineTest::session(open(single), 8, CacheFormat::kF32);
    require(moved->feed(std::span(ids).first(12)));
    require(moved->shift(2, 5));
    require(moved->decode(ids[12]));
    std::vector<std::uint32_t> left(ids.begin(), ids.begin() + 2);
    left.insert(left.end(), ids.begin() + 7, ids.begin() + 13);
    const auto wide = single.logits(left);
    const std::vector<float> expected(wide.end() - 41, wide.end());
    EXPECT_LE(relative_error(moved->logits(), expected), kF32Error);
}

std::string case_name(const testing::TestParamInfo<SpecCase>& info) {
    return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Specs, SpecTest, testing::ValuesIn(kCases), case_name);

using SpecPlanTest = EngineTest;

// Catches: an operation that a fusion loses or makes twice, a norm or a window in the wrong layer.
TEST_F(SpecPlanTest, OfEverythingReadsAsALayerDoes) {
    const SpecModel spec = model_of({"everything", false, everything});
    DeviceCapsLimit gpu;
    gpu.not_software = true;
    const auto model = open(spec.file(), gpu);
    const auto session = EngineTest::session(model, 8, CacheFormat::kF16);
    std::vector<std::string> steps;
    session->describe_plan(1, [&](const StepDescription& step) {
        const std::string layer =
            step.layer == kNoLayer ? std::string("-") : std::to_string(step.layer);
        steps.push_back(layer + " " + step.operation + ": " + step.kernel + ", " + step.in +
                        " to " + step.out);
    });
    std::vector<std::string> expected = {"- embed: embed_f32,  to x"};
    for (const char* layer : {"0", "1", "2"}) {
        for (const char* step :
             {"norm_qkv: linear_f32, x to qkv", "rotary: store_kv, qkv to q",
              "attention: attention, q to mix", "project: linear_f32, mix to block",
              "add_norm: norm, block to x", "norm: norm, x to normed",
              "gate_activate: linear_f32, normed to hidden",
              "up_multiply: linear_f32, normed to hidden", "down: linear_f32, hidden to block",
              "add_norm: norm, block to x"}) {
            expected.push_back(std::string(layer) + " " + step);
        }
    }
    expected.push_back("- norm_logits: linear_f32, x to logits");
    EXPECT_EQ(steps, expected);
}

}  // namespace
}  // namespace gyre::test
