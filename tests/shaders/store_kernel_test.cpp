// store_kv.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/model/rotary_table.h"
#include "tests/reference/generator.h"
#include "tests/reference/layer_norm.h"
#include "tests/shaders/kernel_test.h"
#include "tests/shaders/rotary_case.h"

namespace gyre::test {
namespace {

using Cache = CacheFormat;
constexpr auto kHalf = RotaryPairing::kHalf;
constexpr auto kInter = RotaryPairing::kInterleaved;
constexpr float kEpsilon = 1e-6f;
constexpr std::uint32_t kLocalSize = 32;  // of the kernel

enum class HeadNorm { kNone, kRms, kLayer };

struct StoreCase {
    const char* name;
    Cache cache;
    std::uint32_t n_head, n_head_kv, head_dim;
    std::uint32_t first_position, n_tokens, n_ctx;
    RotaryCase rotary;
    HeadNorm norm;
    QkNorm kind = QkNorm::kHeads;  // where there is a norm
    float clamp = 0.0f;
};

// clang-format off
const StoreCase kCases[] = {
    // name, cache, heads, kv heads, head_dim, position, tokens, context, rotary, norm
    {"one_channel",      Cache::kF32,  1, 1, 1,   0,    1,  1,    unrotated(),         HeadNorm::kNone},
    {"one_pair",         Cache::kF32,  1, 1, 2,   5,    1,  8,    rope(kHalf, 2),     HeadNorm::kRms},
    {"odd_head",         Cache::kF32,  3, 1, 5,   4,    3,  17,   rope(kHalf, 4),     HeadNorm::kRms},
    {"odd_head_f16",     Cache::kF16,  3, 3, 7,   4,    2,  17,   rope(kInter, 6),    HeadNorm::kRms},
    {"odd_head_q8_0",    Cache::kQ8_0, 3, 1, 9,   4,    3,  17,   rope(kHalf, 8),     HeadNorm::kRms},
    {"prime_head",       Cache::kF16,  4, 2, 61,  11,   5,  28,   rope(kHalf, 60),    HeadNorm::kLayer},
    {"layer_norm_q8_0",  Cache::kQ8_0, 2, 2, 34,  9,    2,  16,   rope(kInter, 34),   HeadNorm::kLayer},
    {"no_norm",          Cache::kF32,  4, 2, 20,  4,    5,  16,   rope(kHalf, 20),    HeadNorm::kNone},
    {"nothing_turns",    Cache::kF16,  4, 2, 20,  4,    5,  16,   unrotated(),         HeadNorm::kRms},
    {"partial",          Cache::kF32,  2, 1, 80,  4,    3,  16,   rope(kHalf, 20),    HeadNorm::kRms},
    {"rove",             Cache::kF32,  4, 2, 20,  4,    3,  16,   rove(kHalf, 20),    HeadNorm::kRms},
    {"rove_q8_0",        Cache::kQ8_0, 4, 2, 40,  4,    3,  16,   rove(kInter, 40),   HeadNorm::kRms},
    {"qwen3_last",       Cache::kF16,  16, 8, 128, 1023, 1, 1024, rope(kHalf, 128),   HeadNorm::kRms},
    {"gemma3",           Cache::kQ8_0, 4, 1, 256, 7,    9,  16,   rope(kHalf, 256),   HeadNorm::kRms},
    {"own_gains",        Cache::kF32,  4, 2, 9,   4,    3,  16,   rope(kHalf, 8),     HeadNorm::kLayer, QkNorm::kHeadsOwn},
    {"own_gains_q8_0",   Cache::kQ8_0, 3, 1, 40,  4,    2,  16,   rope(kInter, 40),   HeadNorm::kLayer, QkNorm::kHeadsOwn},
    {"rows",             Cache::kF32,  4, 2, 9,   4,    3,  16,   rope(kHalf, 8),     HeadNorm::kRms,   QkNorm::kRows},
    {"rows_of_layers",   Cache::kF16,  3, 1, 61,  4,    3,  16,   rope(kInter, 60),   HeadNorm::kLayer, QkNorm::kRows},
    {"olmo2",            Cache::kF16,  16, 16, 128, 1023, 1, 1024, rope(kHalf, 128),  HeadNorm::kRms,   QkNorm::kRows},
    {"rotated",          Cache::kF32,  4, 2, 9,   4,    3,  16,   rope(kHalf, 8),     HeadNorm::kRms,   QkNorm::kHeadsRotated},
    {"rotated_rove",     Cache::kF32,  4, 2, 20,  4,    3,  16,   rove(kInter, 20),   HeadNorm::kRms,   QkNorm::kHeadsRotated},
    {"hunyuan",          Cache::kQ8_0, 16, 4, 128, 7,   5,  16,   rope(kHalf, 128),   HeadNorm::kRms,   QkNorm::kHeadsRotated},
    {"clamped",          Cache::kF32,  3, 1, 7,   4,    3,  16,   rope(kHalf, 6),     HeadNorm::kNone,  QkNorm::kHeads, 1.5f},
    {"clamped_rows",     Cache::kF16,  4, 2, 20,  4,    3,  16,   rove(kHalf, 20),    HeadNorm::kRms,   QkNorm::kRows, 1.5f},
};
// clang-format on

// Heads of every token with the error that each element may have.
struct Heads {
    std::vector<double> y, bounds;
};

class StoreKvTest : public KernelTest, public testing::WithParamInterface<StoreCase> {
  protected:
    // Heads [first, first + n) of rows of `all` heads.
    static std::vector<double> heads_of(const StoreCase& c, const std::vector<double>& rows,
                                        std::uint32_t first, std::uint32_t n) {
        const std::size_t row = std::size_t{c.n_head + 2 * c.n_head_kv} * c.head_dim;
        std::vector<double> part;
        for (std::uint32_t t = 0; t < c.n_tokens; ++t) {
            const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(t * row) +
                               std::ptrdiff_t{first} * c.head_dim;
            part.insert(part.end(), begin, begin + std::ptrdiff_t{n} * c.head_dim);
        }
        return part;
    }

