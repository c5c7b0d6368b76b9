// The tokens of pieces that came lately: texts repeat their words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/text/token_table.h"

namespace gyre {

// Of one call of encode: short pieces with few tokens, each in the one place that its hash gives.
class PieceCache {
  public:
    // Short texts do not repeat enough to be worth the memory: without places nothing is kept.
    explicit PieceCache(std::size_t n_text_bytes)
        : entries_(n_text_bytes < kWorthwhile ? 0 : kPlaces) {}

    // The tokens of the piece, none if they are not known.
    std::span<const std::uint32_t> find(std::string_view piece) const {
        if (entries_.empty() || piece.size() > kMaxBytes) return {};
        const Entry& entry = entries_[place_of(piece)];
        if (entry.n_bytes != piece.size()) return {};
        if (std::memcmp(entry.bytes.data(), piece.data(), piece.size()) != 0) return {};
        return std::span(entry.ids).first(entry.n_ids);
    }

    void insert(std::string_view piece, std::span<const std::uint32_t> ids) {
        if (entries_.empty() || piece.size() > kMaxBytes || ids.size() > kMaxIds) return;
        Entry& entry = entries_[place_of(piece)];
        std::memcpy(entry.bytes.data(), piece.data(), piece.size());
        std::memcpy(entry.ids.data(), ids.data(), ids.size() * sizeof(ids[0]));
        entry.n_bytes = static_cast<std::uint8_t>(piece.size());
        entry.n_ids = static_cast<std::uint8_t>(ids.size());
    }

  private:
    static constexpr std::size_t kWorthwhile = 2048;  // bytes
    static constexpr std::size_t kPlaces = 4096;
    static constexpr std::size_t kMaxBytes = 18;
    static constexpr std::size_t kMaxIds = 7;

    struct Entry {  // 48 bytes
        std::array<std::uint32_t, kMaxIds> ids{};
        std::array<char, kMaxBytes> bytes{};
        std::uint8_t n_bytes = 0, n_ids = 0;  // 0 bytes: empty
    };

    static std::size_t place_of(std::string_view piece) { return hash_of(piece) % kPlaces; }

    std::vector<Entry> entries_;
};

}  // namespace gyre
