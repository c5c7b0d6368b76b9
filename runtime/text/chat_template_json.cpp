// The filter tojson: Python's json.dumps.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "runtime/text/chat_template_builtins.h"
#include "runtime/text/chat_template_strings.h"
#include "runtime/text/utf8.h"

namespace gyre::chat {
namespace {

class JsonWriter {
  public:
    JsonWriter(Machine& machine, const JsonStyle& style)
        : machine_(machine), style_(style), out_(machine.budget) {}

    Result<Value> write(const Value& value) {
        GYRE_TRY(add(value, 0));
        return out_.finish();
    }

  private:
    Status add(const Value& value, int level);
    Status add_list(const List& list, int level);
    Status add_dict(const Dict& dict, int level);
    Result<Value> key_text(const Value& key);
    void add_string(const MarkedText& text);
    std::string escaped(std::uint32_t c) const;
    void line(int level);
    static std::string number(double number);

    Machine& machine_;
    const JsonStyle& style_;
    TextBuilder out_;
};

std::string hex4(std::uint32_t unit) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string text = "\\u";
    for (unsigned shift = 16; shift > 0; shift -= 4)
        text += kHex[(unit >> (shift - 4)) & 15u];
    return text;
}

// "" where the character stays as it is.
std::string JsonWriter::escaped(std::uint32_t c) const {
    constexpr std::string_view kFrom = "\"\\\n\r\t\f\b";
    constexpr std::string_view kTo = "\"\\nrtfb";
    if (c < 0x80) {
        const std::size_t at = kFrom.find(static_cast<char>(c));
        if (at != kFrom.npos) return {'\\', kTo[at]};
        return c < 0x20 ? hex4(c) : "";
    }
    if (!style_.ensure_ascii) return "";
    if (c < 0x10000) return hex4(c);
    return hex4(0xD800 + ((c - 0x10000) >> 10)) + hex4(0xDC00 + ((c - 0x10000) & 0x3FF));
}

void JsonWriter::add_string(const MarkedText& text) {
    out_.add("\"");
    const std::string_view bytes = text.bytes();
    std::size_t plain = 0;  // where what needs no escape begins
    for (std::size_t at = 0; at < bytes.size() && out_.status().ok();) {
        const Utf8CodePoint c = decode_utf8(bytes, at);
        const std::size_t next = next_character(bytes, at);
        const std::string replacement = escaped(c.value);
        if (!replacement.empty()) {
            out_.add(text, plain, at);
            out_.add(replacement, text.is_marked(at));
            plain = next;
        }
        at = next;
    }
    out_.add(text, std::min(plain, bytes.size()), bytes.size());
    out_.add("\"");
}

void JsonWriter::line(int level) {
    if (!style_.indent) return;
    out_.add("\n");
    for (int i = 0; i < level; ++i)
        out_.add(*style_.indent);
}

std::string JsonWriter::number(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return number_repr(number);
}

Status JsonWriter::add_list(const List& list, int level) {
    if (list.items.empty()) {
        out_.add("[]");
        return {};
    }
    out_.add("[");
    for (std::size_t i = 0; i < list.items.size(); ++i) {
        if (i > 0) out_.add(style_.item_separator);
        line(level + 1);
        GYRE_TRY(add(list.items[i], level + 1));
    }
    line(level);
    out_.add("]");
    return {};
}

Result<Value> JsonWriter::key_text(const Value& key) {
    if (text_of(key) != nullptr) return key;
    if (is_none(key)) return make_text("null", false);
    if (const auto* truth = get<bool>(key)) return make_text(*truth ? "true" : "false", false);
    if (const auto* whole = get<std::int64_t>(key)) return make_text(std::to_string(*whole), false);
    if (const auto* fraction = get<double>(key)) return make_text(number(*fraction), false);
    return Status::invalid_argument(std::string("JSON has no key that is a ") + type_name(key));
}

Status JsonWriter::add_dict(const Dict& dict, int level) {
    if (dict.entries.empty()) {
        out_.add("{}");
        return {};
    }
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries)
        entries.push_back(&entry);
    if (style_.sort_keys) {
        Status failed;
        GYRE_TRY(machine_.budget.spend(entries.size() * 20));
        std::stable_sort(entries.begin(), entries.end(), [&](const auto* a, const auto* b) {
            const Result<bool> before = less(machine_.budget, a->first, b->first);
            if (!before.ok()) failed = before.status();
            return before.ok() && before.value();
        });
        GYRE_TRY(failed);
    }
    out_.add("{");
    bool first = true;
    for (const auto* entry : entries) {
        if (!first) out_.add(style_.item_separator);
        first = false;
        line(level + 1);
        GYRE_ASSIGN(const Value key, key_text(entry->first));
        add_string(*text_of(key));
        out_.add(style_.key_separator);
        GYRE_TRY(add(entry->second, level + 1));
    }
    line(level);
    out_.add("}");
    return {};
}

Status JsonWriter::add(const Value& value, int level) {
    GYRE_TRY(out_.status());
    GYRE_TRY(machine_.budget.spend(1));
    if (const MarkedText* text = text_of(value)) {
        add_string(*text);
    } else if (is_none(value)) {
        out_.add("null");
    } else if (const auto* truth = get<bool>(value)) {
        out_.add(*truth ? "true" : "false");
    } else if (const auto* whole = get<std::int64_t>(value)) {
        out_.add(std::to_string(*whole));
    } else if (const auto* fraction = get<double>(value)) {
        out_.add(number(*fraction));
    } else if (const List* list = list_of(value);
               list != nullptr && list->kind <= ListKind::kTuple) {
        return add_list(*list, level);
    } else if (const Dict* dict = dict_of(value)) {
        return add_dict(*dict, level);
    } else {
        return Status::invalid_argument(std::string("JSON has no ") + type_name(value));
    }
    return out_.status();
}

}  // namespace

Result<Value> to_json(Machine& machine, const Value& value, const JsonStyle& style) {
    return JsonWriter(machine, style).write(value);
}

}  // namespace gyre::chat
