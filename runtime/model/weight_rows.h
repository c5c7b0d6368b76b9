// A row of the file in every format: where its bytes have what the device's layout puts together.
// SPDX-License-Identifier: Apache-2.0
//
// One type a kind of format, the parameter of the templates of weight_repack.cpp:
//   load, store         vec v of the row (16 bytes: a chunk or a part of one), and back
//   zero                a vec of elements of value zero
//   load_, store_scales group j of the row's scale words, kScaleGroup of them, and back; n_blocks
//   is
//                       the number of the file's blocks in the row
//   kScaleVecs          a group lies together on the device, as a vec; else its words are rows
//   apart
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "runtime/model/weight_superblocks.h"

namespace gyre {

inline constexpr std::uint32_t kVecBytes = 16;
inline constexpr std::uint32_t kScaleBytes = 2;             // in front of each block of the file
inline constexpr std::uint32_t kZeroNibbles = 0x88888888u;  // eight Q4_0 elements of value 0

struct Vec {
    std::uint32_t words[4];
};

inline std::uint32_t load_word(const std::uint8_t* at) {
    std::uint32_t word;
    std::memcpy(&word, at, sizeof(word));
    return word;
}

// The low nibbles of 8 bytes as one word, first byte lowest.
inline std::uint32_t gather_nibbles(std::uint64_t bytes) {
    std::uint64_t x = bytes & 0x0f0f0f0f0f0f0f0full;
    x = (x | (x >> 4)) & 0x00ff00ff00ff00ffull;
    x = (x | (x >> 8)) & 0x0000ffff0000ffffull;
    return static_cast<std::uint32_t>(x | (x >> 16));
}

inline std::uint64_t scatter_nibbles(std::uint32_t word) {
    std::uint64_t x = word;
    x = (x | (x << 16)) & 0x0000ffff0000ffffull;
    x = (x | (x << 8)) & 0x00ff00ff00ff00ffull;
    return (x | (x << 4)) & 0x0f0f0f0f0f0f0f0full;
}

// A vec is 16 bytes of the file, which begin at byte Row::at(v) of the row.
template <typename Row>
struct VecsOfTheFile {
    static Vec load(const std::uint8_t* row, std::uint32_t v) {
        Vec vec;
        std::memcpy(&vec, row + Row::at(v), kVecBytes);
        return vec;
    }
    static void store(const Vec& vec, std::uint8_t* row, std::uint32_t v) {
        std::memcpy(row + Row::at(v), &vec, kVecBytes);
    }
    static Vec zero() { return {{0, 0, 0, 0}}; }
};

// F32, F16, BF16: no scales.
struct PlainRow : VecsOfTheFile<PlainRow> {
    static constexpr std::uint32_t kScaleGroup = 1;
    static constexpr bool kScaleVecs = false;
    static std::size_t at(std::uint32_t v) { return std::size_t{v} * kVecBytes; }
    static void load_scales(const std::uint8_t*, std::uint32_t, std::uint32_t, std::uint32_t*) {}
    static void store_scales(const std::uint32_t*, std::uint8_t*, std::uint32_t, std::uint32_t) {}
};

// The two f16 scales of a word. The second block may be padding: n_blocks are the file's.
template <std::uint32_t block_bytes>
struct PairedScales {
    static constexpr std::uint32_t kScaleGroup = 1;
    static constexpr bool kScaleVecs = false;
    static void load_scales(const std::uint8_t* row, std::uint32_t j, std::uint32_t n_blocks,
                            std::uint32_t* word) {
        std::uint16_t pair[2] = {0, 0};
        for (std::uint32_t half = 0; half < 2 && 2 * j + half < n_blocks; ++half) {
            std::memcpy(&pair[half], row + std::size_t{2 * j + half} * block_bytes, kScaleBytes);
        }
        *word = pair[0] | static_cast<std::uint32_t>(pair[1]) << 16;
    }
    static void store_scales(const std::uint32_t* word, std::uint8_t* row, std::uint32_t j,
                             std::uint32_t n_blocks) {
        for (std::uint32_t half = 0; half < 2 && 2 * j + half < n_blocks; ++half) {
            const auto scale = static_cast<std::uint16_t>(*word >> (16 * half));
            std::memcpy(row + std::size_t{2 * j + half} * block_bytes, &scale, kScaleBytes);
        }
    }
};

// Two vecs a block of 34 bytes.
struct Q8Row : PairedScales<34>, VecsOfTheFile<Q8Row> {
    static std::size_t at(std::uint32_t v) {
        return std::size_t{v / 2} * 34 + kScaleBytes + v % 2 * kVecBytes;
    }
};

// One vec a block of 18 bytes: byte b of the file holds elements b and b + 16.
struct Q4Row : PairedScales<18> {
    static std::size_t at(std::uint32_t v) { return std::size_t{v} * 18 + kScaleBytes; }
    static Vec load(const std::uint8_t* row, std::uint32_t v) {
        std::uint64_t halves[2];
        std::memcpy(halves, row + at(v), kVecBytes);
        return {{gather_nibbles(halves[0]), gather_nibbles(halves[1]),
                 gather_nibbles(halves[0] >> 4), gather_nibbles(halves[1] >> 4)}};
    }
    static void store(const Vec& vec, std::uint8_t* row, std::uint32_t v) {
        const std::uint64_t halves[2] = {
            scatter_nibbles(vec.words[0]) | scatter_nibbles(vec.words[2]) << 4,
            scatter_nibbles(vec.words[1]) | scatter_nibbles(vec.words[3]) << 4};
        std::memcpy(row + at(v), halves, kVecBytes);
    }
    static Vec zero() { return {{kZeroNibbles, kZeroNibbles, kZeroNibbles, kZeroNibbles}}; }
};

// Eight vecs a superblock, the bytes of the file, and four scale words.
struct Q4KRow : VecsOfTheFile<Q4KRow> {
    static constexpr std::uint32_t kScaleGroup = 4;
    static constexpr bool kScaleVecs = true;
    static std::size_t at(std::uint32_t v) {
        return std::size_t{v / 8} * sizeof(BlockQ4K) + offsetof(BlockQ4K, quants) +
               v % 8 * kVecBytes;
    }
    static std::uint32_t pair(const ScalesQ4K& scales, std::uint32_t b) {
        return scales.scale[b] | static_cast<std::uint32_t>(scales.min[b]) << 6;
    }
    static void load_scales(const std::uint8_t* row, std::uint32_t j, std::uint32_t,
                            std::uint32_t* words) {
        BlockQ4K block;
        std::memcpy(&block, row + j * sizeof(block), sizeof(block));
        const ScalesQ4K scales = unpack_scales(block.scales);
        const std::uint32_t factors = block.d | static_cast<std::uint32_t>(block.dmin) << 16;
        for (std::uint32_t i = 0; i < 4; ++i) {
            words[i] = pair(scales, 2 * i) | pair(scales, 2 * i + 1) << 12 |
                       (factors >> (8 * i) & 0xff) << 24;
        }
    }
    static void store_scales(const std::uint32_t* words, std::uint8_t* row, std::uint32_t j,
                             std::uint32_t) {
        BlockQ4K block;
        std::memcpy(&block, row + j * sizeof(block), sizeof(block));
        ScalesQ4K scales;
        std::uint32_t factors = 0;
        for (std::uint32_t b = 0; b < 8; ++b) {
            const std::uint32_t pair = words[b / 2] >> (b % 2 * 12);
            scales.scale[b] = pair & 63;
            scales.min[b] = pair >> 6 & 63;
            if (b % 2 == 0) factors |= words[b / 2] >> 24 << (4 * b);
        }
        pack_scales(scales, block.scales);
        block.d = static_cast<std::uint16_t>(factors);
        block.dmin = static_cast<std::uint16_t>(factors >> 16);
        std::memcpy(row + j * sizeof(block), &block, sizeof(block));
    }
};

// Three vecs for 64 elements, and five scale words a superblock. The file spreads the bits of
// 128 elements over its bytes: word i of `low` (of 16) has groups g = i / 8 and g + 2 of 32
// elements in its low and high nibbles, word i of `high` (of 8) has group g in bits 2 g.
struct Q6KRow {
    static constexpr std::uint32_t kScaleGroup = 5;
    static constexpr bool kScaleVecs = false;
    static constexpr std::uint32_t kNibbles = 0x0f0f0f0fu;
    static constexpr std::uint32_t kPairs = 0x03030303u;
    static constexpr std::uint32_t kSigns = 0x02020202u;  // q - 32 as two's complement: q ^ 32

