// Attention in float64, with every position method of the project as an option.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tests/reference/rotary.h"

namespace gyre::reference {

enum class RotaryValues {
    kNone,        // RoPE: values stay as they are
    kRotateOnly,  // rotated at the key's position, never rotated back: RoFormer's rotary_value
    kRove,        // rotated at the key's position, the sum rotated back at the query's
};

// logit *= (1 + coefficient * ln(max(1, (query position + 1) / train_length)))^power: RoPE-ID.
struct Temperature {
    double coefficient = 0;
    double power = 2;
    double train_length = 1;
};

double temperature_factor(const Temperature& temperature, double q_position);

struct AttentionOptions {
    std::size_t n_heads = 1;
    std::size_t n_kv_heads = 1;  // divides n_heads; heads [g h, g (h + 1)) share kv head h (GQA)
    std::size_t head_dim = 1;
    bool causal = true;
    std::vector<TurningPair> pairs;  // empty: no rotary embedding
    bool rotate_keys = true;         // false: VO-RoPE, queries and keys stay as they are
    RotaryValues values = RotaryValues::kNone;
    double amplitude = 1.0;  // of queries and keys, never of values
    bool alibi = false;
    double alibi_max = 8;
    std::size_t window = 0;       // keys at distance >= window are masked; 0: no window
    std::size_t sink_tokens = 0;  // keys at positions < sink_tokens are never masked by the window
    std::vector<double>
        sink_logits;  // one a head, or empty: joins the sum of the softmax, has no value
    Temperature temperature;
    double score_scale = 0;  // on q.k; 0: 1 / sqrt(head_dim)
    double score_cap = 0;    // scores become cap * tanh(score / cap) before ALiBi; 0: none
};

// The slope of every head: a geometric sequence from 2^(-max/n), 8 in the paper; for n not a power
// of two, that of the next lower power, then every other one of twice that power. Press, Smith,
// Lewis, ALiBi, arXiv:2108.12409, section 3, and the authors' code for the second case.
std::vector<double> alibi_slopes(std::size_t n_heads, double max = 8);

// One weight per key: softmax over the allowed keys of q.k / sqrt(head_dim), temperature and ALiBi
// applied. q [head_dim], keys [n_kv, n_kv_heads, head_dim]; both as they enter the dot product.
std::vector<double> attention_weights(const AttentionOptions& options, std::size_t head,
                                      std::span<const double> q, double q_position,
                                      std::span<const double> keys,
                                      std::span<const double> k_positions);

// What lies between the rotations: weights times values, per query head.
// q [n_q, n_heads, head_dim], keys and values [n_kv, n_kv_heads, head_dim], already rotated where
// the method rotates them. Gives [n_q, n_heads, head_dim], not yet rotated back.
std::vector<double> mix_turned(const AttentionOptions& options, std::span<const double> q,
                               std::span<const double> keys, std::span<const double> values,
                               std::span<const double> q_positions,
                               std::span<const double> k_positions);

// The whole: rotates, mixes, and for RoVE rotates the normalised sum of every query head back at
// the query's position. Shapes as above, nothing rotated yet. Vaswani et al., arXiv:1706.03762,
// section 3.2; Ainslie et al., GQA, arXiv:2305.13245; Su et al., RoFormer, arXiv:2104.09864;
// Garcia-Castellanos, Weiler, Bekkers, RoVE, arXiv:2606.11275; sliding window: Beltagy et al.,
// Longformer, arXiv:2004.05150; first tokens kept: Xiao et al., StreamingLLM, arXiv:2309.17453.
std::vector<double> attention(const AttentionOptions& options, std::span<const double> q,
                              std::span<const double> k, std::span<const double> v,
                              std::span<const double> q_positions,
                              std::span<const double> k_positions);

}  // namespace gyre::reference