    // Clamped, normalised where there are gains, and rotated, in pair order.
    static Heads expected(const StoreCase& c, std::vector<double> y, std::uint32_t n_heads,
                          const std::vector<float>& gains, bool rotates) {
        for (double& value : y) {
            if (c.clamp != 0) value = std::clamp(value, -double{c.clamp}, double{c.clamp});
        }
        const bool rotates_first = c.kind == QkNorm::kHeadsRotated && rotates;
        Heads heads{y, std::vector<double>(y.size(), 0.0)};
        if (!rotates_first) normalise(c, n_heads, gains, heads);
        if (rotates) rotate(c, n_heads, heads);
        if (rotates_first) normalise(c, n_heads, gains, heads);
        const auto channels = c.rotary.channel_pairs(c.head_dim);
        return {to_pair_order(heads.y, channels, c.head_dim),
                to_pair_order(heads.bounds, channels, c.head_dim)};
    }

    static void normalise(const StoreCase& c, std::uint32_t n_heads,
                          const std::vector<float>& gains, Heads& heads) {
        if (gains.empty()) return;
        const bool rms = c.norm == HeadNorm::kRms;
        const std::uint32_t n = c.head_dim * (c.kind == QkNorm::kRows ? n_heads : 1);
        const std::vector<double> ones(n, 1.0);
        const std::vector<double> x = heads.y;
        heads.y = (rms ? reference::rms_norm : reference::layer_norm)(x, n, ones, {}, kEpsilon);
        const auto error =
            (rms ? rms_norm_error : layer_norm_error)(x, n, ones, {}, double{kEpsilon}, kLocalSize);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double gain = gains[i % gains.size()];
            // What a rotation before was off by: in the channel, and in the root of the head's mean
            // square, of which it is 8 sqrt(2) roundings.
            const double carried = x[i] == 0 ? 0 : std::abs(heads.bounds[i] * heads.y[i] / x[i]);
            const double root = carried == 0 ? 0 : 12 * kUnit * std::abs(heads.y[i]);
            heads.y[i] *= gain;
            heads.bounds[i] =
                std::abs(gain) * (error[i] + carried + root) + kUnit * std::abs(heads.y[i]);
        }
    }

