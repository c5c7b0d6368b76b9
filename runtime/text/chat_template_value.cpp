// Making values, and what Python does with values of any kind: truth, order, str and repr.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/chat_template_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "runtime/text/chat_template_strings.h"

namespace gyre::chat {

Status Budget::spend(std::uint64_t steps) {
    spent_ += std::min(steps, limits_.steps + 1);
    if (spent_ <= limits_.steps) return {};
    return Status::unsupported("the template takes more than " + std::to_string(limits_.steps) +
                               " steps");
}

Status Budget::take(std::size_t bytes) {
    if (bytes > limits_.memory_bytes - taken_) {
        return Status::unsupported("the template takes more than " +
                                   std::to_string(limits_.memory_bytes >> 20) + " MiB of memory");
    }
    taken_ += bytes;
    return {};
}

const MarkedText* text_of(const Value& value) {
    const auto* text = get<std::shared_ptr<const Text>>(value);
    return text == nullptr ? nullptr : &(*text)->text;
}

const List* list_of(const Value& value) {
    const auto* list = get<std::shared_ptr<const List>>(value);
    return list == nullptr ? nullptr : list->get();
}

const Dict* dict_of(const Value& value) {
    const auto* dict = get<std::shared_ptr<const Dict>>(value);
    return dict == nullptr ? nullptr : dict->get();
}

namespace {

int nesting_of(const Value& value) {
    if (const List* list = list_of(value)) return list->nesting;
    if (const Dict* dict = dict_of(value)) return dict->nesting;
    if (const auto* loop = get<std::shared_ptr<const Loop>>(value))
        return (*loop)->items->nesting + 1;
    return 0;
}

Status check_nesting(int nesting) {
    if (nesting <= kMaxNesting) return {};
    return Status::invalid_argument("lists and dicts are nested more than " +
                                    std::to_string(kMaxNesting) + " deep");
}

}  // namespace

Value make_text(std::string bytes, bool marked) {
    return std::make_shared<const Text>(Text{MarkedText(std::move(bytes), marked), {}, false});
}

Result<Value> make_text(Budget& budget, const MarkedText& text) {
    TextBuilder builder(budget);
    builder.add(text);
    return builder.finish();
}

Result<Value> make_list(std::vector<Value> items, ListKind kind) {
    int nesting = 1;
    for (const Value& item : items)
        nesting = std::max(nesting, nesting_of(item) + 1);
    GYRE_TRY(check_nesting(nesting));
    return Value(std::make_shared<const List>(List{std::move(items), kind, nesting, {}, false}));
}

Result<Value> make_dict(const std::vector<std::pair<std::string, Value>>& entries) {
    Dict dict;
    for (const auto& [key, value] : entries) {
        dict.nesting = std::max(dict.nesting, nesting_of(value) + 1);
        dict.entries.emplace_back(make_text(key, false), value);
    }
    GYRE_TRY(check_nesting(dict.nesting));
    return Value(std::make_shared<const Dict>(std::move(dict)));
}

Value undefined(std::string why) {
    return Undefined{std::make_shared<const std::string>(std::move(why))};
}

Status undefined_error(const Value& value) {
    const auto* missing = get<Undefined>(value);
    const bool known = missing != nullptr && missing->why != nullptr;
    return Status::invalid_argument(known ? *missing->why : "a value is undefined");
}

void TextBuilder::charge(std::size_t bytes_before) {
    const std::size_t n = text_.memory_bytes() - bytes_before;
    status_ = budget_->spend(n / 64);
    if (status_.ok()) status_ = charge_.grow(n);
}

void TextBuilder::add(std::string_view bytes, bool marked) {
    if (!status_.ok()) return;
    const std::size_t before = text_.memory_bytes();
    text_.append(bytes, marked);
    charge(before);
}

void TextBuilder::add(const MarkedText& text, std::size_t begin, std::size_t end) {
    if (!status_.ok()) return;
    const std::size_t before = text_.memory_bytes();
    text_.append(text, begin, end);
    charge(before);
}

Result<Value> TextBuilder::finish(bool safe) {
    GYRE_TRY(status_);
    GYRE_TRY(charge_.grow(sizeof(Text)));
    return Value(std::make_shared<const Text>(Text{std::move(text_), std::move(charge_), safe}));
}

void ListBuilder::add(Value value) {
    if (status_.ok()) status_ = budget_->spend(1);
    if (status_.ok()) status_ = charge_.grow(sizeof(Value));
    if (!status_.ok()) return;
    nesting_ = std::max(nesting_, nesting_of(value) + 1);
    items_.push_back(std::move(value));
}

Result<Value> ListBuilder::finish(ListKind kind) {
    GYRE_TRY(status_);
    GYRE_TRY(check_nesting(nesting_));
    GYRE_TRY(charge_.grow(sizeof(List)));
    return Value(std::make_shared<const List>(
        List{std::move(items_), kind, nesting_, std::move(charge_), false}));
}

void DictBuilder::add(Value key, Value value) {
    if (status_.ok() && (is_undefined(key) || list_of(key) != nullptr || dict_of(key) != nullptr)) {
        status_ =
            is_undefined(key)
                ? undefined_error(key)
                : Status::invalid_argument(std::string("a ") + type_name(key) + " cannot be a key");
    }
    if (status_.ok()) status_ = budget_->spend(1);
    if (status_.ok()) status_ = charge_.grow(2 * sizeof(Value));
    nesting_ = std::max(nesting_, nesting_of(value) + 1);
    for (std::size_t i = 0; status_.ok() && i < entries_.size(); ++i) {
        const Result<bool> same = equals(*budget_, entries_[i].first, key);
        status_ = same.status();
        if (same.ok() && same.value()) {
            entries_[i].second = std::move(value);
            return;
        }
    }
    if (status_.ok()) entries_.emplace_back(std::move(key), std::move(value));
}

Result<Value> DictBuilder::finish() {
    GYRE_TRY(status_);
    GYRE_TRY(check_nesting(nesting_));
    GYRE_TRY(charge_.grow(sizeof(Dict)));
    return Value(
        std::make_shared<const Dict>(Dict{std::move(entries_), nesting_, std::move(charge_)}));
}

const char* type_name(const Value& value) {
    constexpr const char* kNames[] = {"undefined value", "NoneType", "bool",    "int",
                                      "float",           "str",      "list",    "dict",
                                      "namespace",       "loop",     "function"};
    static_assert(std::variant_size_v<Value> == std::size(kNames));
    if (const List* list = list_of(value)) {
        constexpr const char* kLists[] = {"list", "tuple", "range", "view", "generator"};
        return kLists[static_cast<std::size_t>(list->kind)];
    }
    return kNames[value.index()];
}

bool is_true(const Value& value) {
    if (const auto* truth = get<bool>(value)) return *truth;
    if (const auto* whole = get<std::int64_t>(value)) return *whole != 0;
    if (const auto* number = get<double>(value)) return *number != 0.0;
    if (const MarkedText* text = text_of(value)) return !text->empty();
    if (const List* list = list_of(value))
        return !list->items.empty() || list->kind == ListKind::kOnce;
    if (const Dict* dict = dict_of(value)) return !dict->entries.empty();
    return !is_undefined(value) && !is_none(value);
}

namespace {

// A bool counts as a number.
std::optional<double> as_double(const Value& value) {
    if (const auto* truth = get<bool>(value)) return *truth ? 1.0 : 0.0;
    if (const auto* whole = get<std::int64_t>(value)) return static_cast<double>(*whole);
    if (const auto* number = get<double>(value)) return *number;
    return std::nullopt;
}

std::optional<std::int64_t> as_whole(const Value& value) {
    if (const auto* truth = get<bool>(value)) return *truth ? 1 : 0;
    if (const auto* whole = get<std::int64_t>(value)) return *whole;
    return std::nullopt;
}

Result<bool> equal_lists(Budget& budget, const List& a, const List& b) {
    if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
    if (a.kind == ListKind::kView || a.kind == ListKind::kOnce) return &a == &b;
    for (std::size_t i = 0; i < a.items.size(); ++i) {
        GYRE_ASSIGN(const bool same, equals(budget, a.items[i], b.items[i]));
        if (!same) return false;
    }
    return true;
}

Result<bool> equal_dicts(Budget& budget, const Dict& a, const Dict& b) {
    if (a.entries.size() != b.entries.size()) return false;
    for (const auto& [key, value] : a.entries) {
        GYRE_ASSIGN(const Value* other, find_key(budget, b, key));
        if (other == nullptr) return false;
        GYRE_ASSIGN(const bool same, equals(budget, value, *other));
        if (!same) return false;
    }
    return true;
}

}  // namespace

Result<bool> equals(Budget& budget, const Value& a, const Value& b) {
    GYRE_TRY(budget.spend(1));
    const auto whole_a = as_whole(a), whole_b = as_whole(b);
    if (whole_a && whole_b) return *whole_a == *whole_b;
    const auto number_a = as_double(a), number_b = as_double(b);
    if (number_a && number_b) return *number_a == *number_b;
    if (a.index() != b.index()) return false;
    if (const MarkedText* text = text_of(a)) {
        const MarkedText& other = *text_of(b);
        if (text->size() != other.size()) return false;
        GYRE_TRY(budget.spend_bytes(text->size()));
        return text->bytes() == other.bytes();
    }
    if (const List* list = list_of(a)) return equal_lists(budget, *list, *list_of(b));
    if (const Dict* dict = dict_of(a)) return equal_dicts(budget, *dict, *dict_of(b));
    if (is_undefined(a) || is_none(a)) return true;
    if (const auto* space = get<std::shared_ptr<Namespace>>(a)) {
        return *space == std::get<std::shared_ptr<Namespace>>(b);
    }
    if (const auto* callable = get<std::shared_ptr<const Callable>>(a)) {
        return *callable == std::get<std::shared_ptr<const Callable>>(b);
    }
    return std::get<std::shared_ptr<const Loop>>(a) == std::get<std::shared_ptr<const Loop>>(b);
}

Result<bool> less(Budget& budget, const Value& a, const Value& b) {
    GYRE_TRY(budget.spend(1));
    const auto whole_a = as_whole(a), whole_b = as_whole(b);
    if (whole_a && whole_b) return *whole_a < *whole_b;
    const auto number_a = as_double(a), number_b = as_double(b);
    if (number_a && number_b) return *number_a < *number_b;
    const MarkedText* text_a = text_of(a);
    const MarkedText* text_b = text_of(b);
    if (text_a != nullptr && text_b != nullptr) {
        GYRE_TRY(budget.spend_bytes(std::min(text_a->size(), text_b->size())));
        return text_a->bytes() < text_b->bytes();  // the order of UTF-8 is that of code points
    }
    const List* list_a = list_of(a);
    const List* list_b = list_of(b);
    if (list_a != nullptr && list_b != nullptr && list_a->kind == list_b->kind &&
        list_a->kind <= ListKind::kTuple) {
        const std::size_t n = std::min(list_a->items.size(), list_b->items.size());
        for (std::size_t i = 0; i < n; ++i) {
            GYRE_ASSIGN(const bool same, equals(budget, list_a->items[i], list_b->items[i]));
            if (!same) return less(budget, list_a->items[i], list_b->items[i]);
        }
        return list_a->items.size() < list_b->items.size();
    }
    if (is_undefined(a)) return undefined_error(a);
    if (is_undefined(b)) return undefined_error(b);
    return Status::invalid_argument(std::string(type_name(a)) + " and " + type_name(b) +
                                    " have no order");
}

Result<const Value*> find_key(Budget& budget, const Dict& dict, const Value& key) {
    for (const auto& [name, value] : dict.entries) {
        GYRE_ASSIGN(const bool same, equals(budget, name, key));
        if (same) return &value;
    }
    return static_cast<const Value*>(nullptr);
}

const Value* find_key(const Dict& dict, std::string_view key) {
    for (const auto& [name, value] : dict.entries) {
        const MarkedText* text = text_of(name);
        if (text != nullptr && text->bytes() == key) return &value;
    }
    return nullptr;
}

Result<std::shared_ptr<const List>> iterate(Budget& budget, const Value& value) {
    ListBuilder items(budget);
    if (const auto* list = get<std::shared_ptr<const List>>(value)) {
        if ((*list)->kind != ListKind::kOnce || !std::exchange((*list)->used_up, true))
            return *list;
    }
    if (const MarkedText* text = text_of(value)) {
        for (std::size_t at = 0; at < text->size() && items.status().ok();) {
            const std::size_t next = next_character(text->bytes(), at);
            GYRE_ASSIGN(Value character, make_text(budget, text->slice(at, next)));
            items.add(std::move(character));
            at = next;
        }
    } else if (const Dict* dict = dict_of(value)) {
        for (const auto& entry : dict->entries)
            items.add(entry.first);
    } else if (!is_undefined(value) && list_of(value) == nullptr) {
        return Status::invalid_argument(std::string("a ") + type_name(value) +
                                        " cannot be looped over");
    }
    GYRE_ASSIGN(const Value made, items.finish());
    return std::get<std::shared_ptr<const List>>(made);
}

}  // namespace gyre::chat
