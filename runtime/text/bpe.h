// Byte pair encoding of one piece of text: the merge rules and the merging.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyre {

// One rule: the pair becomes the token `result`; a lower rank goes first.
struct Merge {
    std::uint32_t rank = 0;
    std::uint32_t result = 0;
};

// (left id, right id) -> Merge. Open addressing; its size is fixed when it is made.
class MergeTable {
  public:
    explicit MergeTable(std::size_t n_merges);

    // False if the pair already has a rule, which then stays. At most n_merges pairs.
    bool insert(std::uint32_t left, std::uint32_t right, Merge merge);

    // NULL if the pair does not merge.
    const Merge* find(std::uint32_t left, std::uint32_t right) const;

    std::size_t memory_bytes() const { return slots_.size() * sizeof(Slot); }

  private:
    struct Slot {
        std::uint64_t pair;
        Merge merge;
    };

    std::size_t slot_of(std::uint64_t pair) const;

    std::vector<Slot> slots_;
    std::size_t mask_;
};

// Merges one piece after another; keeps its buffers from call to call. One thread at a time.
class WordMerger {
  public:
    // ids: one token per byte of the piece. Appends the merged ids to out.
    //
    // Sennrich et al., arXiv:1508.07909, algorithm 1, as GPT-2 applies it: while there is a pair
    // with a rule, take the one with the lowest rank and merge all its occurrences from left to
    // right. A heap of pairs over a linked list: O(n log n) for a piece of n bytes.
    void merge(const MergeTable& table, std::span<const std::uint32_t> ids,
               std::vector<std::uint32_t>& out);

  private:
    struct Symbol {
        std::uint32_t id;
        std::uint32_t rank;  // of the pair with the next symbol; kNoRank if there is none
        std::uint32_t result;
        std::size_t previous, next;  // indices; kNone at the ends
    };
    struct Pair {
        std::uint32_t rank;
        std::size_t left;
    };

    void link(std::span<const std::uint32_t> ids);
    void update_pair(const MergeTable& table, std::size_t left);
    Pair pop_pair();
    void merge_with_next(std::size_t left);

    std::vector<Symbol> symbols_;
    std::vector<Pair> heap_;
    std::vector<std::size_t> touched_;
};

}  // namespace gyre
