// The numbers that stand in the weight formats of a GGUF file, decoded byte by byte into float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/weight_decode.h"

#include <cassert>
#include <cmath>
#include <limits>

namespace gyre::reference {
namespace {

std::uint16_t read_u16(std::span<const std::uint8_t> bytes, std::size_t offset) {
    return static_cast<std::uint16_t>(bytes[offset] + 256 * bytes[offset + 1]);
}

// sign * 2^(exponent - bias) * 1.fraction; exponent 0: subnormal; all ones: infinity or NaN.
double decode_ieee(std::uint32_t bits, int n_exponent, int n_fraction) {
    const double sign = (bits >> (n_exponent + n_fraction)) & 1u ? -1.0 : 1.0;
    const int largest = (1 << n_exponent) - 1;
    const int exponent = static_cast<int>(bits >> n_fraction) & largest;
    const double fraction = static_cast<double>(bits & ((1u << n_fraction) - 1u)) /
                            static_cast<double>(1u << n_fraction);
    const int bias = largest / 2;
    if (exponent == largest) {
        return fraction > 0 ? std::numeric_limits<double>::quiet_NaN()
                            : sign * std::numeric_limits<double>::infinity();
    }
    if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias);
    return sign * std::ldexp(1.0 + fraction, exponent - bias);
}

using Bytes = std::span<const std::uint8_t>;

double half_at(Bytes bytes, std::size_t offset) {
    return decode_f16(read_u16(bytes, offset));
}

// Bits [first, first + n) of a byte, as a number.
int bits_of(std::uint8_t byte, std::size_t first, std::size_t n) {
    return byte / (1 << first) % (1 << n);
}

int signed_byte(std::uint8_t byte) {
    return byte < 128 ? byte : byte - 256;
}

// The numbers that IQ4_NL's and IQ4_XS's quants stand for: ggml, kvalues_iq4nl.
constexpr int kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                             1,    13,   25,  38,  53,  69,  89,  113};

// E2M1: sign, two bits of exponent with bias 1, one of fraction. OCP Microscaling Formats 1.0.
double decode_e2m1(int bits) {
    const double sign = bits >= 8 ? -1.0 : 1.0;
    const int exponent = bits / 2 % 4, fraction = bits % 2;
    if (exponent == 0) return sign * 0.5 * fraction;
    return sign * std::ldexp(1.0 + 0.5 * fraction, exponent - 1);
}

// One element of a block: what is multiplied by the scale, and what is subtracted.
struct Element {
    double scaled, min;
};

Element q8_0(Bytes block, std::size_t e) {
    return {half_at(block, 0) * signed_byte(block[2 + e]), 0.0};
}

// Nibble e of a block of 32 whose 16 bytes begin at `first`: elements 0 to 15 low, 16 to 31 high.
int nibble_of_32(Bytes block, std::size_t first, std::size_t e) {
    return bits_of(block[first + e % 16], e < 16 ? 0 : 4, 4);
}
int fifth_bit(Bytes block, std::size_t first, std::size_t e) {
    return bits_of(block[first + e / 8], e % 8, 1);
}

Element q4_0(Bytes block, std::size_t e) {
    const double d = half_at(block, 0);
    return {d * nibble_of_32(block, 2, e), 8 * d};
}
Element q4_1(Bytes block, std::size_t e) {
    return {half_at(block, 0) * nibble_of_32(block, 4, e), -half_at(block, 2)};
}
Element q5_0(Bytes block, std::size_t e) {
    const double d = half_at(block, 0);
    return {d * (nibble_of_32(block, 6, e) + 16 * fifth_bit(block, 2, e)), 16 * d};
}
Element q5_1(Bytes block, std::size_t e) {
    const int q = nibble_of_32(block, 8, e) + 16 * fifth_bit(block, 4, e);
    return {half_at(block, 0) * q, -half_at(block, 2)};
}

Element q2_k(Bytes block, std::size_t e) {
    const int q = bits_of(block[16 + e / 128 * 32 + e % 32], e % 128 / 32 * 2, 2);
    const std::uint8_t both = block[e / 16];
    return {half_at(block, 80) * bits_of(both, 0, 4) * q, half_at(block, 82) * bits_of(both, 4, 4)};
}

Element q3_k(Bytes block, std::size_t e) {
    const int low = bits_of(block[32 + e / 128 * 32 + e % 32], e % 128 / 32 * 2, 2);
    const int high = bits_of(block[e % 32], e / 32, 1);
    const std::size_t g = e / 16;
    const int scale = bits_of(block[96 + g % 8], g / 8 * 4, 4) +
                      16 * bits_of(block[104 + g % 4], g / 4 * 2, 2) - 32;
    const double d = half_at(block, 108) * scale;
    return {d * (low + 4 * high), 4 * d};
}

// Of the 12 bytes from byte 4 on: six-bit scale (kind 0) or minimum (kind 1) i.
int six_bits(Bytes block, std::size_t i, std::size_t kind) {
    if (i < 4) return bits_of(block[4 + 4 * kind + i], 0, 6);
    return bits_of(block[12 + i - 4], 4 * kind, 4) +
           16 * bits_of(block[4 + 4 * kind + i - 4], 6, 2);
}
Element k6(Bytes block, std::size_t e, int q) {
    return {half_at(block, 0) * six_bits(block, e / 32, 0) * q,
            half_at(block, 2) * six_bits(block, e / 32, 1)};
}
Element q4_k(Bytes block, std::size_t e) {
    return k6(block, e, bits_of(block[16 + e / 64 * 32 + e % 32], e % 64 < 32 ? 0 : 4, 4));
}
Element q5_k(Bytes block, std::size_t e) {
    const int low = bits_of(block[48 + e / 64 * 32 + e % 32], e % 64 < 32 ? 0 : 4, 4);
    return k6(block, e, low + 16 * bits_of(block[16 + e % 32], e / 32, 1));
}

