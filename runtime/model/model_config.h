// What a model file says about the model: sizes, positions, attention; every value checked.
// SPDX-License-Identifier: Apache-2.0
//
// Keys: ARCH.* as the GGUF ecosystem writes them, gyre.* for what GGUF has no key for. A missing,
// mistyped or out-of-range key, an unknown value, and a key that nothing reads and that is not
// known to change nothing (free_keys.cpp) are refused by name. The tokenizer's keys are judged by
// their reader.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/status.h"
#include "runtime/model/gguf_reading.h"
#include "runtime/model/rotary_spec.h"
#include "shaders/interface/linear.h"  // Activation

namespace gyre {

enum class Architecture : std::uint32_t { kGpt2 = 0, kGptNeox = 1 };
enum class PositionKind : std::uint32_t { kLearned, kSinusoidal, kRotary, kAlibi, kNone };
enum class ProjectionKind : std::uint32_t { kReal = 0, kComplex = 1 };

const char* to_string(Architecture value);    // "gpt2"
const char* to_string(PositionKind value);    // "rotary", as in gyre.position
const char* to_string(Activation value);      // "gelu_tanh", as in gyre.activation
const char* to_string(ProjectionKind value);  // "real"
const char* to_string(RotaryPairing value);   // "half"
const char* to_string(ValueRotation value);   // "rove"

struct AttentionSpec {
    ProjectionKind qkv = ProjectionKind::kReal;
    ProjectionKind output = ProjectionKind::kReal;
    std::uint32_t sliding_window = 0;  // positions seen, the query's own included; 0 = all
    std::uint32_t sink_tokens = 0;     // first positions that the window keeps
    bool sink_logits = false;          // blk.N.attn_sinks.weight: one learned logit a head
};

struct ModelConfig {
    Architecture architecture = Architecture::kGpt2;
    std::string name;  // general.name, or empty

    std::uint32_t n_vocab = 0;   // rows of token_embd and of the logits
    std::uint32_t n_tokens = 0;  // tokens of the tokenizer, <= n_vocab; rows beyond are padding
    std::uint32_t n_ctx = 0;     // positions the model was made for
    std::uint32_t n_embd = 0;
    std::uint32_t n_layer = 0;
    std::uint32_t n_head = 0;
    std::uint32_t n_head_kv = 0;
    std::uint32_t head_dim = 0;  // n_embd / n_head
    std::uint32_t n_ff = 0;
    float layer_norm_epsilon = 0.0f;
    Activation activation = Activation::kGeluTanh;
    PositionKind position = PositionKind::kNone;
    bool tied = false;               // output.weight absent: the logits use token_embd
    bool parallel_residual = false;  // gptneox: attention and FFN read the same input

    AttentionSpec attention;
    RotaryRecipe rotary;  // meaningful where position is kRotary

    std::uint32_t n_qkv() const { return (n_head + 2 * n_head_kv) * head_dim; }  // rows of attn_qkv
    // What the kernels need, for a session of session_ctx positions (1 .. n_ctx or more).
    RotarySpec rotary_spec(std::uint32_t session_ctx) const;
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
