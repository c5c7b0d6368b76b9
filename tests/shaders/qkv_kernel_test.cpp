// qkv.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/reference/layer_norm.h"
#include "tests/shaders/kernel_test.h"
#include "tests/shaders/rotary_case.h"

namespace gyre::test {
namespace {

using Format = WeightFormat;
using Cache = CacheFormat;
using Pairing = RotaryPairing;
using Values = ValueRotation;

constexpr float kEpsilon = 1e-5f;

struct QkvCase {
    const char* name;
    Format format;
    Cache cache;
    std::uint32_t n_head, n_head_kv, head_dim, n_in;
    std::uint32_t first_position, n_tokens, n_ctx;
    RotaryCase rotary;
    Tiling tiling;
    bool bias = true;
    bool norm = false;                // fused: decode only
    std::uint32_t heads_a_slice = 0;  // 0: one slice
    bool is_complex = false;
};

// rows counts weight rows: two a pair.
constexpr Tiling kDecode{.local_size = 64, .rows = 4, .tokens = 1, .k_lanes = 1};
constexpr Tiling kDecodeLanes{.local_size = 64, .rows = 2, .tokens = 1, .k_lanes = 8};
constexpr Tiling kPrefill{.local_size = 64, .rows = 4, .tokens = 4, .k_lanes = 1};
constexpr Tiling kWidePrefill{.local_size = 128, .rows = 2, .tokens = 8, .k_lanes = 1};
constexpr Tiling kSmall{.local_size = 16, .rows = 2, .tokens = 3, .k_lanes = 1};

RotaryCase rope(Pairing pairing, std::uint32_t dim) {
    return {pairing, dim};
}
RotaryCase rove(Pairing pairing, std::uint32_t dim) {
    return {pairing, dim, true, Values::kRove};
}

const QkvCase kCases[] = {
    // name, format, cache, heads, kv heads, head_dim, n_in, first position, tokens, context, rotary
    {"one_pair", Format::kF32, Cache::kF32, 1, 1, 2, 2, 5, 1, 8, rope(Pairing::kHalf, 2), kDecode},
    {"one_pair_interleaved", Format::kF32, Cache::kF32, 1, 1, 2, 7, 0, 3, 3,
     rope(Pairing::kInterleaved, 2), kPrefill},
    {"odd_head", Format::kF32, Cache::kF32, 3, 3, 5, 60, 2, 5, 17, rope(Pairing::kHalf, 4),
     kPrefill},
    {"odd_head_f16_cache", Format::kF32, Cache::kF16, 3, 1, 5, 60, 2, 5, 17,
     rove(Pairing::kInterleaved, 4), kSmall},
    {"half", Format::kF32, Cache::kF16, 3, 3, 20, 60, 11, 1, 28, rope(Pairing::kHalf, 20), kDecode},
    {"interleaved", Format::kF16, Cache::kF32, 3, 3, 20, 60, 11, 2, 28,
     rope(Pairing::kInterleaved, 20), kPrefill},
    {"rove_half", Format::kBf16, Cache::kF32, 3, 3, 20, 60, 1, 17, 28, rove(Pairing::kHalf, 20),
     kWidePrefill},
    {"rove_interleaved", Format::kQ8_0, Cache::kF16, 3, 3, 20, 64, 0, 28, 28,
     rove(Pairing::kInterleaved, 20), kPrefill},
    {"grouped_queries", Format::kQ4_0, Cache::kF32, 12, 4, 20, 96, 3, 2, 7,
     rove(Pairing::kHalf, 20), kPrefill},
    {"one_kv_head", Format::kF32, Cache::kF16, 12, 1, 8, 17, 3, 1, 7, rope(Pairing::kHalf, 8),
     kDecodeLanes},
    {"partial_half", Format::kF32, Cache::kF32, 3, 3, 80, 60, 9, 2, 11, rove(Pairing::kHalf, 20),
     kPrefill},
    {"partial_interleaved", Format::kF32, Cache::kF32, 3, 3, 80, 60, 9, 2, 11,
     rove(Pairing::kInterleaved, 20), kPrefill},
    {"rope_id",
     Format::kF32,
     Cache::kF32,
     2,
     2,
     32,
     60,
     100,
     2,
     128,
     {Pairing::kHalf, 32, true, Values::kNone, 1.0, Frequencies::kRopeId},
     kDecode},
    {"amplitude",
     Format::kF32,
     Cache::kF32,
     2,
     2,
     16,
     60,
     40,
     2,
     64,
     {Pairing::kHalf, 16, true, Values::kRove, 1.3},
     kDecode},
    {"rotate_only",
     Format::kF32,
     Cache::kF32,
     2,
     2,
     16,
     60,
     40,
     2,
     64,
     {Pairing::kHalf, 16, true, Values::kRotateOnly},
     kDecode},
    {"vo_rope",
     Format::kF32,
     Cache::kF32,
     2,
     2,
     16,
     60,
     40,
     2,
     64,
     {Pairing::kHalf, 16, false, Values::kRove},
     kDecode},
    {"nothing_turns",
     Format::kF16,
     Cache::kF16,
     3,
     3,
     20,
     60,
     40,
     5,
     64,
     {Pairing::kHalf, 0, false, Values::kNone},
     kPrefill},
    {"without_bias", Format::kF16, Cache::kF32, 3, 3, 20, 60, 4, 5, 64, rove(Pairing::kHalf, 20),
     kPrefill, false},
    {"norm_inside", Format::kF32, Cache::kF32, 3, 3, 20, 60, 4, 1, 16, rove(Pairing::kHalf, 20),
     kDecode, true, true},
    {"norm_inside_lanes", Format::kQ8_0, Cache::kF16, 4, 2, 16, 64, 4, 1, 16,
     rope(Pairing::kInterleaved, 16), kDecodeLanes, false, true},
    {"norm_each_token", Format::kF32, Cache::kF32, 3, 3, 20, 60, 4, 3, 16, rope(Pairing::kHalf, 20),
     kDecode, true, true},
    {"sliced", Format::kF16, Cache::kF32, 6, 3, 10, 60, 4, 3, 16, rove(Pairing::kHalf, 10),
     kPrefill, true, false, 5},
    {"gpt2_last_position", Format::kQ8_0, Cache::kF16, 12, 12, 64, 768, 1023, 1, 1024,
     rove(Pairing::kHalf, 64), kDecode, true, true},
    {"gpt2_first_position", Format::kQ4_0, Cache::kF16, 12, 12, 64, 768, 0, 1, 1024,
     rope(Pairing::kHalf, 64), kDecodeLanes, true, true},
    {"gpt2_prompt", Format::kF16, Cache::kF16, 12, 12, 64, 768, 1007, 17, 1024,
     rove(Pairing::kHalf, 64), kWidePrefill},
    {"pythia_head", Format::kF16, Cache::kF16, 2, 2, 80, 128, 1000, 3, 1024,
     rope(Pairing::kHalf, 20), kPrefill},
    // Keys and values for a quantised cache go to the state.
    {"q8_0_cache", Format::kF32, Cache::kQ8_0, 3, 3, 20, 60, 4, 3, 16, rove(Pairing::kHalf, 20),
     kPrefill},
    {"q8_0_cache_grouped", Format::kQ8_0, Cache::kQ8_0, 4, 2, 34, 64, 9, 1, 16,
     rope(Pairing::kInterleaved, 34), kDecode, true, true},
    // CRoPE: complex weights, interleaved pairs.
    {"complex_one_pair", Format::kF32, Cache::kF32, 1, 1, 2, 2, 5, 1, 8,
     rope(Pairing::kInterleaved, 2), kDecode, true, false, 0, true},
    {"complex_f32", Format::kF32, Cache::kF32, 3, 3, 20, 60, 4, 5, 16,
     rope(Pairing::kInterleaved, 20), kPrefill, true, false, 0, true},
    {"complex_f16_norm", Format::kF16, Cache::kF16, 3, 1, 20, 60, 4, 1, 16,
     rove(Pairing::kInterleaved, 20), kDecode, true, true, 0, true},
    {"complex_bf16_lanes", Format::kBf16, Cache::kF32, 3, 3, 20, 62, 4, 1, 16,
     rope(Pairing::kInterleaved, 20), kDecodeLanes, false, false, 0, true},
    {"complex_q8_0", Format::kQ8_0, Cache::kF32, 3, 3, 20, 192, 4, 13, 20,
     rope(Pairing::kInterleaved, 20), kWidePrefill, true, false, 0, true},
    {"complex_q4_0", Format::kQ4_0, Cache::kF16, 3, 3, 20, 192, 4, 2, 20,
     rove(Pairing::kInterleaved, 8), kSmall, true, false, 0, true},
    {"complex_sliced", Format::kF16, Cache::kF32, 6, 3, 10, 60, 4, 3, 16,
     rove(Pairing::kInterleaved, 10), kPrefill, true, false, 5, true},
    {"complex_gpt2", Format::kF16, Cache::kF16, 12, 12, 64, 768, 1023, 1, 1024,
     rope(Pairing::kInterleaved, 64), kDecode, true, true, 0, true},
};

struct QkvData {
    QkvCase c;
    RandomWeights weights;
    std::vector<float> x, gain, norm_bias, bias;

