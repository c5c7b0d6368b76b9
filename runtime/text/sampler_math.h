// The arithmetic of sampling, piece by piece, specified to the last bit.
// SPDX-License-Identifier: Apache-2.0
//
// These functions are what a shader must repeat to draw the same tokens. They use IEEE 754 binary32
// addition, subtraction and multiplication, each rounded to nearest even (no fused multiply-add, no
// division, no function of libm), conversions, and integers. Subnormal numbers count as zero, so a
// device that flushes them agrees. Probabilities are integers (weights in units of 2^-31 of the
// most likely token's), so that their sums are exact in any order.
#pragma once

#include <cstdint>

namespace gyre {

// A logit as the sampler sees it: zeros of both signs and subnormal numbers are +0.
float canonical_logit(float logit);

// Keskar et al., arXiv:1909.05858, section 4.1: the logit of a token seen before becomes
// logit * inverse if it is positive, else logit * penalty; inverse is 1 / penalty, rounded once.
// A finite logit stays finite (clamped to the largest float); -infinity stays as it is.
float penalized_logit(float logit, float penalty, float inverse);

// A key whose ascending order is: logit descending, then id ascending. logit is canonical, no NaN.
std::uint64_t order_key(float logit, std::uint32_t id);
std::uint32_t order_key_id(std::uint64_t key);
float order_key_logit(std::uint64_t key);

// exp(x) for x <= 0; 0 for x < -87. Exact at 0, relative error below 8.2e-8 and never decreasing
// (both found by trying every float from -87 to 0).
float exp_nonpositive(float x);

inline constexpr std::uint32_t kMaxWeight = std::uint32_t{1} << 31;

// The weight of a token: floor(2^31 * exp_nonpositive((logit - max_logit) * inverse_temperature)).
// max_logit is finite and >= logit; kMaxWeight where both are equal.
std::uint32_t token_weight(float logit, float max_logit, float inverse_temperature);

// The high 64 bits of a * b.
std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b);

// The smallest sum of weights that is at least the fraction top_p (0 < top_p < 1) of total.
std::uint64_t top_p_threshold(float top_p, std::uint64_t total);

// The smallest weight that is at least the fraction min_p (0 <= min_p <= 1) of the largest one.
std::uint32_t min_p_threshold(float min_p);

}  // namespace gyre
