// The filters of lists and dicts.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/text/chat_template_builtins.h"
#include "runtime/text/chat_template_strings.h"
#include "runtime/text/chat_template_text_filters.h"

namespace gyre::chat {
namespace {

// value.a.b of an attribute "a.b", in which whole numbers are indices.
Result<Value> attribute_path(Machine& machine, Value value, const Value& path,
                             const Value* otherwise) {
    const MarkedText* text = text_of(path);
    if (text == nullptr) return item_of(machine, value, path);
    const std::string_view dot = ".";
    GYRE_TRY(machine.budget.spend(1 + text->size()));
    for (const Range& part : split(text->bytes(), &dot, -1, false)) {
        const std::string name = text->bytes().substr(part.begin, part.end - part.begin);
        const bool digits = !name.empty() && name.find_first_not_of("0123456789") == name.npos;
        const auto index = digits ? parse_whole(name) : std::nullopt;
        GYRE_ASSIGN(value, item_of(machine, value, index ? Value(*index) : make_text(name, false)));
        if (otherwise != nullptr && is_undefined(value)) value = *otherwise;
    }
    return value;
}

Value without_case(const Value& value) {
    const MarkedText* text = text_of(value);
    return text == nullptr ? value : make_text(with_case(*text, Case::kLower).bytes(), false);
}

Result<Value> length(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("length", arguments, {}).status());
    std::size_t n = 0;
    const List* list = list_of(value);
    if (const MarkedText* text = text_of(value)) {
        GYRE_TRY(machine.budget.spend_bytes(text->size()));
        n = count_characters(text->bytes());
    } else if (list != nullptr && list->kind != ListKind::kOnce) {
        n = list->items.size();
    } else if (const Dict* dict = dict_of(value)) {
        n = dict->entries.size();
    } else if (!is_undefined(value)) {
        return Status::invalid_argument(std::string("a ") + type_name(value) + " has no length");
    }
    return Value(static_cast<std::int64_t>(n));
}

Result<Value> list(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("list", arguments, {}).status());
    GYRE_ASSIGN(const auto items, iterate(machine.budget, value));
    ListBuilder copy(machine.budget);
    for (const Value& item : items->items)
        copy.add(item);
    return copy.finish();
}

Result<Value> first(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("first", arguments, {}).status());
    GYRE_ASSIGN(const auto items, iterate(machine.budget, value));
    return items->items.empty() ? undefined("the first of nothing") : items->items.front();
}

Result<Value> last(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("last", arguments, {}).status());
    const List* once = list_of(value);
    if (once != nullptr && once->kind == ListKind::kOnce) {
        return Status::invalid_argument("'last' needs a list, not a generator");
    }
    if (is_undefined(value)) return undefined_error(value);
    GYRE_ASSIGN(const auto items, iterate(machine.budget, value));
    return items->items.empty() ? undefined("the last of nothing") : items->items.back();
}

Result<Value> reverse(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("reverse", arguments, {}).status());
    GYRE_ASSIGN(const auto items, iterate(machine.budget, value));
    ListBuilder reversed(machine.budget);
    for (auto item = items->items.rbegin(); item != items->items.rend(); ++item)
        reversed.add(*item);
    GYRE_ASSIGN(const Value made, reversed.finish(ListKind::kOnce));
    if (text_of(value) == nullptr) return made;
    return join_items(machine, MarkedText(), list_of(made)->items);
}

Result<Value> default_value(Machine& machine, const Value& value, const Arguments& arguments) {
    (void)machine;
    GYRE_ASSIGN(const Bound bound, bind("default", arguments, {"default_value", "boolean"}));
    const bool replaced = is_undefined(value) || (flag(bound[1], false) && !is_true(value));
    if (!replaced) return value;
    return bound[0] ? *bound[0] : make_text("", false);
}

Result<Value> join(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("join", arguments, {"d", "attribute"}));
    GYRE_ASSIGN(const Value separator, str(machine, bound[0] ? *bound[0] : make_text("", false)));
    GYRE_ASSIGN(const auto items, iterate(machine.budget, value));
    if (!bound[1] || is_none(*bound[1]))
        return join_items(machine, *text_of(separator), items->items);
    ListBuilder attributes(machine.budget);
    for (const Value& item : items->items) {
        GYRE_ASSIGN(Value attribute, attribute_path(machine, item, *bound[1], nullptr));
        attributes.add(std::move(attribute));
    }
    GYRE_ASSIGN(const Value made, attributes.finish());
    return join_items(machine, *text_of(separator), list_of(made)->items);
}

