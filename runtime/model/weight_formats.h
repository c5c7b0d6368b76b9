// The formats weights are stored in: rows to and from float, and the layout the kernels read.
// SPDX-License-Identifier: Apache-2.0
//
// File layout (ggml): rows one after the other, each a sequence of blocks of block_elements.
// Device layout of a matrix [n_rows][n_in] (read by shaders/lib/weights.glsl): blocks of block_rows
// rows one after the other, each in 32-bit words
//     uvec4 W[n_vecs][block_rows]              word ((v * block_rows) + r) * 4 + w
//     uint  S[scale_words][WEIGHT_BLOCK_ROWS]  block formats only, after the block's W: word
//                                              s * WEIGHT_BLOCK_ROWS + SCALE_PLACE(r), not in Q4_K
// block_rows = WEIGHT_BLOCK_ROWS, or n_rows rounded up to 4 where there are fewer rows; n_in is
// padded with zeros to a multiple of step_elements. A chunk is one vec; two in Q4_K and three in
// Q6_K, whose chunk c has the 64 elements from 64c on.
//   F32   word w of chunk c = bits of element 4c + w
//   F16   word w of chunk c = halves 8c + 2w (low) and 8c + 2w + 1 (high); BF16 the same
//   Q8_0  word w of chunk c = int8 of elements 16c + 4w .. + 3, lowest byte first
//   Q4_0  word w of chunk c = elements 32c + 8w .. + 7, lowest nibble first; value = nibble - 8
//   Q4_K  word i of the eight of a chunk = elements 64c + 4i .. + 3 in the low nibbles of its
//   bytes,
//         64c + 32 + 4i .. + 3 in the high ones: the bytes of the file
//   Q6_K  vecs 0 and 1 the low four bits in the same way; word i of vec 2 the high two bits: bits
//         2f of its bytes those of elements 64c + 16f + 4i .. + 3. Six bits, two's complement
//   S     Q8_0, Q4_0: two f16 scales a word: block 2j low, block 2j + 1 high; a block is 32
//   elements
//         Q6_K: five words a superblock: the int8 scales of its elements 64i .. 64i + 63, 16
//         elements a byte, for i = 0 .. 3; then d, f16 Q4_K: uvec4 S[n_superblocks][block_rows]:
//         bits 0 to 23 of word i are scale, min, scale, min (six bits each) of elements 64i .. + 31
//         and 64i + 32 .. + 63; the high bytes of the four words are d and dmin, f16, lowest byte
//         first
// Padding: quants of zero value, scales of zero.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "shaders/interface/weight_formats.h"  // WeightFormat, an index into weight_formats()

namespace gyre {

struct WeightFormatInfo {
    WeightFormat format;
    const char* name;              // "Q8_0", as ggml spells it
    std::uint32_t ggml_type;       // the file's number
    std::uint32_t block_elements;  // a row is a multiple of it
    std::uint32_t block_bytes;     // in the file
    std::uint32_t chunk_elements;  // on the device
    std::uint32_t chunk_vecs;      // uvec4s of a chunk
    std::uint32_t step_elements;   // what a kernel takes at once; n_in is padded to a multiple
    std::uint32_t scale_words;     // on the device, for 256 elements
};

std::span<const WeightFormatInfo> weight_formats();
const WeightFormatInfo& format_info(WeightFormat format);
const WeightFormatInfo* find_format(std::uint32_t ggml_type);  // nullptr: not supported
const WeightFormatInfo* find_format(std::string_view name);    // any case; nullptr: no such name
// "Q5_K" for 13, "type 99" for a number that ggml has not given out: for messages.
std::string ggml_type_name(std::uint32_t ggml_type);
// "F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K": for messages.
std::string supported_format_names();

// Bytes of a row of n_in elements in the file. n_in must be a multiple of block_elements.
std::uint64_t row_bytes(WeightFormat format, std::uint64_t n_in);

// --- Rows to and from float (host; ggml's rounding) ---
// src: row_bytes(format, dst.size()).
void dequantize_row(WeightFormat format, std::span<const std::uint8_t> src, std::span<float> dst);
// dst: row_bytes(format, src.size()). Values must be finite.
void quantize_row(WeightFormat format, std::span<const float> src, std::span<std::uint8_t> dst);

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

// The inverse, bit for bit: device layout back to the file's rows (tests, diagnostics).
void unpack_rows(const DeviceMatrix& matrix, std::span<const std::uint32_t> src,
                 std::uint32_t first_row, std::uint32_t row_count, std::span<std::uint8_t> dst);

}  // namespace gyre
