// Scales of a step: loaded as words of S, decoded by the kind that the format's row names.
// SPDX-License-Identifier: Apache-2.0
//
// Part of weights.glsl; interface/weight_formats.h says what is in the words. SCALE_LOADS words make a step's scales:
// scale_word() says which, step_scales() decodes them. The scales of superblocks are small integers times a float16
// for all, so that a step loads its own words and the superblock's.

#ifdef FIXED_ROWS
const uint INTEGER_HALVES = 0;
#else
layout(constant_id = SPEC_INTEGER_HALVES) const uint INTEGER_HALVES = 0;
#endif

// A device may flush subnormal halves to zero. With INTEGER_HALVES nothing that it computes with is subnormal: such a half
// is an integer times 2^-24, and any other one is a float whose exponent and mantissa it has, times 2^112. Infinities are
// read as numbers: no model has them.
vec2 unpack_halves(uint word) {
    if (INTEGER_HALVES == 0u) return unpackHalf2x16(word);
    uvec2 halves = uvec2(word, word >> 16u) & 0x7fffu;
    vec2 normal = uintBitsToFloat(halves << 13u) * 5.192296858534828e33;
    vec2 size = mix(normal, vec2(halves) * 5.9604644775390625e-8, lessThan(halves, uvec2(0x400u)));
    return uintBitsToFloat(floatBitsToUint(size) | uvec2(word << 16u, word) & 0x80000000u);
}

#if !defined(FORMAT_MAP_SIGNED) && !defined(FORMAT_MAP_SIGNED32) && !defined(FORMAT_MAP_TABLE) && !defined(FORMAT_MAP_FP4)
#define BLOCK_MINS  // of the format, or what its map subtracts
#endif

#ifndef FORMAT_SCALES_K6
#define SCALE_WORDS
#endif

#if defined(FORMAT_SCALES_HALF)
#define SCALE_LOADS 1
uint scale_word(uint step, uint i) {
    return step;
}
#define StepScales vec2
StepScales step_scales(uvec3 words, uint step) {
    return unpack_halves(words.x);
}
#define SCALE_OF(scales, b) scales[b]

#elif defined(FORMAT_SCALES_HALF256)
#define SCALE_LOADS 1
uint scale_word(uint step, uint i) {
    return step / 8u;
}
#define StepScales float
StepScales step_scales(uvec3 words, uint step) {
    return unpack_halves(words.x >> (step & 4u) * 4u).x;
}
#define SCALE_OF(scales, b) scales

#elif defined(FORMAT_SCALES_HALF_MIN)
#define SCALE_LOADS 2
uint scale_word(uint step, uint i) {
    return 2u * step + i;
}
#define StepScales vec4  // (scale, what is added) of block 0, then of block 1
StepScales step_scales(uvec3 words, uint step) {
    return vec4(unpack_halves(words.x), unpack_halves(words.y));
}
#define SCALE_OF(scales, b) scales[2u * (b)]
#define MIN_OF(scales, b) (-scales[2u * (b) + 1u])

#elif defined(FORMAT_SCALES_E8M0)
#define SCALE_LOADS 1
uint scale_word(uint step, uint i) {
    return step / 2u;
}
#define StepScales vec2
StepScales step_scales(uvec3 words, uint step) {
    uint pair = words.x >> (16u * (step & 1u));
    uvec2 exponents = uvec2(pair, pair >> 8u) & 0xffu;
    // 2^(byte - 128), subnormal for the bytes 0 and 1.
    uvec2 tiny = uvec2(0x00200000u) << min(exponents, uvec2(1u));
    return uintBitsToFloat(mix((exponents - 1u) << 23u, tiny, lessThan(exponents, uvec2(2u))));
}
#define SCALE_OF(scales, b) scales[b]

#elif defined(FORMAT_SCALES_SIX16)
#define SCALE_LOADS 3
uint scale_word(uint step, uint i) {
    return step / 4u * 4u + (i == 0u ? step % 4u / 2u : i + 1u);
}
#define StepScales vec4
StepScales step_scales(uvec3 words, uint step) {
    uint low = words.x >> (16u * (step & 1u));
    uint high = words.y >> (8u * (step & 3u));
    uvec4 s = uvec4(low, low >> 4u, low >> 8u, low >> 12u) & 15u | (uvec4(high, high >> 2u, high >> 4u, high >> 6u) & 3u) << 4u;
    return unpack_halves(words.z).x * (vec4(s) - 32.0);
}
#define SCALE_OF(scales, b) scales[b]

