// Strict decoding of single code points, and a stream that is cut everywhere.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/utf8.h"

#include <gtest/gtest.h>

#include <random>

namespace gyre {
namespace {

TEST(DecodeUtf8Test, ReadsBackEveryCodePoint) {
    for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        std::string text = "x";
        append_utf8(c, text);
        text += "y";
        const Utf8CodePoint read = decode_utf8(text, 1);
        ASSERT_EQ(read.kind, Utf8Kind::kValid) << c;
        ASSERT_EQ(read.value, c);
        ASSERT_EQ(read.length, text.size() - 2) << c;
    }
}

struct BadCase {
    const char* name;
    std::string bytes;
    Utf8Kind kind;
    std::uint8_t length;
};

const BadCase kBad[] = {
    {"ContinuationAlone", "\x80", Utf8Kind::kInvalid, 1},
    {"OverlongSlash2", "\xC0\xAF", Utf8Kind::kInvalid, 1},
    {"OverlongC1", "\xC1\xBF", Utf8Kind::kInvalid, 1},
    {"OverlongSlash3", "\xE0\x80\xAF", Utf8Kind::kInvalid, 1},
    {"OverlongLast3", "\xE0\x9F\xBF", Utf8Kind::kInvalid, 1},
    {"OverlongLast4", "\xF0\x8F\xBF\xBF", Utf8Kind::kInvalid, 1},
    {"FirstSurrogate", "\xED\xA0\x80", Utf8Kind::kInvalid, 1},
    {"LastSurrogate", "\xED\xBF\xBF", Utf8Kind::kInvalid, 1},
    {"Above10FFFF", "\xF4\x90\x80\x80", Utf8Kind::kInvalid, 1},
    {"F5", "\xF5\x80\x80\x80", Utf8Kind::kInvalid, 1},
    {"FE", "\xFE", Utf8Kind::kInvalid, 1},
    {"TwoOfThreeThenAscii",
     "\xE2\x82"
     "A",
     Utf8Kind::kInvalid, 2},
    {"ThreeOfFourThenLead", "\xF0\x9F\x98\xF0", Utf8Kind::kInvalid, 3},
    {"OneOfTwo", "\xC3", Utf8Kind::kTruncated, 1},
    {"TwoOfThree", "\xE2\x82", Utf8Kind::kTruncated, 2},
    {"ThreeOfFour", "\xF0\x9F\x98", Utf8Kind::kTruncated, 3},
    {"SurrogateIsNotTruncated", "\xED\xA0", Utf8Kind::kInvalid, 1},
};

class BadUtf8Test : public testing::TestWithParam<BadCase> {};

TEST_P(BadUtf8Test, IsRefused) {
    const Utf8CodePoint read = decode_utf8(GetParam().bytes, 0);
    EXPECT_EQ(read.kind, GetParam().kind);
    EXPECT_EQ(read.length, GetParam().length);
    EXPECT_EQ(read.value, kReplacementCharacter);
}

INSTANTIATE_TEST_SUITE_P(Table, BadUtf8Test, testing::ValuesIn(kBad),
                         [](const auto& test) { return std::string(test.param.name); });

std::string all_of(Utf8Stream& stream, std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const std::string_view part : parts)
        out += stream.push(part);
    return out + stream.flush();
}

bool is_valid(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const Utf8CodePoint c = decode_utf8(text, i);
        if (c.kind != Utf8Kind::kValid) return false;
        i += c.length;
    }
    return true;
}

// Whole characters of every length, runs of them, and invalid sequences in between.
const std::string kTexts[] = {
    "plain ASCII",
    "a\u00E9\u20AC\U0001F600z",
    "\U0001F468\u200D\U0001F469\u200D\U0001F467 \U0001F1E9\U0001F1EA",
    "\u0928\u092E\u0938\u094D\u0924\u0947 \u65E5\u672C\u8A9E",
    "\uFEFFwith a byte order mark",
    "x\xFFy\xE2\x82z\xF0\x9F\x98",
    "\xED\xA0\x80\xC0\xAF\xF4\x90\x80\x80\xE2\x82\xAC",
    std::string("nul\0 inside", 11),
};

