// What a model file says about the model: sizes, positions, attention; every value checked.
// SPDX-License-Identifier: Apache-2.0
//
// Keys: ARCH.* as the GGUF ecosystem writes them, gyre.* for what GGUF has no key for. What they
// mean in a family of models is its row of architectures(). A missing, mistyped or out-of-range
// key, an unknown value, and a key that nothing reads and that is not known to change nothing
// (free_keys.cpp) are refused by name. The tokenizer's keys are checked by their reader.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/status.h"
#include "runtime/model/architectures.h"
#include "runtime/model/gguf_reading.h"
#include "runtime/model/model_spec.h"

namespace gyre {

const char* to_string(PositionKind value);    // "rotary", as in gyre.position
const char* to_string(Activation value);      // "gelu_tanh", as in gyre.activation
const char* to_string(ProjectionKind value);  // "real"
const char* to_string(RotaryPairing value);   // "half"
const char* to_string(ValueRotation value);   // "rove"

// What a file says: the spec, and what nothing is computed from.
struct ModelConfig : ModelSpec {
    std::string architecture;     // general.architecture: the row of architectures()
    TensorNames tensor_names{};   // of that row
    bool gate_before_up = false;  // GateTensor::kBeforeUp
    std::string name;             // general.name, or empty
    std::uint32_t n_tokens = 0;   // tokens of the tokenizer, <= n_vocab; rows beyond are padding
};

// Reads and checks all keys, and which of the tensors that decide something are there; the tensors'
// shapes are model_tensors' business. Does not ask whether the engine can run it.
Result<ModelConfig> read_model_config(GgufReading& file);
Result<ModelConfig> read_model_config(const Gguf& gguf);  // nothing ignored

// A feature that files may ask for: one row each, flipped when the engine learns it.
struct EngineCapability {
    const char* feature;  // as in messages, with its key
    bool (*used_by)(const ModelConfig& config);
    bool executable;
};
std::span<const EngineCapability> engine_capabilities();

// kUnsupported with the names of all features that this version cannot run; else ok.
Status check_supported(const ModelConfig& config);

}  // namespace gyre
