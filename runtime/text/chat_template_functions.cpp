// The functions that every chat template has, and the clock of one of them.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/text/chat_template_builtins.h"
#include "runtime/text/terminal_text.h"

namespace gyre::chat {
namespace {

constexpr std::int64_t kMaxRange = 100'000;  // as Jinja's sandbox

Result<Value> raise_exception(Machine& machine, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("raise_exception", arguments, {"message"}, 1));
    GYRE_ASSIGN(const Value message, str(machine, *bound[0]));
    constexpr std::size_t kLongest = 500;
    return Status::invalid_argument("the template says: " +
                                    shown(text_of(message)->bytes().substr(0, kLongest)));
}

Result<Value> range(Machine& machine, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("range", arguments, {"start", "stop", "step"}, 1));
    GYRE_ASSIGN(std::int64_t start, whole(bound[0], 0));
    GYRE_ASSIGN(std::int64_t stop, whole(bound[1], 0));
    GYRE_ASSIGN(const std::int64_t step, whole(bound[2], 1));
    if (!bound[1]) stop = std::exchange(start, 0);
    if (step == 0) return Status::invalid_argument("a range has the step 0");
    ListBuilder list(machine.budget);
    for (std::int64_t n = 0; step > 0 ? start < stop : start > stop; ++n) {
        if (n == kMaxRange)
            return Status::invalid_argument("a range of more than " + std::to_string(kMaxRange));
        list.add(start);
        const bool is_last = step > 0 ? stop - start <= step : start - stop <= -step;
        if (is_last) break;
        start += step;
    }
    return list.finish(ListKind::kRange);
}

Result<Value> dict(Machine& machine, const Arguments& arguments) {
    if (arguments.positional.size() > 1)
        return Status::invalid_argument("'dict' takes one argument");
    DictBuilder made(machine.budget);
    if (!arguments.positional.empty()) {
        const Value& from = arguments.positional[0];
        if (const Dict* other = dict_of(from)) {
            for (const auto& [key, value] : other->entries)
                made.add(key, value);
        } else {
            GYRE_ASSIGN(const auto pairs, iterate(machine.budget, from));
            for (const Value& each : pairs->items) {
                GYRE_ASSIGN(const auto pair, iterate(machine.budget, each));
                if (pair->items.size() != 2) return Status::invalid_argument("'dict' needs pairs");
                made.add(pair->items[0], pair->items[1]);
            }
        }
    }
    for (const auto& [key, value] : arguments.named)
        made.add(make_text(key, false), value);
    return made.finish();
}

Result<Value> make_namespace(Machine& machine, const Arguments& arguments) {
    GYRE_ASSIGN(const Value made, dict(machine, arguments));
    auto space = std::make_shared<Namespace>(Namespace{{}, Charge(&machine.budget, 0)});
    for (const auto& [key, value] : dict_of(made)->entries) {
        GYRE_ASSIGN(const MarkedText* name, need_text("namespace", key));
        if (name->bytes().starts_with('_')) {
            return Status::unsupported("the attribute '" + shown(name->bytes()) +
                                       "' of a namespace");
        }
        GYRE_TRY(space->charge.grow(sizeof(Value) + name->size()));
        space->entries.emplace_back(name->bytes(), value);
    }
    GYRE_TRY(space->charge.grow(sizeof(Namespace)));
    machine.namespaces.push_back(space);
    return Value(std::move(space));
}

Result<Value> strftime_now(Machine& machine, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("strftime_now", arguments, {"format"}, 1));
    GYRE_ASSIGN(const MarkedText* format, need_text("strftime_now", *bound[0]));
    GYRE_TRY(machine.budget.spend(1 + format->size()));
    GYRE_ASSIGN(std::string text, format_time(machine.now, format->bytes()));
    return make_text(machine.budget, MarkedText(std::move(text), false));
}

using Function = Result<Value> (*)(Machine&, const Arguments&);

