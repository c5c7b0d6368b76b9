// str and repr of values, as Python writes them.
// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <string>

#include "runtime/text/chat_template_strings.h"
#include "runtime/text/chat_template_value.h"
#include "runtime/text/utf8.h"

namespace gyre::chat {
namespace {

void add_quoted(const MarkedText& text, TextBuilder& out) {
    const std::string_view bytes = text.bytes();
    const bool single = bytes.find('\'') == bytes.npos || bytes.find('"') != bytes.npos;
    const char quote = single ? '\'' : '"';
    out.add(std::string_view(&quote, 1));
    for (std::size_t at = 0; at < bytes.size() && out.status().ok();) {
        const Utf8CodePoint c = decode_utf8(bytes, at);
        const std::size_t next = next_character(bytes, at);
        const std::string escaped =
            c.kind == Utf8Kind::kValid ? escaped_for_repr(c.value, quote) : "";
        if (escaped.empty()) {
            out.add(text, at, next);
        } else {
            out.add(escaped, text.is_marked(at));
        }
        at = next;
    }
    out.add(std::string_view(&quote, 1));
}

void add_list(const List& list, TextBuilder& out) {
    if (list.kind == ListKind::kOnce || list.kind == ListKind::kView) {
        return out.add(list.kind == ListKind::kOnce ? "<generator object>" : "<view>");
    }
    const bool tuple = list.kind == ListKind::kTuple;
    out.add(tuple ? "(" : "[");
    for (std::size_t i = 0; i < list.items.size() && out.status().ok(); ++i) {
        if (i > 0) out.add(", ");
        add_repr(list.items[i], out);
    }
    out.add(!tuple ? "]" : list.items.size() == 1 ? ",)" : ")");
}

void add_range(const List& list, TextBuilder& out) {
    const std::size_t n = list.items.size();
    const auto at = [&](std::size_t i) { return std::get<std::int64_t>(list.items[i]); };
    const std::int64_t step = n > 1 ? at(1) - at(0) : 1;
    const std::int64_t first = n > 0 ? at(0) : 0;
    const std::int64_t stop = n > 0 ? at(n - 1) + step : 0;
    out.add("range(" + std::to_string(first) + ", " + std::to_string(stop));
    out.add(step == 1 ? ")" : ", " + std::to_string(step) + ")");
}

void add_dict(const Dict& dict, TextBuilder& out) {
    out.add("{");
    bool first = true;
    for (const auto& [key, value] : dict.entries) {
        if (!out.status().ok()) return;
        if (!first) out.add(", ");
        first = false;
        add_repr(key, out);
        out.add(": ");
        add_repr(value, out);
    }
    out.add("}");
}

}  // namespace

// The shortest digits that read back as the same number; an exponent from 1e16 on and below 1e-4.
std::string number_repr(double number) {
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
    char buffer[64];
    const double size = std::fabs(number);
    const bool plain = size == 0.0 || (size >= 1e-4 && size < 1e16);
    const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, format).ptr;
    std::string text(buffer, end);
    if (plain && text.find('.') == text.npos) text += ".0";
    return text;
}

void add_repr(const Value& value, TextBuilder& out) {
    if (const MarkedText* text = text_of(value)) return add_quoted(*text, out);
    if (is_undefined(value)) return out.add("Undefined");
    add_str(value, out);
}

void add_str(const Value& value, TextBuilder& out) {
    if (const MarkedText* text = text_of(value)) return out.add(*text);
    if (is_undefined(value)) return;
    if (is_none(value)) return out.add("None");
    if (const auto* truth = get<bool>(value)) return out.add(*truth ? "True" : "False");
    if (const auto* whole = get<std::int64_t>(value)) return out.add(std::to_string(*whole));
    if (const auto* number = get<double>(value)) return out.add(number_repr(*number));
    if (const List* list = list_of(value)) {
        return list->kind == ListKind::kRange ? add_range(*list, out) : add_list(*list, out);
    }
    if (const Dict* dict = dict_of(value)) return add_dict(*dict, out);
    out.add(std::string("<") + type_name(value) + ">");
}

}  // namespace gyre::chat
