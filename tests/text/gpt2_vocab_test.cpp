// The tokenizer with GPT-2's published vocabulary against GPT-2's published encoders.
// SPDX-License-Identifier: Apache-2.0
//
// strings.json holds the strings, expected_ids.json the ids that the npm package
// gpt-3-encoder 1.1.4 gave for them; scripts/fetch-gpt2-vocab lets the package say it once more on
// this machine. Both are compared. The ids of "texts" were checked to be those of the Python
// encoder as well.
#include <gtest/gtest.h>
#include <utf8proc.h>

#include <chrono>
#include <numeric>
#include <random>

#include "runtime/text/code_class.h"
#include "runtime/text/utf8.h"
#include "tests/text/vocab.h"

namespace gyre::test {
namespace {

using Ids = std::vector<std::uint32_t>;

// Loaded once: the vocabulary takes a moment under a sanitizer.
const Tokenizer& gpt2() {
    static const Tokenizer tokenizer = [] {
        Result<Tokenizer> result = Tokenizer::create(gpt2_vocabulary());
        if (!result.ok()) throw std::runtime_error(result.status().message());
        return std::move(result).value();
    }();
    return tokenizer;
}

std::string repeat(const std::string& s, std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i)
        out += s;
    return out;
}

class Gpt2VocabTest : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        strings_ = read_json(test_file("strings.json"));
        const std::string name = GetParam();
        expected_ = read_json(name == "committed" ? test_file("expected_ids.json")
                                                  : gpt2_vocab_dir() + "/expected.json");
    }

    nlohmann::json strings_, expected_;
};

