// The passes of pre-tokenizer splits: what one of their regular expressions matches at a position.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/text/code_class.h"

namespace gyre {

// A text that a pass goes through, and what the pass remembers of it so as not to look twice.
struct SplitScan {
    std::string_view text;
    std::size_t run_end = 0;   // of the run of digits or spaces that was looked at last
    bool run_matches = false;  // what was found out about it
};

// 's 't 're 've 'm 'll 'd
enum class Contractions : std::uint8_t {
    kNone,
    kLowerCase,  // an alternative of its own, before words
    kAnyCase,    // the same in capitals too
    kEndsWord,   // in any case, at the end of a word
};

enum class Words : std::uint8_t {
    kAfterSpace,  // " ?\p{L}+"
    kAfterSign,   // "[^\r\n\p{L}\p{N}]?\p{L}+"
    kCased,       // capitals, then small letters: see match_cased in split_passes.cpp
};

enum class SpaceRuns : std::uint8_t {
    kPlain,        // "\s+(?!\S)|\s+"
    kNewlines,     // "\s*[\r\n]+|\s+(?!\S)|\s+"
    kPowersOfTwo,  // "\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|...|\s{4}(?!\S)|\s{1,2}(?!\S)|\s"
};

// The shape that most splits share: contractions, words, numbers, signs, spaces, in this order.
struct WordRules {
    Contractions contractions = Contractions::kNone;
    Words words = Words::kAfterSpace;
    CodeClass letters = kLetters;    // of a word; what is in it is no sign
    std::uint32_t max_digits = 0;    // "\p{N}{1,max_digits}"; 0: " ?\p{N}+"
    std::string_view after_signs{};  // " ?[^\s\p{L}\p{N}]+" and then any of these characters
    SpaceRuns spaces = SpaceRuns::kNewlines;
};

struct SplitPass;

// The end of the match at begin, or begin if there is none; begin < scan.text.size().
using SplitMatch = std::size_t (*)(const SplitPass& pass, SplitScan& scan, std::size_t begin);

struct SplitPass {
    SplitMatch match;
    WordRules words{};              // match_words
    std::uint32_t max_digits = 0;   // match_numbers: the longest match; 0: any number of them
    std::string_view characters{};  // match_punctuation: these too; match_until: none of these
    bool (*is_member)(CodePoint) = nullptr;  // match_run
    bool after_space = false;                // match_run: "\s?" before it
};

std::size_t match_words(const SplitPass& pass, SplitScan& scan, std::size_t begin);
// \p{N}+ or \p{N}{1,max_digits}
std::size_t match_numbers(const SplitPass& pass, SplitScan& scan, std::size_t begin);
// [0-9]{3}
std::size_t match_three_digits(const SplitPass& pass, SplitScan& scan, std::size_t begin);
// \d{1,3}(?=(?:\d{3})*\b): groups of three from the right, as thousands are written
std::size_t match_thousands(const SplitPass& pass, SplitScan& scan, std::size_t begin);
// [\p{P}characters]+
std::size_t match_punctuation(const SplitPass& pass, SplitScan& scan, std::size_t begin);
// " ?[^\scharacters]+"
std::size_t match_until(const SplitPass& pass, SplitScan& scan, std::size_t begin);
// Members in a row; with after_space after a space of any kind, or without it.
std::size_t match_run(const SplitPass& pass, SplitScan& scan, std::size_t begin);
// [\r\n]
std::size_t match_newline(const SplitPass& pass, SplitScan& scan, std::size_t begin);
// \s+$
std::size_t match_last_spaces(const SplitPass& pass, SplitScan& scan, std::size_t begin);
// DeepSeek's: a sign and ASCII letters | a character and letters or marks | signs | spaces
std::size_t match_sign_words(const SplitPass& pass, SplitScan& scan, std::size_t begin);

}  // namespace gyre
