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

#elif defined(FORMAT_MAP_FP4)
// The two bits of an exponent and the one of a fraction where a float has them, its exponent counted from 1.0's, are
// 1, 1.5, 2, 3, 4, 6, 8, 12 for 0, 1, 2, 3, 4, 6, 8, 12: all right but for the subnormals 0 and 1.
vec4 plane_quad(Chunk chunk, uint b, uint j) {
    uint word = LOW_BITS(chunk, b, j);
    uvec4 exponents = uvec4(word << 22u, word << 18u, word << 14u, word << 10u) & 0x01c00000u;
    vec4 normal = uintBitsToFloat(exponents + 0x3f800000u);
    vec4 size = min(2.0 * normal - 2.0, normal);
    uvec4 signs = uvec4(word << 28u, word << 24u, word << 20u, word << 16u) & 0x80000000u;
    return uintBitsToFloat(floatBitsToUint(size) | signs);
}

#elif defined(FORMAT_MAP_TABLE)
// Levels are integers that a polynomial comes near, so that rounding gives them exactly: it is within 0.44 of each, and
// float32 adds less than 1e-4. An array that is indexed by the quant takes drivers to memory, or to a chain of fifteen
// comparisons. Quants stay where they lie in their word, and the coefficients make up for it.
vec4 plane_quad(Chunk chunk, uint b, uint j) {
    const vec4 at = 1.0 / vec4(1.0, 16.0, 256.0, 4096.0);
    vec4 q = vec4(ivec4(LOW_BITS(chunk, b, j) & (uvec4(15u) << uvec4(0u, 4u, 8u, 12u))));
    return roundEven((((0.001586043 * at * at * at * at * q + 0.03108644 * at * at * at) * q - 1.371927 * at * at) * q +
                      24.17383 * at) * q - 126.5670);
}

#elif defined(FORMAT_MAP_SIGNED32)
vec4 plane_quad(Chunk chunk, uint b, uint j) {
    return signed_bytes((LOW_BITS(chunk, b, j) & LOW_MASK) << 2u | HIGH_BITS(chunk, b, j) << 6u);
}

#else
#define QUAD_PLACES(b, j) \
    (1.0 / vec4(1.0, float(1u << QUANT_STRIDE), float(1u << (2u * QUANT_STRIDE)), float(1u << (3u * QUANT_STRIDE))))
#if FORMAT_HIGH != 0
#define QUANT_MASK ((1 << (FORMAT_LOW + FORMAT_HIGH)) - 1)
#define QUANTS(chunk, b, j) (LOW_BITS(chunk, b, j) & LOW_MASK | HIGH_BITS(chunk, b, j) << FORMAT_LOW)
#else
#define QUANT_MASK ((1 << FORMAT_LOW) - 1)
#define QUANTS(chunk, b, j) LOW_BITS(chunk, b, j)
#endif
vec4 plane_quad(Chunk chunk, uint b, uint j) {
    int quants = int(QUANTS(chunk, b, j));
    return vec4(quants & (ivec4(QUANT_MASK) << ivec4(0, QUANT_STRIDE, 2u * QUANT_STRIDE, 3u * QUANT_STRIDE)));
}
#endif
#endif
