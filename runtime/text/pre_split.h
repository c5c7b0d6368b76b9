// The split of text into pieces that GPT-2 makes before it merges bytes.
// SPDX-License-Identifier: Apache-2.0
//
// Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), section 2.2; the
// published encoder writes it as the regular expression
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Here it is written by hand over code points, in time linear in the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gyre {

enum class CharClass : std::uint8_t {
    kLetter,  // \p{L}: general category L*
    kNumber,  // \p{N}: general category N*
    kSpace,   // \s: property White_Space
    kOther,   // everything else, also every byte that is not UTF-8
};

// The class of a code point, any value up to 0x10FFFF.
//
// \s is White_Space, as in the Python module `regex` that the published encoder uses: U+0009..000D,
// 0020, 0085, 00A0, 1680, 2000..200A, 2028, 2029, 202F, 205F, 3000. A JavaScript regular expression
// with the flag u differs at exactly two code points: it takes U+FEFF for a space and U+0085 for
// none. (U+001C..001F are spaces for Python's `re` only.) Letters and numbers are those of the
// Unicode version of utf8proc; code points that a later version assigned are kOther.
CharClass char_class(std::uint32_t code_point);

// Length in bytes of the piece that begins at text[begin]; begin < text.size(). At least 1.
std::size_t piece_length(std::string_view text, std::size_t begin);

}  // namespace gyre
