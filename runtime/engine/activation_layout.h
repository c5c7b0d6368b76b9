// Where a session's activations and tables lie in its state buffer, and how large that is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/engine/kv_cache.h"
#include "runtime/engine/plan.h"
#include "runtime/kernels/tensor.h"

namespace gyre {

// [chunk][stride] words, or nothing where no operation uses the place.
struct PlaceRows {
    std::uint32_t offset = 0;
    std::uint32_t stride = 0;  // a row, padded to ACTIVATION_ALIGN
};

// Of one way in which layers rotate.
struct RotaryTables {
    std::uint32_t query = 0;      // position table (shaders/interface/rotary.h) for the queries
    std::uint32_t key = 0;        // for the keys; query unless they decay (xPos)
    std::uint32_t value = 0;      // for the values: unit amplitude; query where that is the same
    std::uint32_t rotations = 0;  // [keys, values][n_pairs] (cos, sin) of a cache shift
};

struct ActivationLayout {
    std::uint32_t chunk = 0;  // tokens processed at once
    std::array<PlaceRows, kPlaces> places{};
    std::vector<RotaryTables> rotary;      // of each of ModelSpec::rotary_specs()
    std::uint32_t scales = 0;              // [n_ctx] temperature factors
    std::uint32_t ticket = 0;              // [1] of norms after a product
    std::uint32_t attention_splits = 1;    // workgroups that share a decoded token's query
    std::uint32_t attention_tickets = 0;   // [n_head], with splits
    std::uint32_t attention_partials = 0;  // [n_head][attention_splits][2 n_pairs + 2], too
    std::uint64_t words = 0;               // of the whole buffer

    const PlaceRows& at(Place place) const { return places[static_cast<std::size_t>(place)]; }

    // Of the places that the operations of a spec use, once they are fused for such a cache.
    static ActivationLayout of(const ModelSpec& spec, std::span<const RotarySpec> rotary,
                               const CacheShape& cache, std::uint32_t chunk,
                               std::uint32_t attention_splits);
};

}  // namespace gyre
