// Where the kernels keep heads, pairs and cache cells: the layout of shaders/interface/cache.h and
// of the queries, written out once more for the tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "shaders/interface/bindings.h"
#include "shaders/interface/cache.h"
#include "shaders/interface/rotary.h"
#include "tests/shaders/buffer_image.h"

namespace gyre::test {

// The channels of pair p are pairs[p]; b == head_dim: there is none (last pair of an odd head).
struct ChannelPair {
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};

// ceil(head_dim / 2) pairs. kInterleaved: (2p, 2p + 1). kHalf: (p, p + stride) for p < stride, then
// the channels that are left, two by two, in order.
std::vector<ChannelPair> channel_pairs(RotaryPairing pairing, std::uint32_t head_dim,
                                       std::uint32_t stride);

// x [n][head_dim] in channel order -> [n][n_pairs][2], with 0 where a pair has no b; and back.
std::vector<double> to_pair_order(std::span<const double> x, std::span<const ChannelPair> pairs,
                                  std::uint32_t head_dim);
std::vector<double> to_channel_order(std::span<const double> x, std::span<const ChannelPair> pairs,
                                     std::uint32_t head_dim);

enum class Side { kKeys, kValues };

// One cell of one head, as the cache keeps it.
struct EncodedHead {
    std::vector<std::uint32_t> words;  // padding included, which is zero
    std::vector<float> scales;         // one a block; empty in formats without scales
};

// One layer's cache.
struct CacheShape {
    CacheFormat format;
    std::uint32_t n_head_kv;
    std::uint32_t n_pairs;  // of a head
    std::uint32_t n_ctx;

    CacheShape(CacheFormat cache_format, std::uint32_t n_heads, std::uint32_t pairs,
               std::uint32_t cells)
        : format(cache_format), n_head_kv(n_heads), n_pairs(pairs), n_ctx(cells) {}

    // Adds an empty cache (canaries) to `image`, which must be empty: keys begin with the binding.
    void add_to(BufferImage& image);

    std::uint32_t used_words() const;  // words a cell and head without padding
    std::uint32_t head_words() const;  // and with it
    std::uint32_t n_blocks() const;    // scales a cell and head
    const CacheLayout& layout() const { return layout_; }
    void describe(SessionParams& session) const {
        session.n_ctx = n_ctx;
        session.head_words = head_words();
    }

    // Word w < head_words() and scale b < n_blocks() of a cell and head.
    std::uint32_t word(Side side, std::uint32_t head, std::uint32_t cell, std::uint32_t w) const;
    std::uint32_t scale(Side side, std::uint32_t head, std::uint32_t cell, std::uint32_t b) const;

    // The kernel may write this cell, but not its padding.
    void allow(BufferImage& image, std::uint32_t cell) const;
    void allow_in_place(BufferImage& image, std::uint32_t cell) const;  // keeps what it holds
    void set(BufferImage& image, Side side, std::uint32_t head, std::uint32_t cell,
             const EncodedHead& encoded) const;
    EncodedHead get(std::span<const std::uint32_t> words, Side side, std::uint32_t head,
                    std::uint32_t cell) const;

    // Pairs (a, b) of a head to its words and back: [2 * n_pairs]. Encoding rounds to the format.
    EncodedHead encode(std::span<const double> pairs) const;
    std::vector<double> decode(const EncodedHead& encoded) const;

    // Cells [first, first + n) of one side in pair order: [n][n_head_kv][n_pairs][2].
    std::vector<float> read_cells(std::span<const std::uint32_t> words, Side side,
                                  std::uint32_t first, std::uint32_t n) const;

  private:
    CacheLayout layout_{};
};

}  // namespace gyre::test
