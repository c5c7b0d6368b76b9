// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/config_reader.h"

#include <cstdio>

namespace gyre {
namespace {

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.9g", value);
    return text;
}

}  // namespace

Status ConfigReader::error(const std::string& key, const std::string& text) {
    return Status::bad_file("key '" + key + "': " + text);
}

Status ConfigReader::unknown_word(const std::string& key, std::string_view text,
                                  std::span<const char* const> known) {
    std::string list;
    for (const char* word : known)
        list += (list.empty() ? "" : ", ") + std::string(word);
    return Status::unsupported("key '" + key + "': unknown value '" + printable(text) +
                               "'; expected one of " + list);
}

Status ConfigReader::required(const std::string& key, Range<std::uint32_t> range,
                              std::uint32_t& out) const {
    GYRE_ASSIGN(const std::uint32_t value, file_.get_u32(key));
    if (value < range.min || value > range.max) {
        return error(key, std::to_string(value) + " is out of range; expected " +
                              std::to_string(range.min) + " to " + std::to_string(range.max));
    }
    out = value;
    return {};
}

Status ConfigReader::required(const std::string& key, Range<double> range, double& out) const {
    GYRE_ASSIGN(const double value, file_.get_float(key));
    if (!(value >= range.min && value <= range.max)) {  // also refuses NaN
        return error(key, number(value) + " is out of range; expected " + number(range.min) +
                              " to " + number(range.max));
    }
    out = value;
    return {};
}

Status ConfigReader::optional(const std::string& key, Range<std::uint32_t> range,
                              std::uint32_t& out) const {
    return has(key) ? required(key, range, out) : Status();
}

Status ConfigReader::optional(const std::string& key, Range<double> range, double& out) const {
    return has(key) ? required(key, range, out) : Status();
}

Status ConfigReader::optional(const std::string& key, bool& out) const {
    if (!has(key)) return {};
    GYRE_ASSIGN(out, file_.get_bool(key));
    return {};
}

}  // namespace gyre
