// The table of merge rules.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/bpe.h"

#include <bit>

namespace gyre {
namespace {

constexpr std::uint64_t kEmptySlot =
    std::numeric_limits<std::uint64_t>::max();  // no id is 2^32 - 1

std::uint64_t pair_of(std::uint32_t left, std::uint32_t right) {
    return (std::uint64_t{left} << 32) | right;
}

// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): neighbouring ids spread out.
std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

}  // namespace

MergeTable::MergeTable(std::size_t n_merges)
    : slots_(std::bit_ceil(2 * n_merges + 1), Slot{kEmptySlot, {}}), mask_(slots_.size() - 1) {}

std::size_t MergeTable::slot_of(std::uint64_t pair) const {
    std::size_t i = static_cast<std::size_t>(mix(pair)) & mask_;
    while (slots_[i].pair != kEmptySlot && slots_[i].pair != pair)
        i = (i + 1) & mask_;
    return i;
}

bool MergeTable::insert(std::uint32_t left, std::uint32_t right, Merge merge) {
    const std::uint64_t pair = pair_of(left, right);
    Slot& slot = slots_[slot_of(pair)];
    if (slot.pair == pair) return false;
    slot = {pair, merge};
    return true;
}

Merge MergeTable::find(std::uint32_t left, std::uint32_t right) const {
    const std::uint64_t pair = pair_of(left, right);
    const Slot& slot = slots_[slot_of(pair)];
    return slot.pair == pair ? slot.merge : Merge{};
}

}  // namespace gyre