#elif defined(FORMAT_SCALES_FOUR16)
#define SCALE_LOADS 2
uint scale_word(uint step, uint i) {
    return step / 4u * 5u + (i == 0u ? step % 4u : 4u);
}
// Decoded block by block: two vectors that a loop's counter goes through are memory to some compilers.
struct StepScales {
    uint bytes;
    vec2 factors;
};
StepScales step_scales(uvec3 words, uint step) {
    return StepScales(words.x, unpack_halves(words.y));
}
#define SCALE_OF(scales, b) (scales.factors.x * float(scales.bytes >> (8u * (b)) & 15u))
#define MIN_OF(scales, b) (scales.factors.y * float(scales.bytes >> (8u * (b) + 4u) & 15u))

#elif defined(FORMAT_SCALES_BYTE16)
#define SCALE_LOADS 2
uint scale_word(uint step, uint i) {
    return step / 4u * 5u + (i == 0u ? step % 4u : 4u);
}
#define StepScales vec4
StepScales step_scales(uvec3 words, uint step) {
    // Elements come four times as large.
    return 0.25 * unpack_halves(words.y).x * BYTES_FACTOR * signed_bytes(words.x);
}
#define SCALE_OF(scales, b) scales[b]

#elif defined(FORMAT_SCALES_SIX32)
#define SCALE_LOADS 2
uint scale_word(uint step, uint i) {
    return step / 4u * 2u + i;
}
#define StepScales vec2
StepScales step_scales(uvec3 words, uint step) {
    uint low = words.x >> (8u * (step & 3u));
    uint high = words.y >> (4u * (step & 3u));
    uvec2 s = uvec2(low, low >> 4u) & 15u | (uvec2(high, high >> 2u) & 3u) << 4u;
    return unpack_halves(words.y).y * (vec2(s) - 32.0);
}
#define SCALE_OF(scales, b) scales[b]

#elif defined(FORMAT_SCALES_K6)
// One uvec4 for the four steps of a superblock.
#ifdef FIXED_ROWS
#define StepScales vec4  // (scale, min) of block 0, then of block 1
uint high_byte(uint word) {
    return uint(int(float(word & 0xff000000u) * (1.0 / 16777216.0)));
}
StepScales load_scales(uint first, uint step, uint row) {
    uvec4 words = load_weights4(first + row_vec(row) + step / 4u * pc.block_rows);
    float scale = low_half(high_byte(words.x) | high_byte(words.y) * 256u);
    float minimum = low_half(high_byte(words.z) | high_byte(words.w) * 256u);
    uint i = step % 4u;
    uint own = i < 2u ? (i == 0u ? words.x : words.y) : (i == 2u ? words.z : words.w);
    return vec4(float(int(own & 0x3fu)) * scale, float(int(own & 0xfc0u)) * (1.0 / 64.0) * minimum,
                float(int(own & 0x3f000u)) * (1.0 / 4096.0) * scale,
                float(int(own & 0xfc0000u)) * (1.0 / 262144.0) * minimum);
}
#define SCALE_OF(scales, b) ((b) == 0u ? scales.x : scales.z)
#define MIN_OF(scales, b) ((b) == 0u ? scales.y : scales.w)
#else
// Where blocks are unrolled, (scale, min) of block 0, then of block 1. In a loop over blocks, the bits of both and the
// factors, so that fewer registers hold them and none is chosen by the loop's counter.
#define StepScales uvec4
StepScales load_scales(uint first, uint step, uint row) {
    uvec4 words = load_weights4(first + row_vec(row) + step / 4u * pc.block_rows);
    uint factors = words.x >> 24u | words.y >> 24u << 8u | words.z >> 24u << 16u | words.w >> 24u << 24u;
    vec2 halves = unpack_halves(factors);
    uint own = words[step % 4u];
    if (BLOCKS_ROLLED != 0u) return uvec4(own, floatBitsToUint(halves), 0u);
    return floatBitsToUint(vec4(uvec4(own, own >> 6u, own >> 12u, own >> 18u) & 63u) * halves.xyxy);
}
float six_bits(StepScales scales, uint shift) {
    return float(scales.x >> shift & 63u);
}
#define SCALE_OF(scales, b) \
    (BLOCKS_ROLLED != 0u ? uintBitsToFloat(scales.y) * six_bits(scales, 12u * (b)) : uintBitsToFloat(scales[2u * (b)]))
