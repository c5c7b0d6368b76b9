// Classes of code points, from utf8proc's categories.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/code_class.h"

#include <utf8proc.h>

#include <array>

#include "runtime/text/utf8.h"

namespace gyre {
namespace {

bool is_white_space(std::uint32_t c) {
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

CodeClass classify(std::uint32_t c) {
    if (c == '\r' || c == '\n') return kNewline;
    if (is_white_space(c)) return kSpace;
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
        case UTF8PROC_CATEGORY_LU:
            return kUpper;
        case UTF8PROC_CATEGORY_LL:
            return kLower;
        case UTF8PROC_CATEGORY_LT:
            return kTitle;
        case UTF8PROC_CATEGORY_LM:
            return kModifier;
        case UTF8PROC_CATEGORY_LO:
            return kOtherLetter;
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ME:
            return kMark;
        case UTF8PROC_CATEGORY_ND:
            return kDecimal;
        case UTF8PROC_CATEGORY_NL:
            return kLetterNumber;
        case UTF8PROC_CATEGORY_NO:
            return kOtherNumber;
        case UTF8PROC_CATEGORY_PC:
            return kConnector;
        case UTF8PROC_CATEGORY_PD:
        case UTF8PROC_CATEGORY_PS:
        case UTF8PROC_CATEGORY_PE:
        case UTF8PROC_CATEGORY_PI:
        case UTF8PROC_CATEGORY_PF:
        case UTF8PROC_CATEGORY_PO:
            return kOtherPunct;
        case UTF8PROC_CATEGORY_SM:
        case UTF8PROC_CATEGORY_SC:
        case UTF8PROC_CATEGORY_SK:
        case UTF8PROC_CATEGORY_SO:
            return kSymbol;
        default:
            return kUnclassified;
    }
}

const std::array<CodeClass, 128>& ascii_classes() {
    static const std::array<CodeClass, 128> table = [] {
        std::array<CodeClass, 128> t{};
        for (std::uint32_t c = 0; c < t.size(); ++c)
            t[c] = classify(c);
        return t;
    }();
    return table;
}

}  // namespace

CodeClass code_class(std::uint32_t code_point) {
    return code_point < 0x80 ? ascii_classes()[code_point] : classify(code_point);
}

CodePoint code_point_at(std::string_view text, std::size_t i) {
    const auto b = static_cast<std::uint8_t>(text[i]);
    if (b < 0x80) return {b, ascii_classes()[b], 1};
    const Utf8CodePoint c = decode_utf8(text, i);
    if (c.kind != Utf8Kind::kValid) return {c.value, kUnclassified, c.length};
    return {c.value, classify(c.value), c.length};
}

}  // namespace gyre
