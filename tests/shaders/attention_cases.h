// The queries and caches that attention.comp is tested with, and what they give in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tests/reference/attention.h"
#include "tests/shaders/layouts.h"
#include "tests/shaders/qkv_cases.h"
#include "tests/shaders/rotary_case.h"

namespace gyre::test {

// Beyond the rotary embedding.
struct AttentionExtras {
    bool alibi = false;
    std::uint32_t window = 0;  // 0: none
    std::uint32_t sink_tokens = 0;
    bool temperature = false;
    bool sink_logits = false;
    float q_deviation = 1.0f;  // larger: one key takes all the weight
    std::uint32_t local_size = 64;
    float score_cap = 0.0f;  // 0: none
};

struct AttentionCase {
    const char* name;
    CacheFormat cache;
    HeadShape heads;
    TokenRange tokens;
    RotaryCase rotary;
    AttentionExtras extras = {};
};

std::span<const AttentionCase> attention_cases();

// Queries, keys and values as they enter the kernel: rotated already, in channel order. Keys and
// values are numbers that the cache's format holds.
struct AttentionData {
    explicit AttentionData(const AttentionCase& attention_case);

    std::uint32_t n_pairs() const { return (c.heads.dim + 1) / 2; }
    std::uint32_t n_cells() const { return c.tokens.first + c.tokens.n; }
    CacheShape shape() const { return {c.cache, c.heads.n_head_kv, n_pairs(), c.tokens.n_ctx}; }
    reference::Temperature temperature() const;
    reference::AttentionOptions options() const;

    AttentionCase c;
    std::vector<float> q;                           // [n_tokens][n_head][head_dim]
    std::vector<EncodedHead> encoded_k, encoded_v;  // [n_cells][n_head_kv]
    std::vector<double> k, v;        // what those mean, [n_cells][n_head_kv][head_dim]
    std::vector<float> sink_logits;  // [n_head], or empty
};

struct AttentionExpected {
    std::vector<double> y, bounds;  // [n_tokens][n_head][head_dim]
};
AttentionExpected expected_of(const AttentionData& data);

}  // namespace gyre::test
