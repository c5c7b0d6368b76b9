// What Python does with strings, as far as chat templates use it, on UTF-8 with marks.
// SPDX-License-Identifier: Apache-2.0
//
// A character is a code point; a byte that is no part of valid UTF-8 is one, too, and stays as it
// is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/marked_text.h"

namespace gyre::chat {

// Where the character at position ends. position < text.size().
std::size_t next_character(std::string_view text, std::size_t position);
std::size_t count_characters(std::string_view text);

// As str.isspace(), of one character.
bool is_space(std::uint32_t c);

// [begin, end) of what str.strip() leaves; characters: those to strip, or null for white space.
struct Range {
    std::size_t begin = 0, end = 0;
};
Range strip(std::string_view text, const std::string_view* characters, bool left, bool right);

enum class Case : std::uint8_t {
    kLower,
    kUpper,
    kCapitalize,
    kTitle,  // str.title(): a letter after something that is no letter begins a word
    kWords,  // Jinja's filter title: what is after white space and opening brackets does
};
MarkedText with_case(const MarkedText& text, Case wanted);

// As str.split(separator, most) or, from the right, rsplit; separator null: runs of white space.
// most < 0: no limit.
std::vector<Range> split(std::string_view text, const std::string_view* separator,
                         std::int64_t most, bool from_right);
std::vector<Range> split_lines(std::string_view text, bool keep_ends);

// Characters [start:stop:step] of a text, Python's rules for what is out of range or negative.
struct SliceBounds {
    bool has_start = false, has_stop = false;
    std::int64_t start = 0, stop = 0, step = 1;  // step != 0
};
// Items start, start + step, ..., count of them, of n.
struct SliceItems {
    std::size_t start = 0, count = 0;
    std::int64_t step = 1;
};
SliceItems resolve(const SliceBounds& bounds, std::size_t n);
// Of a text with n characters. Unless the step is 1 it takes 8 * n bytes for this time.
MarkedText slice(const MarkedText& text, const SliceItems& items);

// What repr() writes for a character inside quotes; "" where it is the character itself. Bytes that
// are no UTF-8 too.
std::string escaped_for_repr(std::uint32_t c, char quote);

// Steps of a budget that a search for a part in a text may take, at worst.
std::uint64_t search_steps(std::string_view text, std::string_view part);

}  // namespace gyre::chat
