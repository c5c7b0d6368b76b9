// The arithmetic of sampling, bit for bit that of runtime/text/sampler_math.h and random.h.
// SPDX-License-Identifier: Apache-2.0
//
// Every float step is one addition or multiplication, rounded on its own (`precise`: no fused
// multiply-add); numbers that may be infinite or NaN are compared as bits, because a device need not
// preserve them. 64-bit integers are uvec2(low, high). What is done for every logit is done for four at
// once and without branches, which drivers compile in a tenth of the time.

const uint SIGN_BIT = 0x80000000u;
const uint INFINITY_BITS = 0x7f800000u;
const uint EXCLUDED_BITS = 0xff800000u;  // -infinity
const float LARGEST = 3.402823466e38;

uvec2 add64(uvec2 a, uvec2 b) {
    uint low = a.x + b.x;
    return uvec2(low, a.y + b.y + uint(low < a.x));
}

bool less64(uvec2 a, uvec2 b) {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}

uvec2 multiply32(uint a, uint b) {
    uint high, low;
    umulExtended(a, b, high, low);
    return uvec2(low, high);
}

// a * b as 128 bits, lowest word first. The two sums in the middle cannot overflow.
uvec4 multiply64(uvec2 a, uvec2 b) {
    uvec2 low = multiply32(a.x, b.x);
    uvec2 middle = add64(multiply32(a.y, b.x), uvec2(low.y, 0u));
    uvec2 middle2 = add64(multiply32(a.x, b.y), uvec2(middle.x, 0u));
    uvec2 high = add64(add64(multiply32(a.y, b.y), uvec2(middle.y, 0u)), uvec2(middle2.y, 0u));
    return uvec4(low.x, middle2.x, high);
}

uvec2 multiply_high(uvec2 a, uvec2 b) {
    return multiply64(a, b).zw;
}

// The smallest sum that is at least fraction / 2^64 of total.
uvec2 multiply_high_ceil(uvec2 fraction, uvec2 total) {
    uvec4 product = multiply64(fraction, total);
    return add64(product.zw, uvec2(uint((product.x | product.y) != 0u), 0u));
}

// Philox4x32-10 with counter (step, 0, 0): Salmon et al., SC 2011, section 3.3.
uvec2 random_bits(uvec2 seed, uvec2 step) {
    uvec4 c = uvec4(step, 0u, 0u);
    uvec2 key = seed;
    for (uint round = 0u; round < 10u; ++round) {
        uvec2 p0 = multiply32(0xD2511F53u, c.x);
        uvec2 p1 = multiply32(0xCD9E8D57u, c.z);
        c = uvec4(p1.y ^ c.y ^ key.x, p1.x, p0.y ^ c.w ^ key.y, p0.x);
        key += uvec2(0x9E3779B9u, 0xBB67AE85u);
    }
    return c.xy;
}

// Zeros of both signs and subnormal numbers are +0.
uvec4 canonical_bits(uvec4 bits) {
    return mix(bits, uvec4(0u), equal(bits & INFINITY_BITS, uvec4(0u)));
}

// A logit that is no number stays as it is. Keskar et al., arXiv:1909.05858, section 4.1.
uvec4 penalized_bits(uvec4 bits, float penalty, float inverse) {
    vec4 logits = uintBitsToFloat(bits);
    precise vec4 raised = logits * penalty;
    precise vec4 lowered = logits * inverse;
    vec4 scaled = clamp(mix(raised, lowered, greaterThan(logits, vec4(0.0))), -LARGEST, LARGEST);
    bvec4 no_number = equal(bits & INFINITY_BITS, uvec4(INFINITY_BITS));
    return mix(canonical_bits(floatBitsToUint(scaled)), bits, no_number);
}

// Positive floats rise with their bits, negative ones fall: this makes all of them fall.
uvec4 falling_key(uvec4 bits) {
    return mix(bits ^ ~SIGN_BIT, bits, greaterThanEqual(bits, uvec4(SIGN_BIT)));
}

bool is_bad_key(uint key) {
    return key < KEY_LARGEST || key > KEY_EXCLUDED;
}

vec4 key_logit(uvec4 key) {
    return uintBitsToFloat(falling_key(key));  // its own inverse
}

float key_logit(uint key) {
    return key_logit(uvec4(key)).x;
}

// exp(x) for -87 <= x <= 0. Constants of expf in Moshier's Cephes library (1989).
vec4 exp_nonpositive(vec4 x) {
    precise vec4 quotient = x * 1.44269504088896341;
    quotient = quotient - 0.5;
    ivec4 n = ivec4(quotient);  // towards zero
    vec4 fn = vec4(n);
    precise vec4 r = x - fn * 0.693359375;
    r = r - fn * -2.12194440e-4;
    precise vec4 p = vec4(1.9875691500e-4);
    p = p * r + 1.3981999507e-3;
    p = p * r + 8.3334519073e-3;
    p = p * r + 4.1665795894e-2;
    p = p * r + 1.6666665459e-1;
    p = p * r + 5.0000001201e-1;
    precise vec4 e = (r * r) * p + r + 1.0;
    precise vec4 result = e * uintBitsToFloat(uvec4(n + 127) << 23u);  // * 2^n, exact
    return result;
}

// (logit - largest logit) / temperature: how far below the most likely token. No bad key; of an
// excluded one it means nothing.
vec4 exponent_of(uvec4 key, float max_logit, float inverse_temperature) {
    precise vec4 below = key_logit(key) - max_logit;
    precise vec4 x = below * inverse_temperature;
    return x;
}

// In units of 2^-31 of the most likely token's. Below -87 it is 0 anyway.
uvec4 weight_of(uvec4 key, vec4 x) {
    precise vec4 scaled = exp_nonpositive(max(x, vec4(-87.0))) * 2147483648.0;
    return mix(uvec4(0u), uvec4(scaled), lessThan(key, uvec4(KEY_EXCLUDED)));
}

// Rises with the key, in steps of 1/32 of the exponent; the last bin takes all the rest.
uvec4 bin_of(vec4 x) {
    precise vec4 bins = x * -32.0;
    return uvec4(min(bins, vec4(float(SAMPLE_BINS - 1))));
}

// v[e] for an e that varies: some drivers keep the vector in memory for it.
uint component(uvec4 v, uint e) {
    return mix(mix(v.x, v.y, (e & 1u) != 0u), mix(v.z, v.w, (e & 1u) != 0u), (e & 2u) != 0u);
}

// Bit e: v[e] is true.
uint bits_of(bvec4 v) {
    uvec4 bits = uvec4(v) << uvec4(0u, 1u, 2u, 3u);
    return bits.x | bits.y | bits.z | bits.w;
}

// Adds `n` tokens of weight `sum` to slot `slot` of the histogram that begins at words[first]; the
// carry of the low word is what atomicAdd shows, so any order of additions gives the same sum.
#define ADD_TO_HISTOGRAM(words, first, slot, n, sum)                                    \
    {                                                                                   \
        atomicAdd(words[(first) + (slot)], n);                                          \
        uint old_low = atomicAdd(words[(first) + SAMPLE_SLOTS + (slot)], (sum).x);      \
        uint high = (sum).y + uint(old_low + (sum).x < old_low);                        \
        if (high != 0u) atomicAdd(words[(first) + 2u * SAMPLE_SLOTS + (slot)], high);   \
    }
