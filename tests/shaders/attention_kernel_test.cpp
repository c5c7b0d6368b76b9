// attention.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/shaders/kernel_test.h"
#include "tests/shaders/rotary_case.h"

namespace gyre::test {
namespace {

using Cache = CacheFormat;
using Pairing = RotaryPairing;
using Values = ValueRotation;

// Beyond the rotary embedding.
struct Extras {
    bool alibi = false;
    std::uint32_t window = 0;  // 0: none
    std::uint32_t sink_tokens = 0;
    bool temperature = false;
    bool sink_logits = false;
    float q_deviation = 1.0f;  // larger: one key takes all the weight
};

struct AttentionCase {
    const char* name;
    Cache cache;
    std::uint32_t n_head, n_head_kv, head_dim;
    std::uint32_t first_position, n_tokens, n_ctx;
    RotaryCase rotary;
    std::uint32_t local_size = 64;
    Extras extras = {};
};

RotaryCase rope(Pairing pairing, std::uint32_t dim) {
    return {pairing, dim};
}
RotaryCase rove(Pairing pairing, std::uint32_t dim) {
    return {pairing, dim, true, Values::kRove};
}

const AttentionCase kCases[] = {
    // name, cache, heads, kv heads, head_dim, first position, tokens, context, rotary
    {"one_cell", Cache::kF32, 1, 1, 2, 0, 1, 1, rope(Pairing::kHalf, 2)},
    {"one_cell_rove", Cache::kF16, 1, 1, 2, 0, 1, 4, rove(Pairing::kHalf, 2)},
    {"odd_head", Cache::kF32, 3, 3, 5, 16, 1, 28, rove(Pairing::kHalf, 4)},
    {"odd_head_f16", Cache::kF16, 3, 1, 5, 0, 17, 17, rove(Pairing::kInterleaved, 4)},
    {"interleaved", Cache::kF32, 3, 3, 20, 3, 5, 28, rope(Pairing::kInterleaved, 20)},
    {"half", Cache::kF16, 3, 3, 20, 3, 5, 28, rope(Pairing::kHalf, 20)},
    {"rove_half", Cache::kF32, 3, 3, 20, 3, 5, 28, rove(Pairing::kHalf, 20)},
    {"rove_interleaved", Cache::kF16, 3, 3, 20, 3, 5, 28, rove(Pairing::kInterleaved, 20)},
    {"rotate_only",
     Cache::kF32,
     2,
     2,
     16,
     3,
     5,
     28,
     {Pairing::kHalf, 16, true, Values::kRotateOnly}},
    {"grouped_queries", Cache::kF32, 12, 4, 20, 30, 2, 40, rove(Pairing::kHalf, 20)},
    {"one_kv_head", Cache::kF16, 12, 1, 8, 30, 2, 40, rope(Pairing::kHalf, 8)},
    {"partial_half", Cache::kF32, 3, 3, 80, 7, 2, 17, rove(Pairing::kHalf, 20)},
    {"partial_interleaved", Cache::kF16, 3, 3, 80, 7, 2, 17, rove(Pairing::kInterleaved, 20)},
    {"rope_id_rove",
     Cache::kF32,
     2,
     2,
     32,
     60,
     3,
     64,
     {Pairing::kHalf, 32, true, Values::kRove, 1.0, Frequencies::kRopeId}},
    // Around a tile of 64 cells.
    {"one_below_a_tile", Cache::kF32, 2, 2, 16, 62, 1, 64, rope(Pairing::kHalf, 16)},
    {"a_tile", Cache::kF32, 2, 2, 16, 63, 1, 128, rope(Pairing::kHalf, 16)},
    {"one_above_a_tile", Cache::kF16, 2, 2, 16, 64, 1, 128, rope(Pairing::kHalf, 16)},
    {"small_workgroup", Cache::kF32, 2, 2, 16, 99, 3, 128, rove(Pairing::kHalf, 16), 32},
    {"large_workgroup", Cache::kF16, 1, 1, 256, 130, 2, 140, rove(Pairing::kHalf, 256), 128},
    {"pairs_fill_the_workgroup", Cache::kF32, 2, 2, 128, 70, 1, 80, rove(Pairing::kHalf, 128)},
    {"one_key_takes_all",
     Cache::kF32,
     2,
     2,
     16,
     99,
     1,
     128,
     rope(Pairing::kHalf, 16),
     64,
     {.q_deviation = 60.0f}},
    // What is added to the logits, and what is masked.
    {"alibi_8", Cache::kF32, 8, 8, 16, 99, 2, 128, {Pairing::kHalf, 0, false}, 64, {.alibi = true}},
    {"alibi_12",
     Cache::kF16,
     12,
     12,
     16,
     99,
     2,
     128,
     {Pairing::kHalf, 0, false},
     64,
     {.alibi = true}},
    {"window", Cache::kF32, 2, 2, 16, 199, 5, 256, rope(Pairing::kHalf, 16), 64, {.window = 70}},
    {"window_of_one",
     Cache::kF32,
     2,
     2,
     16,
     199,
     1,
     256,
     rope(Pairing::kHalf, 16),
     64,
     {.window = 1}},
    {"window_and_sinks",
     Cache::kF16,
     2,
     1,
     16,
     250,
     3,
     256,
     rove(Pairing::kHalf, 16),
     64,
     {.window = 33, .sink_tokens = 4}},
    {"window_of_a_tile",
     Cache::kF32,
     2,
     2,
     16,
     191,
     2,
     256,
     rope(Pairing::kHalf, 16),
     64,
     {.window = 64, .sink_tokens = 1}},
    {"window_longer_than_text",
     Cache::kF32,
     2,
     2,
     16,
     10,
     2,
     16,
     rope(Pairing::kHalf, 16),
     64,
     {.window = 64, .sink_tokens = 4}},
    {"temperature",
     Cache::kF32,
     2,
     2,
     16,
     99,
     3,
     128,
     rope(Pairing::kHalf, 16),
     64,
     {.temperature = true}},
    {"sink_logits",
     Cache::kF32,
     3,
     3,
     16,
     70,
     2,
     128,
     rove(Pairing::kHalf, 16),
     64,
     {.sink_logits = true}},
    {"everything",
     Cache::kF16,
     6,
     2,
     20,
     180,
     3,
     200,
     rove(Pairing::kInterleaved, 16),
     64,
     {true, 65, 4, true, true, 2.0f}},
    {"q8_0_one_block", Cache::kQ8_0, 2, 2, 16, 20, 3, 28, rope(Pairing::kHalf, 16)},
    {"q8_0_odd_pairs", Cache::kQ8_0, 3, 3, 5, 20, 3, 28, rove(Pairing::kHalf, 4)},
    {"q8_0_part_of_a_block", Cache::kQ8_0, 4, 2, 80, 70, 2, 80, rove(Pairing::kInterleaved, 80)},
    {"gpt2_q8_0", Cache::kQ8_0, 12, 12, 64, 1023, 1, 1024, rove(Pairing::kHalf, 64)},
    {"gpt2_last_position", Cache::kF16, 12, 12, 64, 1023, 1, 1024, rove(Pairing::kHalf, 64)},
    {"gpt2_last_position_f32", Cache::kF32, 12, 12, 64, 1023, 1, 1024, rope(Pairing::kHalf, 64)},
    {"gpt2_prompt", Cache::kF16, 12, 12, 64, 0, 28, 1024, rove(Pairing::kHalf, 64)},
};

// Turned queries, keys and values in channel order. k and v are what the cache holds of raw_k and
// raw_v.
struct AttentionData {
    AttentionCase c;
    std::vector<float> q, raw_k, raw_v, sink_logits;
    std::vector<double> k, v;

