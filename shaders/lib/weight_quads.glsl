// Quads of weights: extracts four neighbouring elements from the words of their chunk.
// SPDX-License-Identifier: Apache-2.0
//
// Part of weights.glsl; weights_tile.glsl has the same for modules for one tile.

#if FORMAT_LOW == 32
vec4 weight_quad(uvec4 chunk, uint j) {
    return uintBitsToFloat(chunk);
}

#elif FORMAT_LOW == 16
vec4 weight_quad(uvec4 chunk, uint j) {
#ifdef FORMAT_MAP_BFLOAT
    uint lo = chunk[2u * j];
    uint hi = chunk[2u * j + 1u];
    return uintBitsToFloat(uvec4(lo << 16, lo & 0xffff0000u, hi << 16, hi & 0xffff0000u));
#else
    return vec4(unpackHalf2x16(chunk[2u * j]), unpackHalf2x16(chunk[2u * j + 1u]));
#endif
}

#else
#define BYTES_FACTOR 1.0
vec4 signed_bytes(uint word) {
    int bytes = int(word);
    return vec4(ivec4(bytes << 24, bytes << 16, bytes << 8, bytes) >> 24);
}

#if FORMAT_LOW == 8
vec4 weight_quad(uvec4 chunk, uint j) {
    return signed_bytes(chunk[j]);
}

#elif defined(FORMAT_MAP_SIGNED32)
vec4 plane_quad(Chunk chunk, uint b, uint j) {
    return signed_bytes((LOW_BITS(chunk, b, j) & LOW_MASK) << 2u | HIGH_BITS(chunk, b, j) << 6u);
}

#else
#define SHIFTED(word, bits) ((word) << (bits))
#include "plane_quads.glsl"
#endif
#endif
