// Text of others, which makes no control token; and which tokens end a text.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "tests/text/vocab.h"

namespace gyre::test {
namespace {

using Ids = std::vector<std::uint32_t>;

Tokenizer make(const TokenizerData& data) {
    Result<Tokenizer> result = Tokenizer::create(data);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return std::move(result).value();
}

Ids bytes_of(std::string_view text) {
    Ids ids;
    for (const char c : text)
        ids.push_back(static_cast<std::uint8_t>(c));
    return ids;
}

Ids operator+(Ids a, const Ids& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

class PlainTextTest : public testing::Test {
  protected:
    Ids encode(std::string_view text, std::vector<ByteRange> plain) const {
        return tokenizer_.encode(text, SpecialParsing{true, plain});
    }

    TokenizerData data_ = byte_vocabulary();
    const std::uint32_t end_ = add_token(data_, "<|e|>", TokenType::kControl);
    const std::uint32_t longer_ = add_token(data_, "<|e|>!", TokenType::kControl);
    const std::uint32_t tag_ = add_token(data_, "<b>", TokenType::kUserDefined);
    const std::uint32_t two_ = add_token(data_, "> ", TokenType::kUserDefined);
    const std::uint32_t user_ = add_token(data_, "<|u|>", TokenType::kUserDefined);
    const Tokenizer tokenizer_ = make(data_);
};

TEST_F(PlainTextTest, ControlTokensInsideStayText) {
    const std::string text = "<|e|>a<|e|>b<|e|>";
    EXPECT_EQ(encode(text, {}), (Ids{end_, 'a', end_, 'b', end_}));
    EXPECT_EQ(encode(text, {{5, 12}}), Ids{end_} + bytes_of("a<|e|>b") + Ids{end_});
    EXPECT_EQ(encode(text, {{0, 17}}), bytes_of(text));
    EXPECT_EQ(encode(text, {{0, 5}, {12, 17}}),
              bytes_of("<|e|>a") + Ids{end_} + bytes_of("b<|e|>"));
}

// One marked byte is enough, wherever it lies in the token.
TEST_F(PlainTextTest, ControlTokensAcrossAnEndStayText) {
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(encode("<|e|>", {{i, i + 1}}), bytes_of("<|e|>")) << i;
        EXPECT_EQ(encode("<|e|>", {{i, i}}), (Ids{end_})) << i;
    }
    EXPECT_EQ(encode("x<|e|>", {{0, 3}}), bytes_of("x<|e|>"));
    EXPECT_EQ(encode("<|e|>x", {{4, 6}}), bytes_of("<|e|>x"));
}

TEST_F(PlainTextTest, AShorterTokenIsFoundInFrontOfAMark) {
    EXPECT_EQ(encode("<|e|>!", {}), (Ids{longer_}));
    EXPECT_EQ(encode("<|e|>!", {{5, 6}}), (Ids{end_, '!'}));
}

TEST_F(PlainTextTest, UserDefinedTokensAreFoundAnywhere) {
    EXPECT_EQ(encode("<b><|e|>", {{0, 2}}), (Ids{tag_, end_}));
    EXPECT_EQ(encode("<b>x> ", {{0, 6}}), (Ids{tag_, 'x', two_}));
    EXPECT_EQ(encode("> ", {{1, 2}}), (Ids{two_}));
}

// DeepSeek 3's turns begin with user-defined tokens: who writes a message begins none.
TEST_F(PlainTextTest, UserDefinedTokensThatLookLikeControlTokensStayText) {
    for (const char* text : {"<|user|>", "<|turn>", "<\uff5cUser\uff5c>", "<start_of_turn>"}) {
        SCOPED_TRACE(text);
        TokenizerData data = byte_vocabulary();
        const std::uint32_t id = add_token(data, text, TokenType::kUserDefined);
        const Tokenizer tokenizer = make(data);
        const std::string twice = std::string(text) + text;
        const std::vector<ByteRange> second = {{twice.size() / 2, twice.size()}};
        const std::vector<ByteRange> one_byte = {{twice.size() - 1, twice.size()}};
        EXPECT_EQ(tokenizer.encode(twice, SpecialParsing{true, second}), Ids{id} + bytes_of(text));
        EXPECT_EQ(tokenizer.encode(twice, SpecialParsing{false, one_byte}),
                  Ids{id} + bytes_of(text));
        EXPECT_EQ(tokenizer.encode(twice, true), (Ids{id, id}));
        EXPECT_EQ(tokenizer.encode(twice, false), (Ids{id, id}));
    }
}

TEST(LooksLikeControlTest, NeedsABarBesideABracket) {
    for (const char* text : {"<|>", "<||>", "<|a|>", "<|a>", "<a|>", "<\uff5c>",
                             "<\uff5c\u2581\uff5c>", "<start_of_image>", "<end_of_image>"})
        EXPECT_TRUE(looks_like_control(text)) << text;
    for (const char* text : {"", "<", "<>", "|", "<|", "|>", "<a>", "</a>", "<a|b>", "a<|b|>",
                             "<|b|>c", "[|]", "<think>", "<end_of_turn>", "\uff5cDSML\uff5c"})
        EXPECT_FALSE(looks_like_control(text)) << text;
}

TEST_F(PlainTextTest, TheTextIsOne) {
    TokenizerData data = small_vocabulary({"a b", "\u0120 c"});
    add_token(data, "<|e|>", TokenType::kControl);
    const Tokenizer tokenizer = make(data);
    const std::vector<ByteRange> plain = {{1, 3}};
    EXPECT_EQ(tokenizer.encode("ab c", SpecialParsing{true, plain}), (Ids{256, 257}));
}

// Against the plain definition: a control token may be made where none of its bytes is marked.
TEST_F(PlainTextTest, RandomMarksNeverMakeATokenOfThem) {
    std::mt19937 random(9);
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        while (text.size() < 40)
            text +=
                std::vector<std::string>{"<|e|>", "<|e|>!", "<",  "|",     "e|>",
                                         "<b>",   "x",      "> ", "<|u|>", "u|>"}[random() % 10];
        std::vector<ByteRange> plain;
        for (std::size_t i = random() % 9; i < text.size(); i += 1 + random() % 9) {
            const std::size_t end = std::min(text.size(), i + random() % 5);
            plain.push_back({i, end});
            i = end;
        }
        std::size_t at = 0;
        for (const std::uint32_t id : encode(text, plain)) {
            const std::string_view bytes = tokenizer_.token_bytes(id).value();
            ASSERT_EQ(text.substr(at, bytes.size()), bytes);
            for (const ByteRange& range : plain) {
                const bool touches =
                    std::max(at, range.begin) < std::min(at + bytes.size(), range.end);
                ASSERT_FALSE(touches && (tokenizer_.is_control(id) || id == user_))
                    << text << " at " << at;
            }
            at += bytes.size();
        }
        ASSERT_EQ(at, text.size());
    }
}

TEST(EndTokenTest, ByKeyAndByName) {
    TokenizerData data = byte_vocabulary();
    const std::uint32_t bos = add_token(data, "<s>", TokenType::kControl);
    const std::uint32_t eos = add_token(data, "</s>", TokenType::kControl);
    const std::uint32_t turn = add_token(data, "<|im_end|>", TokenType::kNormal);
    const std::uint32_t eot = add_token(data, "<stop>", TokenType::kUserDefined);
    const std::uint32_t other = add_token(data, "<|im_start|>", TokenType::kControl);
    data.bos_id = bos;
    data.eos_id = eos;
    data.end_ids = {eot, 1u << 30};
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(Ids(tokenizer.end_ids().begin(), tokenizer.end_ids().end()), (Ids{eos, turn, eot}));
    EXPECT_TRUE(tokenizer.is_end(turn));
    EXPECT_FALSE(tokenizer.is_end(bos));
    EXPECT_FALSE(tokenizer.is_end(other));
    // What ends a text is no word of it, whatever its type in the file.
    EXPECT_EQ(tokenizer.encode("<|im_end|><stop>", false).size(), 16u);
    EXPECT_EQ(tokenizer.encode("<|im_end|><stop>", true), (Ids{turn, eot}));
}

TEST(EndTokenTest, NamesThatDependOnOthers) {
    TokenizerData data = byte_vocabulary();
    const std::uint32_t end = add_token(data, "<|end|>", TokenType::kControl);
    const std::uint32_t tag = add_token(data, "</s>", TokenType::kUserDefined);  // Gemma's HTML
    EXPECT_TRUE(make(data).is_end(end));
    EXPECT_FALSE(make(data).is_end(tag));
    EXPECT_EQ(make(data).encode("</s>", false), (Ids{tag}));
    const std::uint32_t ret = add_token(data, "<|return|>", TokenType::kControl);
    EXPECT_TRUE(make(data).is_end(end));
    add_token(data, "<|call|>", TokenType::kControl);
    EXPECT_FALSE(make(data).is_end(end));
    EXPECT_TRUE(make(data).is_end(ret));
}

TEST(BeginTokenTest, ByNameAndByKey) {
    TokenizerData data = byte_vocabulary();
    data.bos_id = add_token(data, "<s>", TokenType::kControl);
    const auto adds = [&](const char* pre, std::optional<bool> key) {
        data.pre = pre;
        data.add_bos = key;
        return make(data).adds_bos();
    };
    EXPECT_TRUE(adds("llama-bpe", std::nullopt));
    EXPECT_TRUE(adds("tekken", std::nullopt));
    EXPECT_FALSE(adds("qwen2", std::nullopt));
    EXPECT_FALSE(adds("llama-bpe", false));
    EXPECT_TRUE(adds("qwen2", true));
    data.bos_id.reset();
    EXPECT_FALSE(adds("qwen2", true));
}

TEST(IgnoreMergesTest, APieceThatIsATokenIsThatToken) {
    TokenizerData data = small_vocabulary({"a b"});
    data.tokens.push_back("abc");  // no rule makes it
    data.pre = "llama-bpe";
    EXPECT_EQ(make(data).encode("abc abc", false), (Ids{257, ' ', 256, 'c'}));
    data.ignore_merges = false;
    EXPECT_EQ(make(data).encode("abc", false), (Ids{256, 'c'}));
    data.pre = "qwen2";
    data.ignore_merges.reset();
    EXPECT_EQ(make(data).encode("abc", false), (Ids{256, 'c'}));
    data.ignore_merges = true;
    EXPECT_EQ(make(data).encode("abc", false), (Ids{257}));
}

TEST(MissingByteTest, AControlCharacterWithoutATokenIsLeftOut) {
    TokenizerData data = byte_vocabulary();  // SmolLM's: without U+0004 and the lead byte F1
    data.tokens[0x04] = "one";
    data.tokens[0xF1] = "two";
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("a\x04z", false), (Ids{'a', 'z'}));
    EXPECT_EQ(tokenizer.encode("\U00040000", false), (Ids{0x80, 0x80, 0x80}));
}

}  // namespace
}  // namespace gyre::test
