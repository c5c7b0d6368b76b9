// GPT-2's alphabet: one visible character for each of the 256 bytes, in which tokens are written.
// SPDX-License-Identifier: Apache-2.0
//
// bytes_to_unicode() of the published encoder: the printable bytes 21..7E, A1..AC and AE..FF are
// the characters of their number, the other 68 are U+0100, U+0101, ... in rising order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/text/utf8.h"

namespace gyre {

inline constexpr std::uint32_t kAlphabetEnd = 0x100 + 68;  // one past its last code point

constexpr bool is_alphabet_printable(std::uint32_t byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// code point -> byte; -1 where the code point is not in the alphabet
inline constexpr std::array<std::int16_t, kAlphabetEnd> kAlphabetBytes = [] {
    std::array<std::int16_t, kAlphabetEnd> bytes{};
    bytes.fill(-1);
    std::uint32_t next = 0x100;
    for (std::uint32_t b = 0; b < 256; ++b) {
        bytes[is_alphabet_printable(b) ? b : next++] = static_cast<std::int16_t>(b);
    }
    return bytes;
}();

// The bytes of a token; nothing if it has a character outside of the alphabet or is not UTF-8.
inline std::optional<std::string> alphabet_to_bytes(std::string_view token) {
    std::string bytes;
    for (std::size_t i = 0; i < token.size();) {
        const Utf8CodePoint c = decode_utf8(token, i);
        if (c.kind != Utf8Kind::kValid || c.value >= kAlphabetEnd) return std::nullopt;
        if (kAlphabetBytes[c.value] < 0) return std::nullopt;
        bytes.push_back(static_cast<char>(kAlphabetBytes[c.value]));
        i += c.length;
    }
    return bytes;
}

}  // namespace gyre