    static void rotate(const StoreCase& c, std::uint32_t n_heads, Heads& heads) {
        std::vector<double> positions;
        for (std::uint32_t t = 0; t < c.n_tokens; ++t)
            positions.push_back(c.first_position + t);
        heads.y = reference::rotate_heads(heads.y, n_heads, c.head_dim, c.rotary.rotating_pairs(),
                                          positions);
        const auto channels = c.rotary.channel_pairs(c.head_dim);
        const std::vector<double> y = to_pair_order(heads.y, channels, c.head_dim);
        std::vector<double> bounds = to_pair_order(heads.bounds, channels, c.head_dim);
        // A new channel is a sum of two products: their errors, the table's, 4 roundings.
        for (std::size_t i = 0; i < y.size(); i += 2) {
            const double carried = std::hypot(bounds[i], bounds[i + 1]);
            const double size = std::hypot(y[i], y[i + 1]);
            bounds[i] = bounds[i + 1] = std::sqrt(2.0) * carried + 8 * kUnit * size;
        }
        heads.bounds = to_channel_order(bounds, channels, c.head_dim);
    }

    // What the cache's format adds to the error.
    static void add_storing(const StoreCase& c, Heads& heads) {
        const std::size_t head = std::size_t{c.head_dim + 1} / 2 * 2;
        for (std::size_t first = 0; first < heads.y.size(); first += head) {
            for (std::size_t i = 0; i < head; ++i) {
                double& bound = heads.bounds[first + i];
                const double size = std::abs(heads.y[first + i]) + bound;
                if (c.cache == Cache::kF16) bound += kHalfUnit * size + kHalfTiny;
                if (c.cache != Cache::kQ8_0) continue;
                double largest = 0;
                const std::size_t block = i / 32 * 32;
                for (std::size_t j = block; j < std::min(block + 32, head); ++j)
                    largest = std::max(largest, std::abs(heads.y[first + j]) + bound);
                bound += largest / 127.0 * (0.5 + 1e-3);  // half a step
            }
        }
    }
};

TEST_P(StoreKvTest, EqualsReference) {
    const StoreCase& c = GetParam();
    const std::uint32_t n_pairs = (c.head_dim + 1) / 2, n_heads = c.n_head + 2 * c.n_head_kv;
    reference::Generator generator(71);
    const std::vector<float> qkv =
        generator.bells(std::size_t{c.n_tokens} * n_heads * c.head_dim, 2.0f);
    const bool normalises = c.norm != HeadNorm::kNone;
    const auto gain = [&](std::uint32_t heads) {
        const bool own = c.kind == QkNorm::kHeadsOwn || c.kind == QkNorm::kRows;
        return normalises ? generator.bells(c.head_dim * (own ? heads : 1)) : std::vector<float>{};
    };
    const std::vector<float> q_gain = gain(c.n_head), k_gain = gain(c.n_head_kv);

    KernelBuffers buffers;
    StoreKvParams params{};
    buffers.session.qkv_stride = n_heads * c.head_dim + 3;
    params.q_in = buffers.state.add_rows(qkv, n_heads * c.head_dim, buffers.session.qkv_stride, 1);
    params.k_in = params.q_in + c.n_head * c.head_dim;
    params.v_in = params.k_in + c.n_head_kv * c.head_dim;
    params.n_head = c.n_head;
    params.n_head_kv = c.n_head_kv;
    buffers.session.head_dim = c.head_dim;
    buffers.session.n_head = c.n_head;
    buffers.session.n_head_kv = c.n_head_kv;
    buffers.session.qkv_offset = params.q_in;
    buffers.session.qkv_clamp = c.clamp;
    params.rotary_stride = c.rotary.stride();
    const bool rotates = c.rotary.rotate_keys && c.rotary.rotary_dim != 0;
    if (rotates) {
        const auto table = c.rotary.table(c.head_dim, c.n_ctx);
        params.query_table = buffers.state.add_floats(table);
        params.key_table = buffers.state.add_floats(table);
        params.value_table = buffers.state.add_floats(table);
    }
    buffers.session.q_stride = 2 * c.n_head * n_pairs + 5;
    params.q_offset = buffers.state.add_output_rows(c.n_tokens, 2 * c.n_head * n_pairs,
                                                    buffers.session.q_stride, 1);
    if (normalises) {
        params.q_gain = buffers.params.add_floats(q_gain);
        params.k_gain = buffers.params.add_floats(k_gain);
    }
    buffers.session.norm_epsilon = kEpsilon;
    CacheShape shape(c.cache, c.n_head_kv, n_pairs, c.n_ctx);
    shape.add_to(buffers.cache);
    for (std::uint32_t t = 0; t < c.n_tokens; ++t)
        shape.allow(buffers.cache, c.first_position + t);
    params.v_offset = shape.layout().v_offset;
    params.key_scales = shape.layout().key_scales;
    params.value_scales = shape.layout().value_scales;
    shape.describe(buffers.session);
    buffers.step.first_position = c.first_position;
    buffers.step.n_tokens = c.n_tokens;

    StoreVariant variant;
    variant.cache = c.cache;
    variant.rotary = c.rotary.kernel_spec();
    variant.rotary.rotate_keys = rotates;
    variant.norm = normalises ? c.kind : QkNorm::kNone;
    variant.clamp = c.clamp != 0;
    variant.rms_norm = c.norm == HeadNorm::kRms;
    const Kernel kernel = built(kernels().get(variant));
    const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
        record_store_kv(recorder, kernel, sets[0], params, c.n_tokens);
    });

    const auto rows = reference::widen(qkv);
    const Heads q = expected(c, heads_of(c, rows, 0, c.n_head), c.n_head, q_gain, rotates);
    Heads k = expected(c, heads_of(c, rows, c.n_head, c.n_head_kv), c.n_head_kv, k_gain, rotates);
    Heads v = expected(c, heads_of(c, rows, c.n_head + c.n_head_kv, c.n_head_kv), c.n_head_kv, {},
                       c.rotary.rotates_values());
    add_storing(c, k);
    add_storing(c, v);
    EXPECT_TRUE(within(rows_at(result.state, params.q_offset, c.n_tokens, 2 * c.n_head * n_pairs,
                               buffers.session.q_stride),
                       q.y, q.bounds))
        << "queries";
    const auto cells = [&](Side side) {
        return shape.read_cells(result.cache, side, c.first_position, c.n_tokens);
    };
    EXPECT_TRUE(within(cells(Side::kKeys), k.y, k.bounds)) << "keys";
    EXPECT_TRUE(within(cells(Side::kValues), v.y, v.bounds)) << "values";
}

