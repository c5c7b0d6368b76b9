// norm.comp, and the norm that qkv.comp and linear.comp do before they multiply.
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_NORM_H
#define GYRE_INTERFACE_NORM_H

#include "bindings.h"

#define SPEC_NORM_TEXELS 1  // 1: rows, gain and bias are loaded as texels
#define SPEC_NORM_ADD    2  // 1: out += scale * norm(x)

INTERFACE_BEGIN
struct NormParams {
    uint x_offset;       // state word of [n_tokens][row_stride]
    uint out_offset;     // state word of [n_tokens][row_stride]
    uint row_stride;     // words from one token's row to the next, both sides
    uint n_embd;         // elements of a row
    uint weight_offset;  // params word of [n_embd]
    uint bias_offset;    // params word of [n_embd], or NO_OFFSET
    float epsilon;
    float scale;         // with SPEC_NORM_ADD
};
PUSH_CONSTANTS(NormParams);
INTERFACE_END

#endif
