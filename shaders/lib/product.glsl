// The product that qkv.comp and linear.comp share: ROWS weight rows times TOKENS rows of x, in the
// registers of one invocation.
// SPDX-License-Identifier: Apache-2.0
//
// Needs ROWS, TOKENS, K_LANES, NORM_QUADS, STAGED, ROLLED (specialization constants), pc.n_steps and state4[].
// With NORM_QUADS > 0 the one row of x is in normed[] of shared memory.
//
// Each output is summed by one invocation in the order of k whatever ROWS and TOKENS are: the same
// bits whether a token comes alone or in a tile. K_LANES > 1 splits the sum over invocations (decode
// on devices that need more invocations than there are rows); the parts are added in lane order.
#extension GL_EXT_control_flow_attributes : require

#ifndef FIXED_ROWS
#define BLOCKS_ROLLED ROLLED
#endif
#include "weights.glsl"
#include "rows.glsl"
#include "sums.glsl"


uint weight_row[ROWS];    // rows of the slice that this invocation multiplies
SUM_LIST(sums);       // [ROWS][TOKENS]
Chunk chunks[ROWS];       // the current one of each row

#ifdef BLOCK_QUADS
SUM_LIST(block_sums); // of the current block, before its scale
StepScales scales[ROWS];  // of the current step
#else
#define block_sums sums
#endif
#ifdef BLOCK_MINS
float x_sums[TOKENS];     // of x over the current block: what the block's min is multiplied with
#endif

#define X_QUADS 1
#include "x_rows.glsl"

// Adds one quad of every row, unscaled: the row's quad is quad j of block b of its chunk (block_quad).
void add_quad(uint quad, uint b, uint j) {
    vec4 x[TOKENS];
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
        x[t] = load_x(t, quad, 0u);
#ifdef BLOCK_MINS
        x_sums[t] += dot(x[t], vec4(1.0));
#endif
        x[t] = at_places(x[t], j);
    }
    [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
        vec4 w = block_quad(chunks[r], b, j);
        [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
            SUM(block_sums, r * TOKENS + t) += dot(w, x[t]);
        }
    }
}

#ifdef BLOCK_QUADS
void begin_step(uint s) {
    uint first = scale_vecs(pc.n_steps * STEP_CHUNKS);
#ifdef SCALE_WORDS
    if (SCALES_BY_FOUR) {
        [[unroll]] for (uint i = 0u; i < ROWS / 4u; ++i) {
            uint r = first_of_four(i);
            FourScales four = load_four_scales(first, s, weight_row[r]);
            [[unroll]] for (uint k = 0u; k < 4u; ++k) {
                scales[r + k * FOUR_STRIDE] = of_four(four, k, s);
            }
        }
    } else
#endif
    [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
        scales[r] = load_scales(first, s, weight_row[r]);
    }
}

void begin_block() {
    [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
        SUM(block_sums, i) = 0.0;
    }
#ifdef BLOCK_MINS
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
        x_sums[t] = 0.0;
    }
#endif
}

void end_block(uint b) {
    [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
        [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
            uint i = r * TOKENS + t;
#ifdef BLOCK_MINS
            SUM(sums, i) += block_scale(scales[r], b) * SUM(block_sums, i) - block_min(scales[r], b) * x_sums[t];
#else
            SUM(sums, i) += block_scale(scales[r], b) * SUM(block_sums, i);
#endif
        }
    }
}
#endif

// Chunk c of every row.
void load_chunks(uint c) {
    [[unroll]] for (uint r = 0u; r < ROWS; ++r) {
        chunks[r] = load_chunk(0u, c, weight_row[r]);
    }
}

#include "product_loop.glsl"
