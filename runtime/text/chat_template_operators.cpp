// Arithmetic and comparison of values, as Python has them.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "runtime/text/chat_template_builtins.h"
#include "runtime/text/chat_template_strings.h"

namespace gyre::chat {
namespace {

std::optional<std::int64_t> as_whole(const Value& value) {
    if (const auto* truth = get<bool>(value)) return *truth ? 1 : 0;
    if (const auto* number = get<std::int64_t>(value)) return *number;
    return std::nullopt;
}

std::optional<double> as_double(const Value& value) {
    if (const auto number = as_whole(value)) return static_cast<double>(*number);
    if (const auto* number = get<double>(value)) return *number;
    return std::nullopt;
}

Status too_large() {
    return Status::unsupported("a whole number beyond 64 bits");
}

Status no_division_by_zero() {
    return Status::invalid_argument("a division by zero");
}

Status add(std::int64_t a, std::int64_t b, std::int64_t& sum) {
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
    if (b > 0 ? a > kMax - b : a < kMin - b) return too_large();
    sum = a + b;
    return {};
}

Status multiply(std::int64_t a, std::int64_t b, std::int64_t& product) {
    const double size = std::fabs(static_cast<double>(a)) * std::fabs(static_cast<double>(b));
    if (size > 9.2e18) return too_large();  // a little below 2^63, for the rounding of the doubles
    product = a * b;
    return {};
}

Result<Value> power(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) return no_division_by_zero();
        return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    }
    std::int64_t result = 1;
    for (std::int64_t i = 0; i < exponent; ++i) {
        if (i > 64 && (base == 0 || base == 1)) return Value(base);
        if (i > 64 && base == -1) return Value(std::int64_t{exponent % 2 == 0 ? 1 : -1});
        GYRE_TRY(multiply(result, base, result));
    }
    return Value(result);
}

Result<Value> whole_arithmetic(std::string_view op, std::int64_t a, std::int64_t b) {
    constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
    std::int64_t result = 0;
    if (op == "+") {
        GYRE_TRY(add(a, b, result));
    } else if (op == "-") {
        if (b == kMin) return too_large();
        GYRE_TRY(add(a, -b, result));
    } else if (op == "*") {
        GYRE_TRY(multiply(a, b, result));
    } else if (op == "**") {
        return power(a, b);
    } else {
        if (b == 0) return no_division_by_zero();
        if (op == "/") return Value(static_cast<double>(a) / static_cast<double>(b));
        if (a == kMin && b == -1) return too_large();
        const std::int64_t remainder = a % b;
        const bool below = remainder != 0 && (remainder < 0) != (b < 0);  // Python rounds down
        result = op == "//" ? a / b - (below ? 1 : 0) : remainder + (below ? b : 0);
    }
    return Value(result);
}

Result<Value> double_arithmetic(std::string_view op, double a, double b) {
    if (op == "+") return Value(a + b);
    if (op == "-") return Value(a - b);
    if (op == "*") return Value(a * b);
    if (op == "**") return Value(std::pow(a, b));
    if (b == 0.0) return no_division_by_zero();
    if (op == "/") return Value(a / b);
    if (op == "//") return Value(std::floor(a / b));
    const double remainder = std::fmod(a, b);
    return Value(remainder != 0.0 && (remainder < 0) != (b < 0) ? remainder + b : remainder);
}

Result<Value> repeat(Machine& machine, const Value& value, std::int64_t times) {
    if (const MarkedText* text = text_of(value)) {
        TextBuilder out(machine.budget);
        for (std::int64_t i = 0; i < times && !text->empty() && out.status().ok(); ++i) {
            GYRE_TRY(machine.budget.spend(1));
            out.add(*text);
        }
        return out.finish();
    }
    const List& list = *list_of(value);
    ListBuilder out(machine.budget);
    for (std::int64_t i = 0; i < times && !list.items.empty() && out.status().ok(); ++i) {
        for (const Value& item : list.items)
            out.add(item);
    }
    return out.finish(list.kind);
}

bool is_sequence(const Value& value) {
    const List* list = list_of(value);
    return text_of(value) != nullptr || (list != nullptr && list->kind <= ListKind::kTuple);
}

bool is_safe(const Value& value) {
    return std::get<std::shared_ptr<const Text>>(value)->safe;
}

void add_escaped(const MarkedText& text, TextBuilder& out) {
    const std::string& bytes = text.bytes();
    for (std::size_t at = 0; at < bytes.size() && out.status().ok();) {
        const std::size_t next = std::min(bytes.find_first_of("&<>'\"", at), bytes.size());
        out.add(text, at, next);
        if (next == bytes.size()) return;
        const char c = bytes[next];
        const char* name = c == '&'   ? "&amp;"
                           : c == '<' ? "&lt;"
                           : c == '>' ? "&gt;"
                           : c == '"' ? "&#34;"
                                      : "&#39;";
        out.add(name, text.is_marked(next));
        at = next + 1;
    }
}

// Jinja's safe texts stay safe: what comes to them is escaped, in whatever order.
Result<Value> join_texts(Machine& machine, const Value& a, const Value& b) {
    TextBuilder out(machine.budget);
    const bool safe = is_safe(a) || is_safe(b);
    for (const Value* each : {&a, &b}) {
        if (safe && !is_safe(*each)) {
            add_escaped(*text_of(*each), out);
        } else {
            out.add(*text_of(*each));
        }
    }
    return out.finish(safe);
}

