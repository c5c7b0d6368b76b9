// The rotary part of a model file: makes a RotaryRecipe from keys and tensors.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "runtime/model/config_reader.h"
#include "runtime/model/model_config.h"
#include "runtime/model/model_tensors.h"

namespace gyre {
namespace {

constexpr Range<double> kInterpolation = {1e-3, 1e6};  // a factor below 1 compresses
constexpr Range<double> kExtension = {1.0, 1e6};
constexpr Range<double> kAmplitude = {1e-3, 1e3};
constexpr Range<std::uint32_t> kPositions = {1, 1u << 20};
constexpr double kMaxInvFreq = 1e6;  // radians per position; far beyond pi, where all is aliased

constexpr Word<RotaryPairing> kPairings[] = {
    {"interleaved", RotaryPairing::kInterleaved},
    {"half", RotaryPairing::kHalf},
};
constexpr Word<ValueRotation> kValues[] = {
    {"none", ValueRotation::kNone},
    {"rotate_only", ValueRotation::kRotateOnly},
    {"rove", ValueRotation::kRove},
};

// ARCH.rope.scaling.type as the GGUF ecosystem has it.
constexpr Word<RotaryScalingType> kStandardTypes[] = {
    {"none", RotaryScalingType::kNone},
    {"linear", RotaryScalingType::kLinear},
    {"yarn", RotaryScalingType::kYarn},
    {"longrope", RotaryScalingType::kLongrope},
};
// gyre.rotary.scaling.type: what the standard key has no word for.
constexpr Word<RotaryScalingType> kOwnTypes[] = {
    {"ntk", RotaryScalingType::kNtk},
    {"dynamic", RotaryScalingType::kDynamic},
    {"llama3", RotaryScalingType::kLlama3},
    {"longrope", RotaryScalingType::kLongrope},
};

std::string own(const char* name) {
    return std::string("gyre.rotary.scaling.") + name;
}

// Divisors of the frequencies, one a pair: positive and finite. 1e30 and the like mean "stands
// still".
Status read_divisors(const ConfigReader& reader, const char* name, std::uint32_t n_pairs,
                     std::vector<double>& out) {
    const std::string what = std::string("tensor '") + name + "': ";
    const TensorView* tensor = reader.file().find_tensor(name);
    if (tensor == nullptr) return Status::bad_file(what + "missing");
    if (tensor->n_elements() != n_pairs || tensor->n_rows() != 1) {
        return Status::bad_file(what + std::to_string(tensor->n_elements()) +
                                " elements; expected one vector of " + std::to_string(n_pairs) +
                                ", rope.dimension_count / 2");
    }
    const std::vector<float> values = read_floats(*tensor);
    for (const float value : values) {
        if (!(value >= 1e-6f) || !std::isfinite(value)) {
            return Status::bad_file(what + "an element is " + std::to_string(value) +
                                    "; expected positive finite numbers");
        }
    }
    out.assign(values.begin(), values.end());
    return {};
}

Status read_inv_freq(const ConfigReader& reader, ModelConfig& config) {
    const std::string key = "gyre.rotary.inv_freq";
    if (!reader.has(key)) return {};
    GYRE_ASSIGN(config.rotary.inv_freq, reader.file().get_floats(key));
    const std::size_t n = config.rotary.inv_freq.size();
    if (n != config.head_dim / 2 || n == 0) {
        return reader.error(
            key, std::to_string(n) + " entries; expected " + std::to_string(config.head_dim / 2) +
                     ", one per pair of a head of " + std::to_string(config.head_dim));
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (!(std::fabs(config.rotary.inv_freq[i]) <= kMaxInvFreq)) {  // also refuses NaN
            return reader.error(key, "entry " + std::to_string(i) + " is " +
                                         std::to_string(config.rotary.inv_freq[i]) +
                                         "; expected a finite number of radians per position");
        }
    }
    return {};
}

Status read_geometry(const ConfigReader& reader, ModelConfig& config) {
    RotaryRecipe& rotary = config.rotary;
    rotary.rotary_dim = config.head_dim / 2 * 2;
    const std::string dim_key = reader.arch("rope.dimension_count");
    GYRE_TRY(reader.optional(dim_key, {2, config.head_dim}, rotary.rotary_dim));
    if (rotary.rotary_dim < 2 || rotary.rotary_dim % 2 != 0) {
        return reader.error(dim_key, std::to_string(rotary.rotary_dim) +
                                         "; expected an even number, 2 to the head size " +
                                         std::to_string(config.head_dim));
    }
    GYRE_TRY(reader.optional(reader.arch("rope.freq_base"), kThetaRange, rotary.theta));
    GYRE_TRY(reader.optional("gyre.rotary.pairing", std::span<const Word<RotaryPairing>>(kPairings),
                             rotary.pairing));
    GYRE_TRY(reader.optional("gyre.rotary.keys", rotary.rotate_keys));
    GYRE_TRY(reader.optional("gyre.rotary.values", std::span<const Word<ValueRotation>>(kValues),
                             rotary.values));
    GYRE_TRY(reader.optional("gyre.rotary.xpos", rotary.xpos));
    GYRE_TRY(read_inv_freq(reader, config));
    if (!rotary.inv_freq.empty()) return {};  // the file's frequencies stay as they are
    return reader.optional("gyre.rotary.resonance", rotary.resonance);
}

Status read_longrope_factors(const ConfigReader& reader, RotaryRecipe& rotary) {
    const std::uint32_t n_pairs = rotary.rotary_dim / 2;
    GYRE_TRY(
        read_divisors(reader, "rope_factors_short.weight", n_pairs, rotary.scaling.short_factor));
    return read_divisors(reader, "rope_factors_long.weight", n_pairs, rotary.scaling.long_factor);
}

// The YaRN parameters as ggml names them. Its ext_factor of -1 means "what the type says": 1.
Status read_yarn(const ConfigReader& reader, RotaryScaling& scaling) {
    const auto key = [&](const char* name) {
        return reader.arch(std::string("rope.scaling.") + name);
    };
    double ext_factor = -1.0;
    GYRE_TRY(reader.optional(key("yarn_ext_factor"), {-1.0, 1.0}, ext_factor));
    if (ext_factor >= 0.0) scaling.ext_factor = ext_factor;
    double attn_factor = 1.0;
    GYRE_TRY(reader.optional(key("yarn_attn_factor"), kAmplitude, attn_factor));
    scaling.attn_factor *= attn_factor;
    // Converters write two things there: transformers' attention_factor, which is the amplitude,
    // or YaRN's own attn_factor, on top of 0.1 ln s + 1. The latter goes with an
    // extrapolation_factor, which transformers does not know.
    if (scaling.type == RotaryScalingType::kYarn && reader.has(key("yarn_attn_factor")) &&
        !reader.has(key("yarn_ext_factor"))) {
        scaling.attention_factor = scaling.attn_factor;
    }
    GYRE_TRY(reader.optional(key("yarn_beta_fast"), {1e-3, 1e6}, scaling.beta_fast));
    GYRE_TRY(reader.optional(key("yarn_beta_slow"), {1e-3, 1e6}, scaling.beta_slow));
    if (scaling.beta_slow > scaling.beta_fast) {
        return reader.error(key("yarn_beta_slow"), "larger than yarn_beta_fast");
    }
    // DeepSeek's: it goes with a softmax scale of its own, and its unit differs between converters.
    double log_multiplier = 0.0;
    GYRE_TRY(reader.optional(key("yarn_log_multiplier"), {-1e6, 1e6}, log_multiplier));
    if (log_multiplier != 0.0) {
        return Status::unsupported("key '" + key("yarn_log_multiplier") +
                                   "': not 0; it is not supported for this architecture");
    }
    return {};
}

Status read_standard_scaling(const ConfigReader& reader, ModelConfig& config) {
    RotaryScaling& scaling = config.rotary.scaling;
    const auto key = [&](const char* name) {
        return reader.arch(std::string("rope.scaling.") + name);
    };
    GYRE_TRY(reader.optional(reader.arch("rope.scale_linear"), kInterpolation, scaling.factor));
    GYRE_TRY(reader.optional(key("factor"), kInterpolation, scaling.factor));
    // As ggml does, a factor without a type is linear.
    if (scaling.factor != 1.0) scaling.type = RotaryScalingType::kLinear;
    GYRE_TRY(reader.optional(key("type"), std::span<const Word<RotaryScalingType>>(kStandardTypes),
                             scaling.type));
    scaling.original_context_length = config.n_ctx;
    GYRE_TRY(reader.optional(key("original_context_length"), kPositions,
                             scaling.original_context_length));
    GYRE_TRY(reader.optional(key("attn_factor"), kAmplitude, scaling.attn_factor));
    GYRE_TRY(read_yarn(reader, scaling));
    const bool extends =
        scaling.type == RotaryScalingType::kYarn || scaling.type == RotaryScalingType::kLongrope;
    if (extends && scaling.factor < 1.0) {
        return reader.error(key("factor"), "below 1; yarn and longrope extend a context");
    }
    if (scaling.type == RotaryScalingType::kLongrope) {
        // The standard file's amplitude is attn_factor alone: ggml has no rule of its own.
        scaling.attention_factor = scaling.attn_factor;
        GYRE_TRY(read_longrope_factors(reader, config.rotary));
    }
    return {};
}

Status read_llama3(const ConfigReader& reader, RotaryScaling& scaling) {
    GYRE_TRY(reader.required(own("low_freq_factor"), {1e-3, 1e6}, scaling.low_freq_factor));
    GYRE_TRY(reader.required(own("high_freq_factor"), {1e-3, 1e6}, scaling.high_freq_factor));
    if (scaling.high_freq_factor <= scaling.low_freq_factor) {
        return reader.error(own("high_freq_factor"), "not above low_freq_factor");
    }
    return {};
}

Status read_own_scaling(const ConfigReader& reader, ModelConfig& config) {
    RotaryScaling& scaling = config.rotary.scaling;
    const std::string type_key = own("type");
    if (!reader.has(type_key)) return {};
    if (scaling.type != RotaryScalingType::kNone) {
        return reader.error(type_key,
                            "given beside '" + reader.arch("rope.scaling.type") + "' or a factor");
    }
    GYRE_TRY(reader.optional(type_key, std::span<const Word<RotaryScalingType>>(kOwnTypes),
                             scaling.type));
    GYRE_TRY(reader.required(own("factor"), kExtension, scaling.factor));
    if (scaling.type != RotaryScalingType::kNtk || reader.has(own("original_context_length"))) {
        GYRE_TRY(reader.required(own("original_context_length"), {2, kPositions.max},
                                 scaling.original_context_length));
    }
    GYRE_TRY(reader.optional(own("attention_factor"), kAmplitude, scaling.attention_factor));
    if (scaling.type == RotaryScalingType::kLlama3) GYRE_TRY(read_llama3(reader, scaling));
    if (scaling.type == RotaryScalingType::kLongrope)
        GYRE_TRY(read_longrope_factors(reader, config.rotary));
    return {};
}

}  // namespace

Status read_rotary_recipe(const ConfigReader& reader, ModelConfig& config) {
    GYRE_TRY(read_geometry(reader, config));
    GYRE_TRY(read_standard_scaling(reader, config));
    GYRE_TRY(read_own_scaling(reader, config));
    if (reader.file().has_tensor("rope_freqs.weight")) {
        GYRE_TRY(read_divisors(reader, "rope_freqs.weight", config.rotary.rotary_dim / 2,
                               config.rotary.freq_factors));
    }
    return {};
}

const char* to_string(RotaryPairing value) {
    return value == RotaryPairing::kHalf ? "half" : "interleaved";
}

const char* to_string(ValueRotation value) {
    return kValues[static_cast<std::uint32_t>(value)].text;
}

}  // namespace gyre
