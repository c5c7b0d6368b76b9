// The loop over a weight row, and the sum over the invocations that share it.
// SPDX-License-Identifier: Apache-2.0
//
// The end of matmul.glsl and matmul_complex.glsl, which bring sums[], load_chunks(), add_quad() and, for
// formats with scales, begin_step(), begin_block() and end_block(). Needs lane_sums[] in shared memory,
// LOCAL_SIZE floats.

#include "rows.glsl"

// A chunk may be part of a block or hold several: each begins and ends where its quads do. The
// conditions are constants once the loop is unrolled.
void add_step(uint s) {
#ifdef BLOCK_QUADS
    begin_step(s);
#endif
    [[unroll]] for (uint j = 0u; j < STEP_QUADS; ++j) {
        if (j % CHUNK_QUADS == 0u) load_chunks(s * STEP_CHUNKS + j / CHUNK_QUADS);
#ifdef BLOCK_QUADS
        if (j % BLOCK_QUADS == 0u) begin_block();
#endif
        add_quad(s * STEP_QUADS + j, j % CHUNK_QUADS);
#ifdef BLOCK_QUADS
        if ((j + 1u) % BLOCK_QUADS == 0u) end_block(j / BLOCK_QUADS);
#endif
    }
}

// Fills sums[]; with K_LANES > 1 only the invocations of lane 0 hold the result afterwards.
// All invocations of the workgroup must call it.
void multiply(uint k_lane) {
    [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
        sums[i] = 0.0;
    }
    for (uint s = k_lane; s < pc.n_steps; s += K_LANES) {
        add_step(s);
    }
    if (K_LANES > 1u) {
        const uint row_lane = gl_LocalInvocationIndex % ROW_LANES;
        [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
            barrier();
            lane_sums[gl_LocalInvocationIndex] = sums[i];
            barrier();
            if (k_lane == 0u) {
                for (uint lane = 1u; lane < K_LANES; ++lane) {
                    sums[i] += lane_sums[lane * ROW_LANES + row_lane];
                }
            }
        }
    }
}
