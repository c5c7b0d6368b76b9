// UTF-8: one code point at a time, strictly, and a stream that never emits half a character.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gyre {

inline constexpr std::uint32_t kReplacementCharacter = 0xFFFD;
inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

enum class Utf8Kind : std::uint8_t {
    kValid,      // a code point: no overlong form, no surrogate, at most U+10FFFF
    kInvalid,    // no code point begins here, whatever follows
    kTruncated,  // the text ends inside a sequence that is right so far
};

struct Utf8CodePoint {
    std::uint32_t value = kReplacementCharacter;  // the code point if kValid, else U+FFFD
    std::uint8_t length = 0;                      // bytes, 1 to 4
    Utf8Kind kind = Utf8Kind::kInvalid;
};

// Reads the code point at text[position]; position < text.size().
//
// For kInvalid and kTruncated, length is the maximal subpart of an ill-formed sequence
// (Unicode 15.0, section 3.9, "U+FFFD Substitution of Maximal Subparts"), which is what the WHATWG
// Encoding Standard replaces by one U+FFFD.
Utf8CodePoint decode_utf8(std::string_view text, std::size_t position);

// Appends a code point. value must be a Unicode scalar value: at most 0x10FFFF and no surrogate.
void append_utf8(std::uint32_t value, std::string& out);

// Rotates the bytes of one token after another into text that can be shown at once.
//
// push() returns what is complete; up to three bytes of an unfinished character wait for the next
// push(). Every maximal invalid subsequence becomes one U+FFFD, as the WHATWG decoder does it, so
// what comes out is always valid UTF-8 and does not depend on how the bytes were split. A byte
// order mark is a character like any other and is kept. One stream is used by one thread at a time.
class Utf8Stream {
  public:
    std::string push(std::string_view bytes);

    // Ends the text: an unfinished character becomes one U+FFFD. The stream is then as new.
    std::string flush();

    // Bytes that wait for the rest of their character, 0 to 3.
    std::size_t pending() const { return n_pending_; }

  private:
    std::array<char, 4> pending_{};
    std::size_t n_pending_ = 0;
};

}  // namespace gyre