TEST(Utf8StreamTest, EverySplitIntoThreeGivesTheSameText) {
    for (const std::string& text : kTexts) {
        Utf8Stream whole;
        const std::string expected = all_of(whole, {text});
        ASSERT_TRUE(is_valid(expected));
        const std::string_view view = text;
        for (std::size_t a = 0; a <= text.size(); ++a) {
            for (std::size_t b = a; b <= text.size(); ++b) {
                Utf8Stream stream;
                ASSERT_EQ(
                    all_of(stream, {view.substr(0, a), view.substr(a, b - a), view.substr(b)}),
                    expected)
                    << text << " cut at " << a << " and " << b;
            }
        }
    }
}

TEST(Utf8StreamTest, EveryPushIsValidAndAsLongAsPossible) {
    for (const std::string& text : kTexts) {
        Utf8Stream stream;
        std::string seen;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const std::string out = stream.push(std::string_view(text).substr(i, 1));
            ASSERT_TRUE(is_valid(out)) << text << " at " << i;
            seen += out;
            ASSERT_LE(stream.pending(), 3u);
            // Nothing complete is held back: what waits is a truncated character.
            const std::size_t pending = stream.pending();
            if (pending > 0) {
                const Utf8CodePoint held = decode_utf8(text.substr(0, i + 1), i + 1 - pending);
                ASSERT_EQ(held.kind, Utf8Kind::kTruncated) << text << " at " << i;
                ASSERT_EQ(held.length, pending);
            }
        }
        Utf8Stream whole;
        ASSERT_EQ(seen + stream.flush(), all_of(whole, {text}));
    }
}

TEST(Utf8StreamTest, ReplacesMaximalSubparts) {
    Utf8Stream stream;
    // Unicode 15.0, table 3-8: F1 80 80 | E1 80 | C2 are three subparts, then 62, 80, 63, 80,
    // BF, 64.
    EXPECT_EQ(all_of(stream, {"a\xF1\x80\x80\xE1\x80\xC2"
                              "b\x80"
                              "c\x80\xBF"
                              "d"}),
              "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
    EXPECT_EQ(all_of(stream, {"\xE0\x80\x80"}), "\uFFFD\uFFFD\uFFFD");
    EXPECT_EQ(all_of(stream, {"\xF0\x9F\x98"}), "\uFFFD");
}

TEST(Utf8StreamTest, IsAsNewAfterFlush) {
    Utf8Stream stream;
    EXPECT_EQ(stream.push("\xE2\x82"), "");
    EXPECT_EQ(stream.flush(), "\uFFFD");
    EXPECT_EQ(stream.flush(), "");
    EXPECT_EQ(stream.push("\xAC"), "\uFFFD");
    EXPECT_EQ(stream.push("ok"), "ok");
}

TEST(Utf8StreamTest, RandomBytesInRandomPiecesStayValid) {
    std::mt19937 random(7);
    for (int round = 0; round < 3000; ++round) {
        std::string bytes(random() % 40, '\0');
        for (char& c : bytes)
            c = "\x80\xBF\xC2\xE0\xED\xF0\xF4\x9F\xA0\x90"
                "ab\xFF"[random() % 13];
        Utf8Stream whole;
        const std::string expected = all_of(whole, {bytes});
        ASSERT_TRUE(is_valid(expected));
        Utf8Stream stream;
        std::string out;
        for (std::size_t i = 0; i < bytes.size();) {
            const std::size_t n = 1 + random() % 5;
            out += stream.push(std::string_view(bytes).substr(i, n));
            i += n;
        }
        ASSERT_EQ(out + stream.flush(), expected) << "round " << round;
    }
}

}  // namespace
}  // namespace gyre
