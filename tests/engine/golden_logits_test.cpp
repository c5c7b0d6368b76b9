// Every golden model against the float64 reference: prompts in chunks of any size, decoding, and
// every cache format.
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

// Differences from the reference, as a part of the largest logit.
// float32: a rounding is 2^-24 = 6e-8; up to 3072 products a sum and two layers of about ten
// operations. Seen: 3e-7 to 6e-7; a wrong sign, pair or position gives 1e-2 and more.
constexpr double kF32 = 2e-5;
// float16 keys and values: roundings of 2^-12 of each value. Scores of these models are about 5
// (attention chooses), so a weight of the softmax moves by about 1e-3. Seen: 2e-4 to 6e-4.
constexpr double kF16 = 2e-3;
// Q8_0: a value moves by up to 1/254 of its block's largest, 2^-8: sixteen times float16. Seen: up
// to 1.7e-2.
constexpr double kQ8_0 = 3e-2;

class GoldenLogits : public EngineTest, public testing::WithParamInterface<std::string> {};

// Catches: anything wrong in the maths of either phase.
TEST_P(GoldenLogits, PromptAndDecodingAgreeWithTheReference) {
    const Golden golden = read_golden(GetParam());
    const auto model = open_golden(golden.name);
    ASSERT_EQ(model->config().n_vocab, golden.n_vocab);
    const auto session = EngineTest::session(model);
    const double prompt = relative_error(every_row(*session, golden.tokens), golden.logits);
    const double decoding = relative_error(decoded_rows(*session, golden.tokens), golden.logits);
    EXPECT_LE(prompt, kF32);
    EXPECT_LE(decoding, kF32);
    RecordProperty("prompt", std::to_string(prompt * 1e6) + "e-6");
    RecordProperty("decoding", std::to_string(decoding * 1e6) + "e-6");
}

// Catches: a tile's edge that is computed otherwise, a chunk that starts at a wrong position, sums
// whose order depends on the tile.
TEST_P(GoldenLogits, ChunksDoNotChangeABit) {
    const Golden golden = read_golden(GetParam());
    const auto model = open_golden(golden.name);
    const auto all = EngineTest::session(model, golden.n_tokens());
    const Logits rows = every_row(*all, golden.tokens);
    const Logits last = last_row(*all, golden.tokens);
    // The last row alone is computed by the kernel of decoding, whose sums may be split over
    // invocations: float32 rounding apart.
    EXPECT_LE(relative_error(last, golden.row(golden.n_tokens() - 1)), kF32);
    for (const std::uint32_t chunk : {1u, 7u}) {
        SCOPED_TRACE("chunk " + std::to_string(chunk));
        const auto session = EngineTest::session(model, chunk);
        ASSERT_EQ(session->chunk(), chunk);
        EXPECT_TRUE(same_bits(every_row(*session, golden.tokens), rows));
        EXPECT_TRUE(same_bits(last_row(*session, golden.tokens), last));
    }
}

// Catches: words of a compressed cache at a wrong place, a scale of the wrong block, and what is
// written by one phase and read by the other.
TEST_P(GoldenLogits, CompressedCachesAreWithinTheirRounding) {
    const Golden golden = read_golden(GetParam());
    const auto model = open_golden(golden.name);
    struct Row {
        CacheFormat format;
        double bound;
    };
    for (const Row row : {Row{CacheFormat::kF16, kF16}, Row{CacheFormat::kQ8_0, kQ8_0}}) {
        SCOPED_TRACE(row.format == CacheFormat::kF16 ? "F16" : "Q8_0");
        const auto session = EngineTest::session(model, 7, row.format);
        const Logits rows = every_row(*session, golden.tokens);
        const double error = relative_error(rows, golden.logits);
        EXPECT_LE(error, row.bound);
        // It is that format, and not a wider one under its name.
        EXPECT_GE(error, 1e-6);
        const auto other = EngineTest::session(model, 1, row.format);
        EXPECT_TRUE(same_bits(every_row(*other, golden.tokens), rows));
        EXPECT_LE(relative_error(decoded_rows(*session, golden.tokens), golden.logits), row.bound);
        std::cout << golden.name << (row.format == CacheFormat::kF16 ? " F16 " : " Q8_0 ") << error
                  << std::endl;
    }
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenLogits, testing::ValuesIn(golden_names()),
                         [](const auto& test) { return test.param; });

TEST(GoldenModelList, IsNotEmpty) {
    EXPECT_GE(golden_names().size(), 20u) << "tests/golden: run tools/golden/generate.py";
}

}  // namespace
}  // namespace gyre::test
