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

}  // namespace gyre::reference
