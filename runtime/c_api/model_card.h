// What the C API tells about a model file: sizes, tokenizer, how it rotates. Needs no device.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/model.h"
#include "runtime/text/tokenizer.h"

namespace gyre::c_api {

// Immutable; keeps nothing of the file.
struct ModelCard {
    std::vector<std::string> keys;  // of the metadata, in the file's order
    ModelConfig config;
    std::string architecture;  // as in general.architecture
    std::string position;      // as in gyre.position
    std::string rotary_text;
    std::string rotary_json;
    std::string weight_types;        // by bytes, largest first: "Q8_0, F32"
    std::uint64_t n_parameters = 0;  // elements of all tensors
    std::optional<Tokenizer> tokenizer;
    std::string no_tokenizer;      // why there is none; empty if there is
    bool begins_with_bos = false;  // Tokenizer::adds_bos()
    std::string ignored;           // as gyre_model_info has it

    // A tokenizer of a kind that runtime/text does not know is no error: no_tokenizer says so.
    // kBadFile: the tokenizer's lists are damaged.
    // kUnsupported: a key of the tokenizer's would change the tokens, and ignored does not have it.
    static Result<ModelCard> read(const ModelFile& file, const std::vector<std::string>& ignored);

    // The tokenizer, or why the caller cannot have it.
    Result<const Tokenizer*> need_tokenizer() const;
};

}  // namespace gyre::c_api
