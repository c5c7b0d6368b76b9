// The queries and caches that attention.comp is tested with, and what they give in float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/attention_cases.h"

#include <algorithm>
#include <cmath>

#include "tests/reference/generator.h"
#include "tests/shaders/rounding.h"

namespace gyre::test {
namespace {

constexpr auto k32 = CacheFormat::kF32;
constexpr auto k16 = CacheFormat::kF16;
constexpr auto k8 = CacheFormat::kQ8_0;
constexpr auto kHalf = RotaryPairing::kHalf;
constexpr auto kInter = RotaryPairing::kInterleaved;

// clang-format off
const AttentionCase kCases[] = {
    // name, cache, {heads, kv heads, head_dim}, {first position, tokens, context}, rotary, extras
    {"one_cell",                 k32, {1, 1, 2},    {0, 1, 1},       rope(kHalf, 2)},
    {"one_cell_rove",            k16, {1, 1, 2},    {0, 1, 4},       rove(kHalf, 2)},
    {"odd_head",                 k32, {3, 3, 5},    {16, 1, 28},     rove(kHalf, 4)},
    {"odd_head_f16",             k16, {3, 1, 5},    {0, 17, 17},     rove(kInter, 4)},
    {"interleaved",              k32, {3, 3, 20},   {3, 5, 28},      rope(kInter, 20)},
    {"half",                     k16, {3, 3, 20},   {3, 5, 28},      rope(kHalf, 20)},
    {"rove_half",                k32, {3, 3, 20},   {3, 5, 28},      rove(kHalf, 20)},
    {"rove_interleaved",         k16, {3, 3, 20},   {3, 5, 28},      rove(kInter, 20)},
    {"rotate_only",              k32, {2, 2, 16},   {3, 5, 28},      rotate_only(kHalf, 16)},
    {"grouped_queries",          k32, {12, 4, 20},  {30, 2, 40},     rove(kHalf, 20)},
    {"one_kv_head",              k16, {12, 1, 8},   {30, 2, 40},     rope(kHalf, 8)},
    {"partial_half",             k32, {3, 3, 80},   {7, 2, 17},      rove(kHalf, 20)},
    {"partial_interleaved",      k16, {3, 3, 80},   {7, 2, 17},      rove(kInter, 20)},
    {"rope_id_rove",             k32, {2, 2, 32},   {60, 3, 64},     rope_id(32, ValueRotation::kRove)},
    {"q8_0_one_block",           k8,  {2, 2, 16},   {20, 3, 28},     rope(kHalf, 16)},
    {"q8_0_odd_pairs",           k8,  {3, 3, 5},    {20, 3, 28},     rove(kHalf, 4)},
    {"q8_0_part_of_a_block",     k8,  {4, 2, 80},   {70, 2, 80},     rove(kInter, 80)},
    // Around a tile of 64 cells, and other tiles.
    {"one_below_a_tile",         k32, {2, 2, 16},   {62, 1, 64},     rope(kHalf, 16)},
    {"a_tile",                   k32, {2, 2, 16},   {63, 1, 128},    rope(kHalf, 16)},
    {"one_above_a_tile",         k16, {2, 2, 16},   {64, 1, 128},    rope(kHalf, 16)},
    {"small_workgroup",          k32, {2, 2, 16},   {99, 3, 128},    rove(kHalf, 16), {.local_size = 32}},
    {"large_workgroup",          k16, {1, 1, 256},  {130, 2, 140},   rove(kHalf, 256), {.local_size = 128}},
    {"pairs_fill_the_workgroup", k32, {2, 2, 128},  {70, 1, 80},     rove(kHalf, 128)},
    {"one_key_takes_all",        k32, {2, 2, 16},   {99, 1, 128},    rope(kHalf, 16), {.q_deviation = 60.0f}},
    // What is added to the logits, and what is masked.
    {"alibi_8",                  k32, {8, 8, 16},   {99, 2, 128},    unrotated(), {.alibi = true}},
    {"alibi_12",                 k16, {12, 12, 16}, {99, 2, 128},    unrotated(), {.alibi = true}},
    {"window",                   k32, {2, 2, 16},   {199, 5, 256},   rope(kHalf, 16), {.window = 70}},
    {"window_of_one",            k32, {2, 2, 16},   {199, 1, 256},   rope(kHalf, 16), {.window = 1}},
    {"window_and_sinks",         k16, {2, 1, 16},   {250, 3, 256},   rove(kHalf, 16), {.window = 33, .sink_tokens = 4}},
    {"window_of_a_tile",         k32, {2, 2, 16},   {190, 3, 256},   rope(kHalf, 16), {.window = 64, .sink_tokens = 1}},
    {"window_and_many_sinks",    k32, {2, 2, 16},   {250, 1, 256},   rope(kHalf, 16), {.window = 20, .sink_tokens = 70}},
    {"window_longer_than_text",  k32, {2, 2, 16},   {10, 2, 16},     rope(kHalf, 16), {.window = 64, .sink_tokens = 4}},
    {"temperature",              k32, {2, 2, 16},   {99, 3, 128},    rope(kHalf, 16), {.temperature = true}},
    {"sink_logits",              k32, {3, 3, 16},   {70, 2, 128},    rove(kHalf, 16), {.sink_logits = true}},
    {"score_cap",                k32, {3, 3, 16},   {70, 3, 128},    rope(kHalf, 16), {.q_deviation = 3.0f, .score_cap = 1.5f}},
    {"score_cap_alibi_q8_0",     k8,  {4, 2, 20},   {40, 2, 64},     unrotated(), {.alibi = true, .score_cap = 50.0f}},
    {"everything",               k16, {6, 2, 20},   {180, 3, 200},   rove(kInter, 16),
     {.alibi = true, .window = 65, .sink_tokens = 4, .temperature = true, .sink_logits = true, .q_deviation = 2.0f}},
    {"gpt2_last_position",       k16, {12, 12, 64}, {1023, 1, 1024}, rove(kHalf, 64)},
    {"gpt2_last_position_f32",   k32, {12, 12, 64}, {1023, 1, 1024}, rope(kHalf, 64)},
    {"gpt2_last_position_q8_0",  k8,  {12, 12, 64}, {1023, 1, 1024}, rove(kHalf, 64)},
    {"gpt2_prompt",              k16, {12, 12, 64}, {0, 28, 1024},   rove(kHalf, 64)},
};
// clang-format on

// Random heads as the cache keeps them.
std::vector<EncodedHead> random_heads(const AttentionData& data,
                                      std::span<const ChannelPair> channels,
                                      reference::Generator& generator) {
    std::vector<EncodedHead> heads;
    for (std::uint32_t i = 0; i < data.n_cells() * data.c.heads.n_head_kv; ++i) {
        const auto values = reference::widen(generator.bells(data.c.heads.dim));
        heads.push_back(data.shape().encode(to_pair_order(values, channels, data.c.heads.dim)));
    }
    return heads;
}

std::vector<double> decoded(const AttentionData& data, std::span<const ChannelPair> channels,
                            const std::vector<EncodedHead>& heads) {
    std::vector<double> pairs;
    for (const EncodedHead& head : heads) {
        const auto of_head = data.shape().decode(head);
        pairs.insert(pairs.end(), of_head.begin(), of_head.end());
    }
    return to_channel_order(pairs, channels, data.c.heads.dim);
}

std::vector<double> positions_from(std::uint32_t first, std::uint32_t n) {
    std::vector<double> positions;
    for (std::uint32_t t = 0; t < n; ++t)
        positions.push_back(first + t);
    return positions;
}

// The relative error of every weight: of its logit, of exp, and of the rescaling from tile to tile.
// The largest logit is subtracted as it was computed, so an error in it cancels.
std::vector<double> weight_errors(const AttentionData& data, std::span<const double> q,
                                  std::uint32_t kv_head, double position, double slope,
                                  std::span<const double> weights) {
    const AttentionCase& c = data.c;
    const double scale = 1.2 / std::sqrt(c.heads.dim) * (c.extras.temperature ? 2 : 1);  // at least
    const double largest = *std::max_element(weights.begin(), weights.end());
    const double n_tiles = std::ceil((position + 1) / c.extras.local_size);
    std::vector<double> errors;
    for (std::size_t j = 0; j < weights.size(); ++j) {
        double magnitude = 0;
        for (std::uint32_t d = 0; d < c.heads.dim; ++d) {
            magnitude +=
                std::abs(q[d] * static_cast<double>(
                                    data.k[(j * c.heads.n_head_kv + kv_head) * c.heads.dim + d]));
        }
        const double bias = slope * (position - static_cast<double>(j));
        // A soft cap has a slope of at most 1, and 20 roundings of its own.
        const double cap_error = 20 * kUnit * double{c.extras.score_cap};
        const double logit_error =
            (c.heads.dim + 6) * kUnit * (scale * magnitude + bias) + cap_error;
        const double below = weights[j] > 0 ? std::log(largest / weights[j]) : 100.0;
        errors.push_back(logit_error + (6 + 4 * below) * kUnit + 8 * n_tiles * kUnit);
    }
    return errors;
}

}  // namespace

std::span<const AttentionCase> attention_cases() {
    return kCases;
}

AttentionData::AttentionData(const AttentionCase& attention_case) : c(attention_case) {
    reference::Generator generator(51);
    const auto channels = c.rotary.channel_pairs(c.heads.dim);
    q = generator.bells(std::size_t{c.tokens.n} * c.heads.n_head * c.heads.dim,
                        c.extras.q_deviation);
    encoded_k = random_heads(*this, channels, generator);
    encoded_v = random_heads(*this, channels, generator);
    k = decoded(*this, channels, encoded_k);
    v = decoded(*this, channels, encoded_v);
    if (c.extras.sink_logits) sink_logits = generator.bells(c.heads.n_head, 3.0f);
}

reference::Temperature AttentionData::temperature() const {
    if (!c.extras.temperature) return {};
    return {.coefficient = 0.1, .power = 2.0, .train_length = 16.0};
}

reference::AttentionOptions AttentionData::options() const {
    reference::AttentionOptions o;
    o.n_heads = c.heads.n_head;
    o.n_kv_heads = c.heads.n_head_kv;
    o.head_dim = c.heads.dim;
    o.pairs = c.rotary.rotating_pairs();
    o.alibi = c.extras.alibi;
    o.window = c.extras.window;
    o.sink_tokens = c.extras.sink_tokens;
    o.sink_logits = reference::widen(sink_logits);
    o.temperature = temperature();
    o.score_cap = double{c.extras.score_cap};
    return o;
}

AttentionExpected expected_of(const AttentionData& data) {
    const AttentionCase& c = data.c;
    const reference::AttentionOptions o = data.options();
    const auto q = reference::widen(data.q);
    const std::vector<double>&k = data.k, &v = data.v;
    const auto q_positions = positions_from(c.tokens.first, c.tokens.n);
    const auto k_positions = positions_from(0, data.n_cells());
    AttentionExpected expected{reference::mix_turned(o, q, k, v, q_positions, k_positions), {}};
    expected.bounds.resize(expected.y.size());
    const auto slopes = reference::alibi_slopes(c.heads.n_head);
    for (std::size_t row = 0; row < c.tokens.n * c.heads.n_head; ++row) {
        const std::size_t t = row / c.heads.n_head, h = row % c.heads.n_head,
                          kv_head = h / (c.heads.n_head / c.heads.n_head_kv);
        const std::span<const double> q_head(q.data() + row * c.heads.dim, c.heads.dim);
        const auto weights =
            reference::attention_weights(o, h, q_head, q_positions[t], k, k_positions);
        const auto errors =
            weight_errors(data, q_head, static_cast<std::uint32_t>(kv_head), q_positions[t],
                          c.extras.alibi ? slopes[h] : 0.0, weights);
        double weight_error = 0;
        for (std::size_t j = 0; j < weights.size(); ++j)
            weight_error += weights[j] * errors[j];
        const double chain =
            (static_cast<double>(weights.size()) + c.extras.local_size + 8) * kUnit;
        for (std::uint32_t d = 0; d < c.heads.dim; ++d) {
            double bound = 0, magnitude = 0;
            for (std::size_t j = 0; j < weights.size(); ++j) {
                const double term =
                    weights[j] * std::abs(v[(j * c.heads.n_head_kv + kv_head) * c.heads.dim + d]);
                magnitude += term;
                bound += term * errors[j];
            }
            expected.bounds[row * c.heads.dim + d] = bound + magnitude * (weight_error + 2 * chain);
        }
    }
    if (c.rotary.values != ValueRotation::kRove) return expected;
    // Rotated back: each channel gets the errors of both of its pair, and of the table.
    const auto channels = c.rotary.channel_pairs(c.heads.dim);
    auto bounds = to_pair_order(expected.bounds, channels, c.heads.dim);
    const auto y = to_pair_order(expected.y, channels, c.heads.dim);
    for (std::size_t i = 0; i < y.size(); i += 2) {
        bounds[i] = bounds[i + 1] = std::sqrt(2.0) * std::hypot(bounds[i], bounds[i + 1]) +
                                    8 * kUnit * std::hypot(y[i], y[i + 1]);
    }
    expected.bounds = to_channel_order(bounds, channels, c.heads.dim);
    std::vector<double> back = q_positions;
    for (double& position : back)
        position = -position;
    expected.y = reference::rotate_heads(expected.y, c.heads.n_head, c.heads.dim, o.pairs, back);
    return expected;
}

}  // namespace gyre::test
