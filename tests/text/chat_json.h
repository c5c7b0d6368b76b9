// JSON as the variables of chat templates.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "runtime/text/chat_template_value.h"

namespace gyre::test {

// marked: strings are a user's, but for those of keys called "role".
chat::Value value_of(const nlohmann::ordered_json& json, bool marked);

// The members of an object; what is under "messages" is marked.
std::vector<std::pair<std::string, chat::Value>> variables(const nlohmann::ordered_json& json);

// [year, month, day, hour, minute, second] with the day of the week and of the year.
std::tm time_of(const nlohmann::ordered_json& json);

}  // namespace gyre::test
