// Byte pair encoding of one piece of text: the merge rules and the merging.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace gyre {

inline constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();

// One rule: the pair becomes the token `result`; a lower rank goes first. kNoRank: no rule.
struct Merge {
    std::uint32_t rank = kNoRank;
    std::uint32_t result = 0;
};

// (left id, right id) -> Merge. Open addressing; its size is fixed when it is made.
class MergeTable {
  public:
    explicit MergeTable(std::size_t n_merges);

    // False if the pair already has a rule, which then stays. At most n_merges pairs.
    bool insert(std::uint32_t left, std::uint32_t right, Merge merge);

    // Rank kNoRank if the pair does not merge.
    Merge find(std::uint32_t left, std::uint32_t right) const;

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

// A token that a piece consists of so far, and the bytes that it stands for.
struct Symbol {
    std::uint32_t id;
    std::uint32_t begin, end;
};

// Merges one piece after another; keeps its buffers from call to call. One thread at a time.
class WordMerger {
  public:
    // Merges symbols until no rule fits: each time the pair with the lowest rank, the leftmost of
    // equals. So Hugging Face's tokenizers do it, tiktoken and SentencePiece; GPT-2's own loop
    // (Sennrich et al., arXiv:1508.07909, algorithm 1) merges all occurrences of a pair at once,
    // which is the same where no token has two rules, as in GPT-2's vocabulary.
    //
    // find(left, right) is the rule for two symbols. It is asked at most 3n times for n symbols;
    // beyond kFew of them a heap of pairs over a linked list makes it O(n log n).
    template <class Find>
    void merge(Find&& find, std::vector<Symbol>& symbols) {
        if (symbols.size() <= kFew) {
            merge_few(find, symbols);
        } else {
            merge_many(find, symbols);
        }
    }

    static constexpr std::size_t kFew = 24;

  private:
    struct Link {
        Merge merge;                 // of the symbol with the next one
        std::size_t previous, next;  // indices; kNone at the ends
        bool is_there = true;        // false: it went into its neighbour
    };
    struct Pair {
        std::uint32_t rank;
        std::size_t left;
    };

    static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

    // For std::push_heap: the lowest rank on top, and of one rank the leftmost pair.
    static bool goes_later(const Pair& a, const Pair& b) {
        return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
    }

    template <class Find>
    void merge_few(Find&& find, std::vector<Symbol>& symbols);
    template <class Find>
    void merge_many(Find&& find, std::vector<Symbol>& symbols);

    std::vector<Merge> merges_;
    std::vector<Link> links_;
    std::vector<Pair> heap_;
};

template <class Find>
void WordMerger::merge_few(Find&& find, std::vector<Symbol>& symbols) {
    merges_.clear();
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i)
        merges_.push_back(find(symbols[i], symbols[i + 1]));
    while (!merges_.empty()) {
        const auto best =
            std::min_element(merges_.begin(), merges_.end(),
                             [](const Merge& a, const Merge& b) { return a.rank < b.rank; });
        if (best->rank == kNoRank) return;
        const auto i = best - merges_.begin();
        Symbol& symbol = symbols[static_cast<std::size_t>(i)];
        symbol.id = best->result;
        symbol.end = symbols[static_cast<std::size_t>(i) + 1].end;
        symbols.erase(symbols.begin() + i + 1);
        merges_.erase(best);
        const auto at = static_cast<std::size_t>(i);
        if (at > 0) merges_[at - 1] = find(symbols[at - 1], symbols[at]);
        if (at < merges_.size()) merges_[at] = find(symbols[at], symbols[at + 1]);
    }
}

template <class Find>
void WordMerger::merge_many(Find&& find, std::vector<Symbol>& symbols) {
    const std::size_t n = symbols.size();
    links_.clear();
    heap_.clear();
    for (std::size_t i = 0; i < n; ++i) {
        links_.push_back({{}, i == 0 ? kNone : i - 1, i + 1 == n ? kNone : i + 1});
    }
    // An older entry for the same symbol stays on the heap; its rank no longer is the symbol's.
    const auto update = [&](std::size_t left) {
        Link& link = links_[left];
        link.merge = link.next == kNone ? Merge{} : find(symbols[left], symbols[link.next]);
        if (link.merge.rank == kNoRank) return;
        heap_.push_back({link.merge.rank, left});
        std::push_heap(heap_.begin(), heap_.end(), goes_later);
    };
    for (std::size_t i = 0; i < n; ++i)
        update(i);
    while (!heap_.empty()) {
        std::pop_heap(heap_.begin(), heap_.end(), goes_later);
        const Pair pair = heap_.back();
        heap_.pop_back();
        Link& link = links_[pair.left];
        if (!link.is_there || link.merge.rank != pair.rank) continue;
        Link& absorbed = links_[link.next];
        symbols[pair.left].id = link.merge.result;
        symbols[pair.left].end = symbols[link.next].end;
        absorbed.is_there = false;
        link.next = absorbed.next;
        if (link.next != kNone) links_[link.next].previous = pair.left;
        if (link.previous != kNone) update(link.previous);
        update(pair.left);
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i != kNone; i = links_[i].next)
        symbols[kept++] = symbols[i];
    symbols.resize(kept);
}

}  // namespace gyre
