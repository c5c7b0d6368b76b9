// Weight formats as the kernels read them: a uvec4 "chunk" of neighbouring elements of one row.
// SPDX-License-Identifier: Apache-2.0
//
// A matrix [n_rows][n_in] is stored as uvec4 W[n_chunks][rows_padded], neighbouring rows beside each
// other, so that neighbouring invocations load neighbouring 16 bytes. Formats with block scales append
// uint S[n_in / 64][rows_padded]: the float16 scales of two 32-element blocks a word, first block in
// the low half. rows_padded is a multiple of 4; n_in is padded with zero elements to
// WEIGHT_STEP elements.
#ifndef GYRE_INTERFACE_WEIGHT_FORMATS_H
#define GYRE_INTERFACE_WEIGHT_FORMATS_H

// X(id, NAME, Name, elements a chunk, elements a step, block scales: 1 or 0)
// A step is what a kernel takes at once: for block formats the 64 elements of one scale word.
#define WEIGHT_FORMAT_LIST(X)   \
    X(0, F32, F32, 4, 4, 0)     \
    X(1, F16, F16, 8, 8, 0)     \
    X(2, BF16, Bf16, 8, 8, 0)   \
    X(3, Q8_0, Q8_0, 16, 64, 1) \
    X(4, Q4_0, Q4_0, 32, 64, 1)

#include "interface_types.h"

INTERFACE_BEGIN
#ifdef __cplusplus
enum class WeightFormat : uint {
#define GYRE_ENUM_ENTRY(id, name, cpp, chunk, step, scales) k##cpp = id,
    WEIGHT_FORMAT_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
#endif
INTERFACE_END

#endif