    struct Place {
        std::size_t low, high;  // bytes of the row where those of these 128 elements begin
        std::uint32_t half;     // which 64 of them
        std::uint32_t part;     // vec of the chunk
    };
    static Place place(std::uint32_t v) {
        const std::uint32_t chunk = v / 3;
        const std::size_t block = std::size_t{chunk / 4} * sizeof(BlockQ6K);
        const std::uint32_t n = chunk % 4 / 2;
        return {block + offsetof(BlockQ6K, low) + 64 * n, block + offsetof(BlockQ6K, high) + 32 * n,
                chunk % 2, v % 3};
    }
    static Vec load(const std::uint8_t* row, std::uint32_t v) {
        const Place at = place(v);
        Vec vec = zero();
        for (std::uint32_t w = 0; w < 4; ++w) {
            if (at.part < 2) {
                const std::uint8_t* low = row + at.low + 16 * at.part + 4 * w;
                const std::uint32_t first = load_word(low) >> (4 * at.half) & kNibbles;
                const std::uint32_t second = load_word(low + 32) >> (4 * at.half) & kNibbles;
                vec.words[w] = first | second << 4;
                continue;
            }
            for (std::uint32_t f = 0; f < 4; ++f) {
                const std::uint32_t g = 2 * at.half + f / 2;
                const std::uint32_t word = load_word(row + at.high + 16 * (f % 2) + 4 * w);
                vec.words[w] |= ((word >> (2 * g) & kPairs) ^ kSigns) << (2 * f);
            }
        }
        return vec;
    }
    // Calls for all vecs of a row write all bits: each adds its own to those of the others.
    static void store(const Vec& vec, std::uint8_t* row, std::uint32_t v) {
        const Place at = place(v);
        const auto put = [](std::uint8_t* to, std::uint32_t mask, std::uint32_t bits) {
            const std::uint32_t word = (load_word(to) & ~mask) | bits;
            std::memcpy(to, &word, sizeof(word));
        };
        for (std::uint32_t w = 0; w < 4; ++w) {
            if (at.part < 2) {
                std::uint8_t* low = row + at.low + 16 * at.part + 4 * w;
                const std::uint32_t shift = 4 * at.half;
                put(low, kNibbles << shift, (vec.words[w] & kNibbles) << shift);
                put(low + 32, kNibbles << shift, (vec.words[w] >> 4 & kNibbles) << shift);
                continue;
            }
            for (std::uint32_t f = 0; f < 4; ++f) {
                const std::uint32_t shift = 2 * (2 * at.half + f / 2);
                const std::uint32_t bits = (vec.words[w] >> (2 * f) & kPairs) ^ kSigns;
                put(row + at.high + 16 * (f % 2) + 4 * w, kPairs << shift, bits << shift);
            }
        }
    }
    static Vec zero() { return {{0, 0, 0, 0}}; }
    static void load_scales(const std::uint8_t* row, std::uint32_t j, std::uint32_t,
                            std::uint32_t* words) {
        const std::uint8_t* scales = row + j * sizeof(BlockQ6K) + offsetof(BlockQ6K, scales);
        words[4] = 0;
        std::memcpy(words, scales, 16 + kScaleBytes);  // d stands behind the scales
    }
    static void store_scales(const std::uint32_t* words, std::uint8_t* row, std::uint32_t j,
                             std::uint32_t) {
        std::uint8_t* scales = row + j * sizeof(BlockQ6K) + offsetof(BlockQ6K, scales);
        std::memcpy(scales, words, 16 + kScaleBytes);
    }
};

}  // namespace gyre
