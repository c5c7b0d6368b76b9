// Reads metadata keys whose values must be in a range or in a list of words: model_config uses it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/model/gguf_reading.h"

namespace gyre {

template <typename T>
struct Range {
    T min, max;  // both allowed
};

template <typename Enum>
struct Word {
    const char* text;
    Enum value;
};

// Every error names the key, what was found and what was expected. "optional" leaves out as it is
// where the key is absent.
class ConfigReader {
  public:
    ConfigReader(GgufReading& file, std::string architecture)
        : file_(file), architecture_(std::move(architecture)) {}

    GgufReading& file() const { return file_; }
    std::string arch(std::string_view suffix) const {
        return architecture_ + "." + std::string(suffix);
    }
    bool has(const std::string& key) const { return file_.has(key); }

    Status required(const std::string& key, Range<std::uint32_t> range, std::uint32_t& out) const;
    Status required(const std::string& key, Range<double> range, double& out) const;
    Status optional(const std::string& key, Range<std::uint32_t> range, std::uint32_t& out) const;
    Status optional(const std::string& key, Range<double> range, double& out) const;
    Status optional(const std::string& key, bool& out) const;

    template <typename Enum>
    Status optional(const std::string& key, std::span<const Word<Enum>> words, Enum& out) const {
        if (!has(key)) return {};
        GYRE_ASSIGN(const std::string_view text, file_.get_string(key));
        for (const Word<Enum>& word : words) {
            if (text == word.text) {
                out = word.value;
                return {};
            }
        }
        std::vector<const char*> known;
        for (const Word<Enum>& word : words)
            known.push_back(word.text);
        return unknown_word(key, text, known);
    }

    static Status error(const std::string& key, const std::string& text);

  private:
    static Status unknown_word(const std::string& key, std::string_view text,
                               std::span<const char* const> known);

    GgufReading& file_;
    std::string architecture_;
};

struct Architecture;
struct ModelConfig;

inline constexpr Range<double> kThetaRange = {1.0 + 1e-6, 1e15};  // of the base of frequencies

// Scales and caps (model_config_family.cpp). config: its sizes are read.
Status read_quantities(const ConfigReader& reader, const Architecture& row, ModelConfig& config);
// Layers that differ in window and rotation. config: all else of it is read.
Status read_layers(const ConfigReader& reader, const Architecture& row, ModelConfig& config);

// The rotary part of the config, and the tensors it needs (model_config_rotary.cpp). config: its
// sizes are read. Only called where the position is rotary.
Status read_rotary_recipe(const ConfigReader& reader, ModelConfig& config);

}  // namespace gyre