Result<Value> join(Machine& machine, const Value& a, const Value& b) {
    if (text_of(a) != nullptr) return join_texts(machine, a, b);
    ListBuilder out(machine.budget);
    for (const Value& item : list_of(a)->items)
        out.add(item);
    for (const Value& item : list_of(b)->items)
        out.add(item);
    return out.finish(list_of(a)->kind);
}

Result<bool> contains(Machine& machine, const Value& item, const Value& container) {
    if (const MarkedText* text = text_of(container)) {
        GYRE_ASSIGN(const MarkedText* part, need_text("in", item));
        GYRE_TRY(machine.budget.spend(search_steps(text->bytes(), part->bytes())));
        return text->bytes().find(part->bytes()) != std::string::npos;
    }
    if (const Dict* dict = dict_of(container)) {
        GYRE_ASSIGN(const Value* found, find_key(machine.budget, *dict, item));
        return found != nullptr;
    }
    GYRE_ASSIGN(const auto items, iterate(machine.budget, container));
    for (const Value& each : items->items) {
        GYRE_ASSIGN(const bool same, equals(machine.budget, each, item));
        if (same) return true;
    }
    return false;
}

}  // namespace

Result<Value> arithmetic(Machine& machine, std::string_view op, const Value& a, const Value& b) {
    const auto whole_a = as_whole(a), whole_b = as_whole(b);
    if (whole_a && whole_b) return whole_arithmetic(op, *whole_a, *whole_b);
    const auto number_a = as_double(a), number_b = as_double(b);
    if (number_a && number_b) return double_arithmetic(op, *number_a, *number_b);
    if (is_undefined(a)) return undefined_error(a);
    if (op == "%" && text_of(a) != nullptr) return format_percent(machine, *text_of(a), b);
    if (is_undefined(b)) return undefined_error(b);
    if (op == "*" && is_sequence(a) && whole_b) return repeat(machine, a, *whole_b);
    if (op == "*" && is_sequence(b) && whole_a) return repeat(machine, b, *whole_a);
    const bool alike = a.index() == b.index() && is_sequence(a) && is_sequence(b) &&
                       (list_of(a) == nullptr || list_of(a)->kind == list_of(b)->kind);
    if (op == "+" && alike) return join(machine, a, b);
    return Status::invalid_argument("'" + std::string(op) + "' does not go with a " + type_name(a) +
                                    " and a " + type_name(b));
}

Result<bool> compare(Machine& machine, std::string_view op, const Value& a, const Value& b) {
    if (op == "in" || op == "not in") {
        GYRE_ASSIGN(const bool found, contains(machine, a, b));
        return found == (op == "in");
    }
    if (op == "==" || op == "!=") {
        GYRE_ASSIGN(const bool same, equals(machine.budget, a, b));
        return same == (op == "==");
    }
    if (op == "<") return less(machine.budget, a, b);
    if (op == ">") return less(machine.budget, b, a);
    // NaN, which is neither, comes from no template that says something.
    GYRE_ASSIGN(const bool other,
                op == "<=" ? less(machine.budget, b, a) : less(machine.budget, a, b));
    return !other;
}

Result<Value> format_percent(Machine& machine, const MarkedText& format, const Value& values) {
    const List* list = list_of(values);
    const bool tuple = list != nullptr && list->kind == ListKind::kTuple;
    std::size_t n_used = 0;
    TextBuilder out(machine.budget);
    const std::string_view bytes = format.bytes();
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t sign = std::min(bytes.find('%', at), bytes.size());
        out.add(format, at, sign);
        if (sign == bytes.size()) break;
        const char kind = sign + 1 < bytes.size() ? bytes[sign + 1] : ' ';
        at = sign + 2;
        if (kind == '%') {
            out.add(format, sign, sign + 1);
            continue;
        }
        if (kind != 's' && kind != 'd' && kind != 'i' && kind != 'r') {
            return Status::unsupported("a '%' of a format that is none of %s, %d, %r");
        }
        if (tuple ? n_used >= list->items.size() : n_used > 0) {
            return Status::invalid_argument("a format has too few values");
        }
        const Value& value = tuple ? list->items[n_used] : values;
        ++n_used;
        if (kind == 's') add_str(value, out);
        if (kind == 'r') add_repr(value, out);
        if (kind == 'd' || kind == 'i') {
            const auto number = as_double(value);
            if (!number)
                return Status::invalid_argument(std::string("%d needs a number, not a ") +
                                                type_name(value));
            const auto number_whole = as_whole(value);
            if (!number_whole && std::fabs(*number) >= 9.2e18) return too_large();
            out.add(
                std::to_string(number_whole ? *number_whole : static_cast<std::int64_t>(*number)));
        }
    }
    const bool mapping = dict_of(values) != nullptr || (list != nullptr && !tuple);
    if (tuple ? n_used < list->items.size() : n_used == 0 && !mapping) {
        return Status::invalid_argument("a format has too many values");
    }
    return out.finish();
}

}  // namespace gyre::chat
