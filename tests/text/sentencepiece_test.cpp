// SentencePiece's BPE with small vocabularies: scores, bytes, spaces, and files that lie.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "tests/text/vocab.h"

namespace gyre::test {
namespace {

using Ids = std::vector<std::uint32_t>;

// <unk> 0, <s> 1, </s> 2, the bytes 3 to 258, and then what is added.
TokenizerData llama_vocabulary() {
    TokenizerData data;
    data.model = TokenizerModel::kLlama;
    add_piece(data, "<unk>", 0, TokenType::kUnknown);
    add_piece(data, "<s>", 0, TokenType::kControl);
    add_piece(data, "</s>", 0, TokenType::kControl);
    for (unsigned b = 0; b < 256; ++b) {
        char name[8];
        std::snprintf(name, sizeof name, "<0x%02X>", b);
        add_piece(data, name, 0, TokenType::kByte);
    }
    return data;
}

std::uint32_t byte_id(unsigned byte) {
    return 3 + byte;
}

Tokenizer make(const TokenizerData& data) {
    Result<Tokenizer> result = Tokenizer::create(data);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return std::move(result).value();
}

TEST(SentencePieceTest, TheHighestScoreJoinsFirstAndTheLeftmostOfEquals) {
    TokenizerData data = llama_vocabulary();
    data.add_space_prefix = false;
    const std::uint32_t a = add_piece(data, "a", -100);
    const std::uint32_t b = add_piece(data, "b", -100);
    const std::uint32_t c = add_piece(data, "c", -100);
    const std::uint32_t ab = add_piece(data, "ab", -5);
    const std::uint32_t bc = add_piece(data, "bc", -4);
    const std::uint32_t aa = add_piece(data, "aa", -4);
    const std::uint32_t cab = add_piece(data, "cab", -3);
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("abc", false), (Ids{a, bc}));
    EXPECT_EQ(tokenizer.encode("aaa", false), (Ids{aa, a}));
    EXPECT_EQ(tokenizer.encode("aab", false), (Ids{aa, b}));
    EXPECT_EQ(tokenizer.encode("aaabc", false), (Ids{aa, a, bc}));
    EXPECT_EQ(tokenizer.encode("ba", false), (Ids{b, a}));
    EXPECT_EQ(tokenizer.encode("cab", false), (Ids{cab}));
    EXPECT_EQ(tokenizer.encode("cabab", false), (Ids{cab, ab}));
    EXPECT_EQ(tokenizer.encode("c", false), (Ids{c}));
}

// Equal scores are equal whatever the ids: neither the earlier nor the later token wins by itself.
TEST(SentencePieceTest, OfEqualScoresTheLeftmostJoins) {
    TokenizerData data = llama_vocabulary();
    data.add_space_prefix = false;
    Ids single;
    for (const char* text : {"a", "b", "c"})
        single.push_back(add_piece(data, text, -9));
    const std::uint32_t bc = add_piece(data, "bc", -1);
    const std::uint32_t ab = add_piece(data, "ab", -1);
    const std::uint32_t ca = add_piece(data, "ca", -1);
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("abc", false), (Ids{ab, single[2]}));
    EXPECT_EQ(tokenizer.encode("bca", false), (Ids{bc, single[0]}));
    EXPECT_EQ(tokenizer.encode("cab", false), (Ids{ca, single[1]}));
}

TEST(SentencePieceTest, OneSpaceIsPutInFrontOfEachText) {
    TokenizerData data = llama_vocabulary();
    const std::uint32_t space = add_piece(data, "\u2581", -100);
    const std::uint32_t x = add_piece(data, "x", -100);
    const std::uint32_t space_x = add_piece(data, "\u2581x", -1);
    {
        const Tokenizer tokenizer = make(data);
        EXPECT_EQ(tokenizer.encode("x", false), (Ids{space_x}));
        EXPECT_EQ(tokenizer.encode(" x", false), (Ids{space, space_x}));
        EXPECT_EQ(tokenizer.encode("", false), Ids{});
        // After a special token again, as Llama 2's tokenizer does it.
        EXPECT_EQ(tokenizer.encode("x</s> x", true), (Ids{space_x, 2, space, space_x}));
        EXPECT_EQ(tokenizer.encode("<s>", true), (Ids{1}));
        EXPECT_EQ(tokenizer.decode(Ids{space_x, space_x}).value(), "x x");
        EXPECT_EQ(tokenizer.decode(Ids{1, space_x}).value(), "<s>x");
        EXPECT_EQ(tokenizer.decode(Ids{x, space_x}).value(), "x x");
        EXPECT_EQ(tokenizer.decode(Ids{byte_id(' '), space_x}).value(), "  x");
        EXPECT_EQ(tokenizer.token_bytes(space_x).value(), " x");  // what goes on in a text
    }
    data.add_space_prefix = false;  // Gemma
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("x", false), (Ids{x}));
    EXPECT_EQ(tokenizer.encode("x\u2581x", false), (Ids{x, space_x}));  // a space like any other
    EXPECT_EQ(tokenizer.decode(Ids{space_x}).value(), " x");
}

