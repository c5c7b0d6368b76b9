// UTF-8 after table 3-7 of the Unicode Standard 15.0, "Well-Formed UTF-8 Byte Sequences".
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/utf8.h"

#include <algorithm>
#include <cassert>

namespace gyre {
namespace {

// What may follow a lead byte: the range of the second byte is what keeps overlong forms,
// surrogates and values above U+10FFFF out; every later byte is 80..BF.
struct LeadByte {
    std::uint8_t length;  // bytes of the whole sequence; 0: not a lead byte
    std::uint8_t second_min, second_max;
    std::uint8_t payload;  // the bits of the lead byte that belong to the code point
};

constexpr LeadByte classify_lead(std::uint8_t b) {
    if (b < 0x80) return {1, 0, 0, b};
    if (b < 0xC2) return {0, 0, 0, 0};  // a continuation byte, or C0/C1: overlong
    if (b < 0xE0) return {2, 0x80, 0xBF, static_cast<std::uint8_t>(b & 0x1F)};
    const auto low4 = static_cast<std::uint8_t>(b & 0x0F);
    if (b == 0xE0) return {3, 0xA0, 0xBF, low4};  // below A0: overlong
    if (b == 0xED) return {3, 0x80, 0x9F, low4};  // above 9F: surrogates
    if (b < 0xF0) return {3, 0x80, 0xBF, low4};
    const auto low3 = static_cast<std::uint8_t>(b & 0x07);
    if (b == 0xF0) return {4, 0x90, 0xBF, low3};  // below 90: overlong
    if (b < 0xF4) return {4, 0x80, 0xBF, low3};
    if (b == 0xF4) return {4, 0x80, 0x8F, low3};  // above 8F: beyond U+10FFFF
    return {0, 0, 0, 0};
}

}  // namespace

Utf8CodePoint decode_utf8(std::string_view text, std::size_t position) {
    assert(position < text.size());
    const LeadByte lead = classify_lead(static_cast<std::uint8_t>(text[position]));
    if (lead.length == 0) return {kReplacementCharacter, 1, Utf8Kind::kInvalid};
    std::uint32_t value = lead.payload;
    for (std::uint8_t i = 1; i < lead.length; ++i) {
        if (i >= text.size() - position) return {kReplacementCharacter, i, Utf8Kind::kTruncated};
        const auto b = static_cast<std::uint8_t>(text[position + i]);
        const std::uint8_t low = i == 1 ? lead.second_min : std::uint8_t{0x80};
        const std::uint8_t high = i == 1 ? lead.second_max : std::uint8_t{0xBF};
        if (b < low || b > high) return {kReplacementCharacter, i, Utf8Kind::kInvalid};
        value = (value << 6) | (b & 0x3Fu);
    }
    return {value, lead.length, Utf8Kind::kValid};
}

void append_utf8(std::uint32_t value, std::string& out) {
    assert(value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF));
    const auto tail = [&](unsigned shift) {
        out.push_back(static_cast<char>(0x80u | ((value >> shift) & 0x3Fu)));
    };
    if (value < 0x80) {
        out.push_back(static_cast<char>(value));
    } else if (value < 0x800) {
        out.push_back(static_cast<char>(0xC0u | (value >> 6)));
        tail(0);
    } else if (value < 0x10000) {
        out.push_back(static_cast<char>(0xE0u | (value >> 12)));
        tail(6);
        tail(0);
    } else {
        out.push_back(static_cast<char>(0xF0u | (value >> 18)));
        tail(12);
        tail(6);
        tail(0);
    }
}

std::string Utf8Stream::push(std::string_view bytes) {
    std::string text(pending_.data(), n_pending_);
    text.append(bytes);
    n_pending_ = 0;

    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const Utf8CodePoint c = decode_utf8(text, i);
        if (c.kind == Utf8Kind::kTruncated) {  // it reaches the end of text
            n_pending_ = text.size() - i;
            std::copy(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), pending_.begin());
            break;
        }
        if (c.kind == Utf8Kind::kValid) {
            out.append(text, i, c.length);
        } else {
            out.append(kReplacementUtf8);
        }
        i += c.length;
    }
    return out;
}

std::string Utf8Stream::flush() {
    const bool unfinished = n_pending_ > 0;
    n_pending_ = 0;
    return unfinished ? std::string(kReplacementUtf8) : std::string();
}

}  // namespace gyre
