// The projections that qkv.comp is tested with, and what they give in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/kernels/kernel_table.h"
#include "tests/shaders/random_matrix.h"
#include "tests/shaders/rotary_case.h"
#include "tests/shaders/tilings.h"

namespace gyre::test {

struct HeadShape {
    std::uint32_t n_head, n_head_kv, dim;
};
struct TokenRange {
    std::uint32_t first, n, n_ctx;  // position of the first token, tokens, cells of the cache
};

struct QkvOptions {
    bool bias = true;
    bool norm = false;                // inside the kernel: one token a workgroup
    std::uint32_t heads_a_slice = 0;  // 0: one slice
    bool is_complex = false;
};

struct QkvCase {
    const char* name;
    WeightFormat format;
    CacheFormat cache;
    HeadShape heads;
    std::uint32_t n_in;
    TokenRange tokens;
    RotaryCase rotary;
    Tiling tiling;
    QkvOptions options = {};
};

std::span<const QkvCase> qkv_cases();

inline constexpr float kQkvNormEpsilon = 1e-5f;

// Everything a case multiplies; made once, run in any tiling and for any range of tokens.
struct QkvData {
    explicit QkvData(const QkvCase& qkv_case);

    std::uint32_t n_pairs() const { return (c.heads.dim + 1) / 2; }
    std::uint32_t n_rows() const { return (c.heads.n_head + 2 * c.heads.n_head_kv) * c.heads.dim; }

    QkvCase c;
    RandomWeights weights;
    std::vector<float> x, gain, norm_bias, bias;
};

// Queries, keys or values of every token in pair order: [n_tokens][heads][n_pairs][2].
struct PairRows {
    std::vector<double> y, bounds;
};
struct QkvExpected {
    PairRows q, k, v;
};
QkvExpected expected_of(const QkvData& data);

}  // namespace gyre::test
