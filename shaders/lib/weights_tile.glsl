// Quads of weights in modules for one tile (fixed_tile.glsl): the same elements, one at a time.
// SPDX-License-Identifier: Apache-2.0
//
// Part of weights.glsl. The driver that these modules are for shifts vectors lane by lane, some 25 instructions each,
// where a product by a power of two is one; and it keeps the four results of a vector operation in memory until the
// next one, so that elements are written out. Bytes come multiplied by 1 / BYTES_FACTOR, a power of two that their
// scales make up for: the same bits.

// A half's exponent and mantissa moved to those of a float, times 2^112: right for all but subnormals,
// which are smaller than what they are as integers times 2^-24, where all others are not. Infinities are
// read as numbers: no model has them.
float half_value(uint bits, float integer) {
    return max(uintBitsToFloat(bits) * 5.192296858534828e33, integer * 5.9604644775390625e-8);
}
float low_half(uint word) {
    uint half_bits = word & 0x7fffu;
    float value = half_value(half_bits * 8192u, float(int(half_bits)));
    return uintBitsToFloat(floatBitsToUint(value) | (word & 0x8000u) * 65536u);
}
float high_half(uint word) {
    float shifted = float(int(word & 0x7fff0000u));  // exact, 15 bits
    float value = half_value(uint(int(shifted * 0.125)), shifted * 0.0000152587890625);
    return uintBitsToFloat(floatBitsToUint(value) | word & 0x80000000u);
}

#if FORMAT_LOW == 16
vec4 weight_quad(uvec4 chunk, uint j) {
    uint lo = chunk[2u * j];
    uint hi = chunk[2u * j + 1u];
#ifdef FORMAT_MAP_BFLOAT
    return vec4(uintBitsToFloat(lo * 65536u), uintBitsToFloat(lo & 0xffff0000u), uintBitsToFloat(hi * 65536u),
                uintBitsToFloat(hi & 0xffff0000u));
#else
    return vec4(low_half(lo), high_half(lo), low_half(hi), high_half(hi));
#endif
}

#elif FORMAT_LOW == 32
vec4 weight_quad(uvec4 chunk, uint j) {
    return uintBitsToFloat(chunk);
}

#else
#define BYTES_FACTOR (1.0 / 16777216.0)
vec4 signed_bytes(uint word) {
    return vec4(float(int(word * 0x1000000u)), float(int(word * 0x10000u & 0xff000000u)),
                float(int(word * 0x100u & 0xff000000u)), float(int(word & 0xff000000u)));
}

#if FORMAT_LOW == 8
vec4 weight_quad(uvec4 chunk, uint j) {
    return signed_bytes(chunk[j]);
}

#elif defined(FORMAT_MAP_SIGNED32)
vec4 plane_quad(Chunk chunk, uint b, uint j) {
    return signed_bytes((LOW_BITS(chunk, b, j) & LOW_MASK) * 4u | HIGH_BITS(chunk, b, j) * 64u);
}

#elif FORMAT_LOW != 4 || FORMAT_HIGH != 0 || defined(FORMAT_MAP_FP4) || defined(FORMAT_MAP_TABLE)
#define SHIFTED(word, bits) ((word) * (1u << (bits)))
#include "plane_quads.glsl"

#else
// Every nibble stays where it lies in its word: the lower half of it, or the upper.
#define IS_HIGH_HALF(j) (((j) & 1u) != 0u)
float nibble(uint word, uint mask) {
    return float(int(word & mask));
}
// The highest nibble, which would be the sign: less 8 first.
float last_nibble(uint word) {
    return float(int((word ^ 0x80000000u) & 0xf0000000u)) + 2147483648.0;
}
vec4 plane_quad(Chunk chunk, uint b, uint j) {
    uint word = chunk[j >> 1u];
    if (!IS_HIGH_HALF(j)) {
        return vec4(nibble(word, 0xfu), nibble(word, 0xf0u), nibble(word, 0xf00u), nibble(word, 0xf000u));
    }
    return vec4(nibble(word, 0xf0000u), nibble(word, 0xf00000u), nibble(word, 0xf000000u), last_nibble(word));
}
#define QUAD_PLACES(b, j) (vec4(1.0, 1.0 / 16.0, 1.0 / 256.0, 1.0 / 4096.0) * (IS_HIGH_HALF(j) ? 1.0 / 65536.0 : 1.0))
#endif
#endif