Result<Value> pairs(Machine& machine, const Dict& dict, ListKind kind) {
    ListBuilder all(machine.budget);
    for (const auto& [key, value] : dict.entries) {
        ListBuilder pair(machine.budget);
        pair.add(key);
        pair.add(value);
        GYRE_ASSIGN(Value made, pair.finish(ListKind::kTuple));
        all.add(std::move(made));
    }
    return all.finish(kind);
}

Result<Value> items(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("items", arguments, {}).status());
    if (is_undefined(value)) return ListBuilder(machine.budget).finish(ListKind::kOnce);
    const Dict* dict = dict_of(value);
    if (dict == nullptr) {
        return Status::invalid_argument(std::string("'items' needs a dict, not a ") +
                                        type_name(value));
    }
    return pairs(machine, *dict, ListKind::kOnce);
}

// Stable, by keys that were made of the items.
Result<Value> sort_by(Machine& machine, const std::vector<Value>& values,
                      const std::vector<Value>& keys, bool descending) {
    GYRE_TRY(machine.budget.spend(values.size()));
    std::vector<std::size_t> order(values.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    Status failed;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (!failed.ok()) return false;
        const Result<bool> before = descending ? less(machine.budget, keys[b], keys[a])
                                               : less(machine.budget, keys[a], keys[b]);
        failed = before.status();
        return before.ok() && before.value();
    });
    GYRE_TRY(failed);
    ListBuilder sorted(machine.budget);
    for (const std::size_t i : order)
        sorted.add(values[i]);
    return sorted.finish();
}

Result<Value> sort(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound,
                bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}));
    GYRE_ASSIGN(const auto values, iterate(machine.budget, value));
    std::vector<Value> keys;
    for (const Value& item : values->items) {
        Value key = item;
        if (bound[2] && !is_none(*bound[2])) {
            const MarkedText* path = text_of(*bound[2]);
            if (path != nullptr && path->bytes().find(',') != std::string::npos) {
                return Status::unsupported("'sort' by several attributes");
            }
            GYRE_ASSIGN(key, attribute_path(machine, item, *bound[2], nullptr));
        }
        if (const MarkedText* text = text_of(key))
            GYRE_TRY(machine.budget.spend_bytes(text->size()));
        keys.push_back(flag(bound[1], false) ? key : without_case(key));
    }
    return sort_by(machine, values->items, keys, flag(bound[0], false));
}

Result<Value> dictsort(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound,
                bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}));
    const Dict* dict = dict_of(value);
    if (dict == nullptr) {
        return Status::invalid_argument(std::string("'dictsort' needs a dict, not a ") +
                                        type_name(value));
    }
    const MarkedText* by = bound[1] ? text_of(*bound[1]) : nullptr;
    if (bound[1] && (by == nullptr || (by->bytes() != "key" && by->bytes() != "value"))) {
        return Status::invalid_argument("'dictsort' sorts by 'key' or 'value'");
    }
    std::vector<Value> keys;
    for (const auto& [key, entry] : dict->entries) {
        const Value& chosen = by != nullptr && by->bytes() == "value" ? entry : key;
        keys.push_back(flag(bound[0], false) ? chosen : without_case(chosen));
    }
    GYRE_ASSIGN(const Value all, pairs(machine, *dict, ListKind::kList));
    return sort_by(machine, list_of(all)->items, keys, flag(bound[2], false));
}

Result<Value> unique(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("unique", arguments, {"case_sensitive", "attribute"}));
    GYRE_ASSIGN(const auto values, iterate(machine.budget, value));
    std::vector<Value> seen;
    ListBuilder kept(machine.budget);
    for (const Value& item : values->items) {
        Value key = item;
        if (bound[1] && !is_none(*bound[1])) {
            GYRE_ASSIGN(key, attribute_path(machine, item, *bound[1], nullptr));
        }
        if (!flag(bound[0], false)) key = without_case(key);
        bool is_new = true;
        for (std::size_t i = 0; i < seen.size() && is_new; ++i) {
            GYRE_ASSIGN(const bool same, equals(machine.budget, seen[i], key));
            is_new = !same;
        }
        if (!is_new) continue;
        seen.push_back(std::move(key));
        kept.add(item);
    }
    return kept.finish(ListKind::kOnce);
}

// Arguments from number n on.
Arguments rest_of(const Arguments& arguments, std::size_t n) {
    Arguments rest;
    rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(n),
                           arguments.positional.end());
    rest.named = arguments.named;
    return rest;
}