Function find_function(std::string_view name) {
    constexpr std::pair<std::string_view, Function> kFunctions[] = {
        {"raise_exception", raise_exception},
        {"range", range},
        {"dict", dict},
        {"namespace", make_namespace},
        {"strftime_now", strftime_now}};
    const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                     [&](const auto& function) { return function.first == name; });
    return found == std::end(kFunctions) ? nullptr : found->second;
}

std::string padded(int number, std::size_t width, char with) {
    std::string text = std::to_string(number);
    return text.size() < width ? std::string(width - text.size(), with) + text : text;
}

// "" and false: there is no such letter.
bool add_field(const std::tm& time, char letter, bool plain, std::string& out) {
    constexpr const char* kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                     "Thursday", "Friday", "Saturday"};
    constexpr const char* kMonths[] = {"January",   "February", "March",    "April",
                                       "May",       "June",     "July",     "August",
                                       "September", "October",  "November", "December"};
    const std::string day = kDays[static_cast<std::size_t>(time.tm_wday) % 7];
    const std::string month = kMonths[static_cast<std::size_t>(time.tm_mon) % 12];
    const int year = time.tm_year + 1900;
    const int hour12 = time.tm_hour % 12 == 0 ? 12 : time.tm_hour % 12;
    const std::size_t two = plain ? 1 : 2;
    switch (letter) {
        case 'a':
            out += day.substr(0, 3);
            return true;
        case 'A':
            out += day;
            return true;
        case 'b':
        case 'h':
            out += month.substr(0, 3);
            return true;
        case 'B':
            out += month;
            return true;
        case 'd':
            out += padded(time.tm_mday, two, '0');
            return true;
        case 'e':
            out += padded(time.tm_mday, two, ' ');
            return true;
        case 'm':
            out += padded(time.tm_mon + 1, two, '0');
            return true;
        case 'y':
            out += padded(year % 100, two, '0');
            return true;
        case 'Y':
            out += std::to_string(year);
            return true;
        case 'H':
            out += padded(time.tm_hour, two, '0');
            return true;
        case 'I':
            out += padded(hour12, two, '0');
            return true;
        case 'M':
            out += padded(time.tm_min, two, '0');
            return true;
        case 'S':
            out += padded(time.tm_sec, two, '0');
            return true;
        case 'j':
            out += padded(time.tm_yday + 1, plain ? 1 : 3, '0');
            return true;
        case 'p':
            out += time.tm_hour < 12 ? "AM" : "PM";
            return true;
        case 'w':
            out += std::to_string(time.tm_wday);
            return true;
        case 'n':
            out += '\n';
            return true;
        case 't':
            out += '\t';
            return true;
        case '%':
            out += '%';
            return true;
        case 'Z':
        case 'z':
            return true;  // no zone
        default:
            return false;
    }
}

// What stands for several fields.
std::string_view long_form(char letter) {
    switch (letter) {
        case 'c':
            return "%a %b %e %H:%M:%S %Y";
        case 'D':
        case 'x':
            return "%m/%d/%y";
        case 'F':
            return "%Y-%m-%d";
        case 'R':
            return "%H:%M";
        case 'T':
        case 'X':
            return "%H:%M:%S";
        case 'r':
            return "%I:%M:%S %p";
        default:
            return "";
    }
}

}  // namespace

Result<std::string> format_time(const std::tm& time, std::string_view format) {
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%' || i + 1 == format.size()) {
            out += format[i];
            continue;
        }
        const bool plain = format[i + 1] == '-' && i + 2 < format.size();  // without leading zeros
        i += plain ? 2 : 1;
        const std::string_view form = long_form(format[i]);
        if (!form.empty()) {
            GYRE_ASSIGN(const std::string text, format_time(time, form));
            out += text;
        } else if (!add_field(time, format[i], plain, out)) {
            return Status::unsupported("'%" + shown(format.substr(i, 1)) + "' of a time");
        }
    }
    return out;
}

bool is_function(std::string_view name) {
    return find_function(name) != nullptr;
}

Result<Value> call_function(Machine& machine, std::string_view name, const Arguments& arguments) {
    return find_function(name)(machine, arguments);
}

}  // namespace gyre::chat
