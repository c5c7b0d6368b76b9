// The loop over a weight row, and the sum over the invocations that share it.
// SPDX-License-Identifier: Apache-2.0
//
// The end of product.glsl and product_complex.glsl, which define sums[], load_chunks(), add_quad() and, for
// formats with scales, begin_step(), begin_block() and end_block(). Needs lane_sums[] in shared memory,
// LOCAL_SIZE * N_SUMS floats where K_LANES > 1.

#ifdef FIXED_ROWS
// In a module for one tile only a chunk is unrolled, or a block where that is more, so that the loop stays
// in the instruction cache.
#define ADD_QUAD_OF_GROUP(k) \
    TAKE_X(k)                \
    add_quad(chunk * CHUNK_QUADS + j + k, 0u, j + k)

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
#elif defined(BLOCK_QUADS)
void add_block(uint s, uint b) {
    begin_block();
    [[unroll]] for (uint j = 0u; j < BLOCK_QUADS; ++j) {
#if CHUNK_QUADS > BLOCK_QUADS
        if (ROLLED != 0u && j == 0u) load_chunks(s);
        add_quad(s * STEP_QUADS + b * BLOCK_QUADS + j, b, j);
#else
        if (j % CHUNK_QUADS == 0u) {
            load_chunks(s * STEP_CHUNKS + b * (BLOCK_QUADS / CHUNK_QUADS) + j / CHUNK_QUADS);
        }
        add_quad(s * STEP_QUADS + b * BLOCK_QUADS + j, 0u, j % CHUNK_QUADS);
#endif
    }
    end_block(b);
}

// Unrolled, what depends on the block is constants. Rolled, fewer loads are on their way at once, and so fewer
// registers hold them: for tiles of many sums.
void add_step(uint s) {
    begin_step(s);
#if CHUNK_QUADS > BLOCK_QUADS
    if (ROLLED == 0u) load_chunks(s);  // a chunk is the whole step
#endif
    if (ROLLED != 0u) {
        [[dont_unroll]] for (uint b = 0u; b < STEP_QUADS / BLOCK_QUADS; ++b) {
            add_block(s, b);
        }
    } else {
        [[unroll]] for (uint b = 0u; b < STEP_QUADS / BLOCK_QUADS; ++b) {
            add_block(s, b);
        }
    }
}
#else
void add_step(uint s) {
    load_chunks(s);
    [[unroll]] for (uint j = 0u; j < CHUNK_QUADS; ++j) {
        add_quad(s * STEP_QUADS + j, 0u, j);
    }
}
#endif

// How sums are stored: one by one, or, in a module for one tile, out of an array by one piece of code.
#ifdef FIXED_ROWS
#define STORE_LOOP [[dont_unroll]]
SUM_LIST(results);
#else
#define STORE_LOOP [[unroll]]
#define results sums

// state4 index of quad 0 of a row of x.
uint x_quad_of(uint x_offset, uint row, uint stride) {
    return (x_offset + row * stride) / 4u;
}
#endif

#if defined(FIXED_ROWS) || defined(BLOCK_QUADS)
const uint STEPS_AT_ONCE = 1u;
#else
// A step without scales is a few loads and a few sums only: several in one piece of code give the loads something to
// wait for. Where a sum is not split, a driver may do that by itself.
const uint STEPS_AT_ONCE = K_LANES > 1u ? 4u : 1u;
#endif

// What the K_LANES invocations of a row summed, added by lane 0 in the order of lanes. All sums go through shared
// memory at once: a barrier for each of them costs more, and a loop with barriers in it is one that V3DV of Mesa
// 25.0 unrolls for ever.
void add_lanes(uint k_lane) {
    [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
        lane_sums[i * LOCAL_SIZE + gl_LocalInvocationIndex] = SUM(sums, i);
    }
    barrier();
    if (k_lane != 0u) return;
    const uint row_lane = gl_LocalInvocationIndex % ROW_LANES;
    [[unroll]] for (uint lane = 1u; lane < K_LANES; ++lane) {
        [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
            SUM(sums, i) += lane_sums[i * LOCAL_SIZE + lane * ROW_LANES + row_lane];
        }
    }
}

// Fills results[]; with K_LANES > 1 only the invocations of lane 0 hold them afterwards.
// All invocations of the workgroup must call it.
void multiply(uint k_lane) {
    [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
        SUM(sums, i) = 0.0;
    }
    uint first = 0u;
    if (STEPS_AT_ONCE > 1u) {
        for (; first + STEPS_AT_ONCE * K_LANES <= pc.n_steps; first += STEPS_AT_ONCE * K_LANES) {
            [[unroll]] for (uint i = 0u; i < STEPS_AT_ONCE; ++i) {
                add_step(first + i * K_LANES + k_lane);
            }
        }
    }
    // As often for all lanes: there are barriers in the loop, which some drivers pass whatever STAGED says.
    for (; first < pc.n_steps; first += K_LANES) {
#ifndef FIXED_ROWS
        if (STAGED != 0u && first % STAGE_STEPS == 0u) begin_stage(first);
#endif
        uint s = first + k_lane;
        if (K_LANES == 1u || s < pc.n_steps) add_step(s);
    }
    if (K_LANES > 1u) add_lanes(k_lane);
#ifdef FIXED_ROWS
    [[unroll]] for (uint i = 0u; i < N_SUMS; ++i) {
        SUM(results, i) = SUM(sums, i);
    }
#endif
}
