// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/chat_messages.h"

#include <nlohmann/json.hpp>

#include "apps/gyre/command.h"
#include "apps/gyre/output_file.h"
#include "apps/gyre/text_file.h"

namespace gyre::app {
namespace {

using Json = nlohmann::ordered_json;

// The text that a key of a message has.
std::string member_of(const Json& value, const std::string& key, const std::string& where) {
    if (key != "role" && key != "content") {
        throw Failure(where + " has '" + key +
                      "'; a message has \"role\" and \"content\" and nothing else");
    }
    if (!value.is_string()) throw Failure(where + ": its " + key + " is no string");
    return value.get<std::string>();
}

Message message_of(const Json& json, const std::string& where) {
    if (!json.is_object()) throw Failure(where + " is no object");
    Message message;
    for (const auto& [key, value] : json.items()) {
        const std::string text = member_of(value, key, where);
        (key == "role" ? message.role : message.content) = text;
    }
    for (const char* key : {"role", "content"}) {
        if (!json.contains(key)) throw Failure(where + " has no " + key);
    }
    return message;
}

}  // namespace

Messages read_messages(const std::string& path) {
    const std::string text = read_text_file(path);
    Json json;
    try {
        json = Json::parse(text);
    } catch (const Json::parse_error& error) {
        throw Failure(path + ": no JSON at byte " + std::to_string(error.byte));
    }
    if (!json.is_array()) throw Failure(path + R"(: no list of {"role", "content"})");
    Messages messages;
    for (std::size_t i = 0; i < json.size(); ++i)
        messages.push_back(message_of(json[i], path + ": message " + std::to_string(i)));
    return messages;
}

void write_messages(const std::string& path, const Messages& messages) {
    OutputFile file(path);
    Json json = Json::array();
    for (const Message& message : messages)
        json.push_back({{"role", message.role}, {"content", message.content}});
    // What a model or a terminal gives need not be UTF-8; JSON is.
    const std::string text = json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
    file.write(text.data(), text.size());
    file.commit();
}

}  // namespace gyre::app
