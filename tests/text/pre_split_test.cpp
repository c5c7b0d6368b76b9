// The pre-split against the regular expression's alternatives, one case a rule.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/pre_split.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gyre {
namespace {

using Pieces = std::vector<std::string>;

Pieces split(std::string_view text) {
    Pieces pieces;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = piece_length(text, i);
        EXPECT_GT(length, 0u);
        EXPECT_LE(length, text.size() - i);
        pieces.emplace_back(text.substr(i, length));
        i += length;
    }
    return pieces;
}

struct SplitCase {
    const char* name;
    std::string text;
    Pieces pieces;
};

// Each expectation is what Python's `regex` module finds with the published expression.
const SplitCase kCases[] = {
    {"Empty", "", {}},
    {"Words", "Hello world", {"Hello", " world"}},
    {"LettersAndDigitsPart", "abc123def", {"abc", "123", "def"}},
    {"SpaceGoesWithDigits", "a 1 2", {"a", " 1", " 2"}},
    {"SpaceGoesWithSigns", "a !? b", {"a", " !?", " b"}},
    {"Contractions",
     "I'm you're we've he's can't she'll I'd",
     {"I", "'m", " you", "'re", " we", "'ve", " he", "'s", " can", "'t", " she", "'ll", " I",
      "'d"}},
    {"ContractionsAreLowerCase", "IT'S", {"IT", "'", "S"}},
    {"ContractionCutsAWord", "'sss", {"'s", "ss"}},
    {"ContractionAfterSpaceIsNone", "a 's", {"a", " '", "s"}},
    {"ContractionInsideSignsIsNone", "!'s", {"!'", "s"}},
    {"TwoApostrophes", "''s", {"''", "s"}},
    {"HalfContraction", "'r 'v 'l '", {"'", "r", " '", "v", " '", "l", " '"}},
    {"RunLeavesOneSpace", "a   b", {"a", "  ", " b"}},
    {"RunAtTheEnd", "a   ", {"a", "   "}},
    {"OneSpaceAtTheEnd", "a ", {"a", " "}},
    {"TabIsNoPrefix", "a\tb", {"a", "\t", "b"}},
    {"LastOfRunIsNoPrefix", "a \n\tb", {"a", " \n", "\t", "b"}},
    {"SpaceAfterNewline", "a\n b", {"a", "\n", " b"}},
    {"NoBreakSpaceIsNoPrefix", "a\u00A0b", {"a", "\u00A0", "b"}},
    {"SpaceBeforeNoBreakSpace", " \u00A0b", {" ", "\u00A0", "b"}},
    {"NextLineIsSpace", "a\u0085 b", {"a", "\u0085", " b"}},
    {"ByteOrderMarkIsNone", "a \uFEFFb", {"a", " \uFEFF", "b"}},
    {"SeparatorsAreNone", "a \x1C\x1F b", {"a", " \x1C\x1F", " b"}},
    {"CombiningMarkIsNoLetter", "e\u0301a", {"e", "\u0301", "a"}},
    {"NumbersOfAllKinds", "x\u00BD\u2167\u0663y", {"x", "\u00BD\u2167\u0663", "y"}},
    {"LettersOfAllScripts", "\u65E5a\u05D0 \u0639", {"\u65E5a\u05D0", " \u0639"}},
    {"InvalidBytesAreSigns", "a\xFF\xE2\x82 b", {"a", "\xFF\xE2\x82", " b"}},
    {"SpaceGoesWithInvalidByte",
     "a \x80"
     "b",
     {"a", " \x80", "b"}},
    {"HalfCharacterAtTheEnd", "a \xF0\x9F", {"a", " \xF0\x9F"}},
    {"OverlongSpaceIsNone", "\xC0\xA0", {"\xC0\xA0"}},
    {"NulIsASign", std::string("a\0b", 3), {"a", std::string("\0", 1), "b"}},
};

class PreSplitTest : public testing::TestWithParam<SplitCase> {};

TEST_P(PreSplitTest, Splits) {
    EXPECT_EQ(split(GetParam().text), GetParam().pieces);
}

INSTANTIATE_TEST_SUITE_P(Rules, PreSplitTest, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(CharClassTest, WhiteSpaceIsUnicodesProperty) {
    std::vector<std::uint32_t> spaces;
    for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
        if (char_class(c) == CharClass::kSpace) spaces.push_back(c);
    }
    EXPECT_EQ(spaces, (std::vector<std::uint32_t>{
                          0x09,   0x0A,   0x0B,   0x0C,   0x0D,   0x20,   0x85,   0xA0,   0x1680,
                          0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                          0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}));
}

TEST(CharClassTest, EndsOfTheRange) {
    EXPECT_EQ(char_class(0), CharClass::kOther);
    EXPECT_EQ(char_class(0xD800), CharClass::kOther);
    EXPECT_EQ(char_class(0x10FFFF), CharClass::kOther);
    EXPECT_EQ(char_class(0x1D7D8), CharClass::kNumber);  // mathematical double-struck zero
    EXPECT_EQ(char_class(0x20000), CharClass::kLetter);  // CJK extension B
}

}  // namespace
}  // namespace gyre
