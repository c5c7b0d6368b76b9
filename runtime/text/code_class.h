// What a code point is: one of Unicode's classes of letters, marks, numbers, signs and spaces.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gyre {

// One bit each, so that sets of classes are made with |. A code point has exactly one.
using CodeClass = std::uint16_t;

inline constexpr CodeClass kUpper = 1u << 0;          // \p{Lu}
inline constexpr CodeClass kLower = 1u << 1;          // \p{Ll}
inline constexpr CodeClass kTitle = 1u << 2;          // \p{Lt}
inline constexpr CodeClass kModifier = 1u << 3;       // \p{Lm}
inline constexpr CodeClass kOtherLetter = 1u << 4;    // \p{Lo}
inline constexpr CodeClass kMark = 1u << 5;           // \p{M}
inline constexpr CodeClass kDecimal = 1u << 6;        // \p{Nd}
inline constexpr CodeClass kLetterNumber = 1u << 7;   // \p{Nl}
inline constexpr CodeClass kConnector = 1u << 8;      // \p{Pc}
inline constexpr CodeClass kOtherPunct = 1u << 9;     // \p{P} but \p{Pc}
inline constexpr CodeClass kSymbol = 1u << 10;        // \p{S}
inline constexpr CodeClass kSpace = 1u << 11;         // \s but CR and LF
inline constexpr CodeClass kNewline = 1u << 12;       // CR and LF
inline constexpr CodeClass kOtherNumber = 1u << 13;   // \p{No}
inline constexpr CodeClass kUnclassified = 1u << 14;  // the rest: control, format, unassigned

inline constexpr CodeClass kLetters = kUpper | kLower | kTitle | kModifier | kOtherLetter;
inline constexpr CodeClass kNumbers = kDecimal | kLetterNumber | kOtherNumber;
inline constexpr CodeClass kPuncts = kConnector | kOtherPunct;
inline constexpr CodeClass kSpaces = kSpace | kNewline;  // \s
inline constexpr CodeClass kAnyClass = (1u << 15) - 1;

// The class of a code point, any value up to 0x10FFFF.
//
// \s is White_Space, as in the Python module `regex` and in Oniguruma, which published tokenizers
// use: U+0009..000D, 0020, 0085, 00A0, 1680, 2000..200A, 2028, 2029, 202F, 205F, 3000. A JavaScript
// regular expression with the flag u differs at exactly two code points: it takes U+FEFF for a
// space and U+0085 for none. (U+001C..001F are spaces for Python's `re` only.) The other classes
// are general categories of the Unicode version of utf8proc; what a later version assigned is
// kUnclassified.
CodeClass code_class(std::uint32_t code_point);

struct CodePoint {
    std::uint32_t value = 0;  // U+FFFD for a byte that is not UTF-8
    CodeClass code_class = kUnclassified;
    std::uint8_t length = 0;  // bytes
};

// The code point at text[i]; i < text.size(). What is not UTF-8 is of class kUnclassified.
CodePoint code_point_at(std::string_view text, std::size_t i);

}  // namespace gyre
