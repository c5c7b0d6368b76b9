// SPDX-License-Identifier: Apache-2.0
#include "tests/text/chat_json.h"

namespace gyre::test {

chat::Value value_of(const nlohmann::ordered_json& json, bool marked) {
    if (json.is_null()) return chat::None{};
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number_integer()) return json.get<std::int64_t>();
    if (json.is_number()) return json.get<double>();
    if (json.is_string()) return chat::make_text(json.get<std::string>(), marked);
    if (json.is_array()) {
        std::vector<chat::Value> items;
        for (const auto& item : json)
            items.push_back(value_of(item, marked));
        return chat::make_list(std::move(items)).value();
    }
    std::vector<std::pair<std::string, chat::Value>> entries;
    for (const auto& [key, item] : json.items())
        entries.emplace_back(key, value_of(item, marked && key != "role"));
    return chat::make_dict(std::move(entries)).value();
}

std::vector<std::pair<std::string, chat::Value>> variables(const nlohmann::ordered_json& json) {
    std::vector<std::pair<std::string, chat::Value>> all;
    for (const auto& [name, value] : json.items())
        all.emplace_back(name, value_of(value, name == "messages"));
    return all;
}

std::tm time_of(const nlohmann::ordered_json& json) {
    std::tm time{};
    time.tm_year = json[0].get<int>() - 1900;
    time.tm_mon = json[1].get<int>() - 1;
    time.tm_mday = json[2].get<int>();
    time.tm_hour = json[3].get<int>();
    time.tm_min = json[4].get<int>();
    time.tm_sec = json[5].get<int>();
    time.tm_isdst = -1;
    std::mktime(&time);  // fills the day of the week and of the year
    return time;
}

}  // namespace gyre::test
