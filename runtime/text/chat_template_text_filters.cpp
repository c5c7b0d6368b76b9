// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/chat_template_text_filters.h"

#include <algorithm>
#include <charconv>
#include <locale>
#include <sstream>

#include "runtime/text/chat_template_strings.h"

namespace gyre::chat {
namespace {

Result<Value> in_case(Machine& machine, const Value& value, const Arguments& arguments,
                      const char* name, Case wanted) {
    GYRE_TRY(bind(name, arguments, {}).status());
    GYRE_ASSIGN(const Value text, str(machine, value));
    const MarkedText& from = *text_of(text);
    GYRE_TRY(machine.budget.spend(1 + from.size() / 8));
    Charge made(&machine.budget, 0);
    GYRE_TRY(made.grow(2 * from.memory_bytes()));  // ahead of what is made
    return make_text(machine.budget, with_case(from, wanted));
}

Result<Value> upper(Machine& machine, const Value& value, const Arguments& arguments) {
    return in_case(machine, value, arguments, "upper", Case::kUpper);
}
Result<Value> lower(Machine& machine, const Value& value, const Arguments& arguments) {
    return in_case(machine, value, arguments, "lower", Case::kLower);
}
Result<Value> capitalize(Machine& machine, const Value& value, const Arguments& arguments) {
    return in_case(machine, value, arguments, "capitalize", Case::kCapitalize);
}
Result<Value> title(Machine& machine, const Value& value, const Arguments& arguments) {
    return in_case(machine, value, arguments, "title", Case::kWords);
}

Result<Value> trim(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("trim", arguments, {"chars"}));
    GYRE_ASSIGN(const Value text, str(machine, value));
    const MarkedText& from = *text_of(text);
    GYRE_TRY(machine.budget.spend_bytes(from.size()));
    std::string_view characters;
    const bool given = bound[0] && !is_none(*bound[0]);
    if (given) {
        GYRE_ASSIGN(const MarkedText* chars, need_text("trim", *bound[0]));
        characters = chars->bytes();
        GYRE_TRY(machine.budget.spend(search_steps(from.bytes(), characters)));
    }
    const Range kept = strip(from.bytes(), given ? &characters : nullptr, true, true);
    return make_text(machine.budget, from.slice(kept.begin, kept.end));
}

Result<Value> string(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("string", arguments, {}).status());
    return str(machine, value);
}

Result<Value> safe(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("safe", arguments, {}).status());
    TextBuilder text(machine.budget);
    add_str(value, text);
    return text.finish(true);
}

Result<Value> replace_filter(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("replace", arguments, {"old", "new", "count"}, 2));
    GYRE_ASSIGN(const Value text, str(machine, value));
    GYRE_ASSIGN(const Value from, str(machine, *bound[0]));
    GYRE_ASSIGN(const Value to, str(machine, *bound[1]));
    const bool all = !bound[2] || is_none(*bound[2]);
    GYRE_ASSIGN(const std::int64_t most, whole(all ? Value(std::int64_t{-1}) : *bound[2], -1));
    return replace(machine, *text_of(text), *text_of(from), *text_of(to), most);
}

Result<Value> indent(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("indent", arguments, {"width", "first", "blank"}));
    GYRE_ASSIGN(const MarkedText* text, need_text("indent", value));
    MarkedText space("    ", false);
    if (bound[0] && text_of(*bound[0]) != nullptr) {
        space = *text_of(*bound[0]);
    } else if (bound[0]) {
        GYRE_ASSIGN(const std::int64_t width, whole(bound[0], 4));
        if (width > 1000) return Status::unsupported("an indentation of more than 1000");
        space = MarkedText(
            std::string(static_cast<std::size_t>(std::max<std::int64_t>(0, width)), ' '), false);
    }
    const bool blank = flag(bound[2], false);
    GYRE_TRY(machine.budget.spend_bytes(text->size()));
    Charge lines_memory(&machine.budget, 0);
    GYRE_TRY(lines_memory.grow(sizeof(Range) * (1 + text->size())));
    std::vector<Range> lines = split_lines(text->bytes(), false);
    const bool ends_with_break = !lines.empty() && lines.back().end < text->size();
    if (lines.empty()) lines.push_back({0, 0});
    // The newline that Jinja adds before it splits: a text that ends with a line break keeps an
    // empty last line.
    if (ends_with_break) lines.push_back({text->size(), text->size()});
    TextBuilder out(machine.budget);
    for (std::size_t i = 0; i < lines.size() && out.status().ok(); ++i) {
        if (i > 0) out.add("\n");
        const bool is_empty = lines[i].begin == lines[i].end;
        if (i == 0 ? flag(bound[1], false) : blank || !is_empty) out.add(space);
        out.add(*text, lines[i].begin, lines[i].end);
    }
    return out.finish();
}

// str | None as a separator, else what json.dumps takes.
Status read_separators(const Value& value, JsonStyle& style) {
    const List* pair = list_of(value);
    if (pair == nullptr || pair->items.size() != 2) {
        return Status::invalid_argument("'tojson' needs two separators");
    }
    GYRE_ASSIGN(const MarkedText* item, need_text("tojson", pair->items[0]));
    GYRE_ASSIGN(const MarkedText* key, need_text("tojson", pair->items[1]));
    style.item_separator = item->bytes();
    style.key_separator = key->bytes();
    return {};
}