    explicit QkvData(const QkvCase& qkv_case) : c(qkv_case) {
        reference::Generator generator(41);
        weights = random_weights(c.format, c.is_complex, n_rows(), c.n_in, generator);
        x = generator.bells(std::size_t{c.n_tokens} * c.n_in);
        gain = generator.bells(c.n_in);
        norm_bias = c.bias ? generator.bells(c.n_in) : std::vector<float>{};
        bias = c.bias ? generator.bells(n_rows()) : std::vector<float>{};
    }
    std::uint32_t n_pairs() const { return (c.head_dim + 1) / 2; }
    std::uint32_t n_rows() const { return (c.n_head + 2 * c.n_head_kv) * c.head_dim; }
};

// q, k or v of every token in pair order: [n_tokens][n_heads][n_pairs][2].
struct PairRows {
    std::vector<double> y, bounds;
};
struct Qkv {
    PairRows q, k, v;
};

// Columns [first, first + n) of rows [n_rows][n_cols].
std::vector<double> columns(const std::vector<double>& rows, std::size_t n_cols, std::size_t first,
                            std::size_t n) {
    std::vector<double> result;
    for (std::size_t row = 0; row < rows.size(); row += n_cols) {
        const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(row + first);
        result.insert(result.end(), begin, begin + static_cast<std::ptrdiff_t>(n));
    }
    return result;
}

// Turns a side if asked, adds the errors of turning and storing, and puts it into pair order.
PairRows finished(const QkvCase& c, std::vector<double> y, std::vector<double> bounds,
                  std::uint32_t n_heads, bool turns, double amplitude, Cache stored_as) {
    const auto channels = c.rotary.channel_pairs(c.head_dim);
    PairRows side{to_pair_order(y, channels, c.head_dim),
                  to_pair_order(bounds, channels, c.head_dim)};
    if (turns) {
        // Each new channel is a sum of two products: the errors of both, and of the table, 4
        // roundings.
        for (std::size_t i = 0; i < side.y.size(); i += 2) {
            const double size = std::hypot(side.y[i], side.y[i + 1]);
            const double carried = std::hypot(side.bounds[i], side.bounds[i + 1]);
            side.bounds[i] = side.bounds[i + 1] =
                amplitude * (std::sqrt(2.0) * carried + 4 * kUnit * size * 2);
        }
        std::vector<double> positions;
        for (std::uint32_t t = 0; t < c.n_tokens; ++t)
            positions.push_back(c.first_position + t);
        y = reference::rotate_heads(y, n_heads, c.head_dim, c.rotary.turning_pairs(), positions,
                                    amplitude);
        side.y = to_pair_order(y, channels, c.head_dim);
    }
    if (stored_as == Cache::kF16) {
        for (std::size_t i = 0; i < side.y.size(); ++i) {
            side.bounds[i] += kHalfUnit * (std::abs(side.y[i]) + side.bounds[i]) + kHalfTiny;
        }
    }
    return side;
}

Qkv expected_of(const QkvData& data) {
    const QkvCase& c = data.c;
    std::vector<double> x = reference::widen(data.x), x_error(x.size(), 0.0);
    if (c.norm) {
        const auto gain = reference::widen(data.gain), bias = reference::widen(data.norm_bias);
        x_error = layer_norm_error(x, c.n_in, gain, bias, double{kEpsilon}, c.tiling.local_size);
        x = reference::layer_norm(x, c.n_in, gain, bias, double{kEpsilon});
    }
    const auto bias = reference::widen(data.bias);
    const auto y = data.weights.product(x, bias);
    auto bounds = data.weights.magnitude(x, bias);
    const auto carried = data.weights.magnitude(x_error, {});
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        bounds[i] = product_roundings(c.n_in, c.tiling.k_lanes) * kUnit * bounds[i] + carried[i];
    }
    const std::size_t n_q = c.n_head * c.head_dim, n_kv = c.n_head_kv * c.head_dim,
                      all = data.n_rows();
    const auto side = [&](std::size_t first, std::size_t n, std::uint32_t n_heads, bool turns,
                          double amplitude, Cache stored_as) {
        return finished(c, columns(y, all, first, n), columns(bounds, all, first, n), n_heads,
                        turns, amplitude, stored_as);
    };
    const double amplitude = c.rotary.amplitude;
    return {side(0, n_q, c.n_head, c.rotary.rotate_keys, amplitude, Cache::kF32),
            side(n_q, n_kv, c.n_head_kv, c.rotary.rotate_keys, amplitude, c.cache),
            side(n_q + n_kv, n_kv, c.n_head_kv, c.rotary.values != Values::kNone, 1.0, c.cache)};
}

// What the kernel found, widened to floats; the same shapes.
struct FoundQkv {
    std::vector<float> q, k, v;
};

class QkvKernelTest : public KernelTest {
  protected:
    // Tokens [first, first + n) of the data in one dispatch.
    FoundQkv compute(const QkvData& data, const Tiling& tiling, std::uint32_t first,
                     std::uint32_t n) {
        const QkvCase& c = data.c;
        KernelBuffers buffers;
        const WeightMatrix matrix =
            add_weights(data.weights, c.heads_a_slice * c.head_dim, buffers);
        QkvParams params{};
        params.row_stride = activation_stride(c.n_in);
        params.x_offset =
            buffers.state.add_rows(data.x, c.n_in, params.row_stride, ACTIVATION_ALIGN);
        params.x_offset += first * params.row_stride;
        params.n_tokens = n;
        params.norm_weight_offset = buffers.params.add_floats(data.gain);
        params.norm_bias_offset = c.bias ? buffers.params.add_floats(data.norm_bias) : NO_OFFSET;
        params.norm_epsilon = kEpsilon;
        params.bias_offset = c.bias ? buffers.params.add_floats(data.bias) : NO_OFFSET;
        params.n_head = c.n_head;
        params.n_head_kv = c.n_head_kv;
        params.head_dim = c.head_dim;
        params.rotary_stride = c.rotary.stride();
        add_tables(c, buffers, params);
        params.q_stride = 2 * c.n_head * data.n_pairs() + 3;
        params.q_offset =
            buffers.state.add_output_rows(n, 2 * c.n_head * data.n_pairs(), params.q_stride, 1);
        CacheShape shape{c.cache, c.n_head_kv, data.n_pairs(), c.n_ctx};
        shape.add_to(buffers.cache);
        params.cache = shape.layout();
        const std::uint32_t kv_words = 4 * c.n_head_kv * data.n_pairs();
        if (c.cache == Cache::kQ8_0) {  // quantize_cache.comp fills the cache from the state
            params.kv_stride = kv_words + 7;
            params.kv_offset = buffers.state.add_output_rows(n, kv_words, params.kv_stride, 1);
        } else {
            for (std::uint32_t t = 0; t < n; ++t)
                shape.allow(buffers.cache, c.first_position + first + t);
        }
        buffers.step.first_position = c.first_position + first;
        buffers.step.n_tokens = n;

        QkvVariant variant{.format = c.format,
                           .complex = c.is_complex,
                           .cache = c.cache,
                           .rotary = c.rotary.kernel_spec(),
                           .norm_quads = 0,
                           .tiling = tiling};
        if (c.norm) variant.norm_quads = activation_stride(c.n_in) / 4;
        const Kernel kernel = built(kernels().qkv(variant));
        const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
            for (std::size_t slice = 0; slice < sets.size(); ++slice) {
                describe_slice(matrix, matrix.slices[slice], params);
                record_qkv(recorder, kernel, sets[slice], params);
            }
        });
        FoundQkv found;
        found.q = rows_at(result.state, params.q_offset, n, 2 * c.n_head * data.n_pairs(),
                          params.q_stride);
        if (c.cache == Cache::kQ8_0) {
            const std::uint32_t half = kv_words / 2;
            found.k = rows_at(result.state, params.kv_offset, n, half, params.kv_stride);
            found.v = rows_at(result.state, params.kv_offset + half, n, half, params.kv_stride);
        } else {
            found.k = shape.read_cells(result.cache, Side::kKeys, c.first_position + first, n);
            found.v = shape.read_cells(result.cache, Side::kValues, c.first_position + first, n);
        }
        return found;
    }

  private:
    // Only the tables that the variant needs; the offsets of the others point to canaries.
    static void add_tables(const QkvCase& c, KernelBuffers& buffers, QkvParams& params) {
        if (c.rotary.rotate_keys) {
            const auto table = c.rotary.table(c.head_dim, c.n_ctx, c.rotary.amplitude);
            params.query_table = buffers.state.add_floats(table);
            params.key_table = buffers.state.add_floats(table);
        }
        if (c.rotary.values != Values::kNone) {
            params.value_table = buffers.state.add_floats(c.rotary.table(c.head_dim, c.n_ctx, 1.0));
        }
    }
};

