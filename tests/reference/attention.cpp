// Attention in float64, with every position method of the project as an option.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/attention.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "tests/reference/activation.h"
#include "tests/reference/softmax.h"

namespace gyre::reference {
namespace {

// 2^(-max h / n) for h = 1..n.
std::vector<double> geometric_slopes(std::size_t n, double max) {
    std::vector<double> slopes;
    for (std::size_t h = 1; h <= n; ++h) {
        slopes.push_back(std::exp2(-max * static_cast<double>(h) / static_cast<double>(n)));
    }
    return slopes;
}

bool is_masked(const AttentionOptions& options, double q_position, double k_position) {
    if (options.causal && k_position > q_position) return true;
    if (options.window == 0) return false;
    if (k_position < static_cast<double>(options.sink_tokens)) return false;
    return q_position - k_position >= static_cast<double>(options.window);
}

// Head `head` of token `t` in x [n_tokens, n_heads, head_dim].
std::span<const double> head_of(std::span<const double> x, std::size_t t, std::size_t head,
                                std::size_t n_heads, std::size_t head_dim) {
    return x.subspan((t * n_heads + head) * head_dim, head_dim);
}

}  // namespace

double temperature_factor(const Temperature& temperature, double q_position) {
    const double length = std::max(1.0, (q_position + 1.0) / temperature.train_length);
    return std::pow(1.0 + temperature.coefficient * std::log(length), temperature.power);
}

std::vector<double> alibi_slopes(std::size_t n_heads, double max) {
    std::size_t power = 1;
    while (power * 2 <= n_heads)
        power *= 2;
    std::vector<double> slopes = geometric_slopes(power, max);
    const std::vector<double> finer = geometric_slopes(2 * power, max);
    for (std::size_t i = 0; slopes.size() < n_heads; i += 2)
        slopes.push_back(finer[i]);
    return slopes;
}

std::vector<double> attention_weights(const AttentionOptions& options, std::size_t head,
                                      std::span<const double> q, double q_position,
                                      std::span<const double> keys,
                                      std::span<const double> k_positions) {
    const std::size_t kv_head = head / (options.n_heads / options.n_kv_heads);
    const double score_scale = options.score_scale != 0
                                   ? options.score_scale
                                   : 1.0 / std::sqrt(static_cast<double>(options.head_dim));
    const double scale = temperature_factor(options.temperature, q_position) * score_scale;
    const double slope =
        options.alibi ? alibi_slopes(options.n_heads, options.alibi_max)[head] : 0.0;
    std::vector<double> logits;
    for (std::size_t j = 0; j < k_positions.size(); ++j) {
        const auto k = head_of(keys, j, kv_head, options.n_kv_heads, options.head_dim);
        double logit = 0;
        for (std::size_t d = 0; d < options.head_dim; ++d)
            logit += q[d] * k[d];
        logit *= scale;
        if (options.score_cap != 0) logit = soft_cap(logit, options.score_cap);
        logit -= slope * (q_position - k_positions[j]);
        const bool masked = is_masked(options, q_position, k_positions[j]);
        logits.push_back(masked ? -std::numeric_limits<double>::infinity() : logit);
    }
    if (options.sink_logits.empty()) return softmax(logits);
    logits.push_back(options.sink_logits[head]);
    std::vector<double> weights = softmax(logits);
    weights.pop_back();
    return weights;
}

std::vector<double> mix_turned(const AttentionOptions& options, std::span<const double> q,
                               std::span<const double> keys, std::span<const double> values,
                               std::span<const double> q_positions,
                               std::span<const double> k_positions) {
    const std::size_t n_heads = options.n_heads, head_dim = options.head_dim;
    assert(options.n_kv_heads > 0 && n_heads % options.n_kv_heads == 0);
    assert(q.size() == q_positions.size() * n_heads * head_dim);
    assert(keys.size() == k_positions.size() * options.n_kv_heads * head_dim);
    assert(values.size() == keys.size());
    std::vector<double> mix(q.size(), 0.0);
    for (std::size_t t = 0; t < q_positions.size(); ++t) {
        for (std::size_t h = 0; h < n_heads; ++h) {
            const auto q_head = head_of(q, t, h, n_heads, head_dim);
            const std::vector<double> weights =
                attention_weights(options, h, q_head, q_positions[t], keys, k_positions);
            const std::size_t kv_head = h / (n_heads / options.n_kv_heads);
            for (std::size_t j = 0; j < weights.size(); ++j) {
                const auto v = head_of(values, j, kv_head, options.n_kv_heads, head_dim);
                for (std::size_t d = 0; d < head_dim; ++d) {
                    mix[(t * n_heads + h) * head_dim + d] += weights[j] * v[d];
                }
            }
        }
    }
    return mix;
}

std::vector<double> attention(const AttentionOptions& options, std::span<const double> q,
                              std::span<const double> k, std::span<const double> v,
                              std::span<const double> q_positions,
                              std::span<const double> k_positions) {
    const std::size_t n_heads = options.n_heads, n_kv_heads = options.n_kv_heads;
    const std::size_t head_dim = options.head_dim;
    std::vector<double> turned_q(q.begin(), q.end());
    std::vector<double> turned_k(k.begin(), k.end());
    std::vector<double> turned_v(v.begin(), v.end());
    if (options.rotate_keys) {
        turned_q =
            rotate_heads(q, n_heads, head_dim, options.pairs, q_positions, options.amplitude, 1.0);
        turned_k = rotate_heads(k, n_kv_heads, head_dim, options.pairs, k_positions,
                                options.amplitude, -1.0);
    }
    if (options.values != RotaryValues::kNone) {
        turned_v = rotate_heads(v, n_kv_heads, head_dim, options.pairs, k_positions);
    }
    std::vector<double> mix =
        mix_turned(options, turned_q, turned_k, turned_v, q_positions, k_positions);
    if (options.values != RotaryValues::kRove) return mix;
    std::vector<double> back(q_positions.begin(), q_positions.end());
    for (double& position : back)
        position = -position;
    return rotate_heads(mix, n_heads, head_dim, options.pairs, back);
}

}  // namespace gyre::reference
