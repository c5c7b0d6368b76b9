// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/rotary_spec.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace gyre {

double AttentionTemperature::factor(std::uint32_t n_attended) const {
    if (!active()) return 1.0;
    const double stretch = std::max(1.0, static_cast<double>(n_attended) / train_length);
    return std::pow(1.0 + coefficient * std::log(stretch), power);
}

bool any_rotates(std::span<const RotarySpec> specs) {
    return std::any_of(specs.begin(), specs.end(),
                       [](const RotarySpec& spec) { return spec.rotates(); });
}

bool RotarySpec::rotates() const {
    if (!rotate_keys && values == ValueRotation::kNone) return false;
    return std::any_of(inv_freq.begin(), inv_freq.end(), [](double w) { return w != 0.0; });
}

std::vector<PairChannels> pair_channels(RotaryPairing pairing, std::uint32_t stride,
                                        std::uint32_t head_dim) {
    const std::uint32_t n_pairs = (head_dim + 1) / 2;
    std::vector<PairChannels> pairs;
    pairs.reserve(n_pairs);
    std::uint32_t rest = 0;  // first channel that no pair holds yet; all after it are free too
    if (pairing == RotaryPairing::kHalf) {
        assert(2 * stride <= head_dim);
        for (std::uint32_t i = 0; i < stride; ++i)
            pairs.push_back({i, i + stride});
        rest = 2 * stride;
    }
    for (; rest < head_dim; rest += 2) {
        pairs.push_back({rest, rest + 1 < head_dim ? rest + 1 : PairChannels::kNoChannel});
    }
    assert(pairs.size() == n_pairs);
    return pairs;
}

std::vector<PairChannels> pair_channels(const RotarySpec& spec) {
    return pair_channels(spec.pairing, spec.stride, spec.head_dim);
}

namespace {

// zeta_i^(1 / 512) a position, zeta_i = (2 i / d + 0.4) / 1.4: Sun et al., arXiv:2212.10554, with
// the published scale base of 512. Pairs that do not rotate do not decay.
std::vector<double> xpos_log_decay(const RotarySpec& spec, std::uint32_t rotary_dim) {
    std::vector<double> log_decay(spec.n_pairs(), 0.0);
    for (std::uint32_t i = 0; i < rotary_dim / 2; ++i) {
        if (spec.inv_freq[i] != 0.0) {
            log_decay[i] = std::log((2.0 * i / rotary_dim + 0.4) / 1.4) / 512.0;
        }
    }
    return log_decay;
}

}  // namespace

RotarySpec make_rotary_spec(const RotaryRecipe& recipe, std::uint32_t head_dim,
                            std::uint32_t n_ctx) {
    RotarySpec spec = make_unrotated_spec(head_dim);
    const RotaryScaling& scaling = recipe.scaling;
    RotaryFrequencies computed = rotary_scaling_rule(scaling.type).fill(recipe, n_ctx);
    if (recipe.resonance) computed.inv_freq = whole_wavelengths(std::move(computed.inv_freq));
    const bool whole_head = !recipe.inv_freq.empty();
    const std::vector<double>& inv_freq = whole_head ? recipe.inv_freq : computed.inv_freq;
    assert(inv_freq.size() <= spec.inv_freq.size());
    std::copy(inv_freq.begin(), inv_freq.end(), spec.inv_freq.begin());
    spec.stride = whole_head ? head_dim / 2 : recipe.rotary_dim / 2;
    spec.pairing = recipe.pairing;
    spec.rotate_keys = recipe.rotate_keys;
    spec.values = recipe.values;
    spec.amplitude =
        scaling.attention_factor != 0.0 ? scaling.attention_factor : computed.amplitude;
    spec.temperature = recipe.temperature;
    if (recipe.xpos)
        spec.log_decay = xpos_log_decay(spec, whole_head ? head_dim : recipe.rotary_dim);
    return spec;
}

RotarySpec make_unrotated_spec(std::uint32_t head_dim) {
    RotarySpec spec;
    spec.head_dim = head_dim;
    spec.inv_freq.assign(spec.n_pairs(), 0.0);
    // Any pairing does; complex projections give interleaved ones.
    spec.pairing = RotaryPairing::kInterleaved;
    spec.stride = head_dim / 2;
    spec.rotate_keys = false;
    return spec;
}

}  // namespace gyre
