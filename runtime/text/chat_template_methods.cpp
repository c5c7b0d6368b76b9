// Attributes, items and methods of values.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "runtime/text/chat_template_ast.h"
#include "runtime/text/chat_template_builtins.h"
#include "runtime/text/chat_template_strings.h"
#include "runtime/text/chat_template_text_filters.h"

namespace gyre::chat {
namespace {

constexpr std::string_view kTextMethods[] = {
    "capitalize", "count",        "endswith",     "find",    "isdigit", "join",   "lower",
    "lstrip",     "removeprefix", "removesuffix", "replace", "rfind",   "rsplit", "rstrip",
    "split",      "splitlines",   "startswith",   "strip",   "title",   "upper"};
constexpr std::string_view kDictMethods[] = {"get", "items", "keys", "values"};
constexpr std::string_view kListMethods[] = {"count", "index"};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::string_view (&names)[N]) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

using TextMethod = Result<Value> (*)(Machine&, const MarkedText&, std::string_view,
                                     const Arguments&);

Result<Value> strip_method(Machine& machine, const MarkedText& text, std::string_view name,
                           const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"chars"}));
    GYRE_TRY(machine.budget.spend_bytes(text.size()));
    std::string_view characters;
    const bool given = bound[0] && !is_none(*bound[0]);
    if (given) {
        GYRE_ASSIGN(const MarkedText* chars, need_text(name, *bound[0]));
        characters = chars->bytes();
        GYRE_TRY(machine.budget.spend(search_steps(text.bytes(), characters)));
    }
    const Range kept =
        strip(text.bytes(), given ? &characters : nullptr, name != "rstrip", name != "lstrip");
    return make_text(machine.budget, text.slice(kept.begin, kept.end));
}

Result<Value> case_method(Machine& machine, const MarkedText& text, std::string_view name,
                          const Arguments& arguments) {
    GYRE_TRY(bind(name, arguments, {}).status());
    const Case wanted = name == "upper"   ? Case::kUpper
                        : name == "lower" ? Case::kLower
                        : name == "title" ? Case::kTitle
                                          : Case::kCapitalize;
    GYRE_TRY(machine.budget.spend(1 + text.size() / 8));
    Charge made(&machine.budget, 0);
    GYRE_TRY(made.grow(2 * text.memory_bytes()));  // ahead of what is made
    return make_text(machine.budget, with_case(text, wanted));
}

Result<Value> ends_method(Machine& machine, const MarkedText& text, std::string_view name,
                          const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"part"}, 1));
    const List* several = list_of(*bound[0]);
    const std::size_t n =
        several != nullptr && several->kind == ListKind::kTuple ? several->items.size() : 1;
    for (std::size_t i = 0; i < n; ++i) {
        const Value& part =
            several != nullptr && several->kind == ListKind::kTuple ? several->items[i] : *bound[0];
        GYRE_ASSIGN(const MarkedText* wanted, need_text(name, part));
        GYRE_TRY(machine.budget.spend_bytes(wanted->size()));
        const bool found = name == "startswith" ? text.bytes().starts_with(wanted->bytes())
                                                : text.bytes().ends_with(wanted->bytes());
        if (found) return Value(true);
    }
    return Value(false);
}

Result<Value> remove_method(Machine& machine, const MarkedText& text, std::string_view name,
                            const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"part"}, 1));
    GYRE_ASSIGN(const MarkedText* part, need_text(name, *bound[0]));
    const bool front = name == "removeprefix";
    const bool found =
        front ? text.bytes().starts_with(part->bytes()) : text.bytes().ends_with(part->bytes());
    const std::size_t n = found ? part->size() : 0;
    return make_text(machine.budget,
                     front ? text.slice(n, text.size()) : text.slice(0, text.size() - n));
}

Result<Value> texts(Machine& machine, const MarkedText& text, const std::vector<Range>& parts) {
    ListBuilder list(machine.budget);
    for (const Range& part : parts) {
        GYRE_ASSIGN(Value piece, make_text(machine.budget, text.slice(part.begin, part.end)));
        list.add(std::move(piece));
    }
    return list.finish();
}

Result<Value> split_method(Machine& machine, const MarkedText& text, std::string_view name,
                           const Arguments& arguments) {
    GYRE_TRY(machine.budget.spend_bytes(text.size()));
    Charge parts(&machine.budget, 0);
    if (name == "splitlines") {
        GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"keepends"}));
        GYRE_TRY(parts.grow(sizeof(Range) * text.size()));
        return texts(machine, text, split_lines(text.bytes(), flag(bound[0], false)));
    }
    GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"sep", "maxsplit"}));
    GYRE_ASSIGN(const std::int64_t most, whole(bound[1], -1));
    std::string_view separator;
    const bool given = bound[0] && !is_none(*bound[0]);
    if (given) {
        GYRE_ASSIGN(const MarkedText* by, need_text(name, *bound[0]));
        separator = by->bytes();
        if (separator.empty()) return Status::invalid_argument("'split' with an empty separator");
        GYRE_TRY(machine.budget.spend(search_steps(text.bytes(), separator)));
    }
    GYRE_TRY(
        parts.grow(sizeof(Range) * (text.size() / std::max<std::size_t>(2, separator.size()))));
    return texts(machine, text,
                 split(text.bytes(), given ? &separator : nullptr, most, name == "rsplit"));
}

