// linear.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_LINEAR_H
#define GYRE_INTERFACE_LINEAR_H

#include "bindings.h"

// SPEC_LOCAL_SIZE = (invocations across rows) * SPEC_LINEAR_K_LANES
#define SPEC_LINEAR_ROWS       1  // rows per invocation
#define SPEC_LINEAR_TOKENS     2  // tokens per workgroup: 1 in decode
#define SPEC_LINEAR_K_LANES    3  // invocations that share one row's sum
#define SPEC_LINEAR_NORM_QUADS 4  // vec4 of shared memory for the normalised row; 0: no norm
#define SPEC_LINEAR_EPILOGUE   5  // LINEAR_EPILOGUE_LIST
#define SPEC_LINEAR_ACTIVATION 6  // ACTIVATION_LIST, for the ACTIVATE epilogue
#define SPEC_LINEAR_TEXELS     7  // 1: weights and x are loaded as texels
#define SPEC_LINEAR_STAGED     8  // 1: x goes through shared memory; no norm, one K lane
#define SPEC_LINEAR_ROLLED     9  // 1: a loop over the blocks of a step, not a copy of the code for each
#define SPEC_LINEAR_SCALE     10  // 1: the result, bias included, is multiplied by scale
#define SPEC_LINEAR_CAP       11  // 1: logits are capped softly

// Where a result goes.  X(id, Name)
#define LINEAR_EPILOGUE_LIST(X)                                                 \
    X(0, Logits)       /* logits[t][row] = y                                 */ \
    X(1, Residual)     /* state[out] += y                                    */ \
    X(2, Activate)     /* state[out] = activation(y)                         */ \
    X(3, ResidualNorm) /* Residual, then state[normed] = norm(state[out]): one token, one slice */ \
    X(4, Keep)         /* state[out] = y                                     */ \
    X(5, Multiply)     /* state[out] *= y                                    */

#define LINEAR_EPILOGUE_LOGITS        0
#define LINEAR_EPILOGUE_RESIDUAL      1
#define LINEAR_EPILOGUE_ACTIVATE      2
#define LINEAR_EPILOGUE_RESIDUAL_NORM 3
#define LINEAR_EPILOGUE_KEEP          4
#define LINEAR_EPILOGUE_MULTIPLY      5

// X(id, Name, function in lib/activation.glsl)
#define ACTIVATION_LIST(X)         \
    X(0, GeluTanh, gelu_tanh)      \
    X(1, GeluErf, gelu_erf)        \
    X(2, Relu2, relu2)             \
    X(3, Silu, silu)

INTERFACE_BEGIN
// The order decides whether V3D's compiler finds registers for the unrolled loop: with bias_offset before n_steps the
// product of Q8_0 for a residual takes half as many instructions more.
struct LinearParams {
    uint x_offset;            // state word of [n_tokens][x_stride]
    uint x_stride;            // words from one token's row to the next
    uint n_in;                // elements of a row
    uint n_tokens;
    uint norm_weight_offset;  // params word of [n_in], of [n_rows] for RESIDUAL_NORM; unused without a norm
    uint norm_bias_offset;    // the same, or NO_OFFSET
    uint n_steps;             // steps of a weight row, padding included
    uint block_rows;          // rows of a block of this slice's layout
    uint block_vecs;          // uvec4 from one block of rows to the next
    uint imag_chunks;         // complex weights: uvec4 from the real parts to the imaginary ones
    uint first_row;           // output element of this slice's first row
    uint n_rows;              // rows of this slice
    uint out_offset;          // state word (or logits word) of [n_tokens][out_stride]
    uint out_stride;          // words from one token's row to the next
    uint bias_offset;         // params word of [n_rows] of this slice, or NO_OFFSET
    float scale;              // with SPEC_LINEAR_SCALE
};
PUSH_CONSTANTS(LinearParams);

#ifdef __cplusplus
enum class LinearEpilogue : uint {
#define GYRE_ENUM_ENTRY(id, name) k##name = id,
    LINEAR_EPILOGUE_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
enum class Activation : uint {
#define GYRE_ENUM_ENTRY(id, name, function) k##name = id,
    ACTIVATION_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
#endif
INTERFACE_END

#endif
