// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/weight_formats.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "runtime/model/weight_blocks.h"

namespace gyre {
namespace {

// ggml's numbers (ggml.h, enum ggml_type), for messages about formats that are not read.
constexpr const char* kGgmlNames[] = {
    "F32",     "F16",   "Q4_0",   "Q4_1",  nullptr, nullptr,  "Q5_0",  "Q5_1",    "Q8_0",
    "Q8_1",    "Q2_K",  "Q3_K",   "Q4_K",  "Q5_K",  "Q6_K",   "Q8_K",  "IQ2_XXS", "IQ2_XS",
    "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8",    "I16",     "I32",
    "I64",     "F64",   "IQ1_M",  "BF16",  nullptr, nullptr,  nullptr, "TQ1_0",   "TQ2_0",
    nullptr,   nullptr, nullptr,  "MXFP4", "NVFP4", "Q1_0",   "Q2_0",
};

constexpr float kTableNl[16] = {WEIGHT_TABLE_NL};
constexpr float kTableFp4[16] = {WEIGHT_TABLE_FP4};

constexpr float map_quant(WeightMap map, std::uint32_t q) {
    switch (map) {
        case WeightMap::kTable:
            return kTableNl[q];
        case WeightMap::kFp4:
            return kTableFp4[q];
        case WeightMap::kSigned:
            return static_cast<float>(static_cast<std::int8_t>(q));
        default:
            return static_cast<float>(static_cast<std::int32_t>(q) -
                                      kWeightOffsets[static_cast<std::uint32_t>(map)]);
    }
}

template <std::uint32_t id>
void dequantize_blocks(const std::uint8_t* src, std::span<float> dst) {
    constexpr WeightFormatInfo info = kFormats[id];
    constexpr std::uint32_t n_shared =
        kWeightScales[static_cast<std::uint32_t>(info.scales)].elements;
    for (std::size_t at = 0; at < dst.size(); at += info.block_elements, src += info.block_bytes) {
        for (std::uint32_t g = 0; g < info.block_elements / n_shared; ++g) {
            const BlockScale s = block_scale(info.scales, src, g);
            for (std::uint32_t i = g * n_shared; i < (g + 1) * n_shared; i += 4) {
                std::uint32_t quants = load_four(info.low, src, i);
                if constexpr (info.high.bits != 0) {
                    quants |= load_four(info.high, src, i) << info.low.bits;
                }
                for (std::uint32_t e = 0; e < 4; ++e) {
                    const float value = map_quant(info.map, quants >> (8 * e) & 255u);
                    dst[at + i + e] = s.scale * value - s.min;
                }
            }
        }
    }
}

template <std::uint32_t id>
void dequantize_plain(const std::uint8_t* src, std::span<float> dst) {
    constexpr WeightFormatInfo info = kFormats[id];
    if constexpr (info.block_bytes == 4) {
        if (!dst.empty()) std::memcpy(dst.data(), src, dst.size() * 4);
    } else {
        for (std::size_t i = 0; i < dst.size(); ++i) {
            const std::uint16_t bits = load_u16(src + 2 * i);
            dst[i] = info.map == WeightMap::kBfloat ? bfloat16_to_float(bits) : half_to_float(bits);
        }
    }
}

char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::uint32_t WeightFormatInfo::scale_elements() const {
    return kWeightScales[static_cast<std::uint32_t>(scales)].elements;
}

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
    with_format(format, [&]<std::uint32_t id>() {
        if constexpr (kFormats[id].has_scales()) {
            dequantize_blocks<id>(src.data(), dst);
        } else {
            dequantize_plain<id>(src.data(), dst);
        }
    });
}

bool has_subnormal_scales(WeightFormat format, std::span<const std::uint8_t> src) {
    const WeightFormatInfo& info = format_info(format);
    const HalfScales halves = half_scales(info.scales);
    for (std::size_t block = 0; halves.n > 0 && block < src.size(); block += info.block_bytes) {
        for (std::uint32_t i = 0; i < halves.n; ++i) {
            const std::uint32_t half = load_u16(src.data() + block + halves.at + 2 * i);
            if ((half & 0x7c00u) == 0 && (half & 0x3ffu) != 0) return true;
        }
    }
    return false;
}

}  // namespace gyre