Result<Value> tojson(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound,
                bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
    JsonStyle style;
    style.ensure_ascii = flag(bound[0], false);
    style.sort_keys = flag(bound[3], false);
    if (bound[1] && text_of(*bound[1]) != nullptr) {
        style.indent = text_of(*bound[1])->bytes();
    } else if (bound[1] && !is_none(*bound[1])) {
        GYRE_ASSIGN(const std::int64_t width, whole(bound[1], 0));
        if (width > 1000) return Status::unsupported("an indentation of more than 1000");
        style.indent = std::string(static_cast<std::size_t>(std::max<std::int64_t>(0, width)), ' ');
    }
    if (style.indent) style.item_separator = ",";
    if (bound[2] && !is_none(*bound[2])) GYRE_TRY(read_separators(*bound[2], style));
    return to_json(machine, value, style);
}

Result<Value> to_int(Machine& machine, const Value& value, const Arguments& arguments) {
    (void)machine;
    GYRE_ASSIGN(const Bound bound, bind("int", arguments, {"default"}));
    if (is_undefined(value)) return undefined_error(value);
    std::optional<double> number;
    if (const MarkedText* text = text_of(value)) {
        if (const auto parsed = parse_whole(text->bytes())) return Value(*parsed);
        number = parse_number(text->bytes());
    } else if (const auto* truth = get<bool>(value)) {
        return Value(std::int64_t{*truth});
    } else if (get<std::int64_t>(value) != nullptr) {
        return value;
    } else if (const auto* fraction = get<double>(value)) {
        number = *fraction;
    }
    if (!number) return bound[0] ? *bound[0] : Value(std::int64_t{0});
    if (!(*number > -9.2e18 && *number < 9.2e18))
        return Status::unsupported("a whole number beyond 64 bits");
    return Value(static_cast<std::int64_t>(*number));
}

Result<Value> to_float(Machine& machine, const Value& value, const Arguments& arguments) {
    (void)machine;
    GYRE_ASSIGN(const Bound bound, bind("float", arguments, {"default"}));
    if (is_undefined(value)) return undefined_error(value);
    std::optional<double> number;
    if (const MarkedText* text = text_of(value)) number = parse_number(text->bytes());
    if (const auto* truth = get<bool>(value)) number = *truth ? 1.0 : 0.0;
    if (const auto* whole_number = get<std::int64_t>(value))
        number = static_cast<double>(*whole_number);
    if (const auto* fraction = get<double>(value)) number = *fraction;
    if (!number) return bound[0] ? *bound[0] : Value(0.0);
    return Value(*number);
}

}  // namespace

std::optional<std::int64_t> parse_whole(std::string_view text) {
    const Range kept = strip(text, nullptr, true, true);
    std::string_view digits = text.substr(kept.begin, kept.end - kept.begin);
    if (digits.starts_with('+') && !digits.substr(1).starts_with('-')) digits.remove_prefix(1);
    std::int64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (digits.empty() || error != std::errc() || stop != end) return std::nullopt;
    return value;
}

std::optional<double> parse_number(std::string_view text) {
    const Range kept = strip(text, nullptr, true, true);
    const std::string digits(text.substr(kept.begin, kept.end - kept.begin));
    if (digits.empty() || digits.size() > 400 ||
        digits.find_first_not_of("0123456789.-+eE") != digits.npos) {
        return std::nullopt;
    }
    std::istringstream stream(digits);
    stream.imbue(std::locale::classic());
    double value = 0;
    if (!(stream >> value) || stream.peek() != std::istringstream::traits_type::eof())
        return std::nullopt;
    return value;
}

Result<Value> replace(Machine& machine, const MarkedText& text, const MarkedText& from,
                      const MarkedText& to, std::int64_t most) {
    GYRE_TRY(machine.budget.spend(search_steps(text.bytes(), from.bytes())));
    const std::string& bytes = text.bytes();
    TextBuilder out(machine.budget);
    std::int64_t n = 0;
    std::size_t at = 0;
    const auto more = [&] { return (most < 0 || n < most) && out.status().ok(); };
    if (from.empty()) {  // in front of every character, and at the end
        for (; more() && at <= bytes.size(); ++n) {
            out.add(to);
            if (at == bytes.size()) return out.finish();
            const std::size_t next = next_character(bytes, at);
            out.add(text, at, next);
            at = next;
        }
    } else {
        for (; more(); ++n) {
            const std::size_t found = bytes.find(from.bytes(), at);
            if (found == bytes.npos) break;
            out.add(text, at, found);
            out.add(to);
            at = found + from.size();
        }
    }
    out.add(text, at, bytes.size());
    return out.finish();
}

Result<Value> join_items(Machine& machine, const MarkedText& separator,
                         const std::vector<Value>& items) {
    TextBuilder out(machine.budget);
    for (std::size_t i = 0; i < items.size() && out.status().ok(); ++i) {
        if (i > 0) out.add(separator);
        add_str(items[i], out);
    }
    return out.finish();
}

Filter find_text_filter(std::string_view name) {
    constexpr std::pair<std::string_view, Filter> kFilters[] = {{"capitalize", capitalize},
                                                                {"float", to_float},
                                                                {"indent", indent},
                                                                {"int", to_int},
                                                                {"lower", lower},
                                                                {"replace", replace_filter},
                                                                {"safe", safe},
                                                                {"string", string},
                                                                {"title", title},
                                                                {"tojson", tojson},
                                                                {"trim", trim},
                                                                {"upper", upper}};
    const auto* found = std::find_if(std::begin(kFilters), std::end(kFilters),
                                     [&](const auto& filter) { return filter.first == name; });
    return found == std::end(kFilters) ? nullptr : found->second;
}

}  // namespace gyre::chat
