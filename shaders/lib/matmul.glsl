// The product that qkv.comp and linear.comp share: ROWS weight rows times TOKENS rows of x, in the
// registers of one invocation.
// SPDX-License-Identifier: Apache-2.0
//
// Needs ROWS, TOKENS, K_LANES, NORM_QUADS (specialization constants), pc.n_steps, pc.rows_padded and
// state4[]. With NORM_QUADS > 0 the one row of x is in normed[] of shared memory.
//
// Each output is summed by one invocation in the order of k whatever ROWS and TOKENS are: the same
// bits whether a token comes alone or in a tile. K_LANES > 1 splits the sum over invocations (decode
// on devices that need more threads than there are rows) and is added in lane order.
#extension GL_EXT_control_flow_attributes : require

#include "weights.glsl"

layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer WeightChunks { uvec4 weights4[]; };
layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer WeightWords { uint weights[]; };

const uint N_SUMS = ROWS * TOKENS;

uint weight_row[ROWS];    // rows of the slice that this invocation multiplies
uint x_quad[TOKENS];      // state4 index where each token's row begins
float sums[N_SUMS];       // [ROWS][TOKENS]

#ifdef BLOCK_CHUNKS
float block_sums[N_SUMS]; // of the current block, before its scale
#else
#define block_sums sums
#endif

vec4 load_x(uint token, uint quad) {
    return NORM_QUADS > 0u ? normed[quad] : state4[x_quad[token] + quad];
}

// Adds chunk c of every row, unscaled.
void add_chunk(uint c) {
    uvec4 chunk[ROWS];
    [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
        chunk[r] = weights4[c * pc.rows_padded + weight_row[r]];
    }
    [[unroll]] for (uint j = 0u; j < CHUNK_QUADS; ++j) {
        vec4 x[TOKENS];
        [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
            x[t] = load_x(t, c * CHUNK_QUADS + j);
        }
        [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
            vec4 w = weight_quad(chunk[r], j);
            [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
                block_sums[r * TOKENS + t] += dot(w, x[t]);
            }
        }
    }
}

void add_step(uint s) {
#ifdef BLOCK_CHUNKS
    vec2 scales[ROWS];
    [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
        uint words_before = pc.n_steps * STEP_CHUNKS * pc.rows_padded * 4u;
        scales[r] = unpackHalf2x16(weights[words_before + s * pc.rows_padded + weight_row[r]]);
    }
    [[unroll]] for (uint b = 0u; b < 2u; ++b) {
        [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
            block_sums[i] = 0.0;
        }
        [[unroll]] for (uint c = 0u; c < BLOCK_CHUNKS; ++c) {
            add_chunk(s * STEP_CHUNKS + b * BLOCK_CHUNKS + c);
        }
        [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
            [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
                sums[r * TOKENS + t] += scales[r][b] * block_sums[r * TOKENS + t];
            }
        }
    }
#else
    add_chunk(s);
#endif
}

#include "multiply.glsl"
