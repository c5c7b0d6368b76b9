// The product with complex weights: each complex row gives two outputs, each weight is loaded once.
// SPDX-License-Identifier: Apache-2.0
//
// CRoPE, Lou and Xu, arXiv:2601.02728: inputs (2c, 2c+1) and outputs (2r, 2r+1) are complex numbers and
//   y_r = sum_c (re_rc + i im_rc) x_c,
// half the weights of a dense row pair for the same arithmetic. The slice holds the matrix of the real
// parts, then, pc.imag_chunks further, that of the imaginary parts, both in the layout of
// interface/weight_formats.h.
//
// The same interface as matmul.glsl: weight_row[p] is the complex row of pair p, and sums[2p], sums[2p+1]
// (times TOKENS) receive its real and imaginary output. ROWS counts outputs.
#extension GL_EXT_control_flow_attributes : require

#include "weights.glsl"

layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer WeightChunks { uvec4 weights4[]; };
layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer WeightWords { uint weights[]; };

const uint N_SUMS = ROWS * TOKENS;
const uint COMPLEX_ROWS = ROWS / 2u;

uint weight_row[ROWS];  // the first COMPLEX_ROWS entries are used
uint x_quad[TOKENS];    // state4 index where each token's row begins
float sums[N_SUMS];     // [COMPLEX_ROWS][re, im][TOKENS]

#ifdef BLOCK_CHUNKS
// The two parts have scales of their own, so their products are kept apart within a block.
float block_re[N_SUMS];  // real weights times (re, im) of x
float block_im[N_SUMS];  // imaginary weights times (re, im) of x
#endif

vec4 load_x(uint token, uint quad) {
    return NORM_QUADS > 0u ? normed[quad] : state4[x_quad[token] + quad];
}

// Adds chunk c of every complex row.
void add_chunk(uint c) {
    uvec4 chunk_re[COMPLEX_ROWS];
    uvec4 chunk_im[COMPLEX_ROWS];
    [[unroll]] for (uint p = 0u; p < COMPLEX_ROWS; ++p) {
        uint at = c * pc.rows_padded + weight_row[p];
        chunk_re[p] = weights4[at];
        chunk_im[p] = weights4[pc.imag_chunks + at];
    }
    [[unroll]] for (uint j = 0u; j < CHUNK_QUADS; ++j) {
        vec4 x_re[TOKENS];
        vec4 x_im[TOKENS];
        [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
            vec4 first = load_x(t, 2u * (c * CHUNK_QUADS + j));
            vec4 second = load_x(t, 2u * (c * CHUNK_QUADS + j) + 1u);
            x_re[t] = vec4(first.xz, second.xz);
            x_im[t] = vec4(first.yw, second.yw);
        }
        [[unroll]] for (uint p = 0u; p < COMPLEX_ROWS; ++p) {
            vec4 re = weight_quad(chunk_re[p], j);
            vec4 im = weight_quad(chunk_im[p], j);
            [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
                uint out_re = 2u * p * TOKENS + t;
                uint out_im = (2u * p + 1u) * TOKENS + t;
#ifdef BLOCK_CHUNKS
                block_re[out_re] += dot(re, x_re[t]);
                block_re[out_im] += dot(re, x_im[t]);
                block_im[out_re] -= dot(im, x_im[t]);
                block_im[out_im] += dot(im, x_re[t]);
#else
                sums[out_re] += dot(re, x_re[t]) - dot(im, x_im[t]);
                sums[out_im] += dot(re, x_im[t]) + dot(im, x_re[t]);
#endif
            }
        }
    }
}

void add_step(uint s) {
#ifdef BLOCK_CHUNKS
    vec2 scales_re[COMPLEX_ROWS];
    vec2 scales_im[COMPLEX_ROWS];
    [[unroll]] for (uint p = 0u; p < COMPLEX_ROWS; ++p) {
        uint words_before = pc.n_steps * STEP_CHUNKS * pc.rows_padded * 4u;
        uint at = words_before + s * pc.rows_padded + weight_row[p];
        scales_re[p] = unpackHalf2x16(weights[at]);
        scales_im[p] = unpackHalf2x16(weights[4u * pc.imag_chunks + at]);
    }
    [[unroll]] for (uint b = 0u; b < 2u; ++b) {
        [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
            block_re[i] = 0.0;
            block_im[i] = 0.0;
        }
        [[unroll]] for (uint c = 0u; c < BLOCK_CHUNKS; ++c) {
            add_chunk(s * STEP_CHUNKS + b * BLOCK_CHUNKS + c);
        }
        [[unroll]] for (uint p = 0u; p < COMPLEX_ROWS; ++p) {
            [[unroll]] for (uint i = 2u * p * TOKENS; i < (2u * p + 2u) * TOKENS; ++i) {
                sums[i] += scales_re[p][b] * block_re[i] + scales_im[p][b] * block_im[i];
            }
        }
    }
#else
    add_chunk(s);
#endif
}

#include "multiply.glsl"
