// The formats weights are stored in: their rows of data, rows to float, and the layout the kernels
// read.
// SPDX-License-Identifier: Apache-2.0
//
// shaders/interface/weight_formats.h has one row of data for each format and says how a row of the
// file and the device's layout follow from it. Nothing here or in weight_repack.cpp knows a format
// by name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "shaders/interface/weight_formats.h"  // WeightFormat, an index into weight_formats()

namespace gyre {

struct WeightPlane {
    std::uint32_t bits = 0;  // of a quant; 0: there is no such plane
    std::uint32_t at = 0;    // byte of the block where it begins
    std::uint32_t run = 1;   // bytes of a segment
};

struct WeightFormatInfo {
    WeightFormat format;
    const char* name;              // "Q8_0", as ggml spells it
    std::uint32_t ggml_type;       // the file's number
    std::uint32_t block_elements;  // a row is a multiple of it
    std::uint32_t block_bytes;     // in the file
    WeightPlane low, high;
    WeightMap map;
    WeightScales scales;
    std::uint32_t chunk_elements;  // on the device
    std::uint32_t tiles;           // 1: there are modules for one tile; 2: for complex weights too

    constexpr bool has_scales() const { return scales != WeightScales::kNone; }
    constexpr bool has_tiles(bool complex) const { return tiles >= (complex ? 2u : 1u); }
    // What a kernel takes at once; n_in is padded to a multiple.
    constexpr std::uint32_t step_elements() const { return has_scales() ? 64 : chunk_elements; }
    // uvec4s of a chunk, a high plane of one bit left out.
    constexpr std::uint32_t chunk_vecs() const {
        return (low.bits + (high.bits == 1 ? 0 : high.bits)) * chunk_elements / 128;
    }
    // Words of a chunk's high plane, if that is one of one bit.
    constexpr std::uint32_t high_words() const { return high.bits == 1 ? chunk_elements / 32 : 0; }
    std::uint32_t scale_elements() const;  // that share a scale
};

std::span<const WeightFormatInfo> weight_formats();
const WeightFormatInfo& format_info(WeightFormat format);
const WeightFormatInfo* find_format(std::uint32_t ggml_type);  // nullptr: not supported
const WeightFormatInfo* find_format(std::string_view name);    // any case; nullptr: no such name
// "Q5_K" for 13, "type 99" for a number that ggml has not given out: for messages.
std::string ggml_type_name(std::uint32_t ggml_type);
// "F32, F16, ...", all of them: for messages.
std::string supported_format_names();

// Bytes of a row of n_in elements in the file. n_in must be a multiple of block_elements.
std::uint64_t row_bytes(WeightFormat format, std::uint64_t n_in);

// src: row_bytes(format, dst.size()).
void dequantize_row(WeightFormat format, std::span<const std::uint8_t> src, std::span<float> dst);

// Whether a float16 scale or minimum is subnormal. src: whole blocks.
bool has_subnormal_scales(WeightFormat format, std::span<const std::uint8_t> src);

// --- Device layout ---
// One matrix on the device, or one row slice of it (each slice is a matrix of its own).
struct DeviceMatrix {
    WeightFormat format = WeightFormat::kF32;
    std::uint32_t n_rows = 0;  // outputs
    std::uint32_t n_in = 0;    // elements of a row

    std::uint32_t block_rows() const {
        return std::min<std::uint32_t>(WEIGHT_BLOCK_ROWS, (n_rows + 3) / 4 * 4);
    }
    std::uint32_t rows_padded() const;   // to whole blocks
    std::uint32_t n_in_padded() const;   // elements
    std::uint32_t n_chunks() const;      // of a row
    std::uint32_t n_vecs() const;        // uvec4s of a row
    std::uint32_t n_steps() const;       // of a row
    std::uint32_t scale_words() const;   // words of scales of a row; 0 without scales
    std::uint32_t scale_rows() const;    // rows of a block that there are scale words for
    std::uint64_t high_offset() const;   // words of a block before H
    std::uint64_t scale_offset() const;  // words of a block before S
    std::uint64_t block_words() const;   // from one block of rows to the next
    std::uint32_t block_vecs() const { return static_cast<std::uint32_t>(block_words() / 4); }
    std::uint64_t size_words() const;
    std::uint64_t size_bytes() const { return size_words() * 4; }
};

// Bytes on the device of a matrix held in one piece.
std::uint64_t device_bytes(WeightFormat format, std::uint32_t n_rows, std::uint32_t n_in);

// The most rows whose slice is at most max_bytes: all n_rows, whole blocks, or less than one, in
// multiples of 4; 0 if not even four rows fit.
std::uint32_t max_slice_rows(WeightFormat format, std::uint32_t n_rows, std::uint32_t n_in,
                             std::uint64_t max_bytes);

// Writes rows [first_row, first_row + row_count) of the matrix in device layout.
// src: the file's rows of this matrix (slice), n_rows * row_bytes. dst: matrix.size_words() words,
// the whole matrix; it need not be zeroed, and is only written, in runs of consecutive words (it
// may be write-combined memory). The call that covers the last row also writes the padding rows.
// Calls on disjoint ranges may run in several threads; ranges that begin at a multiple of a block
// are fastest.
void repack_rows(const DeviceMatrix& matrix, std::span<const std::uint8_t> src,
                 std::uint32_t first_row, std::uint32_t row_count, std::span<std::uint32_t> dst);

}  // namespace gyre
