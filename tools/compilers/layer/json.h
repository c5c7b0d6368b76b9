// Builds one JSON object as text, for the lines that the layer writes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cinttypes>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace compilers {

inline std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        const bool control = static_cast<unsigned char>(c) < 32;
        out += control ? ' ' : c;
    }
    return out + '"';
}

// A number as sixteen hexadecimal digits: JSON's own numbers are doubles to many readers.
inline std::string hex(std::uint64_t value) {
    char text[20];
    std::snprintf(text, sizeof(text), "%016" PRIx64, value);
    return text;
}

class JsonObject {
  public:
    JsonObject& raw(std::string_view key, std::string_view value) {
        text_ += (text_.empty() ? "" : ",") + json_string(key) + ":";
        text_ += value;
        return *this;
    }
    JsonObject& add(std::string_view key, std::string_view value) {
        return raw(key, json_string(value));
    }
    JsonObject& add(std::string_view key, const char* value) {
        return raw(key, json_string(value));
    }
    JsonObject& add(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
    JsonObject& add(std::string_view key, std::int64_t value) {
        return raw(key, std::to_string(value));
    }
    JsonObject& add(std::string_view key, std::uint64_t value) {
        return raw(key, std::to_string(value));
    }
    JsonObject& add(std::string_view key, int value) { return raw(key, std::to_string(value)); }
    JsonObject& add(std::string_view key, std::uint32_t value) {
        return raw(key, std::to_string(value));
    }
    JsonObject& add(std::string_view key, double value) {
        char text[40] = "null";  // JSON has no word for what is not finite
        if (std::isfinite(value)) std::snprintf(text, sizeof(text), "%.6g", value);
        return raw(key, text);
    }
    // What another object holds, after what this one holds.
    JsonObject& append(const JsonObject& other) {
        if (!text_.empty() && !other.text_.empty()) text_ += ',';
        text_ += other.text_;
        return *this;
    }
    std::string text() const { return "{" + text_ + "}"; }

  private:
    std::string text_;
};

}  // namespace compilers
