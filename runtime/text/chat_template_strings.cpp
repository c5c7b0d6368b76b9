// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/chat_template_strings.h"

#include <utf8proc.h>

#include <algorithm>

#include "runtime/text/chat_template_case_table.h"
#include "runtime/text/utf8.h"

namespace gyre::chat {
namespace {

bool is_cased(std::uint32_t c) {
    const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
           category == UTF8PROC_CATEGORY_LT;
}

// Jinja's word_beginning: [-\s({\[<].
bool opens_word(std::uint32_t c) {
    return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
}

bool contains(std::string_view characters, std::string_view character) {
    for (std::size_t at = 0; at < characters.size();) {
        const std::size_t next = next_character(characters, at);
        if (characters.substr(at, next - at) == character) return true;
        at = next;
    }
    return false;
}

bool is_stripped(std::string_view character, const std::string_view* characters) {
    if (characters != nullptr) return contains(*characters, character);
    return is_space(decode_utf8(character, 0).value);
}

// Where the character begins that ends at position.
std::size_t previous_character(std::string_view text, std::size_t position) {
    for (std::size_t n = std::min<std::size_t>(4, position); n > 1; --n) {
        const Utf8CodePoint c = decode_utf8(text, position - n);
        if (c.kind == Utf8Kind::kValid && c.length == n) return position - n;
    }
    return position - 1;
}

}  // namespace

// One byte of what is no UTF-8 at a time, so that a text reads the same from both ends.
std::size_t next_character(std::string_view text, std::size_t position) {
    const Utf8CodePoint c = decode_utf8(text, position);
    return position + (c.kind == Utf8Kind::kValid ? c.length : 1);
}

std::size_t count_characters(std::string_view text) {
    std::size_t n = 0;
    for (std::size_t at = 0; at < text.size(); at = next_character(text, at))
        ++n;
    return n;
}

bool is_space(std::uint32_t c) {
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

Range strip(std::string_view text, const std::string_view* characters, bool left, bool right) {
    Range kept{0, text.size()};
    while (left && kept.begin < kept.end) {
        const std::size_t next = next_character(text, kept.begin);
        if (!is_stripped(text.substr(kept.begin, next - kept.begin), characters)) break;
        kept.begin = next;
    }
    while (right && kept.begin < kept.end) {
        const std::size_t previous = previous_character(text, kept.end);
        if (!is_stripped(text.substr(previous, kept.end - previous), characters)) break;
        kept.end = previous;
    }
    return kept;
}

namespace {

// The character in upper case, or in title case.
void append_upper(std::uint32_t c, bool title, std::string& out) {
    const auto* found = std::lower_bound(
        std::begin(kLongCases), std::end(kLongCases), c,
        [](const LongCase& row, std::uint32_t wanted) { return row.character < wanted; });
    if (found != std::end(kLongCases) && found->character == c) {
        out.append(title ? found->title : found->upper);
        return;
    }
    const auto value = static_cast<utf8proc_int32_t>(c);
    append_utf8(
        static_cast<std::uint32_t>(title ? utf8proc_totitle(value) : utf8proc_toupper(value)), out);
}

// Two have a lower case that is not one character for one: I with a dot, and sigma at the end of a
// word.
void append_lower(std::uint32_t c, bool ends_word, std::string& out) {
    constexpr std::uint32_t kDottedI = 0x130, kSigma = 0x3A3, kFinalSigma = 0x3C2,
                            kDotAbove = 0x307;
    if (c == kDottedI) {
        out += 'i';
        append_utf8(kDotAbove, out);
    } else if (c == kSigma && ends_word) {
        append_utf8(kFinalSigma, out);
    } else {
        append_utf8(static_cast<std::uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))),
                    out);
    }
}

}  // namespace

MarkedText with_case(const MarkedText& text, Case wanted) {
    MarkedText result;
    const std::string_view bytes = text.bytes();
    bool begins = true;
    bool after_letter = false;
    for (std::size_t at = 0; at < bytes.size();) {
        const Utf8CodePoint c = decode_utf8(bytes, at);
        const std::size_t next = next_character(bytes, at);
        const bool upper = wanted == Case::kUpper || (begins && wanted != Case::kLower);
        const bool before_letter = next < bytes.size() && is_cased(decode_utf8(bytes, next).value);
        std::string character;
        if (c.kind != Utf8Kind::kValid) {
            character = bytes.substr(at, 1);
        } else if (upper) {
            append_upper(c.value, wanted == Case::kTitle || wanted == Case::kCapitalize, character);
        } else {
            append_lower(c.value, after_letter && !before_letter, character);
        }
        result.append(character, text.is_marked(at));
        after_letter = is_cased(c.value);
        begins =
            wanted == Case::kTitle ? !after_letter : wanted == Case::kWords && opens_word(c.value);
        at = next;
    }
    return result;
}

namespace {

void split_at_spaces(std::string_view text, std::int64_t most, std::vector<Range>& parts) {
    std::size_t at = 0;
    while (true) {
        while (at < text.size() && is_space(decode_utf8(text, at).value))
            at = next_character(text, at);
        if (at == text.size()) return;
        if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most) {
            parts.push_back({at, text.size()});
            return;
        }
        const std::size_t begin = at;
        while (at < text.size() && !is_space(decode_utf8(text, at).value))
            at = next_character(text, at);
        parts.push_back({begin, at});
    }
}

