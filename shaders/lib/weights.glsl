// Weight chunks to float: one block a format, chosen by -DWEIGHT_<NAME>.
// SPDX-License-Identifier: Apache-2.0
//
// A chunk is one uvec4 of a row (interface/weight_formats.h says how many elements), a quad four
// neighbouring elements of it. Words are unpacked with shifts and unpackHalf2x16: no 8-bit or 16-bit
// storage feature is needed, and drivers get it right.
//   CHUNK_QUADS    quads a chunk
//   BLOCK_CHUNKS   chunks that share a scale (formats with scales)
//   weight_quad    quad j of a chunk, before its scale
#include "weight_formats.h"

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
#define BLOCK_CHUNKS 2
vec4 weight_quad(uvec4 chunk, uint j) {
    int word = int(chunk[j]);
    return vec4(ivec4(word << 24, word << 16, word << 8, word) >> 24);
}

#elif defined(WEIGHT_Q4_0)
#define CHUNK_QUADS 8
#define BLOCK_CHUNKS 1
vec4 weight_quad(uvec4 chunk, uint j) {
    uint nibbles = chunk[j >> 1u] >> (16u * (j & 1u));
    return vec4(uvec4(nibbles, nibbles >> 4u, nibbles >> 8u, nibbles >> 12u) & 15u) - 8.0;
}

#else
#error "name a weight format of interface/weight_formats.h: -DWEIGHT_<NAME>"
#endif

#ifdef BLOCK_CHUNKS
#define STEP_CHUNKS (2 * BLOCK_CHUNKS)
#else
#define STEP_CHUNKS 1
#endif
