// Weight formats as the kernels read them: "chunks" of neighbouring elements of one row.
// SPDX-License-Identifier: Apache-2.0
//
// A matrix [n_rows][n_in] is stored in blocks of block_rows rows, each a stretch of memory of its own:
// uvec4 W[n_chunks][uvec4 a chunk][block_rows], neighbouring rows beside each other, so that
// neighbouring invocations load neighbouring 16 bytes and go through memory from front to back. In
// formats with scales those of the block's rows follow, in an order of their own (SCALE_PLACE):
// runtime/model/weight_formats.h has every word of it. block_rows is WEIGHT_BLOCK_ROWS; in a matrix of
// fewer rows, their number rounded up to a multiple of 4. n_in is padded with zero elements to whole
// steps.
#ifndef GYRE_INTERFACE_WEIGHT_FORMATS_H
#define GYRE_INTERFACE_WEIGHT_FORMATS_H

#define WEIGHT_BLOCK_ROWS 32

// Words of scales, one a row and step, lie four rows a uvec4: rows r, r + 8, r + 16 and r + 24 of a block,
// which one invocation multiplies (lib/rows.glsl), so that it has their scales by one load. A step's words
// are those of WEIGHT_BLOCK_ROWS rows, however few the block has.
#define SCALE_PLACE(row) ((row) % 8u * 4u + (row) / 8u)

// X(id, NAME, Name, elements a chunk, uvec4 a chunk, elements a step, scale words)
// A step is what a kernel takes at once: for block formats 64 elements. Scale words are those of
// 256 elements.
#define WEIGHT_FORMAT_LIST(X)      \
    X(0, F32, F32, 4, 1, 4, 0)     \
    X(1, F16, F16, 8, 1, 8, 0)     \
    X(2, BF16, Bf16, 8, 1, 8, 0)   \
    X(3, Q8_0, Q8_0, 16, 1, 64, 4) \
    X(4, Q4_0, Q4_0, 32, 1, 64, 4) \
    X(5, Q4_K, Q4_K, 64, 2, 64, 4) \
    X(6, Q6_K, Q6_K, 64, 3, 64, 5)

#include "interface_types.h"

INTERFACE_BEGIN
#ifdef __cplusplus
enum class WeightFormat : uint {
#define GYRE_ENUM_ENTRY(id, name, cpp, chunk, vecs, step, scales) k##cpp = id,
    WEIGHT_FORMAT_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
#endif
INTERFACE_END

#endif
