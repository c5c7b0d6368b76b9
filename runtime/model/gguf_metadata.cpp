// The typed getters of Gguf: what was stored is checked before it is read.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstring>

#include "runtime/model/gguf.h"

namespace gyre {
namespace {

template <typename T>
T load(const std::uint8_t* at) {
    T value;
    std::memcpy(&value, at, sizeof(T));  // the file aligns nothing
    return value;
}

struct TypeRow {
    const char* name;
    std::size_t size;  // bytes; 0: not fixed
};
constexpr TypeRow kTypes[] = {
    // by the file's number
    {"uint8", 1},  {"int8", 1},    {"uint16", 2},  {"int16", 2},  {"uint32", 4},
    {"int32", 4},  {"float32", 4}, {"bool", 1},    {"string", 0}, {"array", 0},
    {"uint64", 8}, {"int64", 8},   {"float64", 8},
};

bool is_integer(GgufType type) {
    return gguf_type_size(type) != 0 && type != GgufType::kFloat32 && type != GgufType::kFloat64 &&
           type != GgufType::kBool;
}

bool is_float(GgufType type) {
    return type == GgufType::kFloat32 || type == GgufType::kFloat64;
}

// A uint64 beyond int64 is given back as INT64_MAX: out of every range that is asked for.
std::int64_t load_integer(GgufType type, const std::uint8_t* at) {
    switch (type) {
        case GgufType::kUint8:
            return load<std::uint8_t>(at);
        case GgufType::kInt8:
            return load<std::int8_t>(at);
        case GgufType::kUint16:
            return load<std::uint16_t>(at);
        case GgufType::kInt16:
            return load<std::int16_t>(at);
        case GgufType::kUint32:
            return load<std::uint32_t>(at);
        case GgufType::kInt32:
            return load<std::int32_t>(at);
        case GgufType::kUint64: {
            const auto value = load<std::uint64_t>(at);
            return value > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(value);
        }
        default:
            return load<std::int64_t>(at);
    }
}

double load_float(GgufType type, const std::uint8_t* at) {
    return type == GgufType::kFloat32 ? static_cast<double>(load<float>(at)) : load<double>(at);
}

std::string_view load_string(const std::uint8_t* at) {
    return {reinterpret_cast<const char*>(at + 8),
            static_cast<std::size_t>(load<std::uint64_t>(at))};
}

GgufValue load_value(GgufType type, const std::uint8_t* at) {
    switch (type) {
        case GgufType::kString:
            return load_string(at);
        case GgufType::kBool:
            return *at != 0;
        case GgufType::kFloat32:
            return load<float>(at);
        case GgufType::kFloat64:
            return load<double>(at);
        case GgufType::kUint64:
            return load<std::uint64_t>(at);
        case GgufType::kUint8:
        case GgufType::kUint16:
        case GgufType::kUint32:
            return static_cast<std::uint64_t>(load_integer(type, at));
        default:
            return load_integer(type, at);
    }
}

Status wrong_type(std::string_view key, const std::string& found, const char* expected) {
    return Status::bad_file("key '" + printable(key) + "': its type is " + found + "; expected " +
                            expected);
}

Status out_of_range(std::string_view key, std::int64_t value, const char* expected) {
    return Status::bad_file("key '" + printable(key) + "': " + std::to_string(value) +
                            " is out of range; expected " + expected);
}

}  // namespace

std::size_t gguf_type_size(GgufType type) {
    const auto number = static_cast<std::uint32_t>(type);
    return number < std::size(kTypes) ? kTypes[number].size : 0;
}

std::string gguf_type_name(GgufType type) {
    const auto number = static_cast<std::uint32_t>(type);
    return number < std::size(kTypes) ? kTypes[number].name : "type " + std::to_string(number);
}

bool Gguf::has(std::string_view key) const {
    return entries_.contains(key);
}

Result<const Gguf::Entry*> Gguf::find_entry(std::string_view key, const char* expected) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) {
        return Status::bad_file("key '" + printable(key) + "': missing; expected " + expected);
    }
    return &found->second;
}

Result<const Gguf::Entry*> Gguf::find_array(std::string_view key, const char* expected) const {
    GYRE_ASSIGN(const Entry* entry, find_entry(key, expected));
    if (entry->type != GgufType::kArray)
        return wrong_type(key, gguf_type_name(entry->type), expected);
    return entry;
}

Result<std::uint32_t> Gguf::get_u32(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_entry(key, "an integer"));
    if (!is_integer(entry->type)) return wrong_type(key, gguf_type_name(entry->type), "an integer");
    const std::int64_t value = load_integer(entry->type, bytes_.data() + entry->offset);
    if (value < 0 || value > UINT32_MAX) return out_of_range(key, value, "0 to 4294967295");
    return static_cast<std::uint32_t>(value);
}

Result<double> Gguf::get_float(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_entry(key, "a float"));
    if (!is_float(entry->type)) return wrong_type(key, gguf_type_name(entry->type), "a float");
    return load_float(entry->type, bytes_.data() + entry->offset);
}

