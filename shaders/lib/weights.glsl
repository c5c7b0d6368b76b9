// Weight chunks to float: one block a format, chosen by -DWEIGHT_<NAME>.
// SPDX-License-Identifier: Apache-2.0
//
// A chunk is what a row stores together (interface/weight_formats.h says how many elements in how many
// uvec4), a quad four neighbouring elements of it. Words are unpacked with shifts and unpackHalf2x16: no
// 8-bit or 16-bit storage feature is needed, and drivers get it right.
//   Chunk          the loaded words of a chunk: load_chunk(first uvec4 of the matrix, chunk, row)
//   CHUNK_QUADS    quads a chunk
//   weight_quad    quad j of a chunk, before its scale
//   block_quad     quad j of block b of a chunk that holds several blocks; else quad j, and b is 0
//   at_places      what quad j is to be multiplied with, powers of two: elements of some formats are left
//                  where they lie in their word. Products multiply x so, once for all rows
// Formats with scales also have
//   BLOCK_QUADS    quads that share a scale
//   STEP_QUADS     quads of a step, whose scales are loaded together
//   StepScales     those: load_scales(first uvec4 of the matrix + scale_vecs(chunks a row), step, row)
//   FourScales     with SCALE_WORDS: those of rows row, + 8, + 16 and + 24 of a block, by
//                  load_four_scales; of_four takes one
//   block_scale    the scale of block b of the step
//   block_min      with BLOCK_MINS: what is subtracted from each scaled element of block b, in a product
//                  once a block, times the sum of x
// Needs pc.{block_rows, block_vecs} and TEXELS (specialization constant): 1 loads through texel buffers.
// WEIGHT_TEXELS, where it is defined, says so for the weights alone.
#extension GL_EXT_samplerless_texture_functions : require
#include "weight_formats.h"

layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer WeightChunks { uvec4 weights4[]; };
layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer WeightWords { uint weights[]; };
layout(set = 0, binding = BINDING_WEIGHT_TEXELS) uniform utextureBuffer weight_texels;

#ifndef WEIGHT_TEXELS
#define WEIGHT_TEXELS TEXELS
#endif

// The row's first uvec4, counted from the matrix's.
uint row_vec(uint row) {
    return row / WEIGHT_BLOCK_ROWS * pc.block_vecs + row % WEIGHT_BLOCK_ROWS;
}

uvec4 load_weights4(uint at) {
    return WEIGHT_TEXELS != 0u ? texelFetch(weight_texels, int(at)) : weights4[at];
}

#if defined(WEIGHT_F32)
#define CHUNK_QUADS 1
vec4 weight_quad(uvec4 chunk, uint j) {
    return uintBitsToFloat(chunk);
}

#elif defined(WEIGHT_F16)
#define CHUNK_QUADS 2
vec4 weight_quad(uvec4 chunk, uint j) {
    return vec4(unpackHalf2x16(chunk[2u * j]), unpackHalf2x16(chunk[2u * j + 1u]));
}

#elif defined(WEIGHT_BF16)
#define CHUNK_QUADS 2
vec4 weight_quad(uvec4 chunk, uint j) {
    uint lo = chunk[2u * j];
    uint hi = chunk[2u * j + 1u];
    return uintBitsToFloat(uvec4(lo << 16, lo & 0xffff0000u, hi << 16, hi & 0xffff0000u));
}

#elif defined(WEIGHT_Q8_0)
#define CHUNK_QUADS 4
#define BLOCK_QUADS 8
vec4 weight_quad(uvec4 chunk, uint j) {
    int word = int(chunk[j]);
    return vec4(ivec4(word << 24, word << 16, word << 8, word) >> 24);
}

#elif defined(WEIGHT_Q4_0)
#define CHUNK_QUADS 8
#define BLOCK_QUADS 8
#define BLOCK_MINS  // the elements are stored with 8 added
#define QUAD_PLACES vec4(1.0, 1.0 / 16.0, 1.0 / 256.0, 1.0 / 4096.0)
vec4 weight_quad(uvec4 chunk, uint j) {
    int nibbles = int(chunk[j >> 1u] >> (16u * (j & 1u)));
    return vec4(nibbles & ivec4(0xf, 0xf0, 0xf00, 0xf000));
}

#elif defined(WEIGHT_Q4_K)
#define CHUNK_QUADS 16
#define CHUNK_VECS 2
#define BLOCK_QUADS 8
#define BLOCK_MINS
#define QUAD_PLACES vec4(1.0, 1.0 / 256.0, 1.0 / 65536.0, 1.0 / 16777216.0)
struct Chunk {
    uvec4 nibbles[2];
};
vec4 block_quad(Chunk chunk, uint b, uint j) {
    int bytes = int(chunk.nibbles[j >> 2u][j & 3u] >> (4u * b));
    return vec4(bytes & ivec4(0xf, 0xf00, 0xf0000, 0xf000000));
}

// One uvec4 for the four steps of a superblock: in the low 24 bits of word i the scales and minima of
// step i, in the high bytes of all four the float16 factors of both.
#define StepScales vec4  // (scale, min) of block 0, then of block 1
StepScales load_scales(uint first, uint step, uint row) {
    uvec4 words = load_weights4(first + row_vec(row) + step / 4u * pc.block_rows);
    uint factors = words.x >> 24u | words.y >> 24u << 8u | words.z >> 24u << 16u | words.w >> 24u << 24u;
    uint own = words[step % 4u];
    return vec4(uvec4(own, own >> 6u, own >> 12u, own >> 18u) & 63u) * unpackHalf2x16(factors).xyxy;
}
float block_scale(StepScales scales, uint b) {
    return scales[2u * b];
}
float block_min(StepScales scales, uint b) {
    return scales[2u * b + 1u];
}

