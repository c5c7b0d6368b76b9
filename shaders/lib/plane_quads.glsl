// Quads of weights whose quants are planes of bits: four neighbouring elements from the words of their chunk.
// SPDX-License-Identifier: Apache-2.0
//
// Part of weight_quads.glsl, and of weights_tile.glsl for what that does not write out. Both define SHIFTED(word, bits),
// a shift to the left.

#if defined(FORMAT_MAP_FP4)
// The two bits of an exponent and the one of a fraction where a float has them, its exponent counted from 1.0's, are
// 1, 1.5, 2, 3, 4, 6, 8, 12 for 0, 1, 2, 3, 4, 6, 8, 12: all right but for the subnormals 0 and 1.
vec4 plane_quad(Chunk chunk, uint b, uint j) {
    uint word = LOW_BITS(chunk, b, j);
    uvec4 exponents = uvec4(SHIFTED(word, 22u), SHIFTED(word, 18u), SHIFTED(word, 14u), SHIFTED(word, 10u)) & 0x01c00000u;
    vec4 normal = uintBitsToFloat(exponents + 0x3f800000u);
    vec4 size = min(2.0 * normal - 2.0, normal);
    uvec4 signs = uvec4(SHIFTED(word, 28u), SHIFTED(word, 24u), SHIFTED(word, 20u), SHIFTED(word, 16u)) & 0x80000000u;
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

#else
#define QUAD_PLACES(b, j) \
    (1.0 / vec4(1.0, float(1u << QUANT_STRIDE), float(1u << (2u * QUANT_STRIDE)), float(1u << (3u * QUANT_STRIDE))))
#if FORMAT_HIGH != 0
#define QUANT_MASK ((1 << (FORMAT_LOW + FORMAT_HIGH)) - 1)
#define QUANTS(chunk, b, j) (LOW_BITS(chunk, b, j) & LOW_MASK | SHIFTED(HIGH_BITS(chunk, b, j), FORMAT_LOW))
#else
#define QUANT_MASK ((1 << FORMAT_LOW) - 1)
#define QUANTS(chunk, b, j) LOW_BITS(chunk, b, j)
#endif
vec4 plane_quad(Chunk chunk, uint b, uint j) {
    int quants = int(QUANTS(chunk, b, j));
    return vec4(quants & (ivec4(QUANT_MASK) << ivec4(0, QUANT_STRIDE, 2u * QUANT_STRIDE, 3u * QUANT_STRIDE)));
}
#endif
