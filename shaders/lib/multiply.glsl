// The loop over a weight row, and the sum over the invocations that share it.
// SPDX-License-Identifier: Apache-2.0
//
// The end of matmul.glsl and matmul_complex.glsl, which bring sums[], load_chunks(), add_quad() and, for
// formats with scales, begin_step(), begin_block() and end_block(). Needs lane_sums[] in shared memory,
// LOCAL_SIZE floats.

#ifdef FIXED_ROWS
// In a module for one tile only a chunk is unrolled, or a block where that is more, so that the loop stays
// in the instruction cache.
#define ADD_QUAD_OF_GROUP(k) \
    TAKE_X(k)                \
    add_quad(chunk * CHUNK_QUADS + j + k, j + k)

void add_chunk(uint chunk, uint first_block) {
    load_chunks(chunk);
    [[unroll]] for (uint j = 0u; j < CHUNK_QUADS; j += GROUP_QUADS) {
#if defined(BLOCK_QUADS) && CHUNK_QUADS >= BLOCK_QUADS
        if (j % BLOCK_QUADS == 0u) begin_block();
#endif
        load_x_group(chunk * CHUNK_QUADS + j);
        ADD_QUAD_OF_GROUP(0u);
#if GROUP_QUADS > 1
        ADD_QUAD_OF_GROUP(1u);
#endif
#if GROUP_QUADS > 2
        ADD_QUAD_OF_GROUP(2u);
        ADD_QUAD_OF_GROUP(3u);
#endif
#if defined(BLOCK_QUADS) && CHUNK_QUADS >= BLOCK_QUADS
        if ((j + GROUP_QUADS) % BLOCK_QUADS == 0u) end_block(first_block + j / BLOCK_QUADS);
#endif
    }
}

void add_step(uint s) {
#if !defined(BLOCK_QUADS)
    add_chunk(s, 0u);
#elif CHUNK_QUADS == STEP_QUADS
    begin_step(s);
    add_chunk(s, 0u);
#elif CHUNK_QUADS >= BLOCK_QUADS
    begin_step(s);
    [[dont_unroll]] for (uint c = 0u; c < STEP_CHUNKS; ++c) {
        add_chunk(s * STEP_CHUNKS + c, c * (CHUNK_QUADS / BLOCK_QUADS));
    }
#else
    begin_step(s);
    [[dont_unroll]] for (uint b = 0u; b < STEP_QUADS / BLOCK_QUADS; ++b) {
        begin_block();
        [[unroll]] for (uint c = 0u; c < BLOCK_QUADS / CHUNK_QUADS; ++c) {
            add_chunk(s * STEP_CHUNKS + b * (BLOCK_QUADS / CHUNK_QUADS) + c, 0u);
        }
        end_block(b);
    }
#endif
}
#else
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
#endif

// How sums are stored: one by one, or, in a module for one tile, out of an array by one piece of code.
#ifdef FIXED_ROWS
#define STORE_LOOP [[dont_unroll]]
float results[N_SUMS];
#else
#define STORE_LOOP [[unroll]]
#define results sums

// state4 index of quad 0 of a row of x.
uint x_quad_of(uint x_offset, uint row, uint stride) {
    return (x_offset + row * stride) / 4u;
}
#endif

// Fills results[]; with K_LANES > 1 only the invocations of lane 0 hold them afterwards.
// All invocations of the workgroup must call it.
void multiply(uint k_lane) {
    [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
        sums[i] = 0.0;
    }
    // As often for all lanes: there are barriers in the loop, which some drivers pass whatever STAGED says.
    for (uint first = 0u; first < pc.n_steps; first += K_LANES) {
#ifndef FIXED_ROWS
        if (STAGED != 0u && first % STAGE_STEPS == 0u) begin_stage(first);
#endif
        uint s = first + k_lane;
        if (K_LANES == 1u || s < pc.n_steps) add_step(s);
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
#ifdef FIXED_ROWS
    [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
        results[i] = sums[i];
    }
#endif
}