    explicit AttentionData(const AttentionCase& attention_case) : c(attention_case) {
        reference::Generator generator(51);
        q = generator.bells(std::size_t{c.n_tokens} * c.n_head * c.head_dim, c.extras.q_deviation);
        raw_k = generator.bells(std::size_t{n_cells()} * c.n_head_kv * c.head_dim);
        raw_v = generator.bells(raw_k.size());
        k = stored(raw_k);
        v = stored(raw_v);
        sink_logits = c.extras.sink_logits ? generator.bells(c.n_head, 3.0f) : std::vector<float>{};
    }
    std::uint32_t n_pairs() const { return (c.head_dim + 1) / 2; }
    std::uint32_t n_cells() const { return c.first_position + c.n_tokens; }
    CacheShape shape() const { return {c.cache, c.n_head_kv, n_pairs(), c.n_ctx}; }
    // Every head of every cell as the cache keeps it: [n_cells][n_head_kv].
    std::vector<EncodedHead> encoded(const std::vector<float>& raw) const {
        const auto pairs =
            to_pair_order(reference::widen(raw), c.rotary.channel_pairs(c.head_dim), c.head_dim);
        std::vector<EncodedHead> heads;
        for (std::size_t at = 0; at < pairs.size(); at += 2 * n_pairs()) {
            heads.push_back(
                shape().encode(std::span<const double>(pairs).subspan(at, 2 * n_pairs())));
        }
        return heads;
    }
    float scale() const { return 1.0f / std::sqrt(static_cast<float>(c.head_dim)); }

