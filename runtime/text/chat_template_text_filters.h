// The filters that make a text of one, by name; chat_template_filters.cpp has the others.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/text/chat_template_builtins.h"

namespace gyre::chat {

Filter find_text_filter(std::string_view name);

// As str.replace(); most < 0: all.
Result<Value> replace(Machine& machine, const MarkedText& text, const MarkedText& from,
                      const MarkedText& to, std::int64_t most);

// As str.join() of the texts of the items.
Result<Value> join_items(Machine& machine, const MarkedText& separator,
                         const std::vector<Value>& items);

// A number that a text says, as Python's int() and float() read it.
std::optional<std::int64_t> parse_whole(std::string_view text);
std::optional<double> parse_number(std::string_view text);

}  // namespace gyre::chat
