// The product with complex weights: each complex row gives two outputs, each weight is loaded once.
// SPDX-License-Identifier: Apache-2.0
//
// CRoPE, Lou and Xu, arXiv:2601.02728: inputs (2c, 2c+1) and outputs (2r, 2r+1) are complex numbers and
//   y_r = sum_c (re_rc + i im_rc) x_c,
// half the weights of a dense row pair for the same arithmetic. The slice holds the matrix of the real
// parts, then, pc.imag_chunks further, that of the imaginary parts, both in the layout of
// interface/weight_formats.h.
//
// The same interface as product.glsl: weight_row[p] is the complex row of pair p, and sums[2p], sums[2p+1]
// (times TOKENS) receive its real and imaginary output. ROWS counts outputs.
#extension GL_EXT_control_flow_attributes : require

#ifndef FIXED_ROWS
#define BLOCKS_ROLLED ROLLED
#endif
#include "weights.glsl"
#include "rows.glsl"
#include "sums.glsl"

const uint COMPLEX_ROWS = ROWS / 2u;

uint weight_row[ROWS];  // the first COMPLEX_ROWS entries are used
SUM_LIST(sums);     // [COMPLEX_ROWS][re, im][TOKENS]
Chunk chunks_re[COMPLEX_ROWS];
Chunk chunks_im[COMPLEX_ROWS];

#ifdef BLOCK_QUADS
// The two parts have scales of their own, so their products are kept apart within a block.
SUM_LIST(block_re);  // real weights times (re, im) of x
SUM_LIST(block_im);  // imaginary weights times (re, im) of x
StepScales scales_re[COMPLEX_ROWS];
StepScales scales_im[COMPLEX_ROWS];
#endif
#ifdef BLOCK_MINS
vec2 x_sums[TOKENS];     // (re, im) of x over the current block
#endif

#define X_QUADS 2
#include "x_rows.glsl"

// Adds one quad of every complex row: the row's quad is quad j of block b of its chunk (block_quad).
void add_quad(uint quad, uint b, uint j) {
    vec4 x_re[TOKENS];
    vec4 x_im[TOKENS];
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
        vec4 first = load_x(t, quad, 0u);
        vec4 second = load_x(t, quad, 1u);
        x_re[t] = vec4(first.xz, second.xz);
        x_im[t] = vec4(first.yw, second.yw);
#ifdef BLOCK_MINS
        x_sums[t] += vec2(dot(x_re[t], vec4(1.0)), dot(x_im[t], vec4(1.0)));
#endif
        x_re[t] = at_places(x_re[t], j);
        x_im[t] = at_places(x_im[t], j);
    }
    [[unroll]] for (uint p = 0u; p < COMPLEX_ROWS; ++p) {
        vec4 re = block_quad(chunks_re[p], b, j);
        vec4 im = block_quad(chunks_im[p], b, j);
        [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
            uint out_re = 2u * p * TOKENS + t;
            uint out_im = (2u * p + 1u) * TOKENS + t;
#ifdef BLOCK_QUADS
            SUM(block_re, out_re) += dot(re, x_re[t]);
            SUM(block_re, out_im) += dot(re, x_im[t]);
            SUM(block_im, out_re) -= dot(im, x_im[t]);
            SUM(block_im, out_im) += dot(im, x_re[t]);
#else
            SUM(sums, out_re) += dot(re, x_re[t]) - dot(im, x_im[t]);
            SUM(sums, out_im) += dot(re, x_im[t]) + dot(im, x_re[t]);
#endif
        }
    }
}

#ifdef BLOCK_QUADS
void begin_step(uint s) {
    uint first = scale_vecs(pc.n_steps * STEP_CHUNKS);
#ifdef SCALE_WORDS
    if (SCALES_BY_FOUR) {
        [[unroll]] for (uint i = 0u; i < COMPLEX_ROWS / 4u; ++i) {
            uint p = first_of_four(i);
            FourScales re = load_four_scales(first, s, weight_row[p]);
            FourScales im = load_four_scales(pc.imag_chunks + first, s, weight_row[p]);
            [[unroll]] for (uint k = 0u; k < 4u; ++k) {
                scales_re[p + k * FOUR_STRIDE] = of_four(re, k, s);
                scales_im[p + k * FOUR_STRIDE] = of_four(im, k, s);
            }
        }
    } else
#endif
    [[unroll]] for (uint p = 0u; p < COMPLEX_ROWS; ++p) {
        scales_re[p] = load_scales(first, s, weight_row[p]);
        scales_im[p] = load_scales(pc.imag_chunks + first, s, weight_row[p]);
    }
}

void begin_block() {
    [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
        SUM(block_re, i) = 0.0;
        SUM(block_im, i) = 0.0;
    }
#ifdef BLOCK_MINS
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
        x_sums[t] = vec2(0.0);
    }
#endif
}

void end_block(uint b) {
    [[unroll]] for (uint p = 0u; p < COMPLEX_ROWS; ++p) {
        float re = block_scale(scales_re[p], b);
        float im = block_scale(scales_im[p], b);
        [[unroll]] for (uint o = 0u; o < 2u * TOKENS; ++o) {
            uint i = 2u * p * TOKENS + o;
            SUM(sums, i) += re * SUM(block_re, i) + im * SUM(block_im, i);
        }
#ifdef BLOCK_MINS
        float min_re = block_min(scales_re[p], b);
        float min_im = block_min(scales_im[p], b);
        [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
            SUM(sums, 2u * p * TOKENS + t) -= min_re * x_sums[t].x - min_im * x_sums[t].y;
            SUM(sums, (2u * p + 1u) * TOKENS + t) -= min_re * x_sums[t].y + min_im * x_sums[t].x;
        }
#endif
    }
}
#endif

// Chunk c of every complex row.
void load_chunks(uint c) {
    [[unroll]] for (uint p = 0u; p < COMPLEX_ROWS; ++p) {
        chunks_re[p] = load_chunk(0u, c, weight_row[p]);
        chunks_im[p] = load_chunk(pc.imag_chunks, c, weight_row[p]);
    }
}

#include "product_loop.glsl"
