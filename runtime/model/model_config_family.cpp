// The part of a config in which families differ most: scales, caps, and layers that are not alike.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "runtime/model/config_reader.h"
#include "runtime/model/model_config.h"

namespace gyre {
namespace {

constexpr Range<double> kQuantityRange = {0.0, 1e9};

// 0 is how files say "as usual", which is what the fields hold already.
void set_quantity(Quantity quantity, double value, ModelConfig& config) {
    if (value == 0.0) return;
    const auto number = static_cast<float>(value);
    switch (quantity) {
        case Quantity::kEmbeddingScale:
            config.embedding_scale = number;
            break;
        case Quantity::kResidualScale:
            config.residual_scale = number;
            break;
        case Quantity::kScoreScale:
            config.attention.score_scale = number;
            break;
        case Quantity::kLogitScale:
            config.logit_scale = number;
            break;
        case Quantity::kLogitDivisor:
            config.logit_scale = static_cast<float>(1.0 / value);
            break;
        case Quantity::kScoreCap:
            config.attention.score_cap = number;
            break;
        case Quantity::kLogitCap:
            config.logit_cap = number;
            break;
    }
}

// Which layers are global, as the row says or the file does instead of it. Key
// attention.sliding_window_pattern: the period, or for each layer whether it has the window.
Result<std::vector<bool>> global_layers(const ConfigReader& reader, const Architecture& row,
                                        const ModelConfig& config) {
    const std::string key = reader.arch("attention.sliding_window_pattern");
    std::vector<bool> global(config.n_layer);
    if (reader.file().is_array(key)) {
        GYRE_ASSIGN(const std::vector<bool> windowed, reader.file().get_bools(key));
        if (windowed.size() != config.n_layer) {
            return reader.error(key, std::to_string(windowed.size()) + " entries; expected " +
                                         std::to_string(config.n_layer) + ", the layers");
        }
        for (std::size_t layer = 0; layer < global.size(); ++layer)
            global[layer] = !windowed[layer];
        return global;
    }
    std::uint32_t period = row.global_period;
    GYRE_TRY(reader.optional(key, {1, UINT32_MAX}, period));
    for (std::uint32_t layer = 0; layer < config.n_layer; ++layer)
        global[layer] = layer % period == period - 1;
    return global;
}

// The recipe of the layers that rotate in another way than config.rotary.
Status read_other_rotary(const ConfigReader& reader, GlobalRotation rotation, ModelConfig& config) {
    RotaryRecipe other = config.rotary;
    other.scaling = {};
    other.freq_factors.clear();
    if (rotation == GlobalRotation::kNone) {
        other.rotary_dim = 0;
        other.inv_freq.clear();
        other.xpos = false;
    } else {
        other.theta = 10000.0;
        GYRE_TRY(reader.optional(reader.arch("rope.freq_base_swa"), kThetaRange, other.theta));
    }
    config.other_rotary.push_back(std::move(other));
    return {};
}

}  // namespace

Status read_quantities(const ConfigReader& reader, const Architecture& row, ModelConfig& config) {
    if (row.embedding_by_width)
        config.embedding_scale = std::sqrt(static_cast<float>(config.n_embd));
    if (row.score_by_width_layers == config.n_layer) {
        config.attention.score_scale =
            1.0f / std::sqrt(static_cast<float>(config.n_embd) / static_cast<float>(config.n_head));
    }
    for (const QuantityKey& key : row.quantities) {
        double value = key.absent.value_or(0.0);
        const std::string name = reader.arch(key.name);
        if (!key.absent || reader.has(name)) {
            GYRE_TRY(reader.required(name, kQuantityRange, value));
        }
        set_quantity(key.sets, value, config);
    }
    return {};
}

Status read_layers(const ConfigReader& reader, const Architecture& row, ModelConfig& config) {
    const std::uint32_t window = config.attention.sliding_window;
    const bool rotates = config.position == PositionKind::kRotary;
    const bool bare_globals = rotates && row.global_rotation == GlobalRotation::kNone;
    if (row.global_period == 0 || (window == 0 && !bare_globals)) return {};
    GYRE_ASSIGN(const std::vector<bool> global, global_layers(reader, row, config));
    if (window != 0) {
        for (const bool is_global : global)
            config.attention.windows.push_back(is_global ? 0 : window);
    }
    if (!rotates || row.global_rotation == GlobalRotation::kAsWindows) return {};
    GYRE_TRY(read_other_rotary(reader, row.global_rotation, config));
    for (const bool is_global : global)
        config.layer_rotary.push_back(is_global == bare_globals ? 1 : 0);
    return {};
}

}  // namespace gyre