#define MIN_OF(scales, b) \
    (BLOCKS_ROLLED != 0u ? uintBitsToFloat(scales.z) * six_bits(scales, 12u * (b) + 6u) : uintBitsToFloat(scales[2u * (b) + 1u]))
#endif
#endif

#ifdef FIXED_ROWS
// By selection: a block's number may be known at run time only.
#if defined(FORMAT_SCALES_HALF) || defined(FORMAT_SCALES_E8M0) || defined(FORMAT_SCALES_SIX32)
#undef SCALE_OF
#define SCALE_OF(scales, b) ((b) == 0u ? scales.x : scales.y)
#elif defined(FORMAT_SCALES_HALF_MIN)
#undef SCALE_OF
#undef MIN_OF
#define SCALE_OF(scales, b) ((b) == 0u ? scales.x : scales.z)
#define MIN_OF(scales, b) ((b) == 0u ? -scales.y : -scales.w)
#endif
#endif

float block_scale(StepScales scales, uint b) {
#if defined(FIXED_ROWS) && (defined(FORMAT_MAP_SIGNED) || defined(FORMAT_MAP_SIGNED32))
    return SCALE_OF(scales, b) * BYTES_FACTOR;
#else
    return SCALE_OF(scales, b);
#endif
}
#ifdef BLOCK_MINS
#ifndef MIN_OF
#define MIN_OF(scales, b) (float(FORMAT_OFFSET) * SCALE_OF(scales, b))
#endif
float block_min(StepScales scales, uint b) {
    return MIN_OF(scales, b);
}
#endif

#ifdef SCALE_WORDS
// Word `word` of a row's scales, counted in words; `first` counts uvec4.
uint scale_at(uint first, uint word, uint row) {
    return 4u * (first + row / WEIGHT_BLOCK_ROWS * pc.block_vecs) + word * WEIGHT_BLOCK_ROWS +
           SCALE_PLACE(row % WEIGHT_BLOCK_ROWS);
}

uint load_scale_word(uint first, uint word, uint row) {
    uint at = scale_at(first, word, row);
    // Out of its vec: where texels are quick, quicker than the word itself.
    return WEIGHT_TEXELS != 0u ? load_weights4(at / 4u)[at % 4u] : weights[at];
}

StepScales load_scales(uint first, uint step, uint row) {
    uvec3 words = uvec3(load_scale_word(first, scale_word(step, 0u), row), 0u, 0u);
#if SCALE_LOADS > 1
    words.y = load_scale_word(first, scale_word(step, 1u), row);
#endif
#if SCALE_LOADS > 2
    words.z = load_scale_word(first, scale_word(step, 2u), row);
#endif
    return step_scales(words, step);
}

struct FourScales {
    uvec4 first;
#if SCALE_LOADS > 1
    uvec4 second;
#endif
#if SCALE_LOADS > 2
    uvec4 third;
#endif
};
FourScales load_four_scales(uint first, uint step, uint row) {
    FourScales four;
    four.first = load_weights4(scale_at(first, scale_word(step, 0u), row) / 4u);
#if SCALE_LOADS > 1
    four.second = load_weights4(scale_at(first, scale_word(step, 1u), row) / 4u);
#endif
#if SCALE_LOADS > 2
    four.third = load_weights4(scale_at(first, scale_word(step, 2u), row) / 4u);
#endif
    return four;
}
StepScales of_four(FourScales four, uint n, uint step) {
    uvec3 words = uvec3(four.first[n], 0u, 0u);
#if SCALE_LOADS > 1
    words.y = four.second[n];
#endif
#if SCALE_LOADS > 2
    words.z = four.third[n];
#endif
    return step_scales(words, step);
}
#endif
