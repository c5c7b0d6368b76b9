// NFC with utf8proc's tables; the reordering is done here, because utf8proc's is quadratic.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/nfc.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "runtime/text/utf8.h"

namespace gyre {
namespace {

utf8proc_propval_t combining_class(utf8proc_int32_t c) {
    return utf8proc_get_property(c)->combining_class;
}

// Canonical ordering: marks between two starters by their class, those of one class as they stand.
void reorder(std::vector<utf8proc_int32_t>& text) {
    for (auto first = text.begin(); first != text.end();) {
        if (combining_class(*first) == 0) {
            ++first;
            continue;
        }
        const auto last = std::find_if(first, text.end(),
                                       [](utf8proc_int32_t c) { return combining_class(c) == 0; });
        std::stable_sort(first, last, [](utf8proc_int32_t a, utf8proc_int32_t b) {
            return combining_class(a) < combining_class(b);
        });
        first = last;
    }
}

void compose(std::vector<utf8proc_int32_t>& text, std::string& out) {
    if (text.empty()) return;
    reorder(text);
    const utf8proc_ssize_t n = utf8proc_normalize_utf32(
        text.data(), static_cast<utf8proc_ssize_t>(text.size()),
        static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    for (utf8proc_ssize_t i = 0; i < n; ++i)
        append_utf8(static_cast<std::uint32_t>(text[static_cast<std::size_t>(i)]), out);
    text.clear();
}

}  // namespace

bool may_need_nfc(std::string_view text) {
    // U+0300 begins with CC, and all above with more; what is no UTF-8 does no harm.
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0xCC; });
}

std::string to_nfc(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::vector<utf8proc_int32_t> decomposed;  // of the UTF-8 since the last byte that is none
    decomposed.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const Utf8CodePoint c = decode_utf8(text, i);
        if (c.kind != Utf8Kind::kValid) {
            compose(decomposed, out);
            out.append(text, i, c.length);
        } else {
            utf8proc_int32_t parts[8];  // a canonical decomposition has 4 at most
            int boundary = 0;
            const utf8proc_ssize_t n = utf8proc_decompose_char(
                static_cast<utf8proc_int32_t>(c.value), parts, 8,
                static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE), &boundary);
            decomposed.insert(decomposed.end(), parts, parts + (n > 0 && n <= 8 ? n : 0));
        }
        i += c.length;
    }
    compose(decomposed, out);
    return out;
}

}  // namespace gyre