Result<Value> find_method(Machine& machine, const MarkedText& text, std::string_view name,
                          const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"part"}, 1));
    GYRE_ASSIGN(const MarkedText* part, need_text(name, *bound[0]));
    const std::string& bytes = text.bytes();
    GYRE_TRY(machine.budget.spend(search_steps(bytes, part->bytes())));
    if (name == "count") {
        if (part->empty()) return Value(static_cast<std::int64_t>(count_characters(bytes) + 1));
        std::int64_t n = 0;
        for (std::size_t at = bytes.find(part->bytes()); at != bytes.npos;
             at = bytes.find(part->bytes(), at + part->size()))
            ++n;
        return Value(n);
    }
    const std::size_t at = name == "find" ? bytes.find(part->bytes()) : bytes.rfind(part->bytes());
    if (at == bytes.npos) return Value(std::int64_t{-1});
    return Value(
        static_cast<std::int64_t>(count_characters(std::string_view(bytes).substr(0, at))));
}

Result<Value> replace_method(Machine& machine, const MarkedText& text, std::string_view name,
                             const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"old", "new", "count"}, 2));
    GYRE_ASSIGN(const MarkedText* from, need_text(name, *bound[0]));
    GYRE_ASSIGN(const MarkedText* to, need_text(name, *bound[1]));
    GYRE_ASSIGN(const std::int64_t most, whole(bound[2], -1));
    return replace(machine, text, *from, *to, most);
}

Result<Value> join_method(Machine& machine, const MarkedText& text, std::string_view name,
                          const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"iterable"}, 1));
    GYRE_ASSIGN(const auto items, iterate(machine.budget, *bound[0]));
    for (const Value& item : items->items)
        GYRE_TRY(need_text(name, item).status());
    return join_items(machine, text, items->items);
}

Result<Value> isdigit_method(Machine& machine, const MarkedText& text, std::string_view name,
                             const Arguments& arguments) {
    GYRE_TRY(bind(name, arguments, {}).status());
    GYRE_TRY(machine.budget.spend_bytes(text.size()));
    const bool digits = text.bytes().find_first_not_of("0123456789") == std::string::npos;
    return Value(digits && !text.empty());
}

TextMethod find_text_method(std::string_view name) {
    if (name.ends_with("strip")) return strip_method;
    if (name == "startswith" || name == "endswith") return ends_method;
    if (name.starts_with("remove")) return remove_method;
    if (name == "split" || name == "rsplit" || name == "splitlines") return split_method;
    if (name.ends_with("find") || name == "count") return find_method;
    if (name == "replace") return replace_method;
    if (name == "join") return join_method;
    if (name == "isdigit") return isdigit_method;
    return case_method;
}

Result<Value> dict_method(Machine& machine, const Dict& dict, std::string_view name,
                          const Arguments& arguments) {
    if (name == "get") {
        GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"key", "default"}, 1));
        if (is_undefined(*bound[0])) return bound[1] ? *bound[1] : Value(None{});
        GYRE_ASSIGN(const Value* found, find_key(machine.budget, dict, *bound[0]));
        if (found != nullptr) return *found;
        return bound[1] ? *bound[1] : Value(None{});
    }
    GYRE_TRY(bind(name, arguments, {}).status());
    ListBuilder list(machine.budget);
    for (const auto& [key, value] : dict.entries) {
        if (name != "items") {
            list.add(name == "keys" ? key : value);
            continue;
        }
        ListBuilder pair(machine.budget);
        pair.add(key);
        pair.add(value);
        GYRE_ASSIGN(Value made, pair.finish(ListKind::kTuple));
        list.add(std::move(made));
    }
    return list.finish(ListKind::kView);
}

Result<Value> list_method(Machine& machine, const List& list, std::string_view name,
                          const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind(name, arguments, {"value"}, 1));
    std::int64_t n = 0;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
        GYRE_ASSIGN(const bool same, equals(machine.budget, list.items[i], *bound[0]));
        if (same && name == "index") return Value(static_cast<std::int64_t>(i));
        n += same ? 1 : 0;
    }
    if (name == "index") return Status::invalid_argument("'index' does not find the value");
    return Value(n);
}

Value has_no(const Value& value, std::string_view name) {
    return undefined(std::string("a ") + type_name(value) + " has no '" + std::string(name) + "'");
}