INSTANTIATE_TEST_SUITE_P(Expected, Gpt2VocabTest, testing::Values("committed", "live"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Gpt2VocabTest, EncodesAndDecodesEveryText) {
    const auto& texts = strings_["texts"];
    ASSERT_GE(texts.size(), 500u);
    ASSERT_EQ(texts.size(), expected_["texts"].size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::string text = texts[i];
        const Ids ids = gpt2().encode(text, false);
        EXPECT_EQ(ids, expected_["texts"][i].get<Ids>()) << "texts[" << i << "]: " << texts[i];
        EXPECT_EQ(gpt2().decode(ids).value(), text) << "texts[" << i << "]: " << texts[i];
    }
}

// The package cannot see such bytes: it gets the text that TextDecoder makes of them.
TEST_P(Gpt2VocabTest, TreatsInvalidUtf8AsTheWebDoes) {
    const auto& rows = strings_["bytes"];
    ASSERT_EQ(rows.size(), expected_["bytes"].size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::string bytes = from_hex(rows[i]);
        const std::string shown = expected_["bytes"][i][0];
        Utf8Stream stream;
        std::string streamed = stream.push(bytes);
        streamed += stream.flush();
        EXPECT_EQ(streamed, shown) << rows[i];
        EXPECT_EQ(gpt2().decode(gpt2().encode(bytes, false)).value(), bytes) << rows[i];
        EXPECT_EQ(gpt2().encode(shown, false), expected_["bytes"][i][1].get<Ids>()) << rows[i];
    }
}

TEST_P(Gpt2VocabTest, EncodesLongWords) {
    for (const auto& row : expected_["long_words"]) {
        const std::string text = repeat(row[0], row[1]);
        EXPECT_EQ(gpt2().encode(text, false), row[2].get<Ids>()) << row[0];
    }
}

// U+FEFF and U+0085: ours are the ids of the Python encoder, and the package has others where it
// matters. If the second half fails, the package no longer differs and the exception can go.
TEST_P(Gpt2VocabTest, TakesThePublishedSideWhereThePackageDiffers) {
    const nlohmann::json published =
        read_json(test_file("expected_ids.json"))["white_space_published"];
    const auto& texts = strings_["white_space_differs"];
    const auto& package = expected_["white_space_differs"];
    ASSERT_EQ(texts.size(), published.size());
    ASSERT_EQ(texts.size(), package.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(gpt2().encode(texts[i].get<std::string>(), false), published[i].get<Ids>())
            << texts[i];
    }
    EXPECT_NE(package, published);
}

char js_class(CodeClass c) {
    return (c & kLetters) != 0 ? 'L' : (c & kNumbers) != 0 ? 'N' : (c & kSpaces) != 0 ? 's' : 'o';
}

// Every code point, against the character classes of the JavaScript engine that ran the package.
TEST(Gpt2VocabLiveTest, ClassesDifferFromJavaScriptAtTwoCodePointsOnly) {
    const nlohmann::json expected = read_json(gpt2_vocab_dir() + "/expected.json");
    std::vector<std::uint32_t> differing;
    std::uint32_t next = 0;
    for (const auto& range : expected["classes"]) {
        ASSERT_EQ(range[0].get<std::uint32_t>(), next);
        next = range[1].get<std::uint32_t>() + 1;
        const char theirs = range[2].get<std::string>()[0];
        for (std::uint32_t c = range[0]; c < next; ++c) {
            // One of the two may know a later version of Unicode; no class ever changed between
            // versions for the others that are compared here.
            const bool unassigned_here =
                utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_CN;
            if (theirs == 'u' || unassigned_here) continue;
            const char ours = js_class(code_class(c));
            if (ours != theirs) differing.push_back(c);
        }
    }
    EXPECT_EQ(next, 0x110000u);
    EXPECT_EQ(differing, (std::vector<std::uint32_t>{0x85, 0xFEFF}));
}

TEST(Gpt2VocabLiveTest, EveryTokenHasItsBytes) {
    EXPECT_EQ(gpt2().n_vocab(), 50257u);
    EXPECT_EQ(gpt2().token_bytes(15496).value(), "Hello");
    EXPECT_EQ(gpt2().token_bytes(995).value(), " world");
    EXPECT_EQ(gpt2().token_bytes(198).value(), "\n");
    EXPECT_EQ(gpt2().token_bytes(50256).value(), "<|endoftext|>");
    EXPECT_EQ(gpt2().eos_id(), 50256u);
    Ids all(gpt2().n_vocab());
    std::iota(all.begin(), all.end(), 0u);
    std::string joined;
    for (const std::uint32_t id : all)
        joined += gpt2().token_bytes(id).value();
    EXPECT_EQ(gpt2().decode(all).value(), joined);
}

TEST(Gpt2VocabLiveTest, FindsEndOfTextOnlyWhenAsked) {
    const std::string text = "a<|endoftext|>b";
    EXPECT_EQ(gpt2().encode(text, true), (Ids{64, 50256, 65}));
    EXPECT_EQ(gpt2().encode(text, false), (Ids{64, 27, 91, 437, 1659, 5239, 91, 29, 65}));
    // The pre-split sees the parts as texts of their own: the spaces end theirs.
    EXPECT_EQ(gpt2().encode("  <|endoftext|> x", true), (Ids{220, 220, 50256, 2124}));
}

TEST(Gpt2VocabLiveTest, KeepsRandomBytes) {
    std::mt19937 random(20190214);
    for (int round = 0; round < 2000; ++round) {
        std::string bytes(random() % 200, '\0');
        const bool ascii_mostly = round % 2 == 0;
        for (char& c : bytes) {
            const auto r = random();
            c = static_cast<char>(r >> 16);
            if (ascii_mostly && r % 8 != 0) c = " 'sa1!\n\t"[(r >> 8) % 8];
        }
        const Ids ids = gpt2().encode(bytes, round % 3 == 0);
        ASSERT_EQ(gpt2().decode(ids).value(), bytes) << "round " << round;
    }
}

// A quadratic merge takes minutes for these; the bound is for a slow machine under a sanitizer.
TEST(Gpt2VocabLiveTest, LongWordsTakeNoQuadraticTime) {
    for (const std::string& unit :
         {std::string("a"), std::string(" "), std::string("\xF0\x9F\x98\x80"), std::string("zq"),
          std::string("'"), std::string("\xE2\x80\x83")}) {
        const std::string text = repeat(unit, 200000 / unit.size());
        const auto begin = std::chrono::steady_clock::now();
        const Ids ids = gpt2().encode(text, true);
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        EXPECT_LT(seconds.count(), 10.0) << unit;
        EXPECT_EQ(gpt2().decode(ids).value(), text);
    }
}

}  // namespace
}  // namespace gyre::test
