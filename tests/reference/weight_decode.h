// The numbers that stand in the weight formats of a GGUF file, decoded byte by byte into float64.
// SPDX-License-Identifier: Apache-2.0
//
// Written from the description of the formats, not from the runtime's decoder: the tests compare
// the two. All multi-byte numbers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gyre::reference {

double decode_f16(
    std::uint16_t bits);  // IEEE 754-2008 binary16: 1 sign, 5 exponent, 10 fraction bits
double decode_bf16(
    std::uint16_t bits);  // the upper half of a binary32: 1 sign, 8 exponent, 7 fraction bits

// A row of the format that ggml calls so: "F32", "F16", "BF16", or blocks, whose elements are d q
// unless the format says otherwise. d, m and dmin are binary16; nibbles of 32 elements are 16
// bytes, byte j holding element j in its low four bits and element j + 16 in its high four.
//   Q8_0    34 bytes: d, 32 signed bytes q
//   Q4_0    18: d, nibbles; d (q - 8)
//   Q4_1    20: d, m, nibbles; d q + m
//   Q5_0    22: d, 32 fifth bits (element 8 i + b in bit b of byte i), nibbles; d (q - 16)
//   Q5_1    24: d, m, fifth bits, nibbles; d q + m
//   IQ4_NL  18: d, nibbles; d L[q], L ggml's sixteen levels
//   MXFP4   17: exponent x, nibbles; 2^(x - 127) E2M1(q)
// and superblocks of 256. Element 32 g + l of each 128 (bits of two) has its low bits in bits 2 g
// of byte l of 32.
//   Q2_K    84: 16 bytes with a scale s (low four bits) and a minimum (high) for 16 elements each,
//   64 bytes of two-bit q, d,
//           dmin; d s q - dmin min
//   Q3_K    110: 32 bytes of third bits (element 32 i + l in bit i of byte l), 64 of two-bit q, 12
//   of scales, d; d (s - 32)
//           (q - 4). Scale g has its low four bits in byte g mod 8 (g / 8 says which half), its
//           high two in byte 8 + g mod 4
//   Q4_K    144: d, dmin, 12 bytes of scales and minima, 128 of nibbles: each 32 bytes hold 64
//   elements, the first 32 low;
//           d s q - dmin m. Of the 12 bytes, byte i has s[i] (i < 4) or m[i - 4] (i < 8) in its low
//           six bits; byte 8 + i has the low four bits of s[4 + i] and, above them, of m[4 + i];
//           the two bits that are missing are the high ones of bytes i and 4 + i
//   Q5_K    176: as Q4_K, with 32 bytes of fifth bits (element 32 i + l in bit i of byte l) before
//   the nibbles Q6_K    210: 128 bytes of low nibbles, 64 of high bit pairs, 16 signed bytes s, d;
//   d s[e / 16] (q - 32). Of each 128
//           elements, element 32 g + l has its low nibble in byte 32 (g mod 2) + l, low half for g
//           < 2
//   IQ4_XS  136: d, 16 bits of high scale bits, 4 bytes of low ones, nibbles of each 32 elements; d
//   (s - 32) L[q]
//   TQ2_0   66: 64 bytes of two-bit q, d; d (q - 1)
// bytes: whole blocks.
std::vector<double> decode_row(std::string_view format, std::span<const std::uint8_t> bytes);
// Where an element is a difference, the sum of its two magnitudes: what a product that adds the two
// apart may round. Else its magnitude.
std::vector<double> row_terms(std::string_view format, std::span<const std::uint8_t> bytes);

}  // namespace gyre::reference
