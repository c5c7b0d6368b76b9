// Where the kernels keep heads, pairs and cache cells: the layout of shaders/interface/cache.h and
// of the queries, written out once more for the tests.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/layouts.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "runtime/base/half.h"
#include "tests/reference/weight_decode.h"

namespace gyre::test {
namespace {

// 32 values share a scale: shaders/interface/cache.h.
constexpr std::uint32_t kBlockPairs = 16;
constexpr std::uint32_t kBlockValues = 2 * kBlockPairs;

}  // namespace

std::vector<ChannelPair> channel_pairs(RotaryPairing pairing, std::uint32_t head_dim,
                                       std::uint32_t stride) {
    std::vector<ChannelPair> pairs;
    std::uint32_t next = 0;  // first channel that is in no pair yet
    if (pairing == RotaryPairing::kHalf) {
        for (; next < stride; ++next)
            pairs.push_back({next, next + stride});
        next = 2 * stride;
    }
    for (; next < head_dim; next += 2)
        pairs.push_back({next, next + 1});
    assert(pairs.size() == (head_dim + 1) / 2);
    return pairs;
}

std::vector<double> to_pair_order(std::span<const double> x, std::span<const ChannelPair> pairs,
                                  std::uint32_t head_dim) {
    std::vector<double> result;
    for (std::size_t head = 0; head < x.size(); head += head_dim) {
        for (const ChannelPair& pair : pairs) {
            result.push_back(x[head + pair.a]);
            result.push_back(pair.b < head_dim ? x[head + pair.b] : 0.0);
        }
    }
    return result;
}

std::vector<double> to_channel_order(std::span<const double> x, std::span<const ChannelPair> pairs,
                                     std::uint32_t head_dim) {
    const std::size_t n_heads = x.size() / (2 * pairs.size());
    std::vector<double> result(n_heads * head_dim);
    for (std::size_t head = 0; head < n_heads; ++head) {
        for (std::size_t p = 0; p < pairs.size(); ++p) {
            const std::size_t at = 2 * (head * pairs.size() + p);
            result[head * head_dim + pairs[p].a] = x[at];
            if (pairs[p].b < head_dim) result[head * head_dim + pairs[p].b] = x[at + 1];
        }
    }
    return result;
}

void CacheShape::add_to(BufferImage& image) {
    const std::uint32_t side_words = n_head_kv * n_ctx * head_words();
    const std::uint32_t side_scales = n_head_kv * n_ctx * n_blocks();
    image = BufferImage::without_gap_before(side_words);
    layout_.n_ctx = n_ctx;
    layout_.head_words = head_words();
    layout_.v_offset = image.add_canaries(side_words, 4);
    if (n_blocks() == 0) return;
    layout_.key_scales = image.add_canaries(side_scales);
    layout_.value_scales = image.add_canaries(side_scales);
}

std::uint32_t CacheShape::used_words() const {
    switch (format) {
        case CacheFormat::kF32:
            return 2 * n_pairs;
        case CacheFormat::kF16:
            return n_pairs;
        case CacheFormat::kQ8_0:
            return (n_pairs + 1) / 2;
    }
    return 0;
}

std::uint32_t CacheShape::head_words() const {
    return (used_words() + 3) / 4 * 4;
}

std::uint32_t CacheShape::n_blocks() const {
    return format == CacheFormat::kQ8_0 ? (n_pairs + kBlockPairs - 1) / kBlockPairs : 0;
}

// keys uvec4 K[n_head_kv][head_words / 4][n_ctx], values uint V[n_head_kv][n_ctx][head_words]
std::uint32_t CacheShape::word(Side side, std::uint32_t head, std::uint32_t cell,
                               std::uint32_t w) const {
    if (side == Side::kKeys)
        return ((head * (head_words() / 4) + w / 4) * n_ctx + cell) * 4 + w % 4;
    return layout_.v_offset + (head * n_ctx + cell) * head_words() + w;
}

// float KS[n_head_kv][head_blocks][n_ctx], float VS[n_head_kv][n_ctx][head_blocks]
std::uint32_t CacheShape::scale(Side side, std::uint32_t head, std::uint32_t cell,
                                std::uint32_t b) const {
    if (side == Side::kKeys) return layout_.key_scales + (head * n_blocks() + b) * n_ctx + cell;
    return layout_.value_scales + (head * n_ctx + cell) * n_blocks() + b;
}

void CacheShape::allow(BufferImage& image, std::uint32_t cell) const {
    for (const Side side : {Side::kKeys, Side::kValues}) {
        for (std::uint32_t head = 0; head < n_head_kv; ++head) {
            for (std::uint32_t w = 0; w < used_words(); ++w)
                image.allow(word(side, head, cell, w), 1);
            for (std::uint32_t w = used_words(); w < head_words(); ++w)
                image.set(word(side, head, cell, w), 0);
            for (std::uint32_t b = 0; b < n_blocks(); ++b)
                image.allow(scale(side, head, cell, b), 1);
        }
    }
}

void CacheShape::allow_in_place(BufferImage& image, std::uint32_t cell) const {
    for (const Side side : {Side::kKeys, Side::kValues}) {
        for (std::uint32_t head = 0; head < n_head_kv; ++head) {
            for (std::uint32_t w = 0; w < used_words(); ++w)
                image.allow_in_place(word(side, head, cell, w), 1);
            for (std::uint32_t b = 0; b < n_blocks(); ++b)
                image.allow_in_place(scale(side, head, cell, b), 1);
        }
    }
}

void CacheShape::set(BufferImage& image, Side side, std::uint32_t head, std::uint32_t cell,
                     const EncodedHead& encoded) const {
    for (std::uint32_t w = 0; w < head_words(); ++w)
        image.set(word(side, head, cell, w), encoded.words[w]);
    for (std::uint32_t b = 0; b < n_blocks(); ++b) {
        image.set(scale(side, head, cell, b), as_word(encoded.scales[b]));
    }
}

EncodedHead CacheShape::get(std::span<const std::uint32_t> words, Side side, std::uint32_t head,
                            std::uint32_t cell) const {
    EncodedHead encoded;
    for (std::uint32_t w = 0; w < head_words(); ++w)
        encoded.words.push_back(words[word(side, head, cell, w)]);
    for (std::uint32_t b = 0; b < n_blocks(); ++b) {
        encoded.scales.push_back(as_float(words[scale(side, head, cell, b)]));
    }
    return encoded;
}

EncodedHead CacheShape::encode(std::span<const double> pairs) const {
    EncodedHead encoded{std::vector<std::uint32_t>(head_words(), 0),
                        std::vector<float>(n_blocks(), 0.0f)};
    for (std::uint32_t b = 0; b < n_blocks(); ++b) {
        double largest = 0;
        for (std::size_t i = b * kBlockValues;
             i < std::min<std::size_t>((b + 1) * kBlockValues, pairs.size()); ++i) {
            largest = std::max(largest, std::abs(pairs[i]));
        }
        encoded.scales[b] = static_cast<float>(largest / 127.0);
    }
    for (std::uint32_t i = 0; i < 2 * n_pairs; ++i) {
        const auto value = static_cast<float>(pairs[i]);
        if (format == CacheFormat::kF32) {
            encoded.words[i] = as_word(value);
        } else if (format == CacheFormat::kF16) {
            encoded.words[i / 2] |= static_cast<std::uint32_t>(float_to_half(value))
                                    << (16 * (i % 2));
        } else {
            const auto scale_of_block = static_cast<double>(encoded.scales[i / kBlockValues]);
            const double q =
                scale_of_block > 0
                    ? std::clamp(std::nearbyint(pairs[i] / scale_of_block), -127.0, 127.0)
                    : 0;
            encoded.words[i / 4] |= (static_cast<std::uint32_t>(static_cast<int>(q)) & 0xffu)
                                    << (8 * (i % 4));
        }
    }
    return encoded;
}

std::vector<double> CacheShape::decode(const EncodedHead& encoded) const {
    std::vector<double> pairs;
    for (std::uint32_t i = 0; i < 2 * n_pairs; ++i) {
        if (format == CacheFormat::kF32) {
            pairs.push_back(static_cast<double>(as_float(encoded.words[i])));
        } else if (format == CacheFormat::kF16) {
            pairs.push_back(reference::decode_f16(
                static_cast<std::uint16_t>(encoded.words[i / 2] >> (16 * (i % 2)))));
        } else {
            const int byte = static_cast<int>(encoded.words[i / 4] >> (8 * (i % 4)) & 0xffu);
            const auto scale_of_block = static_cast<double>(encoded.scales[i / kBlockValues]);
            pairs.push_back(scale_of_block * (byte < 128 ? byte : byte - 256));
        }
    }
    return pairs;
}

std::vector<float> CacheShape::read_cells(std::span<const std::uint32_t> words, Side side,
                                          std::uint32_t first, std::uint32_t n) const {
    std::vector<float> values;
    for (std::uint32_t cell = first; cell < first + n && !words.empty(); ++cell) {
        for (std::uint32_t head = 0; head < n_head_kv; ++head) {
            for (const double value : decode(get(words, side, head, cell))) {
                values.push_back(static_cast<float>(value));
            }
        }
    }
    return values;
}

}  // namespace gyre::test
