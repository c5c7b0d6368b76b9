// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/activation_layout.h"

#include "runtime/engine/fuse.h"
#include "runtime/model/rotary_table.h"

namespace gyre {
namespace {

// Gives out words, each piece beginning at ACTIVATION_ALIGN.
class Words {
  public:
    std::uint32_t place(std::uint64_t n) {
        const auto at = static_cast<std::uint32_t>(total_);
        total_ += activation_stride(n);
        return at;
    }
    std::uint64_t total() const { return total_; }

  private:
    std::uint64_t total_ = 0;
};

std::array<bool, kPlaces> used_places(const Operations& operations) {
    std::array<bool, kPlaces> used{};
    for (const Operation& operation : operations) {
        used[static_cast<std::size_t>(operation.in)] = true;
        used[static_cast<std::size_t>(operation.out)] = true;
    }
    used[static_cast<std::size_t>(Place::kNone)] = false;
    used[static_cast<std::size_t>(Place::kLogits)] = false;  // a buffer of their own
    return used;
}

RotaryTables place_tables(const RotarySpec& rotary, bool rotates, std::uint32_t n_ctx,
                          Words& words) {
    RotaryTables tables;
    if (rotates) {
        const std::uint64_t table = rotary_table_floats(rotary, n_ctx);
        tables.query = words.place(table);
        tables.key = rotary.log_decay.empty() ? tables.query : words.place(table);
        tables.value = rotary.needs_unit_table() ? words.place(table) : tables.query;
    }
    tables.rotations = words.place(2 * std::uint64_t{rotary.n_pairs()} * 2);
    return tables;
}

}  // namespace

ActivationLayout ActivationLayout::of(const ModelSpec& spec, std::span<const RotarySpec> rotary,
                                      const CacheShape& cache, std::uint32_t chunk,
                                      std::uint32_t attention_splits) {
    ActivationLayout layout;
    Words words;
    layout.chunk = chunk;
    const auto used = used_places(fuse(plan(spec).all(), rules_of(cache)));
    for (std::size_t p = 0; p < kPlaces; ++p) {
        if (!used[p]) continue;
        PlaceRows& rows = layout.places[p];
        rows.stride = activation_stride(place_width(spec, static_cast<Place>(p)));
        rows.offset = words.place(std::uint64_t{chunk} * rows.stride);
    }
    for (const RotarySpec& one : rotary)
        layout.rotary.push_back(place_tables(one, any_rotates(rotary), cache.n_ctx, words));
    if (rotary[0].temperature.active()) layout.scales = words.place(cache.n_ctx);
    layout.ticket = words.place(1);
    layout.attention_splits = attention_splits;
    if (attention_splits > 1) {
        layout.attention_tickets = words.place(spec.n_head);
        layout.attention_partials = words.place(std::uint64_t{spec.n_head} * attention_splits *
                                                (2 * std::uint64_t{rotary[0].n_pairs()} + 2));
    }
    layout.words = words.total();
    return layout;
}

}  // namespace gyre
