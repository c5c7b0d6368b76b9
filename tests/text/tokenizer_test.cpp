// The tokenizer with small vocabularies: merging, special tokens, and files that lie.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/tokenizer.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>

#include "runtime/text/piece_cache.h"
#include "tests/text/vocab.h"

namespace gyre::test {
namespace {

using Ids = std::vector<std::uint32_t>;

Tokenizer make(TokenizerData data) {
    Result<Tokenizer> result = Tokenizer::create(data);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return std::move(result).value();
}

TEST(TokenizerTest, BytesWithoutMergesAreTheirOwnIds) {
    const Tokenizer tokenizer = make(byte_vocabulary());
    std::string all;
    Ids ids;
    for (unsigned b = 0; b < 256; ++b) {
        all.push_back(static_cast<char>(b));
        ids.push_back(b);
    }
    EXPECT_EQ(tokenizer.encode(all, false), ids);
    EXPECT_EQ(tokenizer.decode(ids).value(), all);
    EXPECT_EQ(tokenizer.encode("", true), Ids{});
    EXPECT_EQ(tokenizer.n_vocab(), 256u);
    EXPECT_FALSE(tokenizer.eos_id().has_value());
}

TEST(TokenizerTest, LowestRankGoesFirstFromLeftToRight) {
    // 256 "bc", 257 "ab", 258 "aa"
    const Tokenizer tokenizer = make(small_vocabulary({"b c", "a b", "a a"}));
    EXPECT_EQ(tokenizer.encode("abc", false), (Ids{'a', 256}));
    EXPECT_EQ(tokenizer.encode("abab", false), (Ids{257, 257}));
    EXPECT_EQ(tokenizer.encode("aaa", false), (Ids{258, 'a'}));
    EXPECT_EQ(tokenizer.encode("aaaaa", false), (Ids{258, 258, 'a'}));
}

TEST(TokenizerTest, MergesDoNotCrossPieces) {
    const Tokenizer tokenizer = make(small_vocabulary({"a \u0120", "\u0120 b", "a 1"}));
    EXPECT_EQ(tokenizer.encode("a b", false), (Ids{'a', 257}));
    EXPECT_EQ(tokenizer.encode("a1", false), (Ids{'a', '1'}));
}

// Long texts keep the tokens of pieces that came lately; short ones do not.
TEST(PieceCacheTest, LongTextsAreTheWordsOneByOne) {
    std::mt19937 random(3);
    const Tokenizer tokenizer = make(small_vocabulary({"a b", "\u0120 a", "b a", "ab a", "c c"}));
    std::string text;
    Ids expected;
    for (int i = 0; i < 20000; ++i) {
        std::string word = " ";
        for (std::size_t n = 1 + random() % 22; n > 0; --n)
            word.push_back("abc"[random() % (i % 2 == 0 ? 2 : 3)]);
        const Ids ids = tokenizer.encode(word, false);
        expected.insert(expected.end(), ids.begin(), ids.end());
        text += word;
    }
    EXPECT_EQ(tokenizer.encode(text, false), expected);
}

TEST(PieceCacheTest, KnowsNothingButWhatItWasTold) {
    PieceCache cache(1u << 20);
    std::map<std::string, Ids> told;
    std::mt19937 random(4);
    for (int i = 0; i < 30000; ++i) {
        std::string piece;
        for (std::size_t n = 1 + random() % 25; n > 0; --n)
            piece.push_back("ab"[random() % 2]);
        const auto found = cache.find(piece);
        if (!found.empty()) {
            ASSERT_EQ(Ids(found.begin(), found.end()), told.at(piece));
        }
        Ids ids(1 + random() % 9);
        for (std::uint32_t& id : ids)
            id = static_cast<std::uint32_t>(random());
        cache.insert(piece, ids);
        const auto now = cache.find(piece);  // long pieces and lists are not kept
        if (Ids(now.begin(), now.end()) == ids) told[piece] = ids;
    }
    EXPECT_GT(told.size(), 1000u);
    PieceCache none(100);  // a short text
    none.insert("a", Ids{1});
    EXPECT_TRUE(none.find("a").empty());
}

using Rules = std::map<std::pair<std::uint32_t, std::uint32_t>, Merge>;

// One pair at a time, by looking through all of them.
Ids naive_bpe(const Rules& rules, Ids word) {
    while (true) {
        std::size_t best = word.size();
        Merge merge;
        for (std::size_t i = 0; i + 1 < word.size(); ++i) {
            const auto found = rules.find({word[i], word[i + 1]});
            if (found == rules.end() || found->second.rank >= merge.rank) continue;
            best = i;
            merge = found->second;
        }
        if (best == word.size()) return word;
        word[best] = merge.result;
        word.erase(word.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

std::vector<Symbol> symbols_of(const Ids& word) {
    std::vector<Symbol> symbols;
    for (std::uint32_t i = 0; i < word.size(); ++i)
        symbols.push_back({word[i], i, i + 1});
    return symbols;
}

// Random rules in random order, where several rules make one token: the order in which a trained
// vocabulary lists its rules is not assumed. Words on both sides of WordMerger::kFew.
TEST(WordMergerTest, AgreesWithTheNaiveLoopForAnyRules) {
    std::mt19937 random(11);
    WordMerger merger;
    for (int round = 0; round < 4000; ++round) {
        std::vector<std::string> texts = {"a", "b", "c"};
        std::map<std::string, std::uint32_t> ids = {{"a", 0}, {"b", 1}, {"c", 2}};
        std::vector<std::pair<std::string, std::string>> pairs;
        for (int i = 0; i < 14; ++i) {
            const std::string left = texts[random() % texts.size()];
            const std::string right = texts[random() % texts.size()];
            if (left.size() + right.size() > 6) continue;
            if (ids.emplace(left + right, static_cast<std::uint32_t>(texts.size())).second) {
                texts.push_back(left + right);
            }
            pairs.emplace_back(left, right);
        }
        std::shuffle(pairs.begin(), pairs.end(), random);
        Rules rules;
        MergeTable table(pairs.size());
        for (std::size_t rank = 0; rank < pairs.size(); ++rank) {
            const auto& [left, right] = pairs[rank];
            const Merge merge{static_cast<std::uint32_t>(rank), ids.at(left + right)};
            rules.insert({{ids.at(left), ids.at(right)}, merge});
            table.insert(ids.at(left), ids.at(right), merge);
        }
        Ids word(1 + random() % (2 * WordMerger::kFew));
        for (std::uint32_t& id : word)
            id = static_cast<std::uint32_t>(random() % 3);
        std::vector<Symbol> symbols = symbols_of(word);
        merger.merge([&](const Symbol& a, const Symbol& b) { return table.find(a.id, b.id); },
                     symbols);
        Ids merged;
        std::uint32_t end = 0;
        for (const Symbol& symbol : symbols) {
            merged.push_back(symbol.id);
            ASSERT_EQ(symbol.begin, end);  // each symbol still knows its bytes
            end = symbol.end;
            ASSERT_EQ(symbol.end - symbol.begin, texts[symbol.id].size());
        }
        ASSERT_EQ(end, word.size());
        ASSERT_EQ(merged, naive_bpe(rules, word)) << "round " << round;
    }
}

// However the rules are made: a token for each length, the longest first or the shortest; pairs of
// equal rank; rules that undo what was merged before. Counted, not timed.
TEST(WordMergerTest, AsksAtMostThreeTimesForEachSymbol) {
    constexpr std::size_t kSymbols = 100000;
    const auto length = [](const Symbol& s) { return s.end - s.begin; };
    const std::function<Merge(const Symbol&, const Symbol&)> hostile[] = {
        [&](const Symbol& a, const Symbol& b) {
            return Merge{length(a) + length(b), 0};
        },
        [&](const Symbol& a, const Symbol& b) {
            return Merge{1u << 30 >> 0 & ~(length(a) + length(b)), 0};
        },
        [&](const Symbol&, const Symbol&) {
            return Merge{7, 0};
        },
        [&](const Symbol& a, const Symbol&) {
            return Merge{~a.begin - 1, 0};
        },
        [&](const Symbol& a, const Symbol& b) {
            return length(a) == length(b) ? Merge{length(a), 0} : Merge{};
        },
        [&](const Symbol& a, const Symbol& b) {
            return Merge{(a.begin * 2654435761u + b.end) >> 1, 0};
        }};
    WordMerger merger;
    for (const auto& find : hostile) {
        std::vector<Symbol> symbols = symbols_of(Ids(kSymbols, 0));
        std::size_t n_asked = 0;
        merger.merge(
            [&](const Symbol& a, const Symbol& b) {
                ++n_asked;
                return find(a, b);
            },
            symbols);
        EXPECT_LE(n_asked, 3 * kSymbols);
        EXPECT_LT(symbols.size(), kSymbols);
    }
}

TEST(MergeTableTest, FindsWhatWasInsertedAndNothingElse) {
    MergeTable table(1000);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        EXPECT_TRUE(table.insert(i % 10, i / 10, {i, i + 5}));
    }
    EXPECT_FALSE(table.insert(3, 4, {7, 7}));
    for (std::uint32_t i = 0; i < 1000; ++i) {
        EXPECT_EQ(table.find(i % 10, i / 10).rank, i);
        EXPECT_EQ(table.find(i % 10, i / 10).result, i + 5);
    }
    EXPECT_EQ(table.find(10, 0).rank, kNoRank);
    EXPECT_EQ(table.find(50, 5).rank, kNoRank);
    EXPECT_EQ(MergeTable(0).find(0, 0).rank, kNoRank);
}

TEST(SpecialTokenTest, LongestAtTheLeftmostPositionWins) {
    TokenizerData data = byte_vocabulary();
    const std::uint32_t end = add_token(data, "<|e|>", TokenType::kControl);
    const std::uint32_t longer = add_token(data, "<|e|>!", TokenType::kControl);
    const std::uint32_t shorter = add_token(data, "<|", TokenType::kControl);
    const std::uint32_t crossing = add_token(data, "e|>!?", TokenType::kControl);
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("<|e|>", true), Ids{end});
    EXPECT_EQ(tokenizer.encode("<|e|>!?", true), (Ids{longer, '?'}));
    EXPECT_EQ(tokenizer.encode("<|e|", true), (Ids{shorter, 'e', '|'}));
    EXPECT_EQ(tokenizer.encode("<<|e|><", true), (Ids{'<', end, '<'}));
    EXPECT_EQ(tokenizer.encode("e|>!?", true), Ids{crossing});
    EXPECT_EQ(tokenizer.encode("<|e|>", false), (Ids{'<', '|', 'e', '|', '>'}));
    EXPECT_EQ(tokenizer.decode(Ids{end, longer}).value(), "<|e|><|e|>!");
    EXPECT_TRUE(tokenizer.is_control(end));
    EXPECT_FALSE(tokenizer.is_control('a'));
}

TEST(SpecialTokenTest, UserDefinedTokensAreFoundInPlainText) {
    TokenizerData data = byte_vocabulary();  // as GPT-NeoX's runs of spaces
    const std::uint32_t two = add_token(data, "  ", TokenType::kUserDefined);
    const std::uint32_t three = add_token(data, "   ", TokenType::kUserDefined);
    const Tokenizer tokenizer = make(data);
    for (const bool parse_special : {false, true}) {
        EXPECT_EQ(tokenizer.encode("a  b", parse_special), (Ids{'a', two, 'b'}));
        EXPECT_EQ(tokenizer.encode("     x", parse_special), (Ids{three, two, 'x'}));
    }
}

TEST(SpecialTokenTest, UnknownTokensAreLikeControlTokensAndUnusedOnesAreNeverMade) {
    TokenizerData data = byte_vocabulary();
    const std::uint32_t unknown = add_token(data, "<unk>", TokenType::kUnknown);
    add_token(data, "x", TokenType::kUnused);
    add_token(data, "", TokenType::kUnused);
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("<unk>x", false), (Ids{'<', 'u', 'n', 'k', '>', 'x'}));
    EXPECT_EQ(tokenizer.encode("<unk>x", true), (Ids{unknown, 'x'}));
    EXPECT_EQ(tokenizer.token_bytes(unknown).value(), "<unk>");
}

TEST(SpecialTokenTest, EndOfTextIsControlWhateverItsType) {
    for (const std::int32_t type : {-1, 1, 3, 4}) {
        TokenizerData data = byte_vocabulary();
        const std::uint32_t end = add_token(data, "<|endoftext|>", TokenType::kNormal);
        if (type < 0) {
            data.token_types.clear();
        } else {
            data.token_types[end] = type;
        }
        data.eos_id = end;
        const Tokenizer tokenizer = make(data);
        EXPECT_EQ(tokenizer.encode("<|endoftext|>", true), Ids{end});
        EXPECT_EQ(tokenizer.encode("<|endoftext|>", false).size(), 13u) << "type " << type;
        EXPECT_EQ(tokenizer.eos_id(), end);
    }
}

TEST(SpecialTokenTest, AnEndTokenThatBpeMakesStaysAnOrdinaryToken) {
    TokenizerData data = small_vocabulary({"a b"});
    data.eos_id = 256;
    data.bos_id = '\n';
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.encode("ab\n", false), (Ids{256, '\n'}));
}

// Lists of numbers, so that a text in the alphabet is not mistaken for its bytes: "\u0120" is a
// space.
TEST(SpecialTokenTest, TextOutsideOfTheAlphabetStandsForItself) {
    TokenizerData data = byte_vocabulary();
    data.tokens.push_back("\u65E5 [PAD]");
    data.tokens.push_back("\u0120x");
    const Tokenizer tokenizer = make(data);
    EXPECT_EQ(tokenizer.token_bytes(256).value(), "\u65E5 [PAD]");
    EXPECT_EQ(tokenizer.token_bytes(257).value(), " x");
}

TEST(TokenizerTest, MissingBytesOfNoUtf8BecomeReplacementCharacters) {
    TokenizerData data;  // GPT-NeoX's alphabet: without C0, C1, F5..FF
    for (unsigned b = 0; b < 256; ++b) {
        if (b == 0xC0 || b == 0xC1 || b >= 0xF5) continue;
        data.tokens.push_back(alphabet_char(static_cast<std::uint8_t>(b)));
    }
    const Tokenizer tokenizer = make(data);
    const Ids ids = tokenizer.encode("a\xFF\x80", false);
    EXPECT_EQ(tokenizer.decode(ids).value(), "a\uFFFD\x80");
}

TEST(TokenizerTest, RefusesIdsOutOfRange) {
    const Tokenizer tokenizer = make(byte_vocabulary());
    for (const std::uint32_t id : {256u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu}) {
        EXPECT_EQ(tokenizer.token_bytes(id).status().code(), StatusCode::kInvalidArgument);
        const Result<std::string> text = tokenizer.decode(Ids{'a', id});
        ASSERT_FALSE(text.ok());
        EXPECT_NE(text.status().message().find(std::to_string(id)), std::string::npos);
    }
}

}  // namespace
}  // namespace gyre::test