class FarPositions : public KernelTest {
  protected:
    static constexpr std::uint32_t kHeadDim = 64, kTokens = 17, kLast = 1048575;
    static constexpr std::uint32_t kFirst = kLast + 1 - kTokens;

    // Two heads of queries and n_kv of keys and values at positions kFirst to kLast, by the
    // session's own table of n_ctx positions from first_position; the largest error of queries and
    // keys.
    double largest_error(std::uint32_t first_position, std::uint32_t n_ctx, std::uint32_t n_kv) {
        const RotaryCase rotary = rope(kHalf, kHeadDim);
        const std::uint32_t n_pairs = kHeadDim / 2, n_heads = 2 + 2 * n_kv;
        RotarySpec spec = make_unrotated_spec(kHeadDim);
        spec.inv_freq = rotary.inv_freq();
        std::vector<float> table(rotary_table_floats(spec, n_ctx));
        fill_rotary_table(spec, RotaryTable::kQueries, first_position, n_ctx, 0.0, table);
        std::vector<float> qkv =
            reference::Generator(72).bells(std::size_t{kTokens} * n_heads * kHeadDim);
        for (std::size_t i = 0; i < qkv.size(); ++i)
            qkv[i] = std::clamp(qkv[i], -1.0f, 1.0f);  // pairs of length sqrt 2 at most

        KernelBuffers buffers;
        StoreKvParams params{};
        buffers.session.qkv_stride = n_heads * kHeadDim;
        params.q_in =
            buffers.state.add_rows(qkv, buffers.session.qkv_stride, buffers.session.qkv_stride, 1);
        params.k_in = params.q_in + 2 * kHeadDim;
        params.v_in = params.k_in + n_kv * kHeadDim;
        params.n_head = 2;
        params.n_head_kv = n_kv;
        buffers.session.head_dim = kHeadDim;
        params.rotary_stride = rotary.stride();
        params.query_table = params.key_table = buffers.state.add_floats(table);
        buffers.session.q_stride = 2 * kHeadDim;
        params.q_offset =
            buffers.state.add_output_rows(kTokens, 2 * kHeadDim, buffers.session.q_stride, 1);
        CacheShape shape(Cache::kF32, n_kv, n_pairs, n_ctx);
        shape.add_to(buffers.cache);
        buffers.step.first_position = kFirst - first_position;
        for (std::uint32_t t = 0; t < kTokens; ++t)
            shape.allow(buffers.cache, buffers.step.first_position + t);
        params.v_offset = shape.layout().v_offset;
        params.key_scales = shape.layout().key_scales;
        params.value_scales = shape.layout().value_scales;
        shape.describe(buffers.session);
        buffers.step.n_tokens = kTokens;
        StoreVariant variant;
        variant.cache = Cache::kF32;
        variant.rotary = rotary.kernel_spec();
        const Kernel kernel = built(kernels().get(variant));
        const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
            record_store_kv(recorder, kernel, sets[0], params, kTokens);
        });

        std::vector<double> positions;
        for (std::uint32_t t = 0; t < kTokens; ++t)
            positions.push_back(kFirst + t);
        const auto channels = rotary.channel_pairs(kHeadDim);
        const auto rotated = reference::rotate_heads(reference::widen(qkv), n_heads, kHeadDim,
                                                     rotary.rotating_pairs(), positions);
        double worst = 0.0;
        const auto compare = [&](const std::vector<float>& got, std::uint32_t first_head,
                                 std::uint32_t n) {
            ASSERT_EQ(got.size(), std::size_t{kTokens} * n * kHeadDim);
            for (std::uint32_t t = 0; t < kTokens; ++t) {
                const auto row = rotated.begin() + (t * n_heads + first_head) * kHeadDim;
                const auto expected =
                    to_pair_order(std::vector<double>(row, row + n * kHeadDim), channels, kHeadDim);
                for (std::uint32_t i = 0; i < n * kHeadDim; ++i) {
                    const double error = std::abs(double{got[t * n * kHeadDim + i]} - expected[i]);
                    if (!(error <= worst)) worst = std::isnan(error) ? INFINITY : error;
                }
            }
        };
        compare(
            rows_at(result.state, params.q_offset, kTokens, 2 * kHeadDim, buffers.session.q_stride),
            0, 2);
        if (n_kv > 0) {
            compare(
                shape.read_cells(result.cache, Side::kKeys, buffers.step.first_position, kTokens),
                2, n_kv);
        }
        return worst;
    }
};

// Catches: angles in float32, a coarse row of another position. Lengths are at most sqrt 2, and the
// error of a table's row is (2 + sqrt 5) u, that of the rotation sqrt 5 u: 5.5e-7 at most.
TEST_F(FarPositions, AreRotatedAsExactlyAsNearOnes) {
    for (const double error : {largest_error(kFirst, kTokens, 1), largest_error(0, kLast + 1, 0)}) {
        EXPECT_LE(error, 2e-6);
        EXPECT_LE(error, std::sqrt(2.0) * (2 + 2 * std::sqrt(5.0)) * kUnit * 1.001);
        std::cout << "largest error at positions to " << kLast << ": " << error << std::endl;
    }
}

INSTANTIATE_TEST_SUITE_P(Store, StoreKvTest, testing::ValuesIn(kCases), case_name<StoreCase>);

}  // namespace
}  // namespace gyre::test
