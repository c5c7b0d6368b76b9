// The frequency rules: a function for each row of the table at the end, all in double.
// SPDX-License-Identifier: Apache-2.0
//
// d = rotary_dim, w_i = theta^(-2i/d), s = factor, T = original context length.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "runtime/model/rotary_spec.h"

namespace gyre {
namespace {

constexpr double kTwoPi = 2.0 * std::numbers::pi;

// w_i, divided by the file's frequency factors where it has them.
std::vector<double> base_frequencies(const RotaryRecipe& recipe, double theta) {
    std::vector<double> w = rope_inv_freq(recipe.rotary_dim, theta);
    assert(recipe.freq_factors.empty() || recipe.freq_factors.size() == w.size());
    for (std::size_t i = 0; i < recipe.freq_factors.size(); ++i)
        w[i] /= recipe.freq_factors[i];
    return w;
}

// The base that stretches the slowest frequency by stretch and leaves the fastest one:
// theta * stretch^(d/(d-2)). With d = 2 there is only the fastest.
double ntk_theta(const RotaryRecipe& recipe, double stretch) {
    const double d = recipe.rotary_dim;
    return d <= 2.0 ? recipe.theta : recipe.theta * std::pow(stretch, d / (d - 2.0));
}

RotaryFrequencies fill_none(const RotaryRecipe& recipe, std::uint32_t) {
    return {base_frequencies(recipe, recipe.theta), recipe.scaling.attn_factor};
}

// Position interpolation (Chen et al., arXiv:2306.15595): positions / s, which is w / s.
RotaryFrequencies fill_linear(const RotaryRecipe& recipe, std::uint32_t) {
    RotaryFrequencies result{base_frequencies(recipe, recipe.theta), recipe.scaling.attn_factor};
    for (double& w : result.inv_freq)
        w /= recipe.scaling.factor;
    return result;
}

// NTK-aware base (bloc97, 2023; as in Hugging Face transformers, modeling_rope_utils.py).
RotaryFrequencies fill_ntk(const RotaryRecipe& recipe, std::uint32_t) {
    return {base_frequencies(recipe, ntk_theta(recipe, recipe.scaling.factor)),
            recipe.scaling.attn_factor};
}

// Dynamic NTK (transformers, _compute_dynamic_ntk_parameters): the base follows the length L beyond
// T. Here L is the session's context, once and for all.
RotaryFrequencies fill_dynamic(const RotaryRecipe& recipe, std::uint32_t n_ctx) {
    const double s = recipe.scaling.factor;
    const double t = recipe.scaling.original_context_length;
    const double stretch = n_ctx > t ? s * n_ctx / t - (s - 1.0) : 1.0;
    return {base_frequencies(recipe, ntk_theta(recipe, stretch)), recipe.scaling.attn_factor};
}

// YaRN's g: 0.1 k ln s + 1 beyond s = 1 (arXiv:2309.00071, equation 22).
double yarn_magnitude(double s, double k) {
    return s > 1.0 ? 0.1 * k * std::log(s) + 1.0 : 1.0;
}

// The pair whose wavelength rotates n_rotations times in T positions, as a real number.
double yarn_pair(const RotaryRecipe& recipe, double n_rotations) {
    const double t = recipe.scaling.original_context_length;
    return recipe.rotary_dim * std::log(t / (kTwoPi * n_rotations)) /
           (2.0 * std::log(recipe.theta));
}

// YaRN (Peng et al., arXiv:2309.00071, section 3.2; bounds as in transformers and ggml).
RotaryFrequencies fill_yarn(const RotaryRecipe& recipe, std::uint32_t) {
    const RotaryScaling& scaling = recipe.scaling;
    RotaryFrequencies result{base_frequencies(recipe, recipe.theta), scaling.attn_factor};
    const double low = std::max(0.0, std::floor(yarn_pair(recipe, scaling.beta_fast)));
    const double high =
        std::min(recipe.rotary_dim - 1.0, std::ceil(yarn_pair(recipe, scaling.beta_slow)));
    const double width = std::max(0.001, high - low);
    for (std::size_t i = 0; i < result.inv_freq.size(); ++i) {
        const double ramp = std::clamp((static_cast<double>(i) - low) / width, 0.0, 1.0);
        const double keep = (1.0 - ramp) * scaling.ext_factor;  // 1: the frequency stays
        result.inv_freq[i] *= keep + (1.0 - keep) / scaling.factor;
    }
    if (scaling.ext_factor != 0.0) {
        result.amplitude *= yarn_magnitude(scaling.factor, scaling.mscale) /
                            yarn_magnitude(scaling.factor, scaling.mscale_all_dim);
    }
    return result;
}

// Llama 3.1 (transformers, _compute_llama3_parameters): long waves interpolated, short ones kept,
// those between blended.
RotaryFrequencies fill_llama3(const RotaryRecipe& recipe, std::uint32_t) {
    const RotaryScaling& scaling = recipe.scaling;
    RotaryFrequencies result{base_frequencies(recipe, recipe.theta), scaling.attn_factor};
    const double t = scaling.original_context_length;
    for (double& w : result.inv_freq) {
        const double rotations = t * std::fabs(w) / kTwoPi;  // in T positions
        const double blend = (rotations - scaling.low_freq_factor) /
                             (scaling.high_freq_factor - scaling.low_freq_factor);
        const double keep = std::clamp(blend, 0.0, 1.0);
        w = (1.0 - keep) * w / scaling.factor + keep * w;
    }
    return result;
}

// LongRoPE (arXiv:2402.13753; Phi-3): one divisor a pair, by whether the session is longer than T.
RotaryFrequencies fill_longrope(const RotaryRecipe& recipe, std::uint32_t n_ctx) {
    const RotaryScaling& scaling = recipe.scaling;
    RotaryFrequencies result{base_frequencies(recipe, recipe.theta), scaling.attn_factor};
    const bool is_long = n_ctx > scaling.original_context_length;
    const std::vector<double>& divisors = is_long ? scaling.long_factor : scaling.short_factor;
    assert(divisors.size() == result.inv_freq.size());
    for (std::size_t i = 0; i < divisors.size(); ++i)
        result.inv_freq[i] /= divisors[i];
    const double s = scaling.factor;
    if (s > 1.0) {
        result.amplitude *= std::sqrt(
            1.0 + std::log(s) / std::log(static_cast<double>(scaling.original_context_length)));
    }
    return result;
}

constexpr RotaryScalingRule kRules[] = {
    {RotaryScalingType::kNone, "none", false, fill_none},
    {RotaryScalingType::kLinear, "linear", false, fill_linear},
    {RotaryScalingType::kNtk, "ntk", false, fill_ntk},
    {RotaryScalingType::kDynamic, "dynamic", true, fill_dynamic},
    {RotaryScalingType::kYarn, "yarn", false, fill_yarn},
    {RotaryScalingType::kLlama3, "llama3", false, fill_llama3},
    {RotaryScalingType::kLongrope, "longrope", true, fill_longrope},
};

}  // namespace

std::span<const RotaryScalingRule> rotary_scaling_rules() {
    return kRules;
}

const RotaryScalingRule* find_rotary_scaling(std::string_view name) {
    for (const RotaryScalingRule& rule : kRules) {
        if (name == rule.name) return &rule;
    }
    return nullptr;
}

const RotaryScalingRule& rotary_scaling_rule(RotaryScalingType type) {
    const RotaryScalingRule& rule = kRules[static_cast<std::uint32_t>(type)];
    assert(rule.type == type);
    return rule;
}

std::vector<double> rope_inv_freq(std::uint32_t rotary_dim, double theta) {
    std::vector<double> w(rotary_dim / 2);
    for (std::size_t i = 0; i < w.size(); ++i) {
        w[i] = std::pow(theta, -2.0 * static_cast<double>(i) / rotary_dim);
    }
    return w;
}

std::vector<double> whole_wavelengths(std::vector<double> inv_freq) {
    for (double& w : inv_freq)
        w = kTwoPi / std::max(1.0, std::round(kTwoPi / w));
    return inv_freq;
}

std::vector<double> rope_id_inv_freq(std::uint32_t head_dim, std::uint32_t train_length) {
    std::vector<double> w(head_dim / 2, 0.0);
    const std::uint32_t n = head_dim / 4;
    const double fastest = kTwoPi / 32.0;
    const double slowest = 2.0 * kTwoPi / train_length;
    for (std::uint32_t i = 0; i < n; ++i) {
        const double share = n == 1 ? 0.0 : static_cast<double>(i) / (n - 1);
        w[i] = fastest * std::pow(slowest / fastest, share);
    }
    return w;
}

std::vector<double> p_rope_inv_freq(std::uint32_t head_dim, double theta, double fraction) {
    std::vector<double> w = rope_inv_freq(head_dim / 2 * 2, theta);
    const auto n = static_cast<std::size_t>(fraction * static_cast<double>(w.size()));
    for (std::size_t i = n; i < w.size(); ++i)
        w[i] = 0.0;
    return w;
}

std::vector<double> hope_inv_freq(std::uint32_t head_dim, double theta,
                                  std::uint32_t train_length) {
    std::vector<double> w = rope_inv_freq(head_dim / 2 * 2, theta);
    for (double& frequency : w) {
        if (kTwoPi / frequency > train_length) frequency = 0.0;
    }
    return w;
}

}  // namespace gyre
