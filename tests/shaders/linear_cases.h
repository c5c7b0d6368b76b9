// The products that linear.comp is tested with, and what they give in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/kernels/kernel_table.h"
#include "tests/shaders/random_matrix.h"
#include "tests/shaders/tilings.h"

namespace gyre::test {

struct LinearOptions {
    bool bias = true;
    bool norm = false;  // inside the kernel: one token a workgroup
    Activation activation = Activation::kGeluTanh;
    std::uint32_t rows_a_slice = 0;  // 0: one slice
    bool subnormal_scales = false;
    bool integer_halves = false;
    bool is_complex = false;
    float x_deviation = 1.0f;
    bool rms = false;    // the norm, inside or after
    float scale = 1.0f;  // of the result
    float cap = 0.0f;    // of logits; 0: none
};

struct LinearCase {
    const char* name;
    WeightFormat format;
    std::uint32_t n_rows, n_in, n_tokens;
    LinearEpilogue epilogue;
    Tiling tiling;
    LinearOptions options = {};
};

std::span<const LinearCase> linear_cases();
// The shapes that every format is tested with: blocks that end a step or not, rows that end a tile
// or not.
std::vector<LinearCase> linear_cases_of(WeightFormat format);

inline constexpr float kNormEpsilon = 1e-5f;

// Everything a case multiplies; made once, run in any tiling and for any range of tokens.
struct LinearData {
    explicit LinearData(const LinearCase& linear_case);

    LinearCase c;
    RandomWeights weights;
    std::vector<float> x, gain, norm_bias, bias;
    std::vector<float> residual;  // [n_tokens][n_rows], what the RESIDUAL epilogue adds to
};

struct LinearExpected {
    std::vector<double> y, bounds;  // [n_tokens][n_rows]
};
LinearExpected expected_of(const LinearData& data);

}  // namespace gyre::test