void split_at_spaces_from_right(std::string_view text, std::int64_t most,
                                std::vector<Range>& parts) {
    std::size_t end = text.size();
    while (true) {
        end = strip(text.substr(0, end), nullptr, false, true).end;
        if (end == 0) break;
        if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most) {
            parts.push_back({0, end});
            break;
        }
        std::size_t begin = end;
        while (begin > 0) {
            const std::size_t previous = previous_character(text, begin);
            if (is_space(decode_utf8(text, previous).value)) break;
            begin = previous;
        }
        parts.push_back({begin, end});
        end = begin;
    }
    std::reverse(parts.begin(), parts.end());
}

}  // namespace

std::vector<Range> split(std::string_view text, const std::string_view* separator,
                         std::int64_t most, bool from_right) {
    std::vector<Range> parts;
    if (separator == nullptr) {
        from_right ? split_at_spaces_from_right(text, most, parts)
                   : split_at_spaces(text, most, parts);
        return parts;
    }
    const auto more = [&] { return most < 0 || static_cast<std::int64_t>(parts.size()) < most; };
    if (!from_right) {
        std::size_t begin = 0;
        for (std::size_t at = 0; more() && (at = text.find(*separator, begin)) != text.npos;) {
            parts.push_back({begin, at});
            begin = at + separator->size();
        }
        parts.push_back({begin, text.size()});
        return parts;
    }
    std::size_t end = text.size();
    for (std::size_t at = 0; more() && (at = text.substr(0, end).rfind(*separator)) != text.npos;) {
        parts.push_back({at + separator->size(), end});
        end = at;
    }
    parts.push_back({0, end});
    std::reverse(parts.begin(), parts.end());
    return parts;
}

std::vector<Range> split_lines(std::string_view text, bool keep_ends) {
    std::vector<Range> lines;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::uint32_t c = decode_utf8(text, at).value;
        std::size_t next = next_character(text, at);
        const bool ends = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 ||
                          c == 0x2028 || c == 0x2029;
        if (ends) {
            if (c == '\r' && next < text.size() && text[next] == '\n') ++next;
            lines.push_back({begin, keep_ends ? next : at});
            begin = next;
        }
        at = next;
    }
    if (begin < text.size()) lines.push_back({begin, text.size()});
    return lines;
}

// As PySlice_AdjustIndices.
SliceItems resolve(const SliceBounds& bounds, std::size_t n) {
    const auto length = static_cast<std::int64_t>(n);
    const bool backward = bounds.step < 0;
    const auto clamp = [&](std::int64_t at) {
        if (at < 0) at = at < -length ? -1 : at + length;
        if (at < 0) return backward ? std::int64_t{-1} : std::int64_t{0};
        return std::min(at, backward ? length - 1 : length);
    };
    const std::int64_t start = bounds.has_start ? clamp(bounds.start) : (backward ? length - 1 : 0);
    const std::int64_t stop = bounds.has_stop ? clamp(bounds.stop) : (backward ? -1 : length);
    SliceItems items;
    items.step = bounds.step;
    const std::int64_t distance = backward ? start - stop : stop - start;
    if (distance <= 0) return items;
    items.start = static_cast<std::size_t>(start);
    // |step| as unsigned: the most negative number has no positive one.
    const std::uint64_t step = backward ? 0 - static_cast<std::uint64_t>(bounds.step)
                                        : static_cast<std::uint64_t>(bounds.step);
    items.count = static_cast<std::size_t>((static_cast<std::uint64_t>(distance) - 1) / step + 1);
    return items;
}

MarkedText slice(const MarkedText& text, const SliceItems& items) {
    const std::string_view bytes = text.bytes();
    if (items.count == 0) return {};
    if (items.step == 1) {
        std::size_t begin = 0;
        for (std::size_t i = 0; i < items.start; ++i)
            begin = next_character(bytes, begin);
        std::size_t end = begin;
        for (std::size_t i = 0; i < items.count; ++i)
            end = next_character(bytes, end);
        return text.slice(begin, end);
    }
    std::vector<std::size_t> begins;
    for (std::size_t at = 0; at < bytes.size(); at = next_character(bytes, at))
        begins.push_back(at);
    MarkedText result;
    auto index = static_cast<std::int64_t>(items.start);
    for (std::size_t i = 0; i < items.count; ++i) {
        const std::size_t at = begins[static_cast<std::size_t>(index)];
        result.append(text, at, next_character(bytes, at));
        if (i + 1 < items.count) index += items.step;
    }
    return result;
}

std::string escaped_for_repr(std::uint32_t c, char quote) {
    constexpr char kHex[] = "0123456789abcdef";
    const auto hex = [&](const char* prefix, int digits) {
        std::string text = prefix;
        for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
            text += kHex[(c >> shift) & 15u];
        return text;
    };
    if (c == '\n') return "\\n";
    if (c == '\r') return "\\r";
    if (c == '\t') return "\\t";
    if (c == '\\' || c == static_cast<unsigned char>(quote)) return {'\\', static_cast<char>(c)};
    if (c < 0x20 || c == 0x7F) return hex("\\x", 2);
    if (c < 0x7F) return "";
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_CS:
        case UTF8PROC_CATEGORY_CO:
        case UTF8PROC_CATEGORY_CN:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
        case UTF8PROC_CATEGORY_ZS:
            return c < 0x100 ? hex("\\x", 2) : c < 0x10000 ? hex("\\u", 4) : hex("\\U", 8);
        default:
            return "";
    }
}

std::uint64_t search_steps(std::string_view text, std::string_view part) {
    if (part.size() > text.size()) return 1;
    return 1 + static_cast<std::uint64_t>(text.size()) * (1 + part.size()) / 64;
}

}  // namespace gyre::chat
