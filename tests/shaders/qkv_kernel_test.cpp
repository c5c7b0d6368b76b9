// qkv.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/model/weight_formats.h"
#include "tests/shaders/kernel_test.h"
#include "tests/shaders/qkv_cases.h"

namespace gyre::test {
namespace {

using Cache = CacheFormat;

// What the kernel found, widened to floats; the same shapes.
struct FoundQkv {
    std::vector<float> q, k, v;
};

class QkvKernelTest : public KernelTest {
  protected:
    // Tokens [first, first + n) of the data in one dispatch. Empty where the tiling wants texels
    // and this device cannot show so many.
    FoundQkv compute(const QkvData& data, const Tiling& tiling, std::uint32_t first,
                     std::uint32_t n) {
        const QkvCase& c = data.c;
        KernelBuffers buffers;
        const WeightMatrix matrix =
            add_weights(data.weights, c.options.heads_a_slice * c.heads.dim, buffers);
        QkvParams params{};
        buffers.session.row_stride = activation_stride(c.n_in);
        params.x_offset =
            buffers.state.add_rows(data.x, c.n_in, buffers.session.row_stride, ACTIVATION_ALIGN);
        params.x_offset += first * buffers.session.row_stride;
        params.n_tokens = n;
        params.norm_weight_offset = buffers.params.add_floats(data.gain, 4);
        params.norm_bias_offset =
            c.options.bias ? buffers.params.add_floats(data.norm_bias, 4) : NO_OFFSET;
        buffers.session.norm_epsilon = kQkvNormEpsilon;
        params.bias_offset = c.options.bias ? buffers.params.add_floats(data.bias) : NO_OFFSET;
        buffers.session.n_head = c.heads.n_head;
        buffers.session.n_head_kv = c.heads.n_head_kv;
        buffers.session.head_dim = c.heads.dim;
        params.rotary_stride = c.rotary.stride();
        add_tables(c, buffers, params);
        buffers.session.q_stride = 2 * c.heads.n_head * data.n_pairs() + 3;
        buffers.session.q_offset = buffers.state.add_output_rows(
            n, 2 * c.heads.n_head * data.n_pairs(), buffers.session.q_stride, 1);
        CacheShape shape{c.cache, c.heads.n_head_kv, data.n_pairs(), c.tokens.n_ctx};
        shape.add_to(buffers.cache);
        params.v_offset = shape.layout().v_offset;
        buffers.session.n_embd = c.n_in;
        shape.describe(buffers.session);
        const std::uint32_t kv_words = 4 * c.heads.n_head_kv * data.n_pairs();
        if (c.cache == Cache::kQ8_0) {  // quantize_cache.comp fills the cache from the state
            buffers.session.kv_stride = kv_words + 7;
            buffers.session.kv_offset =
                buffers.state.add_output_rows(n, kv_words, buffers.session.kv_stride, 1);
        } else {
            for (std::uint32_t t = 0; t < n; ++t)
                shape.allow(buffers.cache, c.tokens.first + first + t);
        }
        buffers.step.first_position = c.tokens.first + first;
        buffers.step.n_tokens = n;

        QkvVariant variant{.format = c.format,
                           .complex = c.options.is_complex,
                           .cache = c.cache,
                           .rotary = c.rotary.kernel_spec(),
                           .norm_quads = 0,
                           .row_step = pair_row_step(c.rotary.pairing, c.options.is_complex,
                                                     c.heads.dim, c.rotary.stride()),
                           .tiling = tiling};
        if (c.options.norm) variant.norm_quads = activation_stride(c.n_in) / 4;
        if (tiling.texels && !all_texels_fit(device().caps(), buffers)) return {};
        if (tiling.one_tile() && !weight_texels_fit(device().caps(), buffers)) return {};
        if (tiling.one_tile()) {
            buffers.texels_offset = params.x_offset;
            buffers.texels_words = buffers.session.row_stride;
        }
        const Kernel kernel = built(kernels().get(variant));
        const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
            for (std::size_t slice = 0; slice < sets.size(); ++slice) {
                describe_slice(matrix, matrix.slices[slice], c.heads.dim, params);
                record_qkv(recorder, kernel, sets[slice], params, c.heads.dim);
            }
        });
        FoundQkv found;
        found.q = rows_at(result.state, buffers.session.q_offset, n,
                          2 * c.heads.n_head * data.n_pairs(), buffers.session.q_stride);
        if (c.cache == Cache::kQ8_0) {
            const std::uint32_t half = kv_words / 2;
            found.k = rows_at(result.state, buffers.session.kv_offset, n, half,
                              buffers.session.kv_stride);
            found.v = rows_at(result.state, buffers.session.kv_offset + half, n, half,
                              buffers.session.kv_stride);
        } else {
            found.k = shape.read_cells(result.cache, Side::kKeys, c.tokens.first + first, n);
            found.v = shape.read_cells(result.cache, Side::kValues, c.tokens.first + first, n);
        }
        return found;
    }