Value method(const Value& value, std::string_view name) {
    return std::make_shared<const Callable>(
        Callable{Callable::Kind::kMethod, std::string(name), value, nullptr, nullptr, {}});
}

Value loop_attribute(const Loop& loop, const Value& value, std::string_view name) {
    const std::vector<Value>& items = loop.items->items;
    const auto number = [](std::size_t n) { return Value(static_cast<std::int64_t>(n)); };
    if (name == "index0") return number(loop.index0);
    if (name == "index") return number(loop.index0 + 1);
    if (name == "first") return loop.index0 == 0;
    if (name == "last") return loop.index0 + 1 == items.size();
    if (name == "length") return number(items.size());
    if (name == "revindex") return number(items.size() - loop.index0);
    if (name == "revindex0") return number(items.size() - loop.index0 - 1);
    if (name == "depth") return number(1);  // of recursion, which there is none of
    if (name == "depth0") return number(0);
    if (name == "previtem")
        return loop.index0 == 0 ? undefined("there is no previous item") : items[loop.index0 - 1];
    if (name == "nextitem") {
        return loop.index0 + 1 == items.size() ? undefined("there is no next item")
                                               : items[loop.index0 + 1];
    }
    return has_no(value, name);
}

const Value* entry_of(const Namespace& space, std::string_view name) {
    for (const auto& [key, value] : space.entries) {
        if (key == name) return &value;
    }
    return nullptr;
}

}  // namespace

bool has_method(const Value& value, std::string_view name) {
    if (text_of(value) != nullptr) return is_one_of(name, kTextMethods);
    if (dict_of(value) != nullptr) return is_one_of(name, kDictMethods);
    const List* list = list_of(value);
    return list != nullptr && list->kind <= ListKind::kRange && is_one_of(name, kListMethods);
}

Result<Value> call_method(Machine& machine, const Value& self, std::string_view name,
                          const Arguments& arguments) {
    if (const MarkedText* text = text_of(self))
        return find_text_method(name)(machine, *text, name, arguments);
    if (const Dict* dict = dict_of(self)) return dict_method(machine, *dict, name, arguments);
    return list_method(machine, *list_of(self), name, arguments);
}

Result<Value> attribute_of(Machine& machine, const Value& value, std::string_view name) {
    if (is_undefined(value)) return undefined_error(value);
    if (has_method(value, name)) return method(value, name);
    if (const Dict* dict = dict_of(value)) {
        // Python's methods come first, also those that a template may not call.
        constexpr std::string_view kOthers[] = {"clear",   "copy",       "fromkeys", "pop",
                                                "popitem", "setdefault", "update"};
        GYRE_TRY(machine.budget.spend(1 + dict->entries.size() / 4));
        const Value* found = is_one_of(name, kOthers) ? nullptr : find_key(*dict, name);
        return found == nullptr ? has_no(value, name) : *found;
    }
    if (const auto* space = get<std::shared_ptr<Namespace>>(value)) {
        GYRE_TRY(machine.budget.spend(1 + (*space)->entries.size() / 4));
        const Value* found = entry_of(**space, name);
        return found == nullptr ? has_no(value, name) : *found;
    }
    if (const auto* loop = get<std::shared_ptr<const Loop>>(value))
        return loop_attribute(**loop, value, name);
    return has_no(value, name);
}

Result<Value> item_of(Machine& machine, const Value& value, const Value& key) {
    if (is_undefined(value)) return undefined_error(value);
    const MarkedText* name = text_of(key);
    if (const Dict* dict = dict_of(value)) {
        GYRE_ASSIGN(const Value* found, find_key(machine.budget, *dict, key));
        if (found != nullptr) return *found;
        if (name != nullptr && has_method(value, name->bytes()))
            return method(value, name->bytes());
        return has_no(value, name != nullptr ? name->bytes() : "such key");
    }
    if (name != nullptr) return attribute_of(machine, value, name->bytes());
    const MarkedText* text = text_of(value);
    const List* list = list_of(value);
    const bool has_items = text != nullptr || (list != nullptr && list->kind <= ListKind::kRange);
    const bool is_index = get<bool>(key) != nullptr || get<std::int64_t>(key) != nullptr;
    if (!has_items || !is_index) return has_no(value, "such item");
    GYRE_ASSIGN(std::int64_t index, whole(key, 0));
    if (text != nullptr) GYRE_TRY(machine.budget.spend_bytes(text->size()));
    const auto n = static_cast<std::int64_t>(text != nullptr ? count_characters(text->bytes())
                                                             : list->items.size());
    if (index < -n || index >= n) return has_no(value, "item " + std::to_string(index));
    if (index < 0) index += n;
    if (list != nullptr) return list->items[static_cast<std::size_t>(index)];
    return make_text(machine.budget,
                     slice(*text, SliceItems{static_cast<std::size_t>(index), 1, 1}));
}

}  // namespace gyre::chat
