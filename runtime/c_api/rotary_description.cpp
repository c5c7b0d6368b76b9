// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/rotary_description.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "runtime/c_api/number_text.h"

namespace gyre::c_api {
namespace {

// Three digits, for people.
std::string rounded(double value) {
    std::array<char, 64> text;
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 3)
            .ptr;
    return {text.data(), end};
}

const char* what_rotates(const RotaryRecipe& rotary) {
    switch (rotary.values) {
        case ValueRotation::kRove:
            return rotary.rotate_keys
                       ? "RoVE: queries, keys and values rotate, outputs rotate back"
                       : "VO-RoPE: values rotate, outputs rotate back, queries and keys stay";
        case ValueRotation::kRotateOnly:
            return rotary.rotate_keys ? "RoPE with values: queries, keys and values rotate"
                                      : "values rotate, queries and keys stay";
        case ValueRotation::kNone:
            break;
    }
    return rotary.rotate_keys ? "RoPE: queries and keys rotate"
                              : "rotary without anything to rotate";
}

std::uint32_t count_rotating(const RotarySpec& spec) {
    const auto rotates = [](double inv_freq) { return inv_freq != 0.0; };
    return static_cast<std::uint32_t>(
        std::count_if(spec.inv_freq.begin(), spec.inv_freq.end(), rotates));
}

std::string frequencies_text(const RotaryRecipe& rotary) {
    if (!rotary.inv_freq.empty()) return "frequencies from the file";
    std::string text = "base " + number_text(rotary.theta);
    if (rotary.scaling.type == RotaryScalingType::kNone) {
        text += ", no scaling";
    } else {
        text += ", scaling " + std::string(rotary_scaling_rule(rotary.scaling.type).name) + " x " +
                number_text(rotary.scaling.factor);
    }
    return text;
}

std::string projection_text(const ModelConfig& config) {
    const bool qkv = config.attention.qkv == ProjectionKind::kComplex;
    const bool output = config.attention.output == ProjectionKind::kComplex;
    if (qkv) return output ? "complex projections" : "complex projections (CRoPE), real output";
    return output ? "real projections, complex output" : "real projections";
}

// Collects "key": value pairs; keys and strings are ours and need no escapes.
class JsonObject {
  public:
    void add(std::string_view key, const std::string& json) {
        text_ += text_.empty() ? "{\"" : ", \"";
        text_.append(key).append("\": ").append(json);
    }
    void add(std::string_view key, double value) { add(key, number_text(value)); }
    void add(std::string_view key, std::uint32_t value) { add(key, std::to_string(value)); }
    void add(std::string_view key, bool value) { add(key, std::string(value ? "true" : "false")); }
    void add(std::string_view key, const char* value) {
        add(key, std::string("\"").append(value).append("\""));
    }
    std::string finish() const { return text_ + "}"; }

  private:
    std::string text_;
};

}  // namespace

// Layers that rotate in another way than the first recipe.
std::string other_layers_text(const ModelConfig& config) {
    std::string text;
    for (std::uint32_t i = 0; i < config.other_rotary.size(); ++i) {
        const RotaryRecipe& recipe = config.other_rotary[i];
        const auto n = std::count(config.layer_rotary.begin(), config.layer_rotary.end(), i + 1);
        text += "; " + std::to_string(n) + " of " + std::to_string(config.n_layer) + " layers: " +
                (recipe.rotary_dim == 0 ? "nothing rotates" : frequencies_text(recipe));
    }
    return text;
}

std::string rotary_text(const ModelConfig& config) {
    if (config.position != PositionKind::kRotary) {
        return "nothing rotates; " + projection_text(config);
    }
    const RotarySpec spec = config.rotary_spec(config.n_ctx);
    std::string text = what_rotates(config.rotary);
    text += "; " + std::string(to_string(spec.pairing)) + " pairing, " +
            std::to_string(count_rotating(spec)) + " of " + std::to_string(spec.n_pairs()) +
            " pairs; " + frequencies_text(config.rotary) + ", " + rounded(spec.inv_freq.front()) +
            " to " + rounded(spec.inv_freq.back()) + " radians per position";
    if (spec.amplitude != 1.0) text += ", amplitude " + number_text(spec.amplitude);
    if (config.rotary.resonance) text += ", whole wavelengths (Resonance RoPE)";
    if (config.rotary.xpos) text += ", decay (xPos)";
    if (spec.temperature.active()) text += ", length-dependent temperature";
    return text + other_layers_text(config) + "; " + projection_text(config);
}

std::string rotary_json(const ModelConfig& config) {
    JsonObject json;
    json.add("position", to_string(config.position));
    json.add("projection", to_string(config.attention.qkv));
    json.add("output_projection", to_string(config.attention.output));
    if (config.position != PositionKind::kRotary) return json.finish();
    const RotaryRecipe& recipe = config.rotary;
    const RotarySpec spec = config.rotary_spec(config.n_ctx);
    json.add("keys", spec.rotate_keys);
    json.add("values", to_string(spec.values));
    json.add("pairing", to_string(spec.pairing));
    json.add("dimension_count", recipe.rotary_dim);
    json.add("freq_base", recipe.theta);
    json.add("explicit_inv_freq", !recipe.inv_freq.empty());
    json.add("scaling_type", rotary_scaling_rule(recipe.scaling.type).name);
    json.add("scaling_factor", recipe.scaling.factor);
    json.add("amplitude", spec.amplitude);
    json.add("xpos", recipe.xpos);
    json.add("temperature_coefficient", spec.temperature.coefficient);
    json.add("temperature_power", spec.temperature.power);
    json.add("temperature_train_length", spec.temperature.train_length);
    std::string inv_freq;
    for (const double w : spec.inv_freq)
        inv_freq += (inv_freq.empty() ? "" : ", ") + number_text(w);
    json.add("inv_freq", "[" + inv_freq + "]");
    return json.finish();
}

}  // namespace gyre::c_api
