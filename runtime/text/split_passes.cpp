// Each pass as its regular expression says it, alternatives tried in their order.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/split_passes.h"

#include <algorithm>

#include "runtime/text/utf8.h"

namespace gyre {
namespace {

bool is_in(CodeClass wanted, CodePoint c) {
    return (c.code_class & wanted) != 0;
}

// \w as Oniguruma has it: letters, marks, digits, connectors, letters in circles and squares, and
// of the other numbers those of Latin-1 alone.
bool is_word_character(CodePoint c) {
    const auto is_between = [&](std::uint32_t first, std::uint32_t last) {
        return c.value >= first && c.value <= last;
    };
    if (is_in(kOtherNumber, c)) return c.value < 0x100;
    if (is_in(kSymbol, c)) {
        return is_between(0x24B6, 0x24E9) || is_between(0x1F130, 0x1F149) ||
               is_between(0x1F150, 0x1F169) || is_between(0x1F170, 0x1F189);
    }
    return is_in(kLetters | kMark | kDecimal | kLetterNumber | kConnector, c);
}

// Where the run of code points of wanted classes that begins at i ends.
std::size_t run_end(std::string_view text, std::size_t i, CodeClass wanted) {
    while (i < text.size()) {
        const CodePoint c = code_point_at(text, i);
        if (!is_in(wanted, c)) break;
        i += c.length;
    }
    return i;
}

std::size_t run_of_characters(std::string_view text, std::size_t i, std::string_view characters) {
    while (i < text.size() && characters.find(text[i]) != characters.npos)
        ++i;
    return i;
}

// The end of "'s" and its like at begin, or begin. U+017F, the long s, is an s without case: so
// Oniguruma has it, and Rust's regular expressions.
std::size_t contraction_end(std::string_view text, std::size_t begin, bool any_case) {
    if (begin == text.size() || text[begin] != '\'') return begin;
    const std::string_view rest = text.substr(begin + 1);
    if (any_case && rest.starts_with("\u017F")) return begin + 3;
    const auto lower = [&](std::size_t i) {
        const char c = rest[i];
        return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    };
    for (const std::string_view c : {"s", "t", "re", "ve", "m", "ll", "d"}) {
        if (rest.size() < c.size() || lower(0) != c[0]) continue;
        if (c.size() == 1 || lower(1) == c[1]) return begin + 1 + c.size();
    }
    return begin;
}

// U*V+ | U+V* at begin, where U are capitals and V small letters, and letters without case and
// marks are both; or begin.
struct CasedWord {
    std::size_t first, second;  // ends by the first and by the second alternative
};

CasedWord cased_word(std::string_view text, std::size_t begin) {
    constexpr CodeClass kBoth = kModifier | kOtherLetter | kMark;
    std::size_t end = begin;
    std::size_t last_both = begin;  // the end of the last that can be a V as well
    while (end < text.size()) {
        const CodePoint c = code_point_at(text, end);
        if (!is_in(kUpper | kTitle | kBoth, c)) break;
        end += c.length;
        if (is_in(kBoth, c)) last_both = end;
    }
    const std::size_t small = run_end(text, end, kLower | kBoth);
    // Without a small letter after the capitals, they give back as much as the V needs.
    return {small > end ? small : last_both, end > begin ? small : begin};
}

// [^\r\n\p{L}\p{N}]?U*V+A? | [^\r\n\p{L}\p{N}]?U+V*A?
std::size_t match_cased(std::string_view text, std::size_t begin, Contractions contractions) {
    const CodePoint sign = code_point_at(text, begin);
    const bool has_sign = !is_in(kNewline | kLetters | kNumbers, sign);
    const std::size_t after_sign = begin + (has_sign ? sign.length : 0u);
    const CasedWord with_sign = cased_word(text, after_sign);
    // A mark may be the sign or the beginning of the word.
    const CasedWord without = has_sign ? cased_word(text, begin) : CasedWord{begin, begin};
    std::size_t end = begin;
    if (with_sign.first > after_sign) {
        end = with_sign.first;
    } else if (without.first > begin) {
        end = without.first;
    } else if (with_sign.second > after_sign) {
        end = with_sign.second;
    } else if (without.second > begin) {
        end = without.second;
    }
    if (end > begin && contractions == Contractions::kEndsWord) {
        end = contraction_end(text, end, true);
    }
    return end;
}

// [^taken]?members+ : the character before them may be one of them.
std::size_t match_after(std::string_view text, std::size_t begin, CodeClass taken,
                        CodeClass members) {
    const CodePoint first = code_point_at(text, begin);
    if (!is_in(taken, first)) {
        const std::size_t end = run_end(text, begin + first.length, members);
        if (end > begin + first.length) return end;
    }
    return run_end(text, begin, members);
}

std::size_t match_word(const WordRules& rules, std::string_view text, std::size_t begin) {
    switch (rules.words) {
        case Words::kAfterSpace: {
            const std::size_t first = begin + (text[begin] == ' ' ? 1 : 0);
            const std::size_t end = run_end(text, first, rules.letters);
            return end > first ? end : begin;
        }
        case Words::kAfterSign:
            return match_after(text, begin, kNewline | kLetters | kNumbers, rules.letters);
        case Words::kCased:
            return match_cased(text, begin, rules.contractions);
    }
    return begin;
}

std::size_t up_to_numbers(std::string_view text, std::size_t i, std::uint32_t max_digits) {
    for (std::uint32_t n = 0; n < max_digits && i < text.size(); ++n) {
        const CodePoint c = code_point_at(text, i);
        if (!is_in(kNumbers, c)) break;
        i += c.length;
    }
    return i;
}

// The end of the run of members at begin, after a space or without it; or begin.
std::size_t after_space(std::string_view text, std::size_t begin, CodeClass members) {
    const std::size_t first = begin + (text[begin] == ' ' ? 1 : 0);
    const std::size_t end = run_end(text, first, members);
    return end > first ? end : begin;
}

// \s{512}(?!\S)|...|\s{4}(?!\S)|\s{1,2}(?!\S)|\s of a run of n spaces; at_end: nothing follows it.
std::size_t power_of_two(std::size_t n, bool at_end) {
    for (std::size_t power = 512; power >= 1; power /= 2) {
        if (n > power || (n == power && at_end)) return power;
    }
    return 1;
}

std::size_t match_spaces(SpaceRuns kind, std::string_view text, std::size_t begin) {
    constexpr std::size_t kLongest = 512;  // what kPowersOfTwo takes at once
    std::size_t end = begin, last = begin, after_newline = begin;
    std::size_t n = 0;
    while (end < text.size()) {
        const CodePoint c = code_point_at(text, end);
        if (!is_in(kSpaces, c)) break;
        last = end;
        end += c.length;
        ++n;
        if (c.code_class == kNewline) after_newline = end;
    }
    if (kind != SpaceRuns::kPlain && after_newline > begin) return after_newline;
    if (kind == SpaceRuns::kPowersOfTwo) {
        std::size_t taken = power_of_two(std::min(n, kLongest + 1), end == text.size());
        std::size_t i = begin;
        for (; taken > 0; --taken)
            i += code_point_at(text, i).length;
        return i;
    }
    // A run leaves its last space to what follows, if it is longer than that one.
    return end == text.size() || last == begin ? end : last;
}

}  // namespace

std::size_t match_words(const SplitPass& pass, SplitScan& scan, std::size_t begin) {
    const WordRules& rules = pass.words;
    const std::string_view text = scan.text;
    if (rules.contractions == Contractions::kLowerCase ||
        rules.contractions == Contractions::kAnyCase) {
        const bool any_case = rules.contractions == Contractions::kAnyCase;
        const std::size_t end = contraction_end(text, begin, any_case);
        if (end > begin) return end;
    }
    std::size_t end = match_word(rules, text, begin);
    if (end > begin) return end;
    end = rules.max_digits > 0 ? up_to_numbers(text, begin, rules.max_digits)
                               : after_space(text, begin, kNumbers);
    if (end > begin) return end;
    const CodeClass no_sign = kSpaces | kNumbers | kLetters | rules.letters;
    end = after_space(text, begin, static_cast<CodeClass>(kAnyClass & ~no_sign));
    if (end > begin) return run_of_characters(text, end, rules.after_signs);
    return match_spaces(rules.spaces, text, begin);
}

std::size_t match_numbers(const SplitPass& pass, SplitScan& scan, std::size_t begin) {
    return pass.max_digits > 0 ? up_to_numbers(scan.text, begin, pass.max_digits)
                               : run_end(scan.text, begin, kNumbers);
}

std::size_t match_three_digits(const SplitPass&, SplitScan& scan, std::size_t begin) {
    const std::string_view three = scan.text.substr(begin, 3);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return three.size() == 3 && std::all_of(three.begin(), three.end(), is_digit) ? begin + 3
                                                                                  : begin;
}

// A match ends where a number of whole groups is left of the run of digits, and only if the run
// ends a word. The run is counted at its beginning and remembered: run_matches holds for all of it.
std::size_t match_thousands(const SplitPass&, SplitScan& scan, std::size_t begin) {
    const std::string_view text = scan.text;
    const CodePoint first = code_point_at(text, begin);
    if (!is_in(kDecimal, first)) return begin;
    if (begin < scan.run_end) {  // not the run's first group
        return scan.run_matches ? up_to_numbers(text, begin, 3) : begin;
    }
    std::size_t n = 0;
    std::size_t end = begin;
    for (; end < text.size(); ++n) {
        const CodePoint c = code_point_at(text, end);
        if (!is_in(kDecimal, c)) break;
        end += c.length;
    }
    scan.run_end = end;
    scan.run_matches = end == text.size() || !is_word_character(code_point_at(text, end));
    return scan.run_matches
               ? up_to_numbers(text, begin, static_cast<std::uint32_t>((n - 1) % 3) + 1)
               : begin;
}

std::size_t match_punctuation(const SplitPass& pass, SplitScan& scan, std::size_t begin) {
    std::size_t i = begin;
    while (i < scan.text.size()) {
        const CodePoint c = code_point_at(scan.text, i);
        if (!is_in(kPuncts, c) && pass.characters.find(scan.text[i]) == pass.characters.npos) break;
        i += c.length;
    }
    return i;
}

std::size_t match_until(const SplitPass& pass, SplitScan& scan, std::size_t begin) {
    const std::string_view text = scan.text;
    const std::size_t first = begin + (text[begin] == ' ' ? 1 : 0);
    std::size_t i = first;
    while (i < text.size()) {
        const CodePoint c = code_point_at(text, i);
        // What is UTF-8 is found in the list as a whole character, or not at all.
        const bool is_listed =
            c.value != kReplacementCharacter &&
            pass.characters.find(text.substr(i, c.length)) != std::string_view::npos;
        if (is_in(kSpaces, c) || is_listed) break;
        i += c.length;
    }
    return i > first ? i : begin;
}

std::size_t match_run(const SplitPass& pass, SplitScan& scan, std::size_t begin) {
    const std::string_view text = scan.text;
    const auto run = [&](std::size_t i) {
        while (i < text.size()) {
            const CodePoint c = code_point_at(text, i);
            if (!pass.is_member(c)) break;
            i += c.length;
        }
        return i;
    };
    if (pass.after_space) {
        const CodePoint first = code_point_at(text, begin);
        if (is_in(kSpaces, first)) {
            const std::size_t end = run(begin + first.length);
            if (end > begin + first.length) return end;
        }
    }
    return run(begin);
}

std::size_t match_newline(const SplitPass&, SplitScan& scan, std::size_t begin) {
    return begin + (scan.text[begin] == '\r' || scan.text[begin] == '\n' ? 1 : 0);
}

std::size_t match_last_spaces(const SplitPass&, SplitScan& scan, std::size_t begin) {
    if (begin < scan.run_end) return begin;  // within a run that did not reach the end
    scan.run_end = run_end(scan.text, begin, kSpaces);
    return scan.run_end == scan.text.size() ? scan.run_end : begin;
}

std::size_t match_sign_words(const SplitPass&, SplitScan& scan, std::size_t begin) {
    const std::string_view text = scan.text;
    const auto is_ascii_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    const CodePoint first = code_point_at(text, begin);
    if (first.value < 0x80 && is_in(kPuncts | kSymbol, first)) {
        std::size_t end = begin + 1;
        while (end < text.size() && is_ascii_letter(text[end]))
            ++end;
        if (end > begin + 1) return end;
    }
    std::size_t end =
        match_after(text, begin, kNewline | kLetters | kPuncts | kSymbol, kLetters | kMark);
    if (end > begin) return end;
    end = after_space(text, begin, kPuncts | kSymbol);
    if (end > begin) return run_of_characters(text, end, "\r\n");
    return match_spaces(SpaceRuns::kNewlines, text, begin);
}

}  // namespace gyre