TEST(SentencePieceTest, WhatIsInNoTokenBecomesItsBytes) {
    TokenizerData data = llama_vocabulary();
    data.add_space_prefix = false;
    const std::uint32_t a = add_piece(data, "a", -1);
    const std::uint32_t e_mark = add_piece(data, "e\u0301", -1);  // its parts are no tokens
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("a\u00E9", false), (Ids{a, byte_id(0xC3), byte_id(0xA9)}));
    EXPECT_EQ(tokenizer.encode("e\u0301e", false), (Ids{e_mark, byte_id('e')}));
    EXPECT_EQ(tokenizer.encode("\xFF\xE2\x82"
                               "a",
                               false),
              (Ids{byte_id(0xFF), byte_id(0xE2), byte_id(0x82), a}));
    EXPECT_EQ(tokenizer.decode(Ids{byte_id(0xFF), a}).value(),
              "\xFF"
              "a");
    EXPECT_EQ(tokenizer.encode("<0x41>", true).size(), 6u);  // byte tokens have no text
    std::string all;
    for (unsigned b = 0; b < 256; ++b)
        all.push_back(static_cast<char>(b));
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(all, false)).value(), all);
}

TEST(SentencePieceTest, WithoutBytesTheUnknownTokenStandsForARun) {
    TokenizerData data;
    data.model = TokenizerModel::kLlama;
    data.add_space_prefix = false;
    data.unknown_id = add_piece(data, "<unk>", 0, TokenType::kUnknown);
    add_piece(data, "<s>", 0, TokenType::kControl);
    add_piece(data, "</s>", 0, TokenType::kControl);
    const std::uint32_t a = add_piece(data, "a", -1);
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("axyza\u65E5", false), (Ids{a, 0, a, 0}));
}

TEST(SentencePieceTest, UnusedTokensGoBackToWhatTheyWereJoinedOf) {
    TokenizerData data = llama_vocabulary();
    data.add_space_prefix = false;
    const std::uint32_t a = add_piece(data, "a", -9);
    const std::uint32_t b = add_piece(data, "b", -9);
    const std::uint32_t ab = add_piece(data, "ab", -3);
    add_piece(data, "abb", -2, TokenType::kUnused);
    add_piece(data, "abba", -1, TokenType::kUnused);
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("abb", false), (Ids{ab, b}));
    EXPECT_EQ(tokenizer.encode("abba", false), (Ids{ab, b, a}));
}

TEST(SentencePieceTest, ControlTokensAreNotMadeByJoining) {
    TokenizerData data = llama_vocabulary();
    data.add_space_prefix = false;
    Ids spelled;
    for (const char* text : {"<", "s", ">"})
        spelled.push_back(add_piece(data, text, -5));
    add_piece(data, "<s", -1);
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("<s>", false), (Ids{262, spelled[2]}));
    EXPECT_EQ(tokenizer.encode("<s>", true), (Ids{1}));
}

// In text of others they are not found, and joining must not bring them back.
TEST(SentencePieceTest, UserDefinedTokensThatLookLikeControlTokensAreNotMadeByJoining) {
    TokenizerData data = llama_vocabulary();
    data.add_space_prefix = false;
    const std::uint32_t left = add_piece(data, "<|", -5);
    const std::uint32_t right = add_piece(data, "x>", -5);
    for (const char* text : {"<", "|", "x", ">"})
        add_piece(data, text, -9);
    const std::uint32_t token = add_piece(data, "<|x>", -1, TokenType::kUserDefined);
    const Tokenizer tokenizer = make(data);
    const std::vector<ByteRange> all = {{0, 4}};
    EXPECT_EQ(tokenizer.encode("<|x>", SpecialParsing{true, all}), (Ids{left, right}));
    EXPECT_EQ(tokenizer.encode("<|x>", false), (Ids{token}));
}

TEST(SentencePieceTest, UserDefinedTokensComeFirstAndTakeTheSymbolForSpaces) {
    TokenizerData data = llama_vocabulary();
    data.add_space_prefix = false;
    const std::uint32_t space = add_piece(data, "\u2581", -9);
    const std::uint32_t x = add_piece(data, "x", -9);
    const std::uint32_t space_x = add_piece(data, "\u2581x", -1);
    const std::uint32_t two = add_piece(data, "  ", -1000, TokenType::kUserDefined);
    const std::uint32_t newlines = add_piece(data, "\n\n", -1000, TokenType::kUserDefined);
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("x  x", false), (Ids{x, two, x}));
    EXPECT_EQ(tokenizer.encode("   x", false), (Ids{two, space_x}));
    EXPECT_EQ(tokenizer.encode("\u2581 x", false), (Ids{two, x}));
    EXPECT_EQ(tokenizer.encode(" \n\n", false), (Ids{space, newlines}));
}