    reference::Temperature temperature() const {
        if (!c.extras.temperature) return {};
        return {0.1, 2.0, 16.0};
    }
    reference::AttentionOptions options() const {
        reference::AttentionOptions o;
        o.n_heads = c.n_head;
        o.n_kv_heads = c.n_head_kv;
        o.head_dim = c.head_dim;
        o.pairs = c.rotary.turning_pairs();
        o.alibi = c.extras.alibi;
        o.window = c.extras.window;
        o.sink_tokens = c.extras.sink_tokens;
        o.sink_logits = reference::widen(sink_logits);
        o.temperature = temperature();
        return o;
    }

  private:
    std::vector<double> stored(const std::vector<float>& raw) const {
        std::vector<double> pairs;
        for (const EncodedHead& head : encoded(raw)) {
            const auto decoded = shape().decode(head);
            pairs.insert(pairs.end(), decoded.begin(), decoded.end());
        }
        return to_channel_order(pairs, c.rotary.channel_pairs(c.head_dim), c.head_dim);
    }
};

struct Expected {
    std::vector<double> y, bounds;  // [n_tokens][n_head][head_dim]
};

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
    const double scale = 1.2 / std::sqrt(c.head_dim) * (c.extras.temperature ? 2 : 1);  // at least
    const double largest = *std::max_element(weights.begin(), weights.end());
    const double n_tiles = std::ceil((position + 1) / c.local_size);
    std::vector<double> errors;
    for (std::size_t j = 0; j < weights.size(); ++j) {
        double magnitude = 0;
        for (std::uint32_t d = 0; d < c.head_dim; ++d) {
            magnitude += std::abs(
                q[d] * static_cast<double>(data.k[(j * c.n_head_kv + kv_head) * c.head_dim + d]));
        }
        const double bias = slope * (position - static_cast<double>(j));
        const double logit_error = (c.head_dim + 6) * kUnit * (scale * magnitude + bias);
        const double below = weights[j] > 0 ? std::log(largest / weights[j]) : 100.0;
        errors.push_back(logit_error + (6 + 4 * below) * kUnit + 8 * n_tiles * kUnit);
    }
    return errors;
}

Expected expected_of(const AttentionData& data) {
    const AttentionCase& c = data.c;
    const reference::AttentionOptions o = data.options();
    const auto q = reference::widen(data.q);
    const std::vector<double>&k = data.k, &v = data.v;
    const auto q_positions = positions_from(c.first_position, c.n_tokens);
    const auto k_positions = positions_from(0, data.n_cells());
    Expected expected{reference::mix_turned(o, q, k, v, q_positions, k_positions), {}};
    expected.bounds.resize(expected.y.size());
    const auto slopes = reference::alibi_slopes(c.n_head);
    for (std::size_t row = 0; row < c.n_tokens * c.n_head; ++row) {
        const std::size_t t = row / c.n_head, h = row % c.n_head,
                          kv_head = h / (c.n_head / c.n_head_kv);
        const std::span<const double> q_head(q.data() + row * c.head_dim, c.head_dim);
        const auto weights =
            reference::attention_weights(o, h, q_head, q_positions[t], k, k_positions);
        const auto errors =
            weight_errors(data, q_head, static_cast<std::uint32_t>(kv_head), q_positions[t],
                          c.extras.alibi ? slopes[h] : 0.0, weights);
        double weight_error = 0;
        for (std::size_t j = 0; j < weights.size(); ++j)
            weight_error += weights[j] * errors[j];
        const double chain = (static_cast<double>(weights.size()) + c.local_size + 8) * kUnit;
        for (std::uint32_t d = 0; d < c.head_dim; ++d) {
            double bound = 0, magnitude = 0;
            for (std::size_t j = 0; j < weights.size(); ++j) {
                const double term =
                    weights[j] * std::abs(v[(j * c.n_head_kv + kv_head) * c.head_dim + d]);
                magnitude += term;
                bound += term * errors[j];
            }
            expected.bounds[row * c.head_dim + d] = bound + magnitude * (weight_error + 2 * chain);
        }
    }
    if (c.rotary.values != Values::kRove) return expected;
    // Turned back: each channel gets the errors of both of its pair, and of the table.
    const auto channels = c.rotary.channel_pairs(c.head_dim);
    auto bounds = to_pair_order(expected.bounds, channels, c.head_dim);
    const auto y = to_pair_order(expected.y, channels, c.head_dim);
    for (std::size_t i = 0; i < y.size(); i += 2) {
        bounds[i] = bounds[i + 1] = std::sqrt(2.0) * std::hypot(bounds[i], bounds[i + 1]) +
                                    8 * kUnit * std::hypot(y[i], y[i + 1]);
    }
    expected.bounds = to_channel_order(bounds, channels, c.head_dim);
    std::vector<double> back = q_positions;
    for (double& position : back)
        position = -position;
    expected.y = reference::rotate_heads(expected.y, c.n_head, c.head_dim, o.pairs, back);
    return expected;
}

class AttentionKernelTest : public KernelTest {
  protected:
    // Tokens [first, first + n) of the data in one dispatch: [n][n_head * head_dim].
    std::vector<float> attend(const AttentionData& data, std::uint32_t first, std::uint32_t n) {
        const AttentionCase& c = data.c;
        KernelBuffers buffers;
        AttentionParams params{};
        add_queries(data, first, n, buffers, params);
        add_cache(data, first + n + c.first_position, buffers, params);
        params.mix_stride = activation_stride(c.n_head * c.head_dim);
        params.mix_offset = buffers.state.add_output_rows(n, c.n_head * c.head_dim,
                                                          params.mix_stride, ACTIVATION_ALIGN);
        params.n_tokens = n;
        params.n_head = c.n_head;
        params.n_head_kv = c.n_head_kv;
        params.head_dim = c.head_dim;
        params.rotary_stride = c.rotary.stride();
        params.scale = data.scale();
        if (c.rotary.values == Values::kRove) {
            params.value_table = buffers.state.add_floats(c.rotary.table(c.head_dim, c.n_ctx, 1.0));
        }
        add_extras(data, buffers, params);
        buffers.step.first_position = c.first_position + first;
        buffers.step.n_tokens = n;

        const Extras& e = c.extras;
        const Kernel kernel =
            built(kernels().attention({c.cache, c.rotary.kernel_spec(), data.n_pairs(), e.alibi,
                                       e.window > 0, e.temperature, e.sink_logits, c.local_size}));
        const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
            record_attention(recorder, kernel, sets[0], params);
        });
        return rows_at(result.state, params.mix_offset, n, c.n_head * c.head_dim,
                       params.mix_stride);
    }

  private:
    static void add_queries(const AttentionData& data, std::uint32_t first, std::uint32_t n,
                            KernelBuffers& buffers, AttentionParams& params) {
        const AttentionCase& c = data.c;
        const auto q =
            to_pair_order(reference::widen(data.q), c.rotary.channel_pairs(c.head_dim), c.head_dim);
        const std::uint32_t row = 2 * c.n_head * data.n_pairs();
        params.q_stride = row + 5;
        params.q_offset = buffers.state.add_canaries(n * params.q_stride);
        for (std::uint32_t i = 0; i < n * row; ++i) {
            buffers.state.set(params.q_offset + i / row * params.q_stride + i % row,
                              as_word(static_cast<float>(q[first * row + i])));
        }
    }

    // Cells [0, n_cells) hold numbers, the later ones canaries.
    static void add_cache(const AttentionData& data, std::uint32_t n_cells, KernelBuffers& buffers,
                          AttentionParams& params) {
        const AttentionCase& c = data.c;
        CacheShape shape = data.shape();
        shape.add_to(buffers.cache);
        const auto k = data.encoded(data.raw_k), v = data.encoded(data.raw_v);
        for (std::uint32_t cell = 0; cell < n_cells; ++cell) {
            for (std::uint32_t head = 0; head < c.n_head_kv; ++head) {
                const std::size_t at = std::size_t{cell} * c.n_head_kv + head;
                shape.set(buffers.cache, Side::kKeys, head, cell, k[at]);
                shape.set(buffers.cache, Side::kValues, head, cell, v[at]);
            }
        }
        params.cache = shape.layout();
    }

    static void add_extras(const AttentionData& data, KernelBuffers& buffers,
                           AttentionParams& params) {
        const AttentionCase& c = data.c;
        if (c.extras.alibi) {
            const auto slopes = reference::alibi_slopes(c.n_head);
            params.slopes_offset =
                buffers.params.add_floats(std::vector<float>(slopes.begin(), slopes.end()));
        }
        params.window = c.extras.window;
        params.sink_tokens = c.extras.sink_tokens;
        if (c.extras.temperature) {
            std::vector<float> factors;
            for (std::uint32_t position = 0; position < c.n_ctx; ++position) {
                factors.push_back(static_cast<float>(
                    reference::temperature_factor(data.temperature(), position)));
            }
            params.scales_offset = buffers.state.add_floats(factors);
        }
        if (c.extras.sink_logits)
            params.sink_logits_offset = buffers.params.add_floats(data.sink_logits);
    }
};

