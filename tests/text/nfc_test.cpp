// Composition, and what must not be touched by it.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/nfc.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/text/vocab.h"

namespace gyre::test {
namespace {

// Unicode Standard Annex 15 and the Python module unicodedata.
TEST(NfcTest, Composes) {
    const std::pair<std::string, std::string> rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"e\u0301", "\u00E9"},
        {"\u212B", "\u00C5"},                // a singleton
        {"q\u0307\u0323", "q\u0323\u0307"},  // reordered, nothing to compose
        {"o\u0302\u0323", "\u1ED9"},         // reordered and composed twice
        {"\u1100\u1161\u11A8", "\uAC01"},    // Hangul
        {"\uAC00\u11A8", "\uAC01"},
        {"\u0958", "\u0915\u093C"},  // excluded from composition
        {"a\u0315\u0300\u05AE\u0062", "\u00E0\u05AE\u0315\u0062"},
        {"e\u0301\u0301", "\u00E9\u0301"},  // the second is blocked
        {"\u0301e", "\u0301e"},             // nothing in front of it
        {"\U0001D15E", "\U0001D157\U0001D165"},
    };
    for (const auto& [text, composed] : rows) {
        EXPECT_EQ(to_nfc(text), composed) << text;
        EXPECT_EQ(to_nfc(composed), composed) << text;
        EXPECT_TRUE(text == composed || may_need_nfc(text)) << text;
    }
    EXPECT_FALSE(may_need_nfc("abc \u00E9"));
}

TEST(NfcTest, KeepsInvalidBytesAndDoesNotLookAcrossThem) {
    EXPECT_EQ(to_nfc("\xFF"
                     "e\u0301\xE2\x82"),
              "\xFF\u00E9\xE2\x82");
    EXPECT_EQ(to_nfc("e\xFF\u0301"), "e\xFF\u0301");
}

// Marks in the wrong order, as many as one likes: sorting by exchange takes minutes for these.
TEST(NfcTest, PiledMarksTakeNoQuadraticTime) {
    std::string text = "a";
    std::string low, high;
    for (int i = 0; i < 200000; ++i) {
        text += i % 2 == 0 ? "\u0302" : "\u0323";  // classes 230 and 220
        (i % 2 == 0 ? high : low) += i % 2 == 0 ? "\u0302" : "\u0323";
    }
    const auto begin = std::chrono::steady_clock::now();
    const std::string composed = to_nfc(text);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(seconds.count(), 10.0);
    // a, dot below and circumflex are one; the others follow by their class.
    EXPECT_EQ(composed, "\u1EAD" + low.substr(2) + high.substr(2));
}

// Where the family has it: Qwen 2 and Command R, GPT-NeoX's kin; not GPT-2, not Llama 3.
TEST(NfcTest, IsWhereTheSplitHasIt) {
    for (const auto& [pre, composes] :
         {std::pair("qwen2", true), std::pair("command-r", true), std::pair("olmo", true),
          std::pair("gpt-2", false), std::pair("llama-bpe", false), std::pair("smollm", false)}) {
        TokenizerData data = byte_vocabulary();
        add_token(data, "e\u0301|", TokenType::kUserDefined);  // found before anything is composed
        data.pre = pre;
        const Result<Tokenizer> tokenizer = Tokenizer::create(data);
        ASSERT_TRUE(tokenizer.ok());
        const auto ids = tokenizer->encode("e\u0301", false);
        EXPECT_EQ(tokenizer->decode(ids).value(), composes ? "\u00E9" : "e\u0301") << pre;
        EXPECT_EQ(tokenizer->encode("e\u0301|", false), (std::vector<std::uint32_t>{256})) << pre;
    }
}

}  // namespace
}  // namespace gyre::test
