// The numbers that stand in the weight formats of a GGUF file, decoded byte by byte into float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/weight_decode.h"

#include <cassert>
#include <cmath>
#include <limits>

namespace gyre::reference {
namespace {

constexpr std::size_t kBlockElements = 32;
constexpr std::size_t kQ8Bytes = 2 + kBlockElements;
constexpr std::size_t kQ4Bytes = 2 + kBlockElements / 2;
constexpr std::size_t kSuperblock = 256;
constexpr std::size_t kQ4KBytes = 2 + 2 + 12 + kSuperblock / 2;
constexpr std::size_t kQ6KBytes = kSuperblock / 2 + kSuperblock / 4 + 16 + 2;

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

// The two terms of each element of a Q4_K row: (d s q, dmin m).
struct TermsQ4K {
    std::vector<double> scaled, min;
};

TermsQ4K q4_k_terms(std::span<const std::uint8_t> bytes) {
    assert(bytes.size() % kQ4KBytes == 0);
    TermsQ4K terms;
    for (std::size_t start = 0; start < bytes.size(); start += kQ4KBytes) {
        const double d = decode_f16(read_u16(bytes, start));
        const double dmin = decode_f16(read_u16(bytes, start + 2));
        const auto six_bits = [&](std::size_t i, std::size_t first, std::size_t nibble) {
            if (i < 4) return bytes[start + 4 + first + i] % 64;
            const int low = bytes[start + 4 + 8 + (i - 4)] / (nibble == 0 ? 1 : 16) % 16;
            return low + 16 * (bytes[start + 4 + first + (i - 4)] / 64);
        };
        for (std::size_t e = 0; e < kSuperblock; ++e) {
            const std::size_t block = e / 32;
            const int byte = bytes[start + 16 + e / 64 * 32 + e % 32];
            const int q = block % 2 == 0 ? byte % 16 : byte / 16;
            terms.scaled.push_back(d * six_bits(block, 0, 0) * q);
            terms.min.push_back(dmin * six_bits(block, 4, 1));
        }
    }
    return terms;
}

}  // namespace

double decode_f16(std::uint16_t bits) {
    return decode_ieee(bits, 5, 10);
}
double decode_bf16(std::uint16_t bits) {
    return decode_ieee(bits, 8, 7);
}

std::vector<double> decode_f32_row(std::span<const std::uint8_t> bytes) {
    assert(bytes.size() % 4 == 0);
    std::vector<double> row;
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
        const std::uint32_t high = read_u16(bytes, i + 2);
        row.push_back(decode_ieee(high << 16 | read_u16(bytes, i), 8, 23));
    }
    return row;
}

std::vector<double> decode_f16_row(std::span<const std::uint8_t> bytes) {
    assert(bytes.size() % 2 == 0);
    std::vector<double> row;
    for (std::size_t i = 0; i < bytes.size(); i += 2)
        row.push_back(decode_f16(read_u16(bytes, i)));
    return row;
}

std::vector<double> decode_bf16_row(std::span<const std::uint8_t> bytes) {
    assert(bytes.size() % 2 == 0);
    std::vector<double> row;
    for (std::size_t i = 0; i < bytes.size(); i += 2)
        row.push_back(decode_bf16(read_u16(bytes, i)));
    return row;
}

std::vector<double> decode_q8_0_row(std::span<const std::uint8_t> bytes) {
    assert(bytes.size() % kQ8Bytes == 0);
    std::vector<double> row;
    for (std::size_t block = 0; block < bytes.size(); block += kQ8Bytes) {
        const double scale = decode_f16(read_u16(bytes, block));
        for (std::size_t j = 0; j < kBlockElements; ++j) {
            const int byte = bytes[block + 2 + j];
            row.push_back(scale * (byte < 128 ? byte : byte - 256));
        }
    }
    return row;
}

std::vector<double> decode_q4_0_row(std::span<const std::uint8_t> bytes) {
    assert(bytes.size() % kQ4Bytes == 0);
    std::vector<double> row(bytes.size() / kQ4Bytes * kBlockElements);
    for (std::size_t block = 0; block * kQ4Bytes < bytes.size(); ++block) {
        const std::size_t start = block * kQ4Bytes;
        const double scale = decode_f16(read_u16(bytes, start));
        for (std::size_t j = 0; j < kBlockElements / 2; ++j) {
            const int byte = bytes[start + 2 + j];
            row[block * kBlockElements + j] = scale * (byte % 16 - 8);
            row[block * kBlockElements + j + kBlockElements / 2] = scale * (byte / 16 - 8);
        }
    }
    return row;
}

std::vector<double> q4_0_row_terms(std::span<const std::uint8_t> bytes) {
    std::vector<double> terms = decode_q4_0_row(bytes);
    for (std::size_t i = 0; i < terms.size(); ++i) {
        const double offset =
            8.0 * decode_f16(read_u16(bytes, i / kBlockElements * kQ4Bytes));  // of d q - 8 d
        terms[i] = std::abs(terms[i] + offset) + std::abs(offset);
    }
    return terms;
}

std::vector<double> decode_q4_k_row(std::span<const std::uint8_t> bytes) {
    TermsQ4K terms = q4_k_terms(bytes);
    for (std::size_t i = 0; i < terms.scaled.size(); ++i)
        terms.scaled[i] -= terms.min[i];
    return terms.scaled;
}

std::vector<double> q4_k_row_terms(std::span<const std::uint8_t> bytes) {
    TermsQ4K terms = q4_k_terms(bytes);
    for (std::size_t i = 0; i < terms.scaled.size(); ++i)
        terms.scaled[i] = std::abs(terms.scaled[i]) + std::abs(terms.min[i]);
    return terms.scaled;
}

std::vector<double> decode_q6_k_row(std::span<const std::uint8_t> bytes) {
    assert(bytes.size() % kQ6KBytes == 0);
    std::vector<double> row;
    for (std::size_t start = 0; start < bytes.size(); start += kQ6KBytes) {
        const double d = decode_f16(read_u16(bytes, start + kQ6KBytes - 2));
        for (std::size_t e = 0; e < kSuperblock; ++e) {
            const std::size_t part = e / 128, g = e % 128 / 32, l = e % 32;
            const int low_byte = bytes[start + 64 * part + 32 * (g % 2) + l];
            const int high_byte = bytes[start + 128 + 32 * part + l];
            const int low = g < 2 ? low_byte % 16 : low_byte / 16;
            const int high = high_byte / (1 << (2 * g)) % 4;
            const int scale = bytes[start + 192 + e / 16];
            row.push_back(d * (scale < 128 ? scale : scale - 256) * (low + 16 * high - 32));
        }
    }
    return row;
}

}  // namespace gyre::reference