Element q6_k(Bytes block, std::size_t e) {
    const std::size_t part = e / 128, g = e % 128 / 32, l = e % 32;
    const int low = bits_of(block[64 * part + 32 * (g % 2) + l], g < 2 ? 0 : 4, 4);
    const int high = bits_of(block[128 + 32 * part + l], 2 * g, 2);
    const int scale = signed_byte(block[192 + e / 16]);
    return {half_at(block, 208) * scale * (low + 16 * high - 32), 0.0};
}

Element iq4_nl(Bytes block, std::size_t e) {
    return {half_at(block, 0) * kLevels[nibble_of_32(block, 2, e)], 0.0};
}
Element iq4_xs(Bytes block, std::size_t e) {
    const std::size_t g = e / 32;
    const int scale =
        bits_of(block[4 + g / 2], g % 2 * 4, 4) + 16 * bits_of(block[2 + g / 4], g % 4 * 2, 2) - 32;
    return {half_at(block, 0) * scale * kLevels[nibble_of_32(block, 8 + 16 * g, e % 32)], 0.0};
}

Element mxfp4(Bytes block, std::size_t e) {
    return {std::ldexp(decode_e2m1(nibble_of_32(block, 1, e)), block[0] - 127), 0.0};
}

Element tq2_0(Bytes block, std::size_t e) {
    const double d = half_at(block, 64);
    return {d * bits_of(block[e / 128 * 32 + e % 32], e % 128 / 32 * 2, 2), d};
}

struct BlockFormat {
    std::string_view name;
    std::size_t elements, bytes;
    Element (*element)(Bytes block, std::size_t e);
};
constexpr BlockFormat kBlockFormats[] = {
    {"Q8_0", 32, 2 + 32, q8_0},
    {"Q4_0", 32, 2 + 16, q4_0},
    {"Q4_1", 32, 2 + 2 + 16, q4_1},
    {"Q5_0", 32, 2 + 4 + 16, q5_0},
    {"Q5_1", 32, 2 + 2 + 4 + 16, q5_1},
    {"Q2_K", 256, 16 + 64 + 2 + 2, q2_k},
    {"Q3_K", 256, 32 + 64 + 12 + 2, q3_k},
    {"Q4_K", 256, 2 + 2 + 12 + 128, q4_k},
    {"Q5_K", 256, 2 + 2 + 12 + 32 + 128, q5_k},
    {"Q6_K", 256, 128 + 64 + 16 + 2, q6_k},
    {"IQ4_NL", 32, 2 + 16, iq4_nl},
    {"IQ4_XS", 256, 2 + 2 + 4 + 128, iq4_xs},
    {"MXFP4", 32, 1 + 16, mxfp4},
    {"TQ2_0", 256, 64 + 2, tq2_0},
};

std::vector<Element> elements_of(const BlockFormat& format, Bytes bytes) {
    assert(bytes.size() % format.bytes == 0);
    std::vector<Element> row;
    for (std::size_t start = 0; start < bytes.size(); start += format.bytes) {
        for (std::size_t e = 0; e < format.elements; ++e)
            row.push_back(format.element(bytes.subspan(start, format.bytes), e));
    }
    return row;
}

const BlockFormat* find_block_format(std::string_view name) {
    for (const BlockFormat& format : kBlockFormats) {
        if (format.name == name) return &format;
    }
    return nullptr;
}

std::vector<double> decode_f32_row(Bytes bytes) {
    assert(bytes.size() % 4 == 0);
    std::vector<double> row;
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
        const std::uint32_t high = read_u16(bytes, i + 2);
        row.push_back(decode_ieee(high << 16 | read_u16(bytes, i), 8, 23));
    }
    return row;
}

}  // namespace

double decode_f16(std::uint16_t bits) {
    return decode_ieee(bits, 5, 10);
}
double decode_bf16(std::uint16_t bits) {
    return decode_ieee(bits, 8, 7);
}

std::vector<double> decode_row(std::string_view format, std::span<const std::uint8_t> bytes) {
    std::vector<double> row;
    if (const BlockFormat* blocks = find_block_format(format)) {
        for (const Element& element : elements_of(*blocks, bytes))
            row.push_back(element.scaled - element.min);
        return row;
    }
    if (format == "F32") return decode_f32_row(bytes);
    assert((format == "F16" || format == "BF16") && bytes.size() % 2 == 0);
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        const std::uint16_t bits = read_u16(bytes, i);
        row.push_back(format == "F16" ? decode_f16(bits) : decode_bf16(bits));
    }
    return row;
}

std::vector<double> row_terms(std::string_view format, std::span<const std::uint8_t> bytes) {
    const BlockFormat* blocks = find_block_format(format);
    std::vector<double> terms;
    if (blocks == nullptr) {
        for (const double value : decode_row(format, bytes))
            terms.push_back(std::abs(value));
        return terms;
    }
    for (const Element& element : elements_of(*blocks, bytes))
        terms.push_back(std::abs(element.scaled) + std::abs(element.min));
    return terms;
}

}  // namespace gyre::reference