Result<bool> Gguf::get_bool(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_entry(key, "a bool"));
    if (entry->type != GgufType::kBool)
        return wrong_type(key, gguf_type_name(entry->type), "a bool");
    return bytes_[entry->offset] != 0;
}

Result<std::string_view> Gguf::get_string(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_entry(key, "a string"));
    if (entry->type != GgufType::kString) {
        return wrong_type(key, gguf_type_name(entry->type), "a string");
    }
    return load_string(bytes_.data() + entry->offset);
}

Result<std::uint64_t> Gguf::get_array_size(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_array(key, "an array"));
    return entry->count;
}

Result<std::vector<std::string_view>> Gguf::get_strings(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_array(key, "an array of strings"));
    if (entry->element_type != GgufType::kString) {
        return wrong_type(key, "array of " + gguf_type_name(entry->element_type),
                          "an array of strings");
    }
    std::vector<std::string_view> texts;
    texts.reserve(static_cast<std::size_t>(entry->count));  // at most a eighth of the file's bytes
    const std::uint8_t* at = bytes_.data() + entry->offset;
    for (std::uint64_t i = 0; i < entry->count; ++i) {
        texts.push_back(load_string(at));
        at += 8 + texts.back().size();
    }
    return texts;
}

Result<std::vector<double>> Gguf::get_floats(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_array(key, "an array of floats"));
    if (!is_float(entry->element_type)) {
        return wrong_type(key, "array of " + gguf_type_name(entry->element_type),
                          "an array of floats");
    }
    std::vector<double> values(static_cast<std::size_t>(entry->count));
    const std::uint8_t* at = bytes_.data() + entry->offset;
    for (double& value : values) {
        value = load_float(entry->element_type, at);
        at += gguf_type_size(entry->element_type);
    }
    return values;
}

Result<std::vector<std::int32_t>> Gguf::get_ints(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_array(key, "an array of integers"));
    if (!is_integer(entry->element_type)) {
        return wrong_type(key, "array of " + gguf_type_name(entry->element_type),
                          "an array of integers");
    }
    std::vector<std::int32_t> values(static_cast<std::size_t>(entry->count));
    const std::uint8_t* at = bytes_.data() + entry->offset;
    for (std::int32_t& value : values) {
        const std::int64_t wide = load_integer(entry->element_type, at);
        if (wide < INT32_MIN || wide > INT32_MAX) {
            return out_of_range(key, wide, "elements of -2147483648 to 2147483647");
        }
        value = static_cast<std::int32_t>(wide);
        at += gguf_type_size(entry->element_type);
    }
    return values;
}

Result<std::vector<bool>> Gguf::get_bools(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_array(key, "an array of bools"));
    if (entry->element_type != GgufType::kBool) {
        return wrong_type(key, "array of " + gguf_type_name(entry->element_type),
                          "an array of bools");
    }
    const auto bytes = bytes_.subspan(static_cast<std::size_t>(entry->offset),
                                      static_cast<std::size_t>(entry->count));
    std::vector<bool> values;
    values.reserve(bytes.size());
    for (const std::uint8_t byte : bytes)
        values.push_back(byte != 0);
    return values;
}

Result<bool> Gguf::is_array(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_entry(key, "a value"));
    return entry->type == GgufType::kArray;
}

Status Gguf::visit(std::string_view key, const std::function<void(const GgufValue&)>& visit) const {
    GYRE_ASSIGN(const Entry* entry, find_entry(key, "a value"));
    const bool array = entry->type == GgufType::kArray;
    const GgufType type = array ? entry->element_type : entry->type;
    const std::uint8_t* at = bytes_.data() + entry->offset;
    for (std::uint64_t i = 0; i < entry->count; ++i) {
        const GgufValue value = load_value(type, at);
        visit(value);
        const auto* text = std::get_if<std::string_view>(&value);
        at += text != nullptr ? 8 + text->size() : gguf_type_size(type);
    }
    return {};
}

Result<std::string> Gguf::describe(std::string_view key) const {
    GYRE_ASSIGN(const Entry* entry, find_entry(key, "a value"));
    const std::uint8_t* at = bytes_.data() + entry->offset;
    if (entry->type == GgufType::kArray) {
        return "[" + gguf_type_name(entry->element_type) + " x " + std::to_string(entry->count) +
               "]";
    }
    if (entry->type == GgufType::kString) return printable(load_string(at));
    if (entry->type == GgufType::kBool) return std::string(*at != 0 ? "true" : "false");
    if (entry->type == GgufType::kUint64) return std::to_string(load<std::uint64_t>(at));
    if (is_integer(entry->type)) return std::to_string(load_integer(entry->type, at));
    char text[32];
    std::snprintf(text, sizeof(text), "%.9g", load_float(entry->type, at));
    return std::string(text);
}

}  // namespace gyre
