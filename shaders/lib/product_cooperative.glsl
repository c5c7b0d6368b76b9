// The product of a tile by the device's matrix units: ROWS weight rows times TOKENS rows of x.
// SPDX-License-Identifier: Apache-2.0
//
// Needs ROWS, TOKENS, LOCAL_SIZE and TEXELS (specialization constants), load_state4(), pc.n_steps and
//   COMPLEX                       specialization constant: 1 for weights as real and imaginary parts
//   uint tile_weight_row(uint r)  the weight row of row r of the tile; COMPLEX: of rows 2r, 2r + 1
//   uint tile_x_quad(uint t)      state4 index where the row of token t of the tile begins
//
// Matrix units multiply float16, which is exact for weights of that format only. Everything else is split
// into two numbers: its value rounded to float16, and REST_FACTOR times the remainder, in matrices and sums
// of their own. What is lost is the product of two remainders, 2^-22 of a product, and as in all kernels
// the rounding of float32 sums.
//
// COOPERATIVE_STAGE elements of both go through shared memory at a time, unpacked once for the workgroup.
// A complex weight is written there as the two rows of the real matrix that it stands for.

#include "cooperative_shape.glsl"
#include "weights.glsl"

#ifdef WEIGHT_F16
#define WEIGHT_PARTS 1
#else
#define WEIGHT_PARTS 2
#endif

const float LARGEST = 65504.0;      // of float16
const float REST_FACTOR = 1024.0;   // keeps a rest in range and, if it is one of a small number, exact
const float X_FACTOR = 1.0 / 16.0;  // activations may be larger than float16

const uint X_QUADS = COMPLEX != 0u ? 2u : 1u;  // quads of x for a quad of weights
const uint STAGE_QUADS = COOPERATIVE_STAGE / 4u;
const uint STRIDE = STAGE_QUADS + COOPERATIVE_PAD / 4u;  // f16vec4 from one row to the next
const uint WEIGHT_REST = ROWS * STRIDE;
const uint X_REST = TOKENS * STRIDE;

const uint PART_ROWS = ROWS / COOPERATIVE_ROW_PARTS;  // of a subgroup
const uint PART_TOKENS = TOKENS / COOPERATIVE_TOKEN_PARTS;
const uint ROW_FRAGMENTS = PART_ROWS / M;
const uint TOKEN_FRAGMENTS = PART_TOKENS / N;
const uint FRAGMENTS = ROW_FRAGMENTS * TOKEN_FRAGMENTS;

shared f16vec4 tile_weights[WEIGHT_PARTS * ROWS * STRIDE];  // [parts][ROWS][STRIDE]
shared f16vec4 tile_x[2u * TOKENS * STRIDE];                // [2][TOKENS][STRIDE]
shared uint tile_rows[ROWS];                                // tile_weight_row() of each
shared float results[COOPERATIVE_SUBGROUPS * M * N];        // a fragment of each subgroup, [N][M]

SUM_MATRIX sums[FRAGMENTS];   // [ROW_FRAGMENTS][TOKEN_FRAGMENTS]
SUM_MATRIX rests[FRAGMENTS];  // times REST_FACTOR

// Where the subgroup's part of the tile begins.
uint part_row() {
    return gl_SubgroupID % COOPERATIVE_ROW_PARTS * PART_ROWS;
}
uint part_token() {
    return gl_SubgroupID / COOPERATIVE_ROW_PARTS * PART_TOKENS;
}

// What float16 holds of x, whose rest stays. By packing: some drivers take a conversion to float16 and back
// for nothing at all (Mesa 26).
f16vec4 take_half(inout vec4 x) {
    x = clamp(x, -LARGEST, LARGEST);
    uvec2 packed = uvec2(packHalf2x16(x.xy), packHalf2x16(x.zw));
    x -= vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
    return f16vec4(unpackFloat2x16(packed.x), unpackFloat2x16(packed.y));
}

void put_weights(uint row, uint quad, vec4 w) {
    uint at = row * STRIDE + quad;
#if WEIGHT_PARTS == 1
    tile_weights[at] = f16vec4(w);
#else
    tile_weights[at] = take_half(w);
    tile_weights[WEIGHT_REST + at] = f16vec4(w * REST_FACTOR);
#endif
}

void put_x(uint token, uint quad, vec4 x) {
    uint at = token * STRIDE + quad;
    x *= X_FACTOR;
    tile_x[at] = take_half(x);
    tile_x[X_REST + at] = f16vec4(x * REST_FACTOR);
}

// Quad `quad` of a weight row, out of its chunk; the scales are those of the quad's step, of the matrix that
// begins at uvec4 `matrix`.
#ifdef BLOCK_QUADS
StepScales scales_of(uint matrix, uint quad, uint row) {
    return load_scales(matrix + scale_vecs(pc.n_steps * STEP_CHUNKS), quad / STEP_QUADS, row);
}
vec4 element_quad(Chunk chunk, StepScales scales, uint quad) {
    const uint j = quad % CHUNK_QUADS;
    return scaled(at_places(weight_quad(chunk, j), j), scales, quad % STEP_QUADS / BLOCK_QUADS);
}
#else
#define StepScales uint  // none
StepScales scales_of(uint matrix, uint quad, uint row) {
    return 0u;
}
vec4 element_quad(Chunk chunk, StepScales scales, uint quad) {
    return weight_quad(chunk, quad % CHUNK_QUADS);
}
#endif

