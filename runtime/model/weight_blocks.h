// Takes blocks of a file apart by the table of formats: quants four at a time, scales by group.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "runtime/base/half.h"
#include "runtime/model/weight_table.h"

namespace gyre {

inline std::uint32_t load_u32(const std::uint8_t* at) {
    std::uint32_t word;
    std::memcpy(&word, at, sizeof(word));
    return word;
}

inline std::uint16_t load_u16(const std::uint8_t* at) {
    std::uint16_t value;
    std::memcpy(&value, at, sizeof(value));
    return value;
}

// A byte with its lowest `bits` bits set, four times.
constexpr std::uint32_t mask_of_four(std::uint32_t bits) {
    return bits >= 8 ? 0xffffffffu : ((1u << bits) - 1u) * 0x01010101u;
}

// The bits that one plane has of elements i to i + 3 of a block, each in the low bits of a byte. i
// is a multiple of 4.
constexpr bool is_word_plane(const WeightPlane& plane) {
    return plane.run % 4 == 0 || plane.bits == 8;
}
inline std::uint32_t load_four(const WeightPlane& plane, const std::uint8_t* block,
                               std::uint32_t i) {
    const std::uint32_t per_byte = 8 / plane.bits;
    if (is_word_plane(plane)) {
        const std::uint32_t segment = i / (plane.run * per_byte);
        const std::uint32_t r = i % (plane.run * per_byte);
        const std::uint8_t* at = block + plane.at + segment * plane.run + r % plane.run;
        return load_u32(at) >> (plane.bits * (r / plane.run)) & mask_of_four(plane.bits);
    }
    // One bit an element, eight neighbours a byte: the four bits spread to four bytes.
    const std::uint32_t bits = static_cast<std::uint32_t>(block[plane.at + i / 8]) >> (i % 8);
    return (bits & 15u) * 0x00204081u & 0x01010101u;
}

constexpr bool planes_are_known() {
    for (const WeightFormatInfo& info : kFormats) {
        if (!info.has_scales()) continue;
        for (const WeightPlane& plane : {info.low, info.high}) {
            const bool word = plane.bits == 0 || is_word_plane(plane);
            if (!word && !(plane.bits == 1 && plane.run == 1)) return false;
        }
    }
    return true;
}
static_assert(planes_are_known(), "load_four knows how every plane lies");

// What a block's sub-block g of elements has: element = scale * map(quant) - min.
struct BlockScale {
    float scale = 0.0f, min = 0.0f;
};

// Six bits each: scales and minima 0 to 3 in the low bits of bytes 0 to 7; the low four bits of
// scales (low) and minima (high) 4 to 7 in bytes 8 to 11, their two upper bits those of bytes 0 to
// 7 (ggml, get_scale_min_k4).
struct SixBits {
    std::uint32_t scale, min;
};
inline SixBits k6_scale(const std::uint8_t* packed, std::uint32_t g) {
    if (g < 4) return {packed[g] & 63u, packed[4 + g] & 63u};
    const std::uint32_t low = packed[4 + g];
    return {(low & 15u) | static_cast<std::uint32_t>(packed[g - 4] >> 6) << 4,
            low >> 4 | static_cast<std::uint32_t>(packed[g] >> 6) << 4};
}

// Where scales that are a block's last or first bytes begin.
constexpr std::uint32_t kThreeKScales = 96, kThreeKFactor = 108, kTwoKFactors = 80,
                        kSixKScales = 192, kTernaryScale = 64;

// 2^(byte - 128): the numbers of FP4 are stored doubled.
inline float e8m0_scale(std::uint32_t byte) {
    return std::bit_cast<float>(byte < 2 ? 0x00200000u << byte : (byte - 1) << 23);
}

// Where a block has float16 numbers that scale it: `n` of them, next to each other, from byte `at`.
struct HalfScales {
    std::uint32_t at, n;
};
constexpr HalfScales half_scales(WeightScales scales) {
    switch (scales) {
        case WeightScales::kNone:
        case WeightScales::kE8m0:
            return {0, 0};
        case WeightScales::kHalf:
        case WeightScales::kSix32:
            return {0, 1};
        case WeightScales::kHalf256:
            return {kTernaryScale, 1};
        case WeightScales::kHalfMin:
        case WeightScales::kK6:
            return {0, 2};
        case WeightScales::kSix16:
            return {kThreeKFactor, 1};
        case WeightScales::kFour16:
            return {kTwoKFactors, 2};
        case WeightScales::kByte16:
            return {kSixKScales + 16, 1};
    }
    return {0, 0};
}

inline BlockScale block_scale(WeightScales scales, const std::uint8_t* block, std::uint32_t g) {
    const auto half = [block](std::uint32_t at) { return half_to_float(load_u16(block + at)); };
    switch (scales) {
        case WeightScales::kNone:
            return {1.0f, 0.0f};
        case WeightScales::kHalf:
        case WeightScales::kHalf256:
            return {half(half_scales(scales).at), 0.0f};
        case WeightScales::kHalfMin:
            return {half(0), -half(2)};
        case WeightScales::kE8m0:
            return {e8m0_scale(block[0]), 0.0f};
        case WeightScales::kSix16: {
            const std::uint32_t low = block[kThreeKScales + g % 8] >> (g / 8 * 4) & 15u;
            const std::uint32_t high = block[kThreeKScales + 8 + g % 4] >> (g / 4 * 2) & 3u;
            return {half(kThreeKFactor) * (static_cast<float>(low | high << 4) - 32.0f), 0.0f};
        }
        case WeightScales::kFour16:
            return {half(kTwoKFactors) * static_cast<float>(block[g] & 15),
                    half(kTwoKFactors + 2) * static_cast<float>(block[g] >> 4)};
        case WeightScales::kByte16:
            return {half(kSixKScales + 16) *
                        static_cast<float>(static_cast<std::int8_t>(block[kSixKScales + g])),
                    0.0f};
        case WeightScales::kSix32: {
            const std::uint32_t low = block[4 + g / 2] >> (g % 2 * 4) & 15u;
            const std::uint32_t high = static_cast<std::uint32_t>(load_u16(block + 2)) >> (2 * g);
            return {half(0) * (static_cast<float>(low | (high & 3u) << 4) - 32.0f), 0.0f};
        }
        case WeightScales::kK6: {
            const SixBits six = k6_scale(block + 4, g);
            return {half(0) * static_cast<float>(six.scale), half(2) * static_cast<float>(six.min)};
        }
    }
    return {};
}

}  // namespace gyre
