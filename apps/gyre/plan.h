// The plan of a session as gyre plan shows it: like layers folded to one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gyre/gyre.h"

namespace gyre::app {

struct PlanRow {
    std::string operation, kernel, weight_types, input, output;
    std::uint64_t bytes = 0;
    std::uint32_t n_rows = 0, n_in = 0, dispatches = 0;

    bool operator==(const PlanRow&) const = default;
};

// Layers that follow each other and are alike, or what belongs to no layer.
struct PlanBlock {
    std::uint32_t first_layer = GYRE_LAYER_NONE;
    std::uint32_t n_layers = 1;
    std::vector<PlanRow> rows;

    std::string name() const;  // "layers 1 to 11", "layer 0"; empty: no layer
};

// How a number of tokens is computed together.
struct PlanPart {
    std::string title;
    std::vector<PlanBlock> blocks;

    std::uint64_t dispatches() const;
    std::uint64_t bytes() const;
};

std::string shape_text(const PlanRow& row);  // "3072 x 768"; empty without matrices
std::string bytes_text(std::uint64_t bytes);

std::string plan_svg(const std::string& title, const std::string& note,
                     const std::vector<PlanPart>& parts);

}  // namespace gyre::app
