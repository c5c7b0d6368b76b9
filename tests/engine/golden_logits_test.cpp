// Every golden model against the float64 reference: prompts in chunks of any size, decoding, and
// every cache format.
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

// Differences from the reference, as a part of the largest logit.
// float32: a rounding is 2^-24 = 6e-8; up to 3072 products a sum and two layers of about ten
// operations. Seen: 3e-7 to 1.5e-6; a wrong sign, pair or position gives 1e-2 and more.
constexpr double kF32 = 2e-5;
// float16 keys and values: roundings of 2^-12 of each value. Scores of these models are about 5
// (attention chooses), so a weight of the softmax moves by about 1e-3. Seen: 2e-4 to 1.5e-3 (1e-4
// for a trained model).
constexpr double kF16 = 4e-3;
// Q8_0: a value moves by up to 1/254 of its block's largest, 2^-8: sixteen times float16. Seen:
// 4e-3 to 2.3e-2 (1.6e-3 for a trained model).
constexpr double kQ8_0 = 5e-2;

class GoldenLogits : public EngineTest, public testing::WithParamInterface<std::string> {
  protected:
    // Catches: anything wrong in the maths of either phase.
    void prompt_and_decoding_agree_with_the_reference();
    // Catches: a tile's edge that is computed otherwise, a chunk that starts at a wrong position,
    // sums whose order depends on the tile.
    void chunks_do_not_change_a_bit();
    // Catches: words of a compressed cache at a wrong place, a scale of the wrong block, and what
    // is written by one phase and read by the other.
    void compressed_caches_are_within_their_rounding(CacheFormat format, double bound);

    Golden golden_ = read_golden(GetParam());
    // One model for all of it: compiling its kernels is most of the time on a software driver.
    std::shared_ptr<const Model> model_;
};

void GoldenLogits::prompt_and_decoding_agree_with_the_reference() {
    SCOPED_TRACE("prompt and decoding");
    const auto session = EngineTest::session(model_);
    const double prompt = relative_error(every_row(*session, golden_.tokens), golden_.logits);
    const double decoding = relative_error(decoded_rows(*session, golden_.tokens), golden_.logits);
    EXPECT_LE(prompt, kF32);
    EXPECT_LE(decoding, kF32);
    std::cout << "prompt " << prompt << ", decoding " << decoding;
}

void GoldenLogits::chunks_do_not_change_a_bit() {
    const auto all = EngineTest::session(model_, golden_.n_tokens());
    const Logits rows = every_row(*all, golden_.tokens);
    const Logits last = last_row(*all, golden_.tokens);
    // The last row alone is computed by the kernel of decoding, whose sums may be split over
    // invocations: float32 rounding apart.
    EXPECT_LE(relative_error(last, golden_.row(golden_.n_tokens() - 1)), kF32);
    for (const std::uint32_t chunk : {1u, 7u}) {
        SCOPED_TRACE("chunk " + std::to_string(chunk));
        const auto session = EngineTest::session(model_, chunk);
        ASSERT_EQ(session->chunk(), chunk);
        EXPECT_TRUE(same_bits(every_row(*session, golden_.tokens), rows));
        EXPECT_TRUE(same_bits(last_row(*session, golden_.tokens), last));
    }
}

void GoldenLogits::compressed_caches_are_within_their_rounding(CacheFormat format, double bound) {
    const std::string name = format == CacheFormat::kF16 ? "F16" : "Q8_0";
    SCOPED_TRACE(name + " cache");
    const auto session = EngineTest::session(model_, 7, format);
    const Logits rows = every_row(*session, golden_.tokens);
    const double error = relative_error(rows, golden_.logits);
    EXPECT_LE(error, bound);
    EXPECT_GE(error, bound / 100) << "is it that format, and not a wider one under its name?";
    const auto other = EngineTest::session(model_, 1, format);
    EXPECT_TRUE(same_bits(every_row(*other, golden_.tokens), rows));
    EXPECT_LE(relative_error(decoded_rows(*session, golden_.tokens), golden_.logits), bound);
    std::cout << ", " << name << " cache " << error;
}

TEST_P(GoldenLogits, AgreeWithTheReference) {
    model_ = open_golden(golden_.name);
    ASSERT_EQ(model_->config().n_vocab, golden_.n_vocab);
    prompt_and_decoding_agree_with_the_reference();
    chunks_do_not_change_a_bit();
    compressed_caches_are_within_their_rounding(CacheFormat::kF16, kF16);
    compressed_caches_are_within_their_rounding(CacheFormat::kQ8_0, kQ8_0);
    std::cout << std::endl;
    model_.reset();  // before the fixture asks for messages
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenLogits, testing::ValuesIn(golden_names()),
                         [](const auto& test) { return test.param; });

// A software driver that is told to be a GPU: norms inside products, sums over several invocations,
// and prompts by matrix units where the driver has them.
class GpuGoldenLogits : public GoldenLogits {};

TEST_P(GpuGoldenLogits, AgreeWithTheReference) {
    DeviceCapsLimit limit;
    limit.not_software = true;
    model_ = open_golden(golden_.name, limit);
    prompt_and_decoding_agree_with_the_reference();
    chunks_do_not_change_a_bit();
    std::cout << std::endl;
    model_.reset();
}

INSTANTIATE_TEST_SUITE_P(Models, GpuGoldenLogits,
                         testing::Values("rove_half", "f16_odd", "crope_q4_0", "q6_k", "llama_bias",
                                         "qwen3_rove", "gemma3", "phi3", "command_r", "olmo",
                                         "olmo3", "hunyuan_dense", "mpt", "bloom", "phi2",
                                         "stablelm_12b"),
                         [](const auto& test) { return test.param; });

TEST(GoldenModelList, IsNotEmpty) {
    EXPECT_GE(golden_names().size(), 20u) << "tests/golden: run tools/golden/generate.py";
}

}  // namespace
}  // namespace gyre::test
