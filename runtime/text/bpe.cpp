// Byte pair encoding with a heap of pairs over a linked list of symbols.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/bpe.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>

namespace gyre {
namespace {

constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
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

const Merge* MergeTable::find(std::uint32_t left, std::uint32_t right) const {
    const std::uint64_t pair = pair_of(left, right);
    const Slot& slot = slots_[slot_of(pair)];
    return slot.pair == pair ? &slot.merge : nullptr;
}

void WordMerger::link(std::span<const std::uint32_t> ids) {
    symbols_.clear();
    symbols_.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        symbols_.push_back(
            {ids[i], kNoRank, 0, i == 0 ? kNone : i - 1, i + 1 == ids.size() ? kNone : i + 1});
    }
}

namespace {

// For std::push_heap: the lowest rank on top, and of one rank the leftmost pair.
constexpr auto kGoesLater = [](const auto& a, const auto& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
};

}  // namespace

// Looks up the pair that begins at left and puts it on the heap. An older entry for the same symbol
// stays there and is told by its rank, which no longer is the symbol's.
void WordMerger::update_pair(const MergeTable& table, std::size_t left) {
    Symbol& symbol = symbols_[left];
    symbol.rank = kNoRank;
    if (symbol.next == kNone) return;
    const Merge* merge = table.find(symbol.id, symbols_[symbol.next].id);
    if (merge == nullptr) return;
    symbol.rank = merge->rank;
    symbol.result = merge->result;
    heap_.push_back({merge->rank, left});
    std::push_heap(heap_.begin(), heap_.end(), kGoesLater);
}

WordMerger::Pair WordMerger::pop_pair() {
    std::pop_heap(heap_.begin(), heap_.end(), kGoesLater);
    const Pair pair = heap_.back();
    heap_.pop_back();
    return pair;
}

void WordMerger::merge_with_next(std::size_t left) {
    Symbol& symbol = symbols_[left];
    Symbol& absorbed = symbols_[symbol.next];
    symbol.id = symbol.result;
    symbol.rank = kNoRank;
    symbol.next = absorbed.next;
    if (absorbed.next != kNone) symbols_[absorbed.next].previous = left;
    absorbed.rank = kNoRank;
    absorbed.previous = absorbed.next = kNone;
    if (symbol.previous != kNone) touched_.push_back(symbol.previous);
    touched_.push_back(left);
}

void WordMerger::merge(const MergeTable& table, std::span<const std::uint32_t> ids,
                       std::vector<std::uint32_t>& out) {
    if (ids.empty()) return;
    link(ids);
    heap_.clear();
    for (std::size_t i = 0; i < symbols_.size(); ++i)
        update_pair(table, i);

    while (!heap_.empty()) {
        // All occurrences of one pair first, then the pairs that they make: a new pair may have a
        // lower rank than this one when two rules make the same token.
        const std::uint32_t rank = heap_.front().rank;
        touched_.clear();
        while (!heap_.empty() && heap_.front().rank == rank) {
            const Pair pair = pop_pair();
            if (symbols_[pair.left].rank == rank) merge_with_next(pair.left);
        }
        for (const std::size_t left : touched_)
            update_pair(table, left);
    }
    for (std::size_t i = 0; i != kNone; i = symbols_[i].next)
        out.push_back(symbols_[i].id);
}

}  // namespace gyre
