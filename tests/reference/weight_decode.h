// The numbers that stand in the weight formats of a GGUF file, decoded byte by byte into float64.
// SPDX-License-Identifier: Apache-2.0
//
// Written from the description of the formats, not from the runtime's decoder: the tests compare
// the two. All multi-byte numbers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyre::reference {

double decode_f16(
    std::uint16_t bits);  // IEEE 754-2008 binary16: 1 sign, 5 exponent, 10 fraction bits
double decode_bf16(
    std::uint16_t bits);  // the upper half of a binary32: 1 sign, 8 exponent, 7 fraction bits

// A row of plain numbers.
std::vector<double> decode_f32_row(std::span<const std::uint8_t> bytes);
std::vector<double> decode_f16_row(std::span<const std::uint8_t> bytes);
std::vector<double> decode_bf16_row(std::span<const std::uint8_t> bytes);

// Blocks of 32 elements in 34 bytes: a binary16 scale d, then 32 signed bytes q; element j = d
// q[j]. ggml, block_q8_0.
std::vector<double> decode_q8_0_row(std::span<const std::uint8_t> bytes);

// Blocks of 32 elements in 18 bytes: a binary16 scale d, then 16 bytes; byte j holds element j in
// its low four bits and element j + 16 in its high four bits; element = d (bits - 8). ggml,
// block_q4_0.
std::vector<double> decode_q4_0_row(std::span<const std::uint8_t> bytes);
// |d bits| + |8 d| of each element: what a product that adds the two terms apart may round.
std::vector<double> q4_0_row_terms(std::span<const std::uint8_t> bytes);

// Superblocks of 256 elements in 144 bytes: binary16 d and dmin, 12 bytes with eight 6-bit scales s
// and eight 6-bit minima m, 128 bytes of nibbles q. Each 32 bytes hold 64 elements, the first 32 in
// the low nibbles; elements 32 i to 32 i + 31 are d s[i] q - dmin m[i]. Of the 12 bytes, byte i has
// s[i] (i < 4) or m[i - 4] (i < 8) in its low six bits; byte 8 + i has the low four bits of s[4 +
// i] and, above them, of m[4 + i]; the two bits that are missing are the high ones of bytes i and 4
// + i. ggml, block_q4_K.
std::vector<double> decode_q4_k_row(std::span<const std::uint8_t> bytes);
// |d s q| + |dmin m| of each element: what a product that adds the two terms apart may round.
std::vector<double> q4_k_row_terms(std::span<const std::uint8_t> bytes);

// Superblocks of 256 elements in 210 bytes: 128 bytes of low nibbles, 64 bytes of high bit pairs,
// 16 signed bytes s, binary16 d; element e = d s[e / 16] (q - 32). Of each 128 elements (64 and 32
// bytes), element 32 g + l has its low nibble in byte 32 (g mod 2) + l, low half for g < 2, and its
// high bits in bits 2 g and 2 g + 1 of byte l. ggml, block_q6_K.
std::vector<double> decode_q6_k_row(std::span<const std::uint8_t> bytes);

}  // namespace gyre::reference