class QkvCaseTest : public QkvKernelTest, public testing::WithParamInterface<QkvCase> {};

TEST_P(QkvCaseTest, EqualsReference) {
    const QkvData data(GetParam());
    const Qkv expected = expected_of(data);
    const FoundQkv found = compute(data, data.c.tiling, 0, data.c.n_tokens);
    EXPECT_TRUE(within(found.q, expected.q.y, expected.q.bounds)) << "queries";
    EXPECT_TRUE(within(found.k, expected.k.y, expected.k.bounds)) << "keys";
    EXPECT_TRUE(within(found.v, expected.v.y, expected.v.bounds)) << "values";
}

INSTANTIATE_TEST_SUITE_P(Qkv, QkvCaseTest, testing::ValuesIn(kCases), case_name<QkvCase>);

class QkvFormatTest : public QkvKernelTest, public testing::WithParamInterface<Format> {};

// A prompt in one dispatch is the same as its tokens one by one, whatever the tile.
TEST_P(QkvFormatTest, BitsDoNotDependOnTheBatch) {
    constexpr std::uint32_t kTokens = 13;
    const QkvData data({"bits", GetParam(), Cache::kF32, 3, 1, 20, 96, 5, kTokens, 18,
                        rove(Pairing::kHalf, 16), kDecode});
    FoundQkv one_by_one;
    for (std::uint32_t t = 0; t < kTokens; ++t) {
        const FoundQkv one = compute(data, kDecode, t, 1);
        one_by_one.q.insert(one_by_one.q.end(), one.q.begin(), one.q.end());
        one_by_one.k.insert(one_by_one.k.end(), one.k.begin(), one.k.end());
        one_by_one.v.insert(one_by_one.v.end(), one.v.begin(), one.v.end());
    }
    for (const Tiling& tiling : {kPrefill, kWidePrefill, kSmall}) {
        const FoundQkv prompt = compute(data, tiling, 0, kTokens);
        EXPECT_TRUE(same_bits(prompt.q, one_by_one.q)) << "queries, tokens " << tiling.tokens;
        EXPECT_TRUE(same_bits(prompt.k, one_by_one.k)) << "keys, tokens " << tiling.tokens;
        EXPECT_TRUE(same_bits(prompt.v, one_by_one.v)) << "values, tokens " << tiling.tokens;
    }
}

