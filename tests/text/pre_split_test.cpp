// Splits against the alternatives of their regular expressions, one case a rule.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/pre_split.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gyre {
namespace {

using Pieces = std::vector<std::string>;

Pieces split(std::string_view name, std::string_view text) {
    Pieces pieces;
    std::string joined;
    for_each_piece(find_pre_split(name)->passes, text, [&](std::string_view piece) {
        EXPECT_FALSE(piece.empty());
        pieces.emplace_back(piece);
        joined += piece;
    });
    EXPECT_EQ(joined, text);
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
    EXPECT_EQ(split("gpt-2", GetParam().text), GetParam().pieces);
}

INSTANTIATE_TEST_SUITE_P(Rules, PreSplitTest, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

struct NamedCase {
    const char* split;
    const char* name;
    std::string text;
    Pieces pieces;
};

// Where the other splits differ from GPT-2's. Expected: Hugging Face's tokenizers (Oniguruma).
const NamedCase kNamedCases[] = {
    {"smollm", "EveryDigitIsAPiece", "a 12\u00BD", {"a", " ", "1", "2", "\u00BD"}},
    {"llama-bpe", "CapitalContractions", "IT'S I'Ll", {"IT", "'S", " I", "'Ll"}},
    {"llama-bpe", "LongS", "a'\u017Fb", {"a", "'\u017F", "b"}},
    {"llama-bpe", "SignGoesWithWord", "a(b \tc\u0301d", {"a", "(b", " ", "\tc", "\u0301d"}},
    {"llama-bpe", "NewlineIsNoSign", "a\nb", {"a", "\n", "b"}},
    {"llama-bpe", "ThreeDigits", "12345 6", {"123", "45", " ", "6"}},
    {"llama-bpe", "SignsTakeNewlines", "a !?\r\n\nb", {"a", " !?\r\n\n", "b"}},
    {"llama-bpe", "NewlinesEndSpaces", "a \n \n  b", {"a", " \n \n", " ", " b"}},
    {"llama-bpe", "NextLineIsSpaceNoNewline", "a \u0085\nb", {"a", " \u0085\n", "b"}},
    {"llama-bpe",
     "InvalidByteIsASign",
     "a\xFF"
     "b \x80",
     {"a",
      "\xFF"
      "b",
      " \x80"}},
    {"qwen2", "DigitByDigit", "12a", {"1", "2", "a"}},
    {"qwen35", "MarksAreOfTheWord", "ae\u0301b", {"ae\u0301b"}},
    {"seed-coder", "SignsLeaveNewlines", "a!\n", {"a", "!", "\n"}},
    {"ufakzeka", "NoContractions", "a's", {"a", "'s"}},
    {"ufakzeka", "ApostropheGoesWithWord", "Ankara'dan", {"Ankara", "'dan"}},
    {"gpt-4o", "CapitalsBeginWords", "camelCaseXML HTMLx", {"camel", "Case", "XML", " HTMLx"}},
    {"gpt-4o", "ContractionEndsAWord", "don't DON'T", {"don't", " DON'T"}},
    {"gpt-4o", "LettersWithoutCaseAreBoth", "\u65E5ABC\u65E5abC", {"\u65E5ABC\u65E5ab", "C"}},
    {"gpt-4o", "CapitalsGiveBackToTheLastOfBoth", "A\u65E5BC", {"A\u65E5", "BC"}},
    {"gpt-4o", "AMarkIsTheWord", "\u0301ABC", {"\u0301", "ABC"}},
    {"gpt-4o", "SlashesEndSigns", "a ?//\n", {"a", " ?//\n"}},
    {"tekken", "ContractionIsASign", "don't 12", {"don", "'t", " ", "1", "2"}},
    {"tiny_aya", "Thousands", "1234567 12 123a", {"1", "234", "567", " ", "12", " ", "123", "a"}},
    {"tiny_aya", "CirclesAreNoWord", "1234\u2460", {"1", "234", "\u2460"}},
    {"jais-2",
     "SpacesByPowersOfTwo",
     std::string(13, ' ') + "a",
     {std::string(8, ' '), std::string(4, ' '), " a"}},
    {"jais-2",
     "SpacesAtTheEnd",
     "a" + std::string(600, ' '),
     {"a", std::string(512, ' '), std::string(64, ' '), std::string(16, ' '), std::string(8, ' ')}},
    {"deepseek-v3", "SignAndAsciiWord", "(abc) _d\u00E9", {"(abc", ")", " _", "d\u00E9"}},
    {"deepseek-v3", "HanAndKana", "a\u65E5\u3042b", {"a", "\u65E5\u3042", "b"}},
    {"deepseek-coder", "SpaceAndWord", "a b\n1,2", {"a", " b", "\n", "1", ",", "2"}},
    // Not Georgian or Armenian small letters; ASCII letters again, which are listed with the signs.
    {"deepseek-llm",
     "ListedLetters",
     "a b\u00E9 \u0561\u0562",
     {"a", " b", "\u00E9", " \u0561\u0562"}},
    {"deepseek-llm", "DigitsInARow", "12345 6", {"12345", " ", "6"}},
    {"deepseek-llm", "LastSpaces", "a  \nb  ", {"a", "  ", "\n", "b", "  "}},
    {"deepseek-llm", "AsianRuns", "\u65E5\u0E01\uAC00x", {"\u65E5\u0E01\uAC00", "x"}},
    {"falcon", "PunctuationFirst", "a ,b 1234", {"a", " ", ",", "b", " ", "123", "4"}},
    {"bloom", "UpToPunctuation", "a b(c.d\u3002e", {"a", " b", "(", "c", ".", "d", "\u3002", "e"}},
    {"bloom", "BytesOfPunctuationAreNone", "a\xA6\xE2\x80 b", {"a\xA6\xE2\x80", " b"}},
    {"viking", "AndDigits", "a12", {"a", "1", "2"}},
};

class NamedSplitTest : public testing::TestWithParam<NamedCase> {};

TEST_P(NamedSplitTest, Splits) {
    EXPECT_EQ(split(GetParam().split, GetParam().text), GetParam().pieces);
}

std::string case_name(const testing::TestParamInfo<NamedCase>& test) {
    std::string name = test.param.split + std::string("_") + test.param.name;
    for (char& c : name)
        c = c == '-' ? '_' : c;
    return name;
}

INSTANTIATE_TEST_SUITE_P(Rules, NamedSplitTest, testing::ValuesIn(kNamedCases), case_name);

TEST(PreSplitTableTest, EveryNameIsThereOnce) {
    std::set<std::string_view> names;
    for (const PreSplit& split : pre_splits()) {
        for (const std::string_view name : split.names) {
            EXPECT_TRUE(names.insert(name).second) << name;
            EXPECT_EQ(find_pre_split(name), &split);
        }
    }
    EXPECT_EQ(find_pre_split("gpt-3"), nullptr);
    EXPECT_NE(pre_split_names().find(", llama-bpe, "), std::string::npos);
}

// A pass that looks at a run again and again takes minutes for these; the bound is for a slow
// machine under a sanitizer.
TEST(PreSplitTableTest, LongRunsTakeNoQuadraticTime) {
    for (const std::string unit : {" ", "\n ", "1", "1a", "\u0301", "A", "\u65E5A", "'", "\xE2\x80",
                                   "a ", "!", "\u0661", "\t"}) {
        std::string text;
        while (text.size() < 300000)
            text += unit;
        text += "a";
        for (const PreSplit& split : pre_splits()) {
            const auto begin = std::chrono::steady_clock::now();
            std::size_t n_bytes = 0;
            for_each_piece(split.passes, text,
                           [&](std::string_view piece) { n_bytes += piece.size(); });
            const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
            EXPECT_EQ(n_bytes, text.size());
            EXPECT_LT(seconds.count(), 10.0) << split.names.front() << ", " << unit;
        }
    }
}

TEST(CodeClassTest, WhiteSpaceIsUnicodesProperty) {
    std::vector<std::uint32_t> spaces;
    for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
        if ((code_class(c) & kSpaces) != 0) spaces.push_back(c);
    }
    EXPECT_EQ(spaces, (std::vector<std::uint32_t>{
                          0x09,   0x0A,   0x0B,   0x0C,   0x0D,   0x20,   0x85,   0xA0,   0x1680,
                          0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                          0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}));
    EXPECT_EQ(code_class('\r'), kNewline);
    EXPECT_EQ(code_class('\n'), kNewline);
}

TEST(CodeClassTest, OneOfEach) {
    const std::pair<std::uint32_t, CodeClass> rows[] = {
        {'A', kUpper},           {'a', kLower},
        {0x01C5, kTitle},        {0x02B0, kModifier},
        {0x65E5, kOtherLetter},  {0x0301, kMark},
        {0x0903, kMark},         {0x20DD, kMark},
        {'7', kDecimal},         {0x2167, kLetterNumber},
        {0x00BD, kOtherNumber},  {'_', kConnector},
        {'-', kOtherPunct},      {0x00AB, kOtherPunct},
        {'+', kSymbol},          {0x1F600, kSymbol},
        {' ', kSpace},           {0x200B, kUnclassified},
        {0xE000, kUnclassified}, {0, kUnclassified},
        {0xD800, kUnclassified}, {0x10FFFF, kUnclassified},
        {0x1D7D8, kDecimal},     {0x20000, kOtherLetter}};
    for (const auto& [c, expected] : rows)
        EXPECT_EQ(code_class(c), expected) << std::hex << c;
}

}  // namespace
}  // namespace gyre
