// Which features that a model file can ask for the engine can run: one row for each.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_config.h"

namespace gyre {
namespace {

bool is_rotary(const ModelConfig& config) {
    return config.position == PositionKind::kRotary;
}

template <PositionKind kind>
bool has_position(const ModelConfig& config) {
    return config.position == kind;
}

template <RotaryScalingType type>
bool has_scaling(const ModelConfig& config) {
    return is_rotary(config) && config.rotary.scaling.type == type;
}

template <Activation activation>
bool has_activation(const ModelConfig& config) {
    return config.activation == activation;
}

// Flip the last column when the engine has learned the feature, in the same change as its test.
constexpr EngineCapability kCapabilities[] = {
    {"use_parallel_residual = true", [](const ModelConfig& c) { return c.parallel_residual; },
     true},
    {"gyre.position = learned", has_position<PositionKind::kLearned>, true},
    {"gyre.position = rotary", has_position<PositionKind::kRotary>, true},
    {"gyre.position = none", has_position<PositionKind::kNone>, true},
    {"gyre.position = sinusoidal", has_position<PositionKind::kSinusoidal>, true},
    {"gyre.position = alibi", has_position<PositionKind::kAlibi>, true},
    {"gyre.activation = gelu_tanh", has_activation<Activation::kGeluTanh>, true},
    {"gyre.activation = gelu_erf", has_activation<Activation::kGeluErf>, true},
    {"gyre.activation = relu2", has_activation<Activation::kRelu2>, true},
    {"gyre.activation = silu", has_activation<Activation::kSilu>, true},
    {"gyre.attention.projection = complex",
     [](const ModelConfig& c) { return c.attention.qkv == ProjectionKind::kComplex; }, true},
    {"gyre.attention.output_projection = complex",
     [](const ModelConfig& c) { return c.attention.output == ProjectionKind::kComplex; }, true},
    {"attention.sliding_window",
     [](const ModelConfig& c) { return c.attention.sliding_window != 0; }, true},
    {"gyre.attention.sink_tokens",
     [](const ModelConfig& c) { return c.attention.sink_tokens != 0; }, true},
    {"blk.N.attn_sinks.weight", [](const ModelConfig& c) { return c.attention.sink_logits; }, true},
    {"gyre.attention.temperature",
     [](const ModelConfig& c) { return c.rotary.temperature.active(); }, true},
    {"gyre.rotary.inv_freq",
     [](const ModelConfig& c) { return is_rotary(c) && !c.rotary.inv_freq.empty(); }, true},
    {"gyre.rotary.keys = false",
     [](const ModelConfig& c) { return is_rotary(c) && !c.rotary.rotate_keys; }, true},
    {"gyre.rotary.values = rotate_only",
     [](const ModelConfig& c) {
         return is_rotary(c) && c.rotary.values == ValueRotation::kRotateOnly;
     },
     true},
    {"gyre.rotary.values = rove",
     [](const ModelConfig& c) { return is_rotary(c) && c.rotary.values == ValueRotation::kRove; },
     true},
    {"gyre.rotary.xpos = true", [](const ModelConfig& c) { return is_rotary(c) && c.rotary.xpos; },
     true},
    {"gyre.rotary.resonance = true",
     [](const ModelConfig& c) { return is_rotary(c) && c.rotary.resonance; }, true},
    {"rope_freqs.weight",
     [](const ModelConfig& c) { return is_rotary(c) && !c.rotary.freq_factors.empty(); }, true},
    {"rope.scaling.type = linear", has_scaling<RotaryScalingType::kLinear>, true},
    {"rope.scaling.type = yarn", has_scaling<RotaryScalingType::kYarn>, true},
    {"rope.scaling.attn_factor",
     [](const ModelConfig& c) { return is_rotary(c) && c.rotary.scaling.attn_factor != 1.0; },
     true},
    {"gyre.rotary.scaling.type = ntk", has_scaling<RotaryScalingType::kNtk>, true},
    {"gyre.rotary.scaling.type = dynamic", has_scaling<RotaryScalingType::kDynamic>, true},
    {"gyre.rotary.scaling.type = llama3", has_scaling<RotaryScalingType::kLlama3>, true},
    {"gyre.rotary.scaling.type = longrope", has_scaling<RotaryScalingType::kLongrope>, true},
    {"gyre.rotary.scaling.attention_factor",
     [](const ModelConfig& c) { return is_rotary(c) && c.rotary.scaling.attention_factor != 0.0; },
     true},
};

}  // namespace

std::span<const EngineCapability> engine_capabilities() {
    return kCapabilities;
}

Status check_supported(const ModelConfig& config) {
    std::string features;
    for (const EngineCapability& row : kCapabilities) {
        if (row.executable || !row.used_by(config)) continue;
        features += (features.empty() ? "" : ", ") + std::string(row.feature);
    }
    if (features.empty()) return {};
    return Status::unsupported("this version cannot run models with: " + features);
}

}  // namespace gyre
