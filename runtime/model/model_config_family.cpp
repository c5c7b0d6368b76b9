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
    const auto number = static_cast<float>(value);
    if (quantity == Quantity::kAlibiMax) config.alibi_max = number;
    if (value == 0.0) return;
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
        case Quantity::kClamp:
            config.attention.clamp = number;
            break;
        case Quantity::kAlibiMax:
            break;
    }
}

// [n_layer]: the last layer of every period.
std::vector<bool> last_of_period(std::uint32_t n_layer, std::uint32_t period) {
    std::vector<bool> last(n_layer);
    for (std::uint32_t layer = 0; layer < n_layer; ++layer)
        last[layer] = layer % period == period - 1;
    return last;
}

// Which layers are global, as the row says or the file does instead of it. Key
// attention.sliding_window_pattern: the period, or for each layer whether it has the window.
Result<std::vector<bool>> global_layers(const ConfigReader& reader, const Architecture& row,
                                        const ModelConfig& config) {
    const std::string key = reader.arch("attention.sliding_window_pattern");
    if (!reader.file().is_array(key)) {
        std::uint32_t period = row.global_period;
        GYRE_TRY(reader.optional(key, {1, UINT32_MAX}, period));
        return last_of_period(config.n_layer, period);
    }
    GYRE_ASSIGN(std::vector<bool> layers, reader.file().get_bools(key));
    if (layers.size() != config.n_layer) {
        return reader.error(key, std::to_string(layers.size()) + " entries; expected " +
                                     std::to_string(config.n_layer) + ", the layers");
    }
    layers.flip();
    return layers;
}

// The layers that rotate by another recipe than config.rotary, which it was copied from.
void add_rotary(RotaryRecipe recipe, const std::vector<bool>& layers, ModelConfig& config) {
    recipe.scaling = {};
    recipe.freq_factors.clear();
    config.other_rotary.push_back(std::move(recipe));
    config.layer_rotary.assign(layers.begin(), layers.end());
}

void do_not_rotate(const std::vector<bool>& layers, ModelConfig& config) {
    RotaryRecipe recipe = config.rotary;
    recipe.rotary_dim = 0;
    recipe.inv_freq.clear();
    recipe.xpos = false;
    add_rotary(std::move(recipe), layers, config);
}

Status read_windows_base(const ConfigReader& reader, const Architecture& row,
                         std::vector<bool> global, ModelConfig& config) {
    RotaryRecipe recipe = config.rotary;
    if (row.windows_base != 0.0) recipe.theta = row.windows_base;
    GYRE_TRY(reader.optional(reader.arch("rope.freq_base_swa"), kThetaRange, recipe.theta));
    global.flip();
    add_rotary(std::move(recipe), global, config);
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
    const bool rotates = config.position == PositionKind::kRotary;
    if (rotates && row.unrotated_period != 0) {
        do_not_rotate(last_of_period(config.n_layer, row.unrotated_period), config);
    }
    const std::uint32_t window = config.attention.sliding_window;
    if (row.global_period == 0 || window == 0) return {};
    GYRE_ASSIGN(const std::vector<bool> global, global_layers(reader, row, config));
    for (const bool is_global : global)
        config.attention.windows.push_back(is_global ? 0 : window);
    if (!rotates) return {};
    switch (row.global_rotation) {
        case GlobalRotation::kAsWindows:
            break;
        case GlobalRotation::kOwnBase:
            return read_windows_base(reader, row, global, config);
        case GlobalRotation::kNone:
            do_not_rotate(global, config);
            break;
    }
    return {};
}

}  // namespace gyre