INSTANTIATE_TEST_SUITE_P(Qkv, QkvFormatTest, testing::ValuesIn(all_formats()),
                         [](const auto& row) { return std::string(format_name(row.param)); });

template <typename Matches>
bool covered(Matches&& matches) {
    return std::any_of(std::begin(kCases), std::end(kCases), matches);
}

TEST(QkvCasesTest, CoverEveryPairing) {
#define GYRE_EXPECT_PAIRING(id, name, function)                              \
    EXPECT_TRUE(covered([](const QkvCase& c) {                               \
        return c.rotary.pairing == Pairing::k##name && c.rotary.rotate_keys; \
    })) << #name                                                             \
        << " has no row in kCases";
    ROTARY_PAIRING_LIST(GYRE_EXPECT_PAIRING)
#undef GYRE_EXPECT_PAIRING
}

TEST(QkvCasesTest, CoverEveryValueRotation) {
#define GYRE_EXPECT_VALUES(id, name)                                                          \
    EXPECT_TRUE(covered([](const QkvCase& c) { return c.rotary.values == Values::k##name; })) \
        << #name;
    ROTARY_VALUES_LIST(GYRE_EXPECT_VALUES)
#undef GYRE_EXPECT_VALUES
}

TEST(QkvCasesTest, CoverEveryWeightAndCacheFormat) {
    for (const Format format : all_formats()) {
        EXPECT_TRUE(covered([&](const QkvCase& c) { return c.format == format; }))
            << format_name(format);
    }
#define GYRE_EXPECT_CACHE(id, name, pairs, scales) \
    EXPECT_TRUE(covered([](const QkvCase& c) { return c.cache == Cache::k##name; })) << #name;
    CACHE_FORMAT_LIST(GYRE_EXPECT_CACHE)
#undef GYRE_EXPECT_CACHE
}

}  // namespace
}  // namespace gyre::test