    FoundQkv one_by_one(const QkvData& data, const Tiling& tiling) {
        FoundQkv all;
        for (std::uint32_t t = 0; t < data.c.tokens.n; ++t) {
            const FoundQkv one = compute(data, tiling, t, 1);
            all.q.insert(all.q.end(), one.q.begin(), one.q.end());
            all.k.insert(all.k.end(), one.k.begin(), one.k.end());
            all.v.insert(all.v.end(), one.v.begin(), one.v.end());
        }
        return all;
    }

    void expect_same(const FoundQkv& a, const FoundQkv& b, const char* how) {
        EXPECT_TRUE(same_bits(a.q, b.q)) << "queries " << how;
        EXPECT_TRUE(same_bits(a.k, b.k)) << "keys " << how;
        EXPECT_TRUE(same_bits(a.v, b.v)) << "values " << how;
    }

    // By the modules for one tile, one by one and in tiles. Against `found`, the sums of one
    // invocation each.
    void expect_fixed_equals(const QkvData& data, const FoundQkv& found) {
        if (!format_info(data.c.format).has_tiles(data.weights.is_complex)) return;
        const FoundQkv one = one_by_one(data, kFixedDecode);
        if (one.q.empty()) return;  // larger than what a model would have in one slice here
        expect_same(one, found, "of tokens one by one");
        expect_same(compute(data, kFixedPrefill, 0, data.c.tokens.n), found, "of tiles");
    }

    // By the device's matrix units, where it has them: within the bounds of the reference, and the
    // same bits in every tile and one by one.
    void expect_cooperative(QkvData data) {
        FoundQkv first;
        for (const Tiling& tiling : cooperative_tilings(device().caps())) {
            SCOPED_TRACE("cooperative, rows " + std::to_string(tiling.rows) + ", tokens " +
                         std::to_string(tiling.tokens) + (tiling.texels ? ", texels" : ""));
            const FoundQkv found = compute(data, tiling, 0, data.c.tokens.n);
            if (found.q.empty()) continue;  // texels that do not fit
            if (!first.q.empty()) {
                expect_same(found, first, "of another tile");
                continue;
            }
            first = found;
            data.c.tiling = tiling;
            expect_equal(found, expected_of(data));
            expect_same(one_by_one(data, tiling), found, "of tokens one by one");
        }
    }

    static void expect_equal(const FoundQkv& found, const QkvExpected& expected) {
        EXPECT_TRUE(within(found.q, expected.q.y, expected.q.bounds)) << "queries";
        EXPECT_TRUE(within(found.k, expected.k.y, expected.k.bounds)) << "keys";
        EXPECT_TRUE(within(found.v, expected.v.y, expected.v.bounds)) << "values";
    }

    // By storage, texels, stages, scales by four, tiles of their own and matrix units.
    void expect_reference(const QkvCase& qkv_case) {
        const QkvData data(qkv_case);
        const QkvExpected expected = expected_of(data);
        const FoundQkv found = compute(data, data.c.tiling, 0, data.c.tokens.n);
        expect_equal(found, expected);
        const FoundQkv texels = compute(data, with_texels(data.c.tiling), 0, data.c.tokens.n);
        if (!texels.q.empty()) expect_same(texels, found, "by texels");
        if (data.c.options.norm) return;
        const bool in_one = data.c.tiling.k_lanes == 1;
        if (in_one) {
            for (const Tiling& tiling : {kEightLanes, kFourLanes})
                expect_same(compute(data, tiling, 0, data.c.tokens.n), found,
                            "with scales by four");
        }
        if (data.weights.is_complex && in_one) {
            expect_same(compute(data, in_stages(data.c.tiling), 0, data.c.tokens.n), found,
                        "in stages");
        }
        expect_fixed_equals(data, in_one ? found : compute(data, kDecode, 0, data.c.tokens.n));
        expect_cooperative(data);
    }

  private:
    // Only the tables that the variant needs; the offsets of the others point to canaries.
    static void add_tables(const QkvCase& c, KernelBuffers& buffers, QkvParams& params) {
        if (c.rotary.rotate_keys) {
            const double amplitude = c.rotary.amplitude;
            params.query_table = buffers.state.add_floats(
                c.rotary.table(c.heads.dim, c.tokens.n_ctx, amplitude, 1.0));
            params.key_table = buffers.state.add_floats(
                c.rotary.table(c.heads.dim, c.tokens.n_ctx, amplitude, -1.0));
        }
        if (c.rotary.rotates_values()) {
            params.value_table =
                buffers.state.add_floats(c.rotary.table(c.heads.dim, c.tokens.n_ctx));
        }
    }
};