class AttentionCaseTest : public AttentionKernelTest,
                          public testing::WithParamInterface<AttentionCase> {};

TEST_P(AttentionCaseTest, EqualsReference) {
    const AttentionData data(GetParam());
    const Expected expected = expected_of(data);
    EXPECT_TRUE(within(attend(data, 0, data.c.n_tokens), expected.y, expected.bounds));
}

INSTANTIATE_TEST_SUITE_P(Attention, AttentionCaseTest, testing::ValuesIn(kCases),
                         case_name<AttentionCase>);

// A prompt in one dispatch is the same as its tokens one by one.
TEST_F(AttentionKernelTest, BitsDoNotDependOnTheBatch) {
    for (const Cache cache : {Cache::kF32, Cache::kF16, Cache::kQ8_0}) {
        const AttentionData data({"bits", cache, 3, 1, 20, 55, 17, 80, rove(Pairing::kHalf, 16)});
        std::vector<float> one_by_one;
        for (std::uint32_t t = 0; t < data.c.n_tokens; ++t) {
            const auto y = attend(data, t, 1);
            one_by_one.insert(one_by_one.end(), y.begin(), y.end());
        }
        EXPECT_TRUE(same_bits(attend(data, 0, data.c.n_tokens), one_by_one));
    }
}

// The first token sees only itself: its value comes back as it was before it was turned.
TEST_F(AttentionKernelTest, RoveOfTheFirstTokenGivesItsValue) {
    const AttentionData data({"first", Cache::kF32, 2, 2, 16, 0, 1, 4, rove(Pairing::kHalf, 16)});
    EXPECT_TRUE(same_bits(attend(data, 0, 1), data.raw_v));  // position 0: cos 1, sin 0; weight 1
}