TEST(SentencePieceTest, PhiTakesTheWhiteSpaceAfterControlTokens) {
    TokenizerData data = llama_vocabulary();
    data.strip_after_control = true;
    const std::uint32_t space_x = add_piece(data, "\u2581x", -1);
    const std::uint32_t user = add_piece(data, "<|user|>", 0, TokenType::kControl);
    const std::uint32_t space = add_piece(data, "\u2581", -1);
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("<|user|>\n \u2003x", true), (Ids{user, space_x}));
    EXPECT_EQ(tokenizer.encode("<s> x", true), (Ids{1, space, space_x}));  // but for BOS
}

TEST(SentencePieceTest, LongWordsTakeNoQuadraticTime) {
    TokenizerData data = llama_vocabulary();
    data.add_space_prefix = false;
    std::string token;
    for (int i = 0; i < 64; ++i)
        add_piece(data, token += "a", static_cast<float>(i));
    const Tokenizer tokenizer = make(data);
    const std::string text(500000, 'a');
    const Ids ids = tokenizer.encode(text, false);
    EXPECT_EQ(tokenizer.decode(ids).value(), text);
    EXPECT_LT(ids.size(), text.size() / 30);
}

void expect_refused(const TokenizerData& data, std::vector<std::string> words) {
    const Result<Tokenizer> result = Tokenizer::create(data);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), StatusCode::kBadFile);
    for (const std::string& word : words) {
        EXPECT_NE(result.status().message().find(word), std::string::npos)
            << "\"" << word << "\" is not in: " << result.status().message();
    }
}

TEST(SentencePieceTest, RefusesBadFiles) {
    TokenizerData data = llama_vocabulary();
    data.scores.pop_back();
    expect_refused(data, {"scores", "258", "259"});
    data = llama_vocabulary();
    data.scores[7] = std::numeric_limits<float>::quiet_NaN();
    expect_refused(data, {"scores[7]", "not a number"});
    for (const char* spelled : {"<0x4g>", "0x41", "<0x041>", "<0x4a>"}) {
        data = llama_vocabulary();
        data.tokens[68] = spelled;
        expect_refused(data, {"token 68", spelled, "byte"});
    }
    data = llama_vocabulary();
    data.token_types[68] = 1;
    expect_refused(data, {"255 bytes"});
    data = llama_vocabulary();
    data.unknown_id = 259;
    expect_refused(data, {"unknown_token_id", "259"});
}

// Files with a few wrong entries: create() answers, and what it accepts keeps every byte.
TEST(SentencePieceTest, SurvivesMutations) {
    TokenizerData base = llama_vocabulary();
    for (const char* text : {"\u2581", "a", "b", "ab", "\u2581a", "bb", "abb", "\u00E9"})
        add_piece(base, text, -static_cast<float>(base.tokens.size()));
    add_piece(base, "<|x|>", 0, TokenType::kControl);
    std::mt19937 random(6);
    int accepted = 0;
    for (int round = 0; round < 4000; ++round) {
        TokenizerData data = base;
        data.add_space_prefix = random() % 2 == 0;
        for (int n = 0; n < 3; ++n) {
            const std::size_t id = random() % 4 == 0 ? random() % base.tokens.size()
                                                     : base.tokens.size() - 1 - random() % 9;
            switch (random() % 4) {
                case 0:
                    data.tokens[id].push_back("ab\xE2\x96\x81 "[random() % 6]);
                    break;
                case 1:
                    data.scores[id] = static_cast<float>(random() % 5);
                    break;
                case 2:
                    data.token_types[id] = static_cast<std::int32_t>(random() % 7);
                    break;
                default:
                    data.tokens[id] = data.tokens[random() % data.tokens.size()];
                    break;
            }
        }
        const Result<Tokenizer> tokenizer = Tokenizer::create(data);
        if (!tokenizer.ok()) {
            ASSERT_FALSE(tokenizer.status().message().empty());
            continue;
        }
        ++accepted;
        const std::string text = "abba  <|x|>bab\xFE\u00E9\u00E8 ";
        const bool is_first = tokenizer->decode(tokenizer->encode("b", false)).value() == "b";
        ASSERT_TRUE(is_first || data.token_types != base.token_types || data.tokens != base.tokens);
        for (const bool parse_special : {false, true}) {
            std::string joined;
            for (const std::uint32_t id : tokenizer->encode(text, parse_special))
                joined += tokenizer->token_bytes(id).value();
            std::erase(joined, ' ');  // those in front of parts
            ASSERT_EQ(joined, "abba<|x|>bab\xFE\u00E9\u00E8") << round;
        }
    }
    EXPECT_GT(accepted, 300);
}

TEST(SentencePieceTest, BeginAndEndWithoutKeys) {
    TokenizerData data = llama_vocabulary();
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.bos_id(), 1u);
    EXPECT_EQ(tokenizer.eos_id(), 2u);
    EXPECT_TRUE(tokenizer.adds_bos());
    data.add_bos = false;
    EXPECT_FALSE(make(data).adds_bos());
}

}  // namespace
}  // namespace gyre::test