// What select, map and their kin loop over: nothing for whatever is false, None among it.
Result<std::shared_ptr<const List>> iterate_if_true(Machine& machine, const Value& value) {
    return iterate(machine.budget, is_true(value) ? value : Value(Undefined{}));
}

Result<Value> map(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const auto values, iterate_if_true(machine, value));
    ListBuilder mapped(machine.budget);
    if (arguments.positional.empty()) {
        GYRE_ASSIGN(const Bound bound, bind("map", arguments, {"attribute", "default"}, 1));
        const bool has_default = bound[1] && !is_none(*bound[1]);
        for (const Value& item : values->items) {
            GYRE_ASSIGN(Value made, attribute_path(machine, item, *bound[0],
                                                   has_default ? &*bound[1] : nullptr));
            mapped.add(std::move(made));
        }
        return mapped.finish(ListKind::kOnce);
    }
    GYRE_ASSIGN(const MarkedText* name, need_text("map", arguments.positional[0]));
    const Filter filter = find_filter(name->bytes());
    if (filter == nullptr) return Status::unsupported("the filter '" + name->bytes() + "'");
    if (filter == map) return Status::unsupported("'map' of 'map'");  // as deep as a template likes
    const Arguments rest = rest_of(arguments, 1);
    for (const Value& item : values->items) {
        GYRE_ASSIGN(Value made, filter(machine, item, rest));
        mapped.add(std::move(made));
    }
    return mapped.finish(ListKind::kOnce);
}

// select, reject and their twins for an attribute.
Result<Value> choose(Machine& machine, const Value& value, const Arguments& arguments,
                     bool by_attribute, bool wanted) {
    const char* name = by_attribute ? "selectattr" : "select";
    const std::size_t offset = by_attribute ? 1 : 0;
    if (arguments.positional.size() < offset) {
        return Status::invalid_argument(std::string("'") + name + "' needs an attribute");
    }
    Test test = nullptr;
    Arguments rest;
    if (arguments.positional.size() > offset) {
        GYRE_ASSIGN(const MarkedText* test_name, need_text(name, arguments.positional[offset]));
        test = find_test(test_name->bytes());
        if (test == nullptr) return Status::unsupported("the test '" + test_name->bytes() + "'");
        rest = rest_of(arguments, offset + 1);
    }
    GYRE_ASSIGN(const auto values, iterate_if_true(machine, value));
    ListBuilder kept(machine.budget);
    for (const Value& item : values->items) {
        Value tested = item;
        if (by_attribute) {
            GYRE_ASSIGN(tested, attribute_path(machine, item, arguments.positional[0], nullptr));
        }
        GYRE_TRY(machine.budget.spend(1));
        bool holds = is_true(tested);
        if (test != nullptr) {
            GYRE_ASSIGN(holds, test(machine, tested, rest));
        }
        if (holds == wanted) kept.add(item);
    }
    return kept.finish(ListKind::kOnce);
}

Result<Value> select(Machine& machine, const Value& value, const Arguments& arguments) {
    return choose(machine, value, arguments, false, true);
}
Result<Value> reject(Machine& machine, const Value& value, const Arguments& arguments) {
    return choose(machine, value, arguments, false, false);
}
Result<Value> selectattr(Machine& machine, const Value& value, const Arguments& arguments) {
    return choose(machine, value, arguments, true, true);
}
Result<Value> rejectattr(Machine& machine, const Value& value, const Arguments& arguments) {
    return choose(machine, value, arguments, true, false);
}

}  // namespace

Filter find_filter(std::string_view name) {
    constexpr std::pair<std::string_view, Filter> kFilters[] = {{"count", length},
                                                                {"d", default_value},
                                                                {"default", default_value},
                                                                {"dictsort", dictsort},
                                                                {"first", first},
                                                                {"items", items},
                                                                {"join", join},
                                                                {"last", last},
                                                                {"length", length},
                                                                {"list", list},
                                                                {"map", map},
                                                                {"reject", reject},
                                                                {"rejectattr", rejectattr},
                                                                {"reverse", reverse},
                                                                {"select", select},
                                                                {"selectattr", selectattr},
                                                                {"sort", sort},
                                                                {"unique", unique}};
    const auto* found = std::find_if(std::begin(kFilters), std::end(kFilters),
                                     [&](const auto& filter) { return filter.first == name; });
    return found == std::end(kFilters) ? find_text_filter(name) : found->second;
}

}  // namespace gyre::chat
