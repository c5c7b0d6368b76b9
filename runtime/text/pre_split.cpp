// The alternatives of GPT-2's regular expression, tried in their order.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/pre_split.h"

#include <utf8proc.h>

#include <array>
#include <cassert>

#include "runtime/text/utf8.h"

namespace gyre {
namespace {

bool is_white_space(std::uint32_t c) {
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

CharClass classify(std::uint32_t c) {
    if (is_white_space(c)) return CharClass::kSpace;
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
            return CharClass::kLetter;
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO:
            return CharClass::kNumber;
        default:
            return CharClass::kOther;
    }
}

const std::array<CharClass, 128>& ascii_classes() {
    static const std::array<CharClass, 128> table = [] {
        std::array<CharClass, 128> t{};
        for (std::uint32_t c = 0; c < t.size(); ++c)
            t[c] = classify(c);
        return t;
    }();
    return table;
}

struct Char {
    CharClass char_class;
    std::size_t length;  // bytes
};

Char char_at(std::string_view text, std::size_t i) {
    const auto b = static_cast<std::uint8_t>(text[i]);
    if (b < 0x80) return {ascii_classes()[b], 1};
    const Utf8CodePoint c = decode_utf8(text, i);
    if (c.kind != Utf8Kind::kValid) return {CharClass::kOther, c.length};
    return {char_class(c.value), c.length};
}

// Where the run of characters of one class that begins at i ends.
std::size_t run_end(std::string_view text, std::size_t i, CharClass wanted) {
    while (i < text.size()) {
        const Char c = char_at(text, i);
        if (c.char_class != wanted) break;
        i += c.length;
    }
    return i;
}

// 's|'t|'re|'ve|'m|'ll|'d, lower case only; 0 if none stands here.
std::size_t contraction_length(std::string_view text) {
    for (const std::string_view c : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
        if (text.starts_with(c)) return c.size();
    }
    return 0;
}

// \s+(?!\S)|\s+ : a run of spaces leaves its last one to the word after it, if there is a word and
// the run is longer than that one.
std::size_t space_length(std::string_view text, std::size_t begin) {
    std::size_t last = begin;
    std::size_t end = begin;
    while (end < text.size()) {
        const Char c = char_at(text, end);
        if (c.char_class != CharClass::kSpace) break;
        last = end;
        end += c.length;
    }
    return end == text.size() || last == begin ? end - begin : last - begin;
}

}  // namespace

CharClass char_class(std::uint32_t code_point) {
    return code_point < 0x80 ? ascii_classes()[code_point] : classify(code_point);
}

std::size_t piece_length(std::string_view text, std::size_t begin) {
    assert(begin < text.size());
    if (text[begin] == '\'') {
        const std::size_t length = contraction_length(text.substr(begin));
        if (length > 0) return length;
    }
    // " ?" takes U+0020 only, and only in front of a letter, a number or another character.
    const std::size_t first = begin + (text[begin] == ' ' ? 1 : 0);
    if (first < text.size()) {
        const CharClass wanted = char_at(text, first).char_class;
        if (wanted != CharClass::kSpace) return run_end(text, first, wanted) - begin;
    }
    return space_length(text, begin);
}

}  // namespace gyre
