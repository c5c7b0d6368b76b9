// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/terminal_text.h"

#include <utf8proc.h>

#include "runtime/text/utf8.h"

namespace gyre {

std::size_t shown_length(std::string_view text, std::size_t position) {
    const Utf8CodePoint c = decode_utf8(text, position);
    if (c.kind != Utf8Kind::kValid) return 0;
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c.value))) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
            return 0;
        default:
            return c.length;
    }
}

std::string shown(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = shown_length(text, at);
        if (length == 0) {
            out.push_back('?');
            at += decode_utf8(text, at).length;
        } else {
            out.append(text.substr(at, length));
            at += length;
        }
    }
    return out;
}

}  // namespace gyre
