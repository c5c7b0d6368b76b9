// attention.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/shaders/attention_cases.h"
#include "tests/shaders/kernel_test.h"

namespace gyre::test {
namespace {

using Cache = CacheFormat;

// Which kernel answers.
struct Way {
    std::uint32_t queries = 0;  // of attention_streams; 0: attention
    std::uint32_t local_size = 8;
    bool texels = false;
    std::uint32_t splits = 1;  // of attention
};
constexpr Way kOneQuery{1}, kEightQueries{8}, kTwoQueries{2, 16};
constexpr Way kShared{.splits = 3};

class AttentionKernelTest : public KernelTest {
  protected:
    // Tokens [first, first + n) of the data in one dispatch: [n][n_head * head_dim]. Empty where
    // texels are wanted and this device cannot show so many.
    std::vector<float> attend(const AttentionData& data, std::uint32_t first, std::uint32_t n,
                              Way way = {}) {
        const AttentionCase& c = data.c;
        KernelBuffers buffers;
        AttentionParams params{};
        add_queries(data, first, n, buffers, params);
        add_cache(data, first + n + c.tokens.first, buffers, params);
        buffers.session.mix_stride = activation_stride(c.heads.n_head * c.heads.dim);
        params.mix_offset = buffers.state.add_output_rows(
            n, c.heads.n_head * c.heads.dim, buffers.session.mix_stride, ACTIVATION_ALIGN);
        params.n_tokens = n;
        params.n_head = c.heads.n_head;
        params.n_head_kv = c.heads.n_head_kv;
        buffers.session.head_dim = c.heads.dim;
        params.rotary_stride = c.rotary.stride();
        params.scale = 1.0f / std::sqrt(static_cast<float>(c.heads.dim));
        if (c.rotary.values == ValueRotation::kRove) {
            params.value_table =
                buffers.state.add_floats(c.rotary.table(c.heads.dim, c.tokens.n_ctx));
        }
        const std::uint32_t n_queries = n * c.heads.n_head;
        const std::uint32_t n_partials = n_queries * way.splits * (2 * data.n_pairs() + 2);
        buffers.session.tickets = buffers.state.add_floats(std::vector<float>(n_queries));
        buffers.session.partials = buffers.state.add_canaries(n_partials);
        if (way.splits > 1) {
            buffers.state.allow_in_place(buffers.session.tickets, n_queries);
            buffers.state.allow(buffers.session.partials, n_partials);
        }
        add_extras(data, buffers, params);
        buffers.step.first_position = c.tokens.first + first;
        buffers.step.n_tokens = n;

        const AttentionExtras& e = c.extras;
        if (way.texels && !all_texels_fit(device().caps(), buffers)) return {};
        const Kernel kernel = built(kernels().get(AttentionVariant{
            c.cache, c.rotary.kernel_spec(), data.n_pairs(), e.alibi, e.window > 0, e.temperature,
            e.sink_logits, way.queries == 0 ? e.local_size : way.local_size, way.queries,
            way.texels, way.splits, e.score_cap != 0.0f}));
        const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
            record_attention(recorder, kernel, sets[0], params);
        });
        for (std::uint32_t i = 0; i < n_queries; ++i) {
            EXPECT_EQ(result.state[buffers.session.tickets + i], 0u) << "ticket " << i;
        }
        return rows_at(result.state, params.mix_offset, n, c.heads.n_head * c.heads.dim,
                       buffers.session.mix_stride);
    }

  private:
    static void add_queries(const AttentionData& data, std::uint32_t first, std::uint32_t n,
                            KernelBuffers& buffers, AttentionParams& params) {
        const AttentionCase& c = data.c;
        const auto q = to_pair_order(reference::widen(data.q), c.rotary.channel_pairs(c.heads.dim),
                                     c.heads.dim);
        const std::uint32_t row = 2 * c.heads.n_head * data.n_pairs();
        buffers.session.q_stride = row + 5;
        params.q_offset = buffers.state.add_canaries(n * buffers.session.q_stride);
        for (std::uint32_t i = 0; i < n * row; ++i) {
            buffers.state.set(params.q_offset + i / row * buffers.session.q_stride + i % row,
                              as_word(static_cast<float>(q[first * row + i])));
        }
    }

    // Cells [0, n_cells) hold numbers, the later ones canaries.
    static void add_cache(const AttentionData& data, std::uint32_t n_cells, KernelBuffers& buffers,
                          AttentionParams& params) {
        const AttentionCase& c = data.c;
        CacheShape shape = data.shape();
        shape.add_to(buffers.cache);
        for (std::uint32_t cell = 0; cell < n_cells; ++cell) {
            for (std::uint32_t head = 0; head < c.heads.n_head_kv; ++head) {
                const std::size_t at = std::size_t{cell} * c.heads.n_head_kv + head;
                shape.set(buffers.cache, Side::kKeys, head, cell, data.encoded_k[at]);
                shape.set(buffers.cache, Side::kValues, head, cell, data.encoded_v[at]);
            }
        }
        params.cache = shape.layout();
        shape.describe(buffers.session);
    }

