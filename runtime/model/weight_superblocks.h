// The file's blocks of 256 elements, ggml's block_q4_K and block_q6_K: to and from float.
// SPDX-License-Identifier: Apache-2.0
//
// Eight or sixteen smaller blocks share one float16 factor, so that their own scales are small
// integers. Bytes, in order; all multi-byte numbers little-endian:
//   Q4_K  d f16, dmin f16, 12 bytes of scales and minima, 128 bytes of nibbles
//         element 64 j + 32 h + l = d scale[2 j + h] q - dmin min[2 j + h],
//         q the low (h = 0) or high nibble of byte 32 j + l
//   Q6_K  128 bytes of low nibbles, 64 of high bit pairs, 16 int8 scales, d f16
//         element 128 n + 32 g + l = d scale[8 n + 2 g + l / 16] (q - 32),
//         q's low nibble: byte 64 n + 32 (g % 2) + l, low (g < 2) or high half;
//         its two high bits: bits 2 g of byte 32 n + l
#pragma once

#include <cstdint>

namespace gyre {

constexpr std::uint32_t kSuperblock = 256;  // elements

struct BlockQ4K {
    std::uint16_t d, dmin;
    std::uint8_t scales[12];  // unpack_scales
    std::uint8_t quants[128];
};
static_assert(sizeof(BlockQ4K) == 144);

struct BlockQ6K {
    std::uint8_t low[128];
    std::uint8_t high[64];
    std::int8_t scales[16];
    std::uint16_t d;
};
static_assert(sizeof(BlockQ6K) == 210);

// Six bits each, one for every 32 elements.
struct ScalesQ4K {
    std::uint8_t scale[8], min[8];
};
// Bytes 0-3 and 4-7: scales and minima 0-3 in the low six bits. Bytes 8-11: the low four bits of
// scales (low) and minima (high) 4-7, whose two upper bits are those of bytes 0-7.
ScalesQ4K unpack_scales(const std::uint8_t (&packed)[12]);
void pack_scales(const ScalesQ4K& scales, std::uint8_t (&packed)[12]);

// x: kSuperblock elements.
void dequantize(const BlockQ4K& block, float* x);
void dequantize(const BlockQ6K& block, float* x);
// Scales are those of the least squared error among some near a block's range. Values must be
// finite.
void quantize(const float* x, BlockQ4K& block);
void quantize(const float* x, BlockQ6K& block);

}  // namespace gyre
