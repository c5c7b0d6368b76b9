// SPDX-License-Identifier: Apache-2.0
#include "tests/support/quantize.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

#include "runtime/base/half.h"

namespace gyre::testing {
namespace {

constexpr std::uint32_t kBlock = 32;        // elements of a Q8_0 or Q4_0 block
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

void store_u16(std::uint8_t* at, std::uint16_t value) {
    std::memcpy(at, &value, sizeof(value));
}

// Rounds to nearest, ties to even; a NaN stays a NaN.
std::uint16_t float_to_bfloat16(float f) {
    const auto bits = std::bit_cast<std::uint32_t>(f);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 64u);
    return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// 1 / scale, or 0 where that is no number: such a scale is 0 in float16 anyway.
float inverse(float scale) {
    const float inv = scale == 0.0f ? 0.0f : 1.0f / scale;
    return std::isfinite(inv) ? inv : 0.0f;
}

// ggml's quantize_row_q8_0_ref: scale = max |x| / 127, round half away from zero.
void quantize_block_q8_0(const float* x, std::uint8_t* block) {
    float largest = 0.0f;
    for (std::uint32_t i = 0; i < kBlock; ++i)
        largest = std::max(largest, std::fabs(x[i]));
    const float scale = largest / 127.0f;
    const float inv = inverse(scale);
    store_u16(block, float_to_half(scale));
    for (std::uint32_t i = 0; i < kBlock; ++i) {
        block[2 + i] = static_cast<std::uint8_t>(static_cast<std::int8_t>(std::round(x[i] * inv)));
    }
}

// ggml's quantize_row_q4_0_ref: the value of largest magnitude becomes -8.
void quantize_block_q4_0(const float* x, std::uint8_t* block) {
    float extreme = 0.0f;
    for (std::uint32_t i = 0; i < kBlock; ++i) {
        if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
    }
    const float scale = extreme / -8.0f;
    const float inv = inverse(scale);
    store_u16(block, float_to_half(scale));
    const auto nibble = [inv](float value) {
        return static_cast<std::uint8_t>(std::min(15, static_cast<int>(value * inv + 8.5f)));
    };
    for (std::uint32_t i = 0; i < kBlock / 2; ++i) {
        const auto high = static_cast<unsigned>(nibble(x[i + kBlock / 2])) << 4;
        block[2 + i] = static_cast<std::uint8_t>(nibble(x[i]) | high);
    }
}

constexpr int kSteps = 9;          // candidates of a scale on either side of a block's range
constexpr float kStepSize = 0.1f;  // between them, in steps of the quants

// x / step to the nearest integer in [low, high]; 0 where the step is 0, or too small to divide by.
int nearest(float x, float step, int low, int high) {
    const float quotient = x / step;
    if (!std::isfinite(quotient)) return std::clamp(0, low, high);
    const auto bounded = std::clamp(quotient, static_cast<float>(low), static_cast<float>(high));
    return static_cast<int>(std::nearbyint(bounded));
}

float squared_error(const float* x, int n, float scale, float min, int low, int high) {
    float error = 0.0f;
    for (int i = 0; i < n; ++i) {
        const int q = nearest(x[i] + min, scale, low, high);
        const float e = scale * static_cast<float>(q) - min - x[i];
        error += e * e;
    }
    return error;
}

struct Range {
    float scale = 0.0f;
    float min = 0.0f;  // what is subtracted: not negative
};

// The scale and min of 32 elements, quants 0 to 15: of the whole range, or of somewhat less or more
// of it, whatever errs least.
Range range_of_block(const float* x) {
    const auto [lowest, largest] = std::minmax_element(x, x + 32);
    const Range whole{(*largest - std::min(*lowest, 0.0f)) / 15.0f, -std::min(*lowest, 0.0f)};
    Range best = whole;
    if (whole.scale <= 0.0f) return {0.0f, whole.min};
    float least = squared_error(x, 32, best.scale, best.min, 0, 15);
    for (int i = -kSteps; i <= kSteps; ++i) {
        const float scale = whole.scale * 15.0f / (15.0f + kStepSize * static_cast<float>(i));
        for (const float min : {whole.min, std::max(0.0f, whole.min - 0.5f * scale)}) {
            const float error = squared_error(x, 32, scale, min, 0, 15);
            if (error >= least) continue;
            least = error;
            best = {scale, min};
        }
    }
    return best;
}

// The scale of 16 elements, quants -32 to 31: the value of largest magnitude becomes about -32.
float scale_of_block(const float* x) {
    float extreme = 0.0f;
    for (int i = 0; i < 16; ++i) {
        if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
    }
    float best = extreme / -32.0f;
    if (best == 0.0f) return 0.0f;
    float least = squared_error(x, 16, best, 0.0f, -32, 31);
    for (int i = -kSteps; i <= kSteps; ++i) {
        const float scale = extreme / -(32.0f + kStepSize * static_cast<float>(i));
        const float error = squared_error(x, 16, scale, 0.0f, -32, 31);
        if (error >= least) continue;
        least = error;
        best = scale;
    }
    return best;
}

void pack_scales(const ScalesQ4K& scales, std::uint8_t (&packed)[12]) {
    for (int i = 0; i < 4; ++i) {
        const unsigned scale = scales.scale[4 + i], min = scales.min[4 + i];
        packed[i] = static_cast<std::uint8_t>(scales.scale[i] | scale >> 4 << 6);
        packed[4 + i] = static_cast<std::uint8_t>(scales.min[i] | min >> 4 << 6);
        packed[8 + i] = static_cast<std::uint8_t>((scale & 15) | (min & 15) << 4);
    }
}

void quantize(const float* x, BlockQ4K& block) {
    Range ranges[8];
    float largest_scale = 0.0f;
    float largest_min = 0.0f;
    for (int b = 0; b < 8; ++b) {
        ranges[b] = range_of_block(x + 32 * b);
        largest_scale = std::max(largest_scale, ranges[b].scale);
        largest_min = std::max(largest_min, ranges[b].min);
    }
    block = {};
    block.d = float_to_half(largest_scale / 63.0f);
    block.dmin = float_to_half(largest_min / 63.0f);
    const float d = half_to_float(block.d);
    const float dmin = half_to_float(block.dmin);
    ScalesQ4K scales;
    for (int b = 0; b < 8; ++b) {
        scales.scale[b] = static_cast<std::uint8_t>(nearest(ranges[b].scale, d, 0, 63));
        scales.min[b] = static_cast<std::uint8_t>(nearest(ranges[b].min, dmin, 0, 63));
        const float scale = d * static_cast<float>(scales.scale[b]);
        const float min = dmin * static_cast<float>(scales.min[b]);
        for (int l = 0; l < 32; ++l) {
            std::uint8_t& byte = block.quants[b / 2 * 32 + l];
            const int q = nearest(x[32 * b + l] + min, scale, 0, 15);
            byte = static_cast<std::uint8_t>(byte | q << (b % 2 * 4));
        }
    }
    pack_scales(scales, block.scales);
}

void quantize(const float* x, BlockQ6K& block) {
    float scales[16];
    float extreme = 0.0f;
    for (int b = 0; b < 16; ++b) {
        scales[b] = scale_of_block(x + 16 * b);
        if (std::fabs(scales[b]) > std::fabs(extreme)) extreme = scales[b];
    }
    block = {};
    block.d = float_to_half(extreme / -128.0f);
    const float d = half_to_float(block.d);
    for (int b = 0; b < 16; ++b)
        block.scales[b] = static_cast<std::int8_t>(nearest(scales[b], d, -128, 127));
    for (int e = 0; e < static_cast<int>(kSuperblock); ++e) {
        const int n = e / 128, g = e % 128 / 32, l = e % 32, b = e / 16;
        const float scale = d * static_cast<float>(block.scales[b]);
        const auto q = static_cast<unsigned>(nearest(x[e], scale, -32, 31) + 32);
        std::uint8_t& low = block.low[64 * n + 32 * (g % 2) + l];
        std::uint8_t& high = block.high[32 * n + l];
        low = static_cast<std::uint8_t>(low | (q & 15) << (g / 2 * 4));
        high = static_cast<std::uint8_t>(high | q >> 4 << (2 * g));
    }
}

template <typename Block>
void quantize_superblocks(std::span<const float> src, std::uint8_t* out) {
    for (std::size_t b = 0; b < src.size() / kSuperblock; ++b) {
        Block block;
        quantize(&src[b * kSuperblock], block);
        std::memcpy(out + sizeof(Block) * b, &block, sizeof(Block));
    }
}

}  // namespace

void quantize_row(WeightFormat format, std::span<const float> src, std::span<std::uint8_t> dst) {
    assert(dst.size() == row_bytes(format, src.size()));
    std::uint8_t* out = dst.data();
    switch (format) {
        case WeightFormat::kF32:
            if (!src.empty()) std::memcpy(out, src.data(), dst.size());
            return;
        case WeightFormat::kF16:
            for (std::size_t i = 0; i < src.size(); ++i)
                store_u16(out + 2 * i, float_to_half(src[i]));
            return;
        case WeightFormat::kBf16:
            for (std::size_t i = 0; i < src.size(); ++i)
                store_u16(out + 2 * i, float_to_bfloat16(src[i]));
            return;
        case WeightFormat::kQ8_0:
            for (std::size_t b = 0; b < src.size() / kBlock; ++b)
                quantize_block_q8_0(&src[b * kBlock], out + 34 * b);
            return;
        case WeightFormat::kQ4_0:
            for (std::size_t b = 0; b < src.size() / kBlock; ++b)
                quantize_block_q4_0(&src[b * kBlock], out + 18 * b);
            return;
        case WeightFormat::kQ4_K:
            return quantize_superblocks<BlockQ4K>(src, out);
        case WeightFormat::kQ6_K:
            return quantize_superblocks<BlockQ6K>(src, out);
        default:
            assert(false && "this format has no encoder here");
    }
}

}  // namespace gyre::testing
