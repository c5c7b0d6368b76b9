// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/weight_formats.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

#include "runtime/base/half.h"
#include "runtime/model/weight_superblocks.h"

namespace gyre {
namespace {

constexpr std::uint32_t kBlock = 32;  // elements of a Q8_0 or Q4_0 block

// What only the file knows of a format: X(enumerator, ggml's number, elements a block, bytes a
// block).
#define GYRE_FILE_FORMAT_LIST(X)  \
    X(F32, 0, 1, 4)               \
    X(F16, 1, 1, 2)               \
    X(Bf16, 30, 1, 2)             \
    X(Q8_0, 8, kBlock, 34)        \
    X(Q4_0, 2, kBlock, 18)        \
    X(Q4_K, 12, kSuperblock, 144) \
    X(Q6_K, 14, kSuperblock, 210)

struct FileFormat {
    WeightFormat format;
    std::uint32_t ggml_type, block_elements, block_bytes;
};
constexpr FileFormat kFileFormats[] = {
#define GYRE_ROW(cpp, type, elements, bytes) {WeightFormat::k##cpp, type, elements, bytes},
    GYRE_FILE_FORMAT_LIST(GYRE_ROW)
#undef GYRE_ROW
};

constexpr WeightFormatInfo make_info(std::uint32_t id, const char* name, std::uint32_t chunk,
                                     std::uint32_t vecs, std::uint32_t step, std::uint32_t scales) {
    const FileFormat& file = kFileFormats[id];
    return {static_cast<WeightFormat>(id),
            name,
            file.ggml_type,
            file.block_elements,
            file.block_bytes,
            chunk,
            vecs,
            step,
            scales};
}

constexpr WeightFormatInfo kFormats[] = {
#define GYRE_ROW(id, name, cpp, chunk, vecs, step, scales) \
    make_info(id, #name, chunk, vecs, step, scales),
    WEIGHT_FORMAT_LIST(GYRE_ROW)
#undef GYRE_ROW
};

constexpr bool in_order() {
    for (std::uint32_t i = 0; i < std::size(kFormats); ++i) {
        if (kFileFormats[i].format != static_cast<WeightFormat>(i) ||
            kFormats[i].format != kFileFormats[i].format)
            return false;
    }
    return std::size(kFormats) == std::size(kFileFormats);
}
static_assert(in_order(), "both lists have the formats in the order of their ids");

// ggml's numbers (ggml.h, enum ggml_type), for messages about formats that are not read.
constexpr const char* kGgmlNames[] = {
    "F32",    "F16",   "Q4_0",  "Q4_1",   nullptr, nullptr, "Q5_0",    "Q5_1",   "Q8_0",    "Q8_1",
    "Q2_K",   "Q3_K",  "Q4_K",  "Q5_K",   "Q6_K",  "Q8_K",  "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S",
    "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8",    "I16",   "I32",     "I64",    "F64",     "IQ1_M",
    "BF16",   nullptr, nullptr, nullptr,  "TQ1_0", "TQ2_0", nullptr,   nullptr,  nullptr,   "MXFP4",
};

std::uint16_t load_u16(const std::uint8_t* at) {
    std::uint16_t value;
    std::memcpy(&value, at, sizeof(value));
    return value;
}

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

void dequantize_block_q8_0(const std::uint8_t* block, float* x) {
    const float scale = half_to_float(load_u16(block));
    for (std::uint32_t i = 0; i < kBlock; ++i) {
        x[i] = scale * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
    }
}

void dequantize_block_q4_0(const std::uint8_t* block, float* x) {
    const float scale = half_to_float(load_u16(block));
    for (std::uint32_t i = 0; i < kBlock / 2; ++i) {
        x[i] = scale * static_cast<float>((block[2 + i] & 15) - 8);
        x[i + kBlock / 2] = scale * static_cast<float>((block[2 + i] >> 4) - 8);
    }
}

template <typename Block>
void dequantize_superblocks(const std::uint8_t* in, std::span<float> dst) {
    for (std::size_t b = 0; b < dst.size() / kSuperblock; ++b) {
        Block block;
        std::memcpy(&block, in + sizeof(Block) * b, sizeof(Block));
        dequantize(block, &dst[b * kSuperblock]);
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

char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::span<const WeightFormatInfo> weight_formats() {
    return kFormats;
}

const WeightFormatInfo& format_info(WeightFormat format) {
    assert(static_cast<std::uint32_t>(format) < std::size(kFormats));
    return kFormats[static_cast<std::uint32_t>(format)];
}

const WeightFormatInfo* find_format(std::uint32_t ggml_type) {
    for (const WeightFormatInfo& info : kFormats) {
        if (info.ggml_type == ggml_type) return &info;
    }
    return nullptr;
}

const WeightFormatInfo* find_format(std::string_view name) {
    for (const WeightFormatInfo& info : kFormats) {
        const std::string_view known = info.name;
        if (std::equal(known.begin(), known.end(), name.begin(), name.end(),
                       [](char a, char b) { return upper(a) == upper(b); })) {
            return &info;
        }
    }
    return nullptr;
}

std::string ggml_type_name(std::uint32_t ggml_type) {
    if (ggml_type < std::size(kGgmlNames) && kGgmlNames[ggml_type] != nullptr) {
        return kGgmlNames[ggml_type];
    }
    return "type " + std::to_string(ggml_type);
}

std::string supported_format_names() {
    std::string names;
    for (const WeightFormatInfo& info : kFormats) {
        if (!names.empty()) names += ", ";
        names += info.name;
    }
    return names;
}

std::uint64_t row_bytes(WeightFormat format, std::uint64_t n_in) {
    const WeightFormatInfo& info = format_info(format);
    assert(n_in % info.block_elements == 0);
    return n_in / info.block_elements * info.block_bytes;
}

void dequantize_row(WeightFormat format, std::span<const std::uint8_t> src, std::span<float> dst) {
    assert(src.size() == row_bytes(format, dst.size()));
    const std::uint8_t* in = src.data();
    switch (format) {
        case WeightFormat::kF32:
            if (!dst.empty()) std::memcpy(dst.data(), in, src.size());
            return;
        case WeightFormat::kF16:
            for (std::size_t i = 0; i < dst.size(); ++i)
                dst[i] = half_to_float(load_u16(in + 2 * i));
            return;
        case WeightFormat::kBf16:
            for (std::size_t i = 0; i < dst.size(); ++i)
                dst[i] = bfloat16_to_float(load_u16(in + 2 * i));
            return;
        case WeightFormat::kQ8_0:
            for (std::size_t b = 0; b < dst.size() / kBlock; ++b)
                dequantize_block_q8_0(in + 34 * b, &dst[b * kBlock]);
            return;
        case WeightFormat::kQ4_0:
            for (std::size_t b = 0; b < dst.size() / kBlock; ++b)
                dequantize_block_q4_0(in + 18 * b, &dst[b * kBlock]);
            return;
        case WeightFormat::kQ4_K:
            return dequantize_superblocks<BlockQ4K>(in, dst);
        case WeightFormat::kQ6_K:
            return dequantize_superblocks<BlockQ6K>(in, dst);
    }
}

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
    }
}

}  // namespace gyre