#elif defined(WEIGHT_Q6_K)
#define CHUNK_QUADS 16
#define CHUNK_VECS 3
#define BLOCK_QUADS 4
struct Chunk {
    uvec4 nibbles[2];
    uvec4 high;
};
vec4 block_quad(Chunk chunk, uint b, uint j) {
    uint low = chunk.nibbles[b & 1u][j] >> (4u * (b >> 1u)) & 0x0f0f0f0fu;
    uint high = chunk.high[j] >> (2u * b) & 0x03030303u;
    int bytes = int(low << 2u | high << 6u);  // four times the element
    return vec4(ivec4(bytes << 24, bytes << 16, bytes << 8, bytes) >> 24);
}

// Five words a superblock: the int8 scales of each step's four blocks, then the float16 factor of all.
#define SCALE_WORDS
#define SCALE_WORD(step) (step / 4u * 5u + step % 4u)
#define FACTOR_WORD(step) (step / 4u * 5u + 4u)
#define StepScales vec4
StepScales step_scales(uint word, uint factor) {
    int bytes = int(word);
    return 0.25 * unpackHalf2x16(factor).x * vec4(ivec4(bytes << 24, bytes << 16, bytes << 8, bytes) >> 24);
}
float block_scale(StepScales scales, uint b) {
    return scales[b];
}

#else
#error "name a weight format of interface/weight_formats.h: -DWEIGHT_<NAME>"
#endif

#if defined(WEIGHT_Q8_0) || defined(WEIGHT_Q4_0)
#define SCALE_WORDS
#define SCALE_WORD(step) (step)
#define StepScales vec2
float block_scale(StepScales scales, uint b) {
    return scales[b];
}
#endif
#if defined(WEIGHT_Q4_0)
float block_min(StepScales scales, uint b) {
    return 8.0 * scales[b];
}
#endif

// x, or any four numbers that quad j is multiplied with element by element.
vec4 at_places(vec4 x, uint j) {
#ifdef QUAD_PLACES
    return x * QUAD_PLACES;
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

#ifndef CHUNK_VECS
#define CHUNK_VECS 1
#define Chunk uvec4
#endif

Chunk load_chunk(uint first, uint c, uint row) {
    uint at = first + row_vec(row) + c * CHUNK_VECS * pc.block_rows;
#if CHUNK_VECS == 1
    return load_weights4(at);
#elif CHUNK_VECS == 2
    return Chunk(uvec4[2](load_weights4(at), load_weights4(at + pc.block_rows)));
#else
    return Chunk(uvec4[2](load_weights4(at), load_weights4(at + pc.block_rows)), load_weights4(at + 2u * pc.block_rows));
#endif
}

#if defined(BLOCK_QUADS) && CHUNK_QUADS > BLOCK_QUADS
vec4 weight_quad(Chunk chunk, uint j) {
    return block_quad(chunk, j / BLOCK_QUADS, j % BLOCK_QUADS);
}
#endif
#ifdef FIXED_ROWS
#include "weights_plain.glsl"
#endif
#if defined(FIXED_ROWS) || !defined(BLOCK_QUADS) || CHUNK_QUADS <= BLOCK_QUADS
#define block_quad(chunk, b, j) weight_quad(chunk, j)
#endif

#ifdef SCALE_WORDS
// Word `word` of a row's scales, counted in words; `first` counts uvec4.
uint scale_at(uint first, uint word, uint row) {
    return 4u * (first + row / WEIGHT_BLOCK_ROWS * pc.block_vecs) + word * WEIGHT_BLOCK_ROWS +
           SCALE_PLACE(row % WEIGHT_BLOCK_ROWS);
}

// Out of its vec: where texels are quick, quicker than the word itself.
uint load_scale_word(uint first, uint word, uint row) {
    uint at = scale_at(first, word, row);
    return WEIGHT_TEXELS != 0u ? load_weights4(at / 4u)[at % 4u] : weights[at];
}

#ifdef FACTOR_WORD
struct FourScales {
    uvec4 words;
    uvec4 factors;
};
FourScales load_four_scales(uint first, uint step, uint row) {
    return FourScales(load_weights4(scale_at(first, SCALE_WORD(step), row) / 4u),
                      load_weights4(scale_at(first, FACTOR_WORD(step), row) / 4u));
}
StepScales of_four(FourScales four, uint i) {
    return step_scales(four.words[i], four.factors[i]);
}
StepScales load_scales(uint first, uint step, uint row) {
    return step_scales(load_scale_word(first, SCALE_WORD(step), row), load_scale_word(first, FACTOR_WORD(step), row));
}
#else
#define FourScales uvec4
FourScales load_four_scales(uint first, uint step, uint row) {
    return load_weights4(scale_at(first, SCALE_WORD(step), row) / 4u);
}
StepScales of_four(FourScales four, uint i) {
    return unpackHalf2x16(four[i]);
}
StepScales load_scales(uint first, uint step, uint row) {
    return unpackHalf2x16(load_scale_word(first, SCALE_WORD(step), row));
}
#endif
#endif

#ifdef BLOCK_QUADS
#define STEP_QUADS 16
#else
#define STEP_QUADS CHUNK_QUADS
#endif
#define STEP_CHUNKS (STEP_QUADS / CHUNK_QUADS)

// uvec4 of a block of rows before its scales.
uint scale_vecs(uint row_chunks) {
    return row_chunks * CHUNK_VECS * pc.block_rows;
}
