// The metadata of a model file: its keys, and their values as text.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "runtime/c_api/boundary.h"
#include "runtime/c_api/copy_out.h"
#include "runtime/c_api/model_handle.h"
#include "runtime/c_api/number_text.h"
#include "runtime/text/utf8.h"

namespace gyre::c_api {
namespace {

// RFC 8259, section 7; what is not UTF-8 becomes U+FFFD, since JSON has no other text.
std::string json_string(std::string_view text) {
    std::string json = "\"";
    for (std::size_t at = 0; at < text.size();) {
        const Utf8CodePoint c = decode_utf8(text, at);
        if (c.value == '"' || c.value == '\\') {
            json += '\\';
            json += static_cast<char>(c.value);
        } else if (c.value < 0x20) {
            constexpr char kHex[] = "0123456789abcdef";
            json.append("\\u00").append({kHex[c.value >> 4], kHex[c.value & 15]});
        } else {
            append_utf8(c.value, json);
        }
        at += c.length;
    }
    return json + "\"";
}

std::string plain_text(const GgufValue& value) {
    return std::visit(
        [](const auto& v) -> std::string {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<T, bool>) {
                return v ? "true" : "false";
            } else if constexpr (std::is_same_v<T, std::string_view>) {
                return std::string(v);
            } else {
                return number_text(v);
            }
        },
        value);
}

std::string json_text(const GgufValue& value) {
    if (const auto* text = std::get_if<std::string_view>(&value)) return json_string(*text);
    const auto* single = std::get_if<float>(&value);
    const auto* wide = std::get_if<double>(&value);
    const bool finite =
        (single == nullptr || std::isfinite(*single)) && (wide == nullptr || std::isfinite(*wide));
    return finite ? plain_text(value) : "null";  // JSON has no infinity
}

Result<std::string> value_text(const Gguf& gguf, std::string_view key) {
    GYRE_ASSIGN(const bool array, gguf.is_array(key));
    std::string text;
    GYRE_TRY(gguf.visit(key, [&](const GgufValue& value) {
        if (!array) {
            text = plain_text(value);
        } else {
            text += (text.empty() ? "[" : ", ") + json_text(value);
        }
    }));
    if (!array) return text;
    return text.empty() ? "[]" : text + "]";
}

}  // namespace
}  // namespace gyre::c_api

using gyre::Status;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;

size_t gyre_model_metadata_count(const gyre_model* model) {
    return model == nullptr ? 0 : model->open->card.keys.size();
}

const char* gyre_model_metadata_key(const gyre_model* model, size_t index) {
    if (index >= gyre_model_metadata_count(model)) return nullptr;
    return model->open->card.keys[index].c_str();
}

gyre_status gyre_model_metadata(const gyre_model* model, const char* key, char* text,
                                size_t capacity, size_t* n_bytes) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        if (key == nullptr) return null_argument("key");
        if (n_bytes == nullptr) return null_argument("n_bytes");
        const gyre::Gguf& gguf = model->open->file.gguf;
        if (!gguf.has(key)) {
            return Status::invalid_argument("the model file has no key '" + gyre::printable(key) +
                                            "'");
        }
        GYRE_ASSIGN(const std::string value, gyre::c_api::value_text(gguf, key));
        return gyre::c_api::copy_out(value, text, capacity, n_bytes, "text");
    });
}
