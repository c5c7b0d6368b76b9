// Weight chunks to float: the decoders, put together by the format's row of data.
// SPDX-License-Identifier: Apache-2.0
//
// shaders/CMakeLists.txt passes the row of interface/weight_formats.h as WEIGHT_<NAME> and
//   FORMAT_LOW, FORMAT_HIGH   bits of the two planes; FORMAT_CHUNK elements of a chunk
//   FORMAT_MAP_<NAME>         how a quant becomes a number; FORMAT_OFFSET is subtracted from it
//   FORMAT_SCALES_<NAME>      how scales lie: weight_scales.glsl; FORMAT_SHARED elements share one
// A chunk is what a row stores together, a quad four neighbouring elements of it. Words are unpacked with shifts and
// unpackHalf2x16: no 8-bit or 16-bit storage feature is needed, and drivers get it right.
//   Chunk          the loaded words of a chunk: load_chunk(first uvec4 of the matrix, chunk, row)
//   CHUNK_QUADS    quads per chunk
//   weight_quad    quad j of a chunk, before its scale
//   block_quad     quad j of block b of a chunk that holds several blocks; else quad j, and b is 0
//   at_places      powers of two by which quad j is to be multiplied: elements of some formats are left
//                  where they lie in their word. Products multiply x by them, once for all rows
// Formats with scales also have
//   BLOCK_QUADS    quads that share a scale
//   STEP_QUADS     quads of a step, whose scales are loaded together
//   StepScales     those: load_scales(first uvec4 of the matrix + scale_vecs(chunks of a row), step, row)
//   FourScales     with SCALE_WORDS: those of rows row, + 8, + 16 and + 24 of a block, by
//                  load_four_scales; of_four takes one
//   block_scale    the scale of block b of the step
//   block_min      with BLOCK_MINS: what is subtracted from each scaled element of block b; a product
//                  subtracts it once per block, times the sum of x
// Needs pc.{block_rows, block_vecs}, TEXELS (specialization constant): 1 loads through texel buffers, and where pc has
// no n_steps, ROW_CHUNKS, the chunks of a row. WEIGHT_TEXELS, where it is defined, stands for TEXELS of the weights
// alone. BLOCKS_ROLLED: not 0 where the blocks of a step are a loop.
#extension GL_EXT_samplerless_texture_functions : require
#include "weight_formats.h"

layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer WeightChunks { uvec4 weights4[]; };
layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer WeightWords { uint weights[]; };
layout(set = 0, binding = BINDING_WEIGHT_TEXELS) uniform utextureBuffer weight_texels;

#ifndef WEIGHT_TEXELS
#define WEIGHT_TEXELS TEXELS
#endif
#ifndef BLOCKS_ROLLED
#define BLOCKS_ROLLED 0u
#endif
#ifndef ROW_CHUNKS
#define ROW_CHUNKS (pc.n_steps * STEP_CHUNKS)
#endif

// The row's first uvec4, counted from the matrix's.
uint row_vec(uint row) {
    return row / WEIGHT_BLOCK_ROWS * pc.block_vecs + row % WEIGHT_BLOCK_ROWS;
}

uvec4 load_weights4(uint at) {
    return WEIGHT_TEXELS != 0u ? texelFetch(weight_texels, int(at)) : weights4[at];
}

#if FORMAT_LOW >= 16
#define CHUNK_QUADS (FORMAT_CHUNK / 4)
#define STEP_QUADS CHUNK_QUADS
#define STEP_CHUNKS 1
#else
#include "weight_planes.glsl"
#endif
#ifndef CHUNK_VECS
#define CHUNK_VECS 1
#endif
#ifndef PLANE_CHUNK
#define Chunk uvec4
Chunk load_chunk(uint first, uint c, uint row) {
    return load_weights4(first + row_vec(row) + c * pc.block_rows);
}
#endif

#ifdef FIXED_ROWS
#include "weights_tile.glsl"
#else
#include "weight_quads.glsl"
#endif
#if FORMAT_LOW < 8
#if CHUNK_QUADS > BLOCK_QUADS
#define block_quad plane_quad
vec4 weight_quad(Chunk chunk, uint j) {
    return block_quad(chunk, j / BLOCK_QUADS, j % BLOCK_QUADS);
}
#else
vec4 weight_quad(Chunk chunk, uint j) {
    return plane_quad(chunk, 0u, j);
}
#endif
#endif
#if defined(FIXED_ROWS) || !defined(BLOCK_QUADS) || CHUNK_QUADS <= BLOCK_QUADS
#undef block_quad
#define block_quad(chunk, b, j) weight_quad(chunk, j)
#endif
#ifdef BLOCK_QUADS
#include "weight_scales.glsl"
#endif

// x, or any four numbers that quad j is multiplied with element by element.
vec4 at_places(vec4 x, uint j) {
#if defined(QUAD_PLACES) && CHUNK_QUADS > BLOCK_QUADS
    return x * QUAD_PLACES(j / BLOCK_QUADS, j % BLOCK_QUADS);
#elif defined(QUAD_PLACES)
    return x * QUAD_PLACES(0u, j);
#else
    return x;
#endif
}

#ifdef BLOCK_QUADS
// Elements at_places of block b of the step, scaled.
vec4 scaled(vec4 quad, StepScales scales, uint b) {
    precise vec4 elements = quad * block_scale(scales, b);  // nothing is added to them before the min is
#ifdef BLOCK_MINS
    elements -= block_min(scales, b);
#endif
    return elements;
}
#endif

#ifdef BLOCK_QUADS
// uvec4 of a block of rows before its scales.
uint scale_vecs(uint row_chunks) {
#ifdef HIGH_WORDS
    return row_chunks * (CHUNK_VECS * 4u + HIGH_WORDS) * pc.block_rows / 4u;
#else
    return row_chunks * CHUNK_VECS * pc.block_rows;
#endif
}
#endif