// An invocation takes what a chunk has for a stage, of one step; neighbours take neighbouring rows. After
// the end of a row are zeros.
void stage_weights(uint first_quad) {
    const uint n_quads = STAGE_QUADS / X_QUADS;
    const uint piece_quads = CHUNK_QUADS < n_quads ? CHUNK_QUADS : n_quads;
    const uint n_rows = ROWS / X_QUADS;
    for (uint i = gl_LocalInvocationIndex; i < n_rows * (n_quads / piece_quads); i += LOCAL_SIZE) {
        uint r = i % n_rows;
        uint in_stage = i / n_rows * piece_quads;
        bool inside = first_quad + in_stage < pc.n_steps * STEP_QUADS;
        uint quad = inside ? first_quad + in_stage : 0u;
        uint row = tile_rows[r];
        Chunk chunk = load_chunk(0u, quad / CHUNK_QUADS, row);
        StepScales scales = scales_of(0u, quad, row);
        Chunk chunk_im = chunk;
        StepScales scales_im = scales;
        if (COMPLEX != 0u) {
            chunk_im = load_chunk(pc.imag_chunks, quad / CHUNK_QUADS, row);
            scales_im = scales_of(pc.imag_chunks, quad, row);
        }
        for (uint j = 0u; j < piece_quads; ++j) {
            vec4 w = inside ? element_quad(chunk, scales, quad + j) : vec4(0.0);
            if (COMPLEX == 0u) {
                put_weights(r, in_stage + j, w);
                continue;
            }
            vec4 im = inside ? element_quad(chunk_im, scales_im, quad + j) : vec4(0.0);
            for (uint side = 0u; side < 2u; ++side) {
                vec2 a = side == 0u ? w.xy : w.zw;
                vec2 b = side == 0u ? im.xy : im.zw;
                uint x_quad = 2u * (in_stage + j) + side;
                put_weights(2u * r, x_quad, vec4(a.x, -b.x, a.y, -b.y));
                put_weights(2u * r + 1u, x_quad, vec4(b.x, a.x, b.y, a.y));
            }
        }
    }
}

void stage_x(uint first_quad) {
    for (uint i = gl_LocalInvocationIndex; i < TOKENS * STAGE_QUADS; i += LOCAL_SIZE) {
        uint t = i / STAGE_QUADS;
        uint quad = i % STAGE_QUADS;
        put_x(t, quad, load_state4(tile_x_quad(t) + first_quad + quad));
    }
}

// K elements of the stage, beginning at f16vec4 `k` of every row.
void multiply_fragments(uint k) {
    RIGHT_MATRIX x[TOKEN_FRAGMENTS];
    RIGHT_MATRIX x_rest[TOKEN_FRAGMENTS];
    [[unroll]] for (uint t = 0u; t < TOKEN_FRAGMENTS; ++t) {
        uint at = (part_token() + t * N) * STRIDE + k;
        coopMatLoad(x[t], tile_x, at, STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
        coopMatLoad(x_rest[t], tile_x, X_REST + at, STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
    }
    [[unroll]] for (uint r = 0u; r < ROW_FRAGMENTS; ++r) {
        uint at = (part_row() + r * M) * STRIDE + k;
        LEFT_MATRIX w;
        coopMatLoad(w, tile_weights, at, STRIDE, gl_CooperativeMatrixLayoutRowMajor);
#if WEIGHT_PARTS == 2
        LEFT_MATRIX w_rest;
        coopMatLoad(w_rest, tile_weights, WEIGHT_REST + at, STRIDE, gl_CooperativeMatrixLayoutRowMajor);
#endif
        [[unroll]] for (uint t = 0u; t < TOKEN_FRAGMENTS; ++t) {
            uint i = r * TOKEN_FRAGMENTS + t;
            sums[i] = coopMatMulAdd(w, x[t], sums[i]);
            rests[i] = coopMatMulAdd(w, x_rest[t], rests[i]);
#if WEIGHT_PARTS == 2
            rests[i] = coopMatMulAdd(w_rest, x[t], rests[i]);
#endif
        }
    }
}

// All invocations of the workgroup must call it.
void multiply() {
    [[unroll]] for (uint i = 0u; i < FRAGMENTS; ++i) {
        sums[i] = SUM_MATRIX(0.0);
        rests[i] = SUM_MATRIX(0.0);
    }
    for (uint r = gl_LocalInvocationIndex; r < ROWS / X_QUADS; r += LOCAL_SIZE) {
        tile_rows[r] = tile_weight_row(r);
    }
    const uint n_quads = pc.n_steps * STEP_QUADS * X_QUADS;  // of x
    for (uint quad = 0u; quad < n_quads; quad += STAGE_QUADS) {
        barrier();  // the stage before has been read
        stage_weights(quad / X_QUADS);
        stage_x(quad);
        barrier();
        for (uint k = 0u; k < STAGE_QUADS; k += K / 4u) {
            multiply_fragments(k);
        }
    }
}

// Brings fragment i of every subgroup into results[]. All invocations of the workgroup must call it.
void show_fragment(uint i) {
    SUM_MATRIX y = (sums[i] + rests[i] * (1.0 / REST_FACTOR)) * (1.0 / X_FACTOR);
    barrier();  // the one before has been read
    coopMatStore(y, results, gl_SubgroupID * M * N, M, gl_CooperativeMatrixLayoutColumnMajor);
    barrier();
}

// Of the fragment shown: row r, token t, counted in the fragment.
float result(uint r, uint t) {
    return results[gl_SubgroupID * M * N + t * M + r];
}

// Where fragment i lies in the tile.
uint fragment_row(uint i) {
    return part_row() + i / TOKEN_FRAGMENTS * M;
}
uint fragment_token(uint i) {
    return part_token() + i % TOKEN_FRAGMENTS * N;
}
