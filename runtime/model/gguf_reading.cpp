// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/gguf_reading.h"

#include <charconv>

#include "runtime/model/model_config.h"

namespace gyre {
namespace {

std::string key_text(const Gguf& gguf, std::string_view key) {
    const auto value = gguf.describe(key);
    return "key '" + printable(key) + "' = " + (value.ok() ? value.value() : "?");
}

std::string tensor_text(std::string_view name) {
    return "tensor '" + printable(name) + "'";
}

// Whether a tensor's name says a layer that the model does not have.
bool is_beyond_layers(std::string_view name, std::uint32_t n_layer) {
    if (!name.starts_with("blk.")) return false;
    std::uint32_t layer = 0;
    const auto parsed = std::from_chars(name.data() + 4, name.data() + name.size(), layer);
    return parsed.ec != std::errc() || layer >= n_layer;
}

}  // namespace

GgufReading::GgufReading(const Gguf& gguf, const std::vector<std::string>& ignored) : gguf_(gguf) {
    for (const std::string& name : ignored) {
        if (name == kIgnoreUnread) {
            ignores_unread_ = true;
        } else {
            ignored_.push_back({name});
        }
    }
    if (ignored_.empty()) return;
    for (const std::string_view key : gguf_.keys()) {
        if (!is_listed(key)) continue;
        hidden_.emplace(key);
        notes_.push_back(key_text(gguf_, key) + ": ignored as asked");
    }
    for (const TensorView& tensor : gguf_.tensors()) {
        if (!is_listed(tensor.name)) continue;
        hidden_.emplace(tensor.name);
        notes_.push_back(tensor_text(tensor.name) + ": ignored as asked");
    }
}

bool GgufReading::is_listed(std::string_view name) {
    bool found = false;
    for (Ignored& ignored : ignored_) {
        if (name != ignored.name && printable(name) != ignored.name) continue;
        ignored.used = found = true;
    }
    return found;
}

std::vector<std::string> GgufReading::unused_names() const {
    std::vector<std::string> names;
    for (const Ignored& ignored : ignored_) {
        if (!ignored.used) names.push_back(ignored.name);
    }
    return names;
}

bool GgufReading::is_unread(std::string_view name) const {
    return !read_.contains(name) && !hidden_.contains(name);
}

template <typename T>
Result<T> GgufReading::get(std::string_view key,
                           Result<T> (Gguf::*getter)(std::string_view) const) {
    if (hidden_.contains(key)) {
        return Status::bad_file("key '" + printable(key) +
                                "': cannot be ignored, because the model needs it");
    }
    read_.emplace(key);
    return (gguf_.*getter)(key);
}

Result<std::uint32_t> GgufReading::get_u32(std::string_view key) {
    return get(key, &Gguf::get_u32);
}
Result<double> GgufReading::get_float(std::string_view key) {
    return get(key, &Gguf::get_float);
}
Result<bool> GgufReading::get_bool(std::string_view key) {
    return get(key, &Gguf::get_bool);
}
Result<std::string_view> GgufReading::get_string(std::string_view key) {
    return get(key, &Gguf::get_string);
}
Result<std::vector<std::string_view>> GgufReading::get_strings(std::string_view key) {
    return get(key, &Gguf::get_strings);
}
Result<std::vector<double>> GgufReading::get_floats(std::string_view key) {
    return get(key, &Gguf::get_floats);
}
Result<std::vector<std::int32_t>> GgufReading::get_ints(std::string_view key) {
    return get(key, &Gguf::get_ints);
}

Result<std::vector<bool>> GgufReading::get_bools(std::string_view key) {
    return get(key, &Gguf::get_bools);
}
bool GgufReading::is_array(std::string_view key) const {
    return has(key) && gguf_.is_array(key).value();
}

const TensorView* GgufReading::find_tensor(std::string_view name) {
    if (hidden_.contains(name)) return nullptr;
    read_.emplace(name);
    return gguf_.find_tensor(name);
}

Status GgufReading::refuse(std::string_view name, const std::string& what) {
    if (is_listed(name) || ignores_unread_) {
        notes_.push_back(what);
        return {};
    }
    return Status::unsupported(what + "; to go on at your own risk: --ignore-key " +
                               printable(name));
}

Status GgufReading::refuse_unread(Keys keys, const ModelConfig& config) {
    for (const std::string_view key : gguf_.keys()) {
        const Keys belongs_to = key.starts_with("tokenizer.") ? Keys::kTokenizer : Keys::kModel;
        std::string expected;
        if (belongs_to != keys || !is_unread(key) || is_free_key(gguf_, key, config, expected))
            continue;
        const std::string reason = expected.empty()
                                       ? ": nothing here reads it, and it may change the results"
                                       : ": only " + expected + " is supported";
        GYRE_TRY(refuse(key, key_text(gguf_, key) + reason));
    }
    return {};
}

Status GgufReading::refuse_unread_tensors(std::uint32_t n_layer) {
    for (const TensorView& tensor : gguf_.tensors()) {
        if (!is_unread(tensor.name)) continue;
        const std::string reason =
            is_beyond_layers(tensor.name, n_layer)
                ? ": beyond the last layer; the file's block_count is " + std::to_string(n_layer)
                : ": nothing here reads it, and it may change the results";
        GYRE_TRY(refuse(tensor.name, tensor_text(tensor.name) + reason));
    }
    return {};
}

}  // namespace gyre
