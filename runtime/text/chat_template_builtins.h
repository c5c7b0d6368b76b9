// What chat templates find beside their own macros: filters, tests, methods of values, functions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/chat_template_value.h"

namespace gyre::chat {

// What a rendering has that its values share.
struct Machine {
    explicit Machine(const Limits& limits) : budget(limits) {}
    Budget budget;
    std::tm now{};  // what strftime_now writes
    // All that were made: they may hold each other, and are emptied at the end.
    std::vector<std::shared_ptr<Namespace>> namespaces;
};

struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;
};

// Arguments by the names of parameters: those that were not given are empty. An error names what is
// too much, or which of the first n_required is missing.
using Bound = std::vector<std::optional<Value>>;
Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> parameters, std::size_t n_required = 0);

// Of an argument; the default where it was not given.
bool flag(const std::optional<Value>& argument, bool otherwise);
Result<std::int64_t> whole(const std::optional<Value>& argument, std::int64_t otherwise);
// A string; an error says that the function needs one.
Result<const MarkedText*> need_text(std::string_view function, const Value& value);

using Filter = Result<Value> (*)(Machine& machine, const Value& value, const Arguments& arguments);
using Test = Result<bool> (*)(Machine& machine, const Value& value, const Arguments& arguments);

// Null: there is none of this name.
Filter find_filter(std::string_view name);
Test find_test(std::string_view name);

bool has_method(const Value& value, std::string_view name);
Result<Value> call_method(Machine& machine, const Value& self, std::string_view name,
                          const Arguments& arguments);

bool is_function(std::string_view name);
Result<Value> call_function(Machine& machine, std::string_view name, const Arguments& arguments);

// value.name and value[key], as Jinja looks them up; what is not there is undefined.
Result<Value> attribute_of(Machine& machine, const Value& value, std::string_view name);
Result<Value> item_of(Machine& machine, const Value& value, const Value& key);

// a op b of the arithmetic ones: + - * / // % **
Result<Value> arithmetic(Machine& machine, std::string_view op, const Value& a, const Value& b);
// a op b of == != < > <= >= in, not in
Result<bool> compare(Machine& machine, std::string_view op, const Value& a, const Value& b);
// "text %s" % values
Result<Value> format_percent(Machine& machine, const MarkedText& format, const Value& values);

struct JsonStyle {
    bool ensure_ascii = false;
    std::optional<std::string> indent;  // of one level
    std::string item_separator = ", ";
    std::string key_separator = ": ";
    bool sort_keys = false;
};
// As Python's json.dumps.
Result<Value> to_json(Machine& machine, const Value& value, const JsonStyle& style);

// As datetime.strftime of a time without a zone, in English.
Result<std::string> format_time(const std::tm& time, std::string_view format);

Result<Value> str(Machine& machine, const Value& value);

}  // namespace gyre::chat