template <typename Matches>
bool covered(Matches&& matches) {
    return std::any_of(std::begin(kCases), std::end(kCases), matches);
}

TEST(AttentionCasesTest, CoverEveryPairingUnderRove) {
#define GYRE_EXPECT_PAIRING(id, name, function)                                          \
    EXPECT_TRUE(covered([](const AttentionCase& c) {                                     \
        return c.rotary.pairing == Pairing::k##name && c.rotary.values == Values::kRove; \
    })) << #name                                                                         \
        << " has no row in kCases";
    ROTARY_PAIRING_LIST(GYRE_EXPECT_PAIRING)
#undef GYRE_EXPECT_PAIRING
}

TEST(AttentionCasesTest, CoverEveryValueRotationAndCacheFormat) {
#define GYRE_EXPECT_VALUES(id, name)                 \
    EXPECT_TRUE(covered([](const AttentionCase& c) { \
        return c.rotary.values == Values::k##name;   \
    })) << #name;
    ROTARY_VALUES_LIST(GYRE_EXPECT_VALUES)
#undef GYRE_EXPECT_VALUES
#define GYRE_EXPECT_CACHE(id, name, pairs, scales) \
    EXPECT_TRUE(covered([](const AttentionCase& c) { return c.cache == Cache::k##name; })) << #name;
    CACHE_FORMAT_LIST(GYRE_EXPECT_CACHE)
#undef GYRE_EXPECT_CACHE
}

}  // namespace
}  // namespace gyre::test