class QkvCaseTest : public QkvKernelTest, public testing::WithParamInterface<QkvCase> {};

TEST_P(QkvCaseTest, EqualsReference) {
    expect_reference(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Qkv, QkvCaseTest,
                         testing::ValuesIn(qkv_cases().begin(), qkv_cases().end()),
                         case_name<QkvCase>);

class QkvFormatTest : public QkvKernelTest, public testing::WithParamInterface<WeightFormat> {};

TEST_P(QkvFormatTest, EqualsReference) {
    const std::uint32_t n_in = std::max(96u, format_block_elements(GetParam()));
    expect_reference({"prompt",
                      GetParam(),
                      Cache::kF32,
                      {3, 1, 64},
                      n_in,
                      {4, 3, 16},
                      rove(RotaryPairing::kHalf, 64),
                      kPrefill});
    expect_reference({"decode",
                      GetParam(),
                      Cache::kF16,
                      {4, 2, 16},
                      768,
                      {4, 1, 16},
                      rope(RotaryPairing::kInterleaved, 16),
                      kDecodeLanes,
                      {.norm = true}});
    expect_reference({"complex",
                      GetParam(),
                      Cache::kF32,
                      {3, 3, 20},
                      2 * n_in,
                      {4, 5, 16},
                      rope(RotaryPairing::kInterleaved, 20),
                      kPrefill,
                      {.is_complex = true}});
}

// A prompt in one dispatch is the same as its tokens one by one, whatever the tile.
TEST_P(QkvFormatTest, BitsDoNotDependOnTheBatch) {
    constexpr std::uint32_t kTokens = 13;
    const QkvData data({"bits",
                        GetParam(),
                        Cache::kF32,
                        {3, 1, 20},
                        std::max(96u, format_block_elements(GetParam())),
                        {5, kTokens, 18},
                        rove(RotaryPairing::kHalf, 16),
                        kDecode});
    const FoundQkv tokens = one_by_one(data, kDecode);
    // Small enough for the texels of every device; of formats without tiles of their own one tile
    // (linear_kernel_test).
    std::vector<Tiling> tilings = {in_stages(with_texels(kSmall))};
    if (format_info(GetParam()).has_tiles(false)) {
        tilings.insert(tilings.end(), {kPrefill, kWidePrefill, kSmall, with_texels(kPrefill),
                                       in_stages(kWidePrefill), rolled(kPrefill)});
    }
    for (const Tiling& tiling : tilings) {
        const std::string how =
            "in tiles of " + std::to_string(tiling.tokens) + (tiling.staged ? ", in stages" : "");
        expect_same(compute(data, tiling, 0, kTokens), tokens, how.c_str());
    }
    expect_fixed_equals(data, tokens);
}

INSTANTIATE_TEST_SUITE_P(Qkv, QkvFormatTest, testing::ValuesIn(all_formats()),
                         [](const auto& row) { return std::string(format_name(row.param)); });

template <typename Matches>
bool covered(Matches&& matches) {
    return std::any_of(qkv_cases().begin(), qkv_cases().end(), matches);
}

TEST(QkvCasesTest, CoverEveryPairing) {
#define GYRE_EXPECT_PAIRING(id, name, function)                                    \
    EXPECT_TRUE(covered([](const QkvCase& c) {                                     \
        return c.rotary.pairing == RotaryPairing::k##name && c.rotary.rotate_keys; \
    })) << #name                                                                   \
        << " has no row in kCases";
    ROTARY_PAIRING_LIST(GYRE_EXPECT_PAIRING)
#undef GYRE_EXPECT_PAIRING
}

TEST(QkvCasesTest, CoverEveryValueRotation) {
#define GYRE_EXPECT_VALUES(id, name)                      \
    EXPECT_TRUE(covered([](const QkvCase& c) {            \
        return c.rotary.values == ValueRotation::k##name; \
    })) << #name;
    ROTARY_VALUES_LIST(GYRE_EXPECT_VALUES)
#undef GYRE_EXPECT_VALUES
}

TEST(QkvCasesTest, CoverEveryCacheFormat) {
#define GYRE_EXPECT_CACHE(id, name, pairs, scales) \
    EXPECT_TRUE(covered([](const QkvCase& c) { return c.cache == Cache::k##name; })) << #name;
    CACHE_FORMAT_LIST(GYRE_EXPECT_CACHE)
#undef GYRE_EXPECT_CACHE
}

}  // namespace
}  // namespace gyre::test
