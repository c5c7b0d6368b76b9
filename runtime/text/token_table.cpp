// Open addressing by a hash of the text, with some of its bits kept beside the id.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/token_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gyre {
namespace {

// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

}  // namespace

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = text.size() * 0x9E3779B97F4A7C15u;
    while (text.size() > 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data(), 8);
        hash = mix(hash ^ word);
        text.remove_prefix(8);
    }
    std::uint64_t word = 0;
    if (!text.empty()) std::memcpy(&word, text.data(), text.size());
    return mix(hash ^ word);
}

TokenTable::TokenTable(std::size_t n_tokens)
    : slots_(std::bit_ceil(2 * n_tokens + 1), Slot{0, kNoToken}), mask_(slots_.size() - 1) {}

std::size_t TokenTable::slot_of(const TokenTexts& texts, std::string_view text) const {
    const std::uint64_t hash = hash_of(text);
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    std::size_t i = static_cast<std::size_t>(hash) & mask_;
    while (slots_[i].id != kNoToken && (slots_[i].tag != tag || texts[slots_[i].id] != text))
        i = (i + 1) & mask_;
    return i;
}

std::uint32_t TokenTable::insert(const TokenTexts& texts, std::uint32_t id) {
    const std::string_view text = texts[id];
    Slot& slot = slots_[slot_of(texts, text)];
    if (slot.id != kNoToken) return slot.id;
    slot = {static_cast<std::uint32_t>(hash_of(text) >> 32), id};
    longest_ = std::max(longest_, text.size());
    return kNoToken;
}

std::uint32_t TokenTable::find(const TokenTexts& texts, std::string_view text) const {
    if (text.size() > longest_) return kNoToken;
    return slots_[slot_of(texts, text)].id;
}

}  // namespace gyre
