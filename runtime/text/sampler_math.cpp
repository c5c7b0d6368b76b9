// Sampling arithmetic; compiled with -ffp-contract=off.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/sampler_math.h"

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <limits>

#ifdef __FAST_MATH__
#error "-ffast-math changes which tokens are drawn"
#endif
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif
static_assert(FLT_EVAL_METHOD == 0 && std::numeric_limits<float>::is_iec559,
              "float arithmetic must be IEEE 754 binary32 and be rounded after every operation");

namespace gyre {

float canonical_logit(float logit) {
    const auto bits = std::bit_cast<std::uint32_t>(logit);
    return (bits & 0x7F800000u) == 0 ? 0.0f : logit;
}

float penalized_logit(float logit, float penalty, float inverse) {
    if (logit == -std::numeric_limits<float>::infinity()) return logit;
    const float scaled = logit > 0.0f ? logit * inverse : logit * penalty;
    constexpr float kMax = std::numeric_limits<float>::max();
    return canonical_logit(std::clamp(scaled, -kMax, kMax));
}

std::uint64_t order_key(float logit, std::uint32_t id) {
    const auto bits = std::bit_cast<std::uint32_t>(logit);
    // Positive floats rise with their bits, negative ones fall: this makes all of them fall.
    const std::uint32_t falling = (bits & 0x80000000u) != 0 ? bits : bits ^ 0x7FFFFFFFu;
    return (std::uint64_t{falling} << 32) | id;
}

std::uint32_t order_key_id(std::uint64_t key) {
    return static_cast<std::uint32_t>(key);
}

float order_key_logit(std::uint64_t key) {
    const auto falling = static_cast<std::uint32_t>(key >> 32);
    return std::bit_cast<float>((falling & 0x80000000u) != 0 ? falling : falling ^ 0x7FFFFFFFu);
}

// exp(x) = 2^n * exp(r), n = x / ln 2 rounded, |r| <= ln(2) / 2 and a little. The constants are
// those of expf in Moshier's Cephes library (1989): ln 2 in two parts, of which n times the first
// is exact, and the minimax polynomial (exp(r) - 1 - r) / r^2 of degree 5.
float exp_nonpositive(float x) {
    if (!(x >= -87.0f)) return 0.0f;
    const int n = static_cast<int>(x * 1.44269504088896341f - 0.5f);  // truncates towards zero
    const float fn = static_cast<float>(n);
    float r = x - fn * 0.693359375f;
    r = r - fn * -2.12194440e-4f;

    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const float e = (r * r) * p + r + 1.0f;
    return e * std::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23);  // * 2^n, exact
}

std::uint32_t token_weight(float logit, float max_logit, float inverse_temperature) {
    const float x = (logit - max_logit) * inverse_temperature;
    return static_cast<std::uint32_t>(exp_nonpositive(x) * 2147483648.0f);
}

namespace {

struct Product {
    std::uint64_t high, low;
};

Product multiply(std::uint64_t a, std::uint64_t b) {
    const std::uint64_t a0 = a & 0xFFFFFFFFu, a1 = a >> 32;
    const std::uint64_t b0 = b & 0xFFFFFFFFu, b1 = b >> 32;
    const std::uint64_t low = a0 * b0;
    const std::uint64_t middle = a1 * b0 + (low >> 32);              // cannot overflow
    const std::uint64_t middle2 = a0 * b1 + (middle & 0xFFFFFFFFu);  // cannot overflow
    return {a1 * b1 + (middle >> 32) + (middle2 >> 32), (middle2 << 32) | (low & 0xFFFFFFFFu)};
}

}  // namespace

std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
    return multiply(a, b).high;
}

std::uint64_t top_p_threshold(float top_p, std::uint64_t total) {
    // top_p * 2^64 is below 2^64 because top_p < 1, and it is cut off below 2^-64.
    const auto fraction = static_cast<std::uint64_t>(std::ldexp(static_cast<double>(top_p), 64));
    const Product product = multiply(fraction, total);
    return product.high + (product.low != 0 ? 1 : 0);
}

std::uint32_t min_p_threshold(float min_p) {
    return static_cast<std::uint32_t>(std::ceil(std::ldexp(static_cast<double>(min_p), 31)));
}

}  // namespace gyre