    static void add_extras(const AttentionData& data, KernelBuffers& buffers,
                           AttentionParams& params) {
        const AttentionCase& c = data.c;
        if (c.extras.alibi) {
            const auto slopes = reference::alibi_slopes(c.heads.n_head);
            params.slopes_offset =
                buffers.params.add_floats(std::vector<float>(slopes.begin(), slopes.end()));
        }
        buffers.session.score_cap = c.extras.score_cap;
        params.window = c.extras.window;
        buffers.session.sink_tokens = c.extras.sink_tokens;
        if (c.extras.temperature) {
            std::vector<float> factors;
            for (std::uint32_t position = 0; position < c.tokens.n_ctx; ++position) {
                factors.push_back(static_cast<float>(
                    reference::temperature_factor(data.temperature(), position)));
            }
            buffers.session.scales_offset = buffers.state.add_floats(factors);
        }
        if (c.extras.sink_logits)
            params.sink_logits_offset = buffers.params.add_floats(data.sink_logits);
    }
};

class AttentionCaseTest : public AttentionKernelTest,
                          public testing::WithParamInterface<AttentionCase> {};

TEST_P(AttentionCaseTest, EqualsReference) {
    const AttentionData data(GetParam());
    const AttentionExpected expected = expected_of(data);
    EXPECT_TRUE(within(attend(data, 0, data.c.tokens.n), expected.y, expected.bounds));
}

// More workgroups than tiles among them.
TEST_P(AttentionCaseTest, SharedQueriesEqualReference) {
    const AttentionData data(GetParam());
    const AttentionExpected expected = expected_of(data);
    for (const std::uint32_t splits : {2u, 3u, 8u}) {
        const auto found = attend(data, 0, data.c.tokens.n, {.splits = splits});
        EXPECT_TRUE(within(found, expected.y, expected.bounds)) << splits << " splits";
    }
}

TEST_P(AttentionCaseTest, StreamsEqualReference) {
    const AttentionData data(GetParam());
    const AttentionExpected expected = expected_of(data);
    for (Way way : {kOneQuery, kEightQueries}) {
        const auto found = attend(data, 0, data.c.tokens.n, way);
        EXPECT_TRUE(within(found, expected.y, expected.bounds)) << way.queries << " queries";
        way.texels = true;
        const auto by_texels = attend(data, 0, data.c.tokens.n, way);
        if (!by_texels.empty()) {
            EXPECT_TRUE(same_bits(by_texels, found)) << way.queries << " queries";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Attention, AttentionCaseTest,
                         testing::ValuesIn(attention_cases().begin(), attention_cases().end()),
                         case_name<AttentionCase>);

// A prompt in one dispatch is the same as its tokens one by one.
TEST_F(AttentionKernelTest, BitsDoNotDependOnTheBatch) {
    for (const Cache cache : {Cache::kF32, Cache::kF16, Cache::kQ8_0}) {
        const AttentionData data(
            {"bits", cache, {3, 1, 20}, {55, 17, 80}, rove(RotaryPairing::kHalf, 16)});
        for (const Way way : {Way{}, kShared, kOneQuery, kTwoQueries, kEightQueries}) {
            std::vector<float> one_by_one;
            for (std::uint32_t t = 0; t < data.c.tokens.n; ++t) {
                const auto y = attend(data, t, 1, way);
                one_by_one.insert(one_by_one.end(), y.begin(), y.end());
            }
            EXPECT_TRUE(same_bits(attend(data, 0, data.c.tokens.n, way), one_by_one))
                << way.queries << " queries, " << way.splits << " splits";
        }
    }
}

// The first token sees only itself: its value comes back as it was before it was rotated.
TEST_F(AttentionKernelTest, RoveOfTheFirstTokenGivesItsValue) {
    const AttentionData data(
        {"first", Cache::kF32, {2, 2, 16}, {0, 1, 4}, rove(RotaryPairing::kHalf, 16)});
    const std::vector<float> v(data.v.begin(), data.v.end());
    // Position 0: cos 1, sin 0; weight 1.
    for (const Way way : {Way{}, kShared, kOneQuery, kEightQueries})
        EXPECT_TRUE(same_bits(attend(data, 0, 1, way), v)) << way.queries << " queries";
}

template <typename Matches>
bool covered(Matches&& matches) {
    return std::any_of(attention_cases().begin(), attention_cases().end(), matches);
}

TEST(AttentionCasesTest, CoverEveryPairingUnderRove) {
#define GYRE_EXPECT_PAIRING(id, name, function)              \
    EXPECT_TRUE(covered([](const AttentionCase& c) {         \
        return c.rotary.pairing == RotaryPairing::k##name && \
               c.rotary.values == ValueRotation::kRove;      \
    })) << #name                                             \
        << " has no row in kCases";
    ROTARY_PAIRING_LIST(GYRE_EXPECT_PAIRING)
#undef GYRE_EXPECT_PAIRING
}

TEST(AttentionCasesTest, CoverEveryValueRotationAndCacheFormat) {
#define GYRE_EXPECT_VALUES(id, name)                      \
    EXPECT_TRUE(covered([](const AttentionCase& c) {      \
        return c.rotary.values == ValueRotation::k##name; \
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
