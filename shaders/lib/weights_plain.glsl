// weight_quad() once more, for modules of one tile (fixed_tile.glsl): the same elements, one at a time.
// SPDX-License-Identifier: Apache-2.0
//
// The driver that these modules are for shifts vectors lane by lane, some 25 instructions each, where a
// product by a power of two is one; and it keeps the four results of a vector operation in memory until
// the next one, so that elements are written out. Bytes come multiplied by UNPACK_FACTOR, a power of
// two that their scales make up for: the same bits.

#if defined(WEIGHT_F16) || defined(WEIGHT_Q4_K)
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
#endif

#if defined(WEIGHT_Q4_0) || defined(WEIGHT_Q4_K)
float nibble(uint word, uint mask) {
    return float(int(word & mask));
}
// The highest nibble, which would be the sign: less 8 first.
float last_nibble(uint word) {
    return float(int((word ^ 0x80000000u) & 0xf0000000u)) + 2147483648.0;
}
#endif

#if defined(WEIGHT_F16)
vec4 plain_quad(uvec4 chunk, uint j) {
    uint lo = chunk[2u * j];
    uint hi = chunk[2u * j + 1u];
    return vec4(low_half(lo), high_half(lo), low_half(hi), high_half(hi));
}
#define weight_quad plain_quad

#elif defined(WEIGHT_BF16)
vec4 plain_quad(uvec4 chunk, uint j) {
    uint lo = chunk[2u * j];
    uint hi = chunk[2u * j + 1u];
    return vec4(uintBitsToFloat(lo * 65536u), uintBitsToFloat(lo & 0xffff0000u), uintBitsToFloat(hi * 65536u),
                uintBitsToFloat(hi & 0xffff0000u));
}
#define weight_quad plain_quad

#elif defined(WEIGHT_Q8_0) || defined(WEIGHT_Q6_K)
#define UNPACK_FACTOR 16777216.0
vec4 signed_bytes(uint word) {
    return vec4(float(int(word * 0x1000000u)), float(int(word * 0x10000u & 0xff000000u)),
                float(int(word * 0x100u & 0xff000000u)), float(int(word & 0xff000000u)));
}
#ifdef WEIGHT_Q8_0
vec4 plain_quad(uvec4 chunk, uint j) {
    return signed_bytes(chunk[j]);
}
#else
vec4 plain_quad(Chunk chunk, uint j) {
    uint low = chunk.nibbles[j >> 2u & 1u][j & 3u] >> (4u * (j >> 3u)) & 0x0f0f0f0fu;
    uint high = chunk.high[j & 3u] >> (2u * (j >> 2u)) & 0x03030303u;
    return signed_bytes(low * 4u | high * 64u);
}
StepScales plain_step_scales(uint word, uint factor) {
    return 0.25 * unpackHalf2x16(factor).x * (1.0 / UNPACK_FACTOR) * signed_bytes(word);
}
#define step_scales plain_step_scales
#endif
#define weight_quad plain_quad

#elif defined(WEIGHT_Q4_0)
vec4 plain_quad(uvec4 chunk, uint j) {
    uint word = chunk[j >> 1u];
    if ((j & 1u) == 0u) {
        return vec4(nibble(word, 0xfu), nibble(word, 0xf0u), nibble(word, 0xf00u), nibble(word, 0xf000u));
    }
    return vec4(nibble(word, 0xf0000u), nibble(word, 0xf00000u), nibble(word, 0xf000000u), last_nibble(word));
}
#define plain_place(j) ((j & 1u) == 0u ? 1.0 : 1.0 / 65536.0)
#define weight_quad plain_quad

#elif defined(WEIGHT_Q4_K)
vec4 plain_quad(Chunk chunk, uint j) {
    uint word = chunk.nibbles[j >> 2u & 1u][j & 3u];
    if (j < 8u) {
        return vec4(nibble(word, 0xfu), nibble(word, 0xf00u), nibble(word, 0xf0000u), nibble(word, 0xf000000u));
    }
    return vec4(nibble(word, 0xf0u), nibble(word, 0xf000u), nibble(word, 0xf00000u), last_nibble(word));
}
#define plain_place(j) (j < 8u ? 1.0 : 1.0 / 16.0)
uint high_byte(uint word) {
    return uint(int(float(word & 0xff000000u) * (1.0 / 16777216.0)));
}
StepScales plain_scales(uint first, uint step, uint row) {
    uvec4 words = load_weights4(first + row_vec(row) + step / 4u * pc.block_rows);
    float scale = low_half(high_byte(words.x) | high_byte(words.y) * 256u);
    float minimum = low_half(high_byte(words.z) | high_byte(words.w) * 256u);
    uint i = step % 4u;
    uint own = i < 2u ? (i == 0u ? words.x : words.y) : (i == 2u ? words.z : words.w);
    return vec4(float(int(own & 0x3fu)) * scale, float(int(own & 0xfc0u)) * (1.0 / 64.0) * minimum,
                float(int(own & 0x3f000u)) * (1.0 / 4096.0) * scale,
                float(int(own & 0xfc0000u)) * (1.0 / 262144.0) * minimum);
}
#define load_scales plain_scales
#define weight_quad plain_quad
#endif

#ifdef plain_place
// Every nibble stays where it lies in its word.
vec4 plain_at_places(vec4 x, uint j) {
    return x * (QUAD_PLACES * plain_place(j));
}
#define at_places plain_at_places
#endif

// By selection: a block's number may be known at run time only.
#if defined(WEIGHT_Q8_0) || defined(WEIGHT_Q4_0)
float of_block(StepScales scales, uint b) {
    return b == 0u ? scales.x : scales.y;
}
#endif
#if defined(WEIGHT_Q8_0)
float plain_scale(StepScales scales, uint b) {
    return of_block(scales, b) * (1.0 / UNPACK_FACTOR);
}
#define block_scale plain_scale
#elif defined(WEIGHT_Q6_K)
float plain_scale(StepScales scales, uint b) {
    return block_scale(scales, b) * (1.0 / UNPACK_FACTOR);
}
#define block_scale plain_scale
#elif defined(WEIGHT_Q4_0)
#define block_scale of_block
float plain_min(StepScales scales, uint b) {
    return 8.0 * of_block(scales, b);
}
#define block_min plain_min
#endif
