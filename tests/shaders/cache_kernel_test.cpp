// quantize_cache.comp and shift_cache.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/shaders/kernel_test.h"
#include "tests/shaders/rotary_case.h"

namespace gyre::test {
namespace {

using Cache = CacheFormat;
constexpr auto kHalf = RotaryPairing::kHalf;
constexpr auto kInter = RotaryPairing::kInterleaved;

// Half a step of a block of largest magnitude `largest`, and what division and scale add to it.
double q8_bound(double largest) {
    return largest / 127.0 * (0.5 + 1e-3);
}

// The largest magnitude of the block of 32 that value i of a head belongs to.
double block_largest(std::span<const double> pairs, std::size_t i) {
    double largest = 0;
    const std::size_t first = i / 32 * 32, end = std::min(first + 32, pairs.size());
    for (std::size_t j = first; j < end; ++j)
        largest = std::max(largest, std::abs(pairs[j]));
    return largest;
}

struct QuantizeCase {
    const char* name;
    std::uint32_t n_head_kv, n_pairs, first_position, n_tokens, n_ctx;
};

const QuantizeCase kQuantizeCases[] = {
    {"one_pair", 1, 1, 0, 1, 1},
    {"odd_pairs", 3, 3, 5, 2, 17},
    {"a_block", 1, 16, 0, 3, 3},
    {"one_above_a_block", 2, 17, 1, 5, 9},
    {"two_blocks_and_a_half", 3, 40, 2, 17, 28},
    {"gpt2_last_position", 12, 32, 1023, 1, 1024},
    {"gpt2_prompt", 12, 32, 7, 28, 64},
};

class QuantizeCacheTest : public KernelTest, public testing::WithParamInterface<QuantizeCase> {};

TEST_P(QuantizeCacheTest, KeepsHalfAStep) {
    const QuantizeCase& c = GetParam();
    reference::Generator generator(61);
    const std::uint32_t head = 2 * c.n_pairs, row = 2 * c.n_head_kv * head;
    std::vector<float> kv = generator.bells(std::size_t{c.n_tokens} * row);
    // A head of zeros: its scale is zero, and nothing may be divided by it.
    std::fill_n(kv.begin(), head, 0.0f);

    KernelBuffers buffers;
    QuantizeCacheParams params{};
    params.kv_stride = row + 3;
    params.kv_offset = buffers.state.add_rows(kv, row, params.kv_stride, 1);
    params.n_tokens = c.n_tokens;
    params.n_head_kv = c.n_head_kv;
    params.n_pairs = c.n_pairs;
    CacheShape shape(Cache::kQ8_0, c.n_head_kv, c.n_pairs, c.n_ctx);
    shape.add_to(buffers.cache);
    for (std::uint32_t t = 0; t < c.n_tokens; ++t)
        shape.allow(buffers.cache, c.first_position + t);
    params.cache = shape.layout();
    shape.describe(buffers.session);
    buffers.step.first_position = c.first_position;
    buffers.step.n_tokens = c.n_tokens;

    const Kernel kernel = built(kernels().get(QuantizeCacheVariant{}));
    const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
        record_quantize_cache(recorder, kernel, sets[0], params);
    });
    const auto k = shape.read_cells(result.cache, Side::kKeys, c.first_position, c.n_tokens);
    const auto v = shape.read_cells(result.cache, Side::kValues, c.first_position, c.n_tokens);
    const auto kv64 = reference::widen(kv);
    for (const Side side : {Side::kKeys, Side::kValues}) {
        std::vector<double> expected, bounds;
        for (std::uint32_t t = 0; t < c.n_tokens; ++t) {
            for (std::uint32_t h = 0; h < c.n_head_kv; ++h) {
                const std::size_t at =
                    t * row + (h + (side == Side::kKeys ? 0 : c.n_head_kv)) * head;
                const auto pairs = std::span<const double>(kv64).subspan(at, head);
                expected.insert(expected.end(), pairs.begin(), pairs.end());
                for (std::size_t i = 0; i < head; ++i)
                    bounds.push_back(q8_bound(block_largest(pairs, i)));
            }
        }
        EXPECT_TRUE(within(side == Side::kKeys ? k : v, expected, bounds))
            << (side == Side::kKeys ? "keys" : "values");
    }
}

INSTANTIATE_TEST_SUITE_P(Quantize, QuantizeCacheTest, testing::ValuesIn(kQuantizeCases),
                         case_name<QuantizeCase>);

struct ShiftCase {
    const char* name;
    Cache cache;
    std::uint32_t n_head_kv, head_dim, n_ctx;
    std::uint32_t from, to, n_cells;
    RotaryCase rotary;
};

// clang-format off
const ShiftCase kShiftCases[] = {
    // name, cache, kv heads, head_dim, context, from, to, cells, rotary
    {"one_cell",          Cache::kF32,  1, 2,  2,   1,   0, 1,   rope(kHalf, 2)},
    {"keys_only",         Cache::kF32,  3, 20, 28,  11,  4, 17,  rope(kHalf, 20)},
    {"keys_only_f16",     Cache::kF16,  3, 20, 28,  11,  4, 17,  rope(kInter, 20)},
    {"rove",              Cache::kF32,  3, 20, 28,  11,  4, 17,  rove(kHalf, 20)},
    {"rove_f16",          Cache::kF16,  3, 20, 28,  11,  4, 17,  rove(kInter, 20)},
    {"rove_q8_0",         Cache::kQ8_0, 3, 20, 28,  11,  4, 17,  rove(kHalf, 20)},
    {"values_only",       Cache::kF32,  2, 16, 28,  11,  4, 5,   vo_rope(kHalf, 16)},
    {"rotate_only",       Cache::kF32,  2, 16, 28,  11,  4, 5,   rotate_only(kHalf, 16)},
    {"xpos_rove",         Cache::kF32,  2, 16, 128, 111, 4, 17,  with_xpos(rove(kHalf, 16))},
    {"nothing_turns",     Cache::kF32,  2, 16, 28,  11,  4, 17,  unrotated()},
    {"nothing_turns_f16", Cache::kF16,  2, 16, 28,  11,  4, 17,  unrotated()},
    {"odd_head",          Cache::kF16,  3, 5,  17,  6,   1, 11,  rove(kHalf, 4)},
    {"odd_head_q8_0",     Cache::kQ8_0, 3, 5,  17,  6,   1, 11,  rove(kInter, 4)},
    {"partial",           Cache::kF32,  2, 80, 17,  6,   1, 11,  rove(kHalf, 20)},
    {"by_one_cell",       Cache::kF32,  2, 16, 70,  5,   4, 65,  rove(kHalf, 16)},
    {"gpt2_half_context", Cache::kF16, 12, 64, 256, 132, 4, 124, rove(kHalf, 64)},
    {"gpt2_q8_0",         Cache::kQ8_0, 12, 64, 64, 36,  4, 28,  rove(kHalf, 64)},
};
// clang-format on

class ShiftCacheTest : public KernelTest, public testing::WithParamInterface<ShiftCase> {
  protected:
    // A cache full of numbers; cells [to, to + n_cells) may be written.
    static void fill(const ShiftCase& c, const CacheShape& shape, BufferImage& image) {
        reference::Generator generator(62);
        const auto channels = c.rotary.channel_pairs(c.head_dim);
        for (std::uint32_t cell = 0; cell < c.n_ctx; ++cell) {
            for (std::uint32_t head = 0; head < c.n_head_kv; ++head) {
                for (const Side side : {Side::kKeys, Side::kValues}) {
                    const auto values = reference::widen(generator.bells(c.head_dim));
                    const auto pairs = to_pair_order(values, channels, c.head_dim);
                    shape.set(image, side, head, cell, shape.encode(pairs));
                }
            }
        }
        for (std::uint32_t cell = c.to; cell < c.to + c.n_cells; ++cell)
            shape.allow_in_place(image, cell);
    }
};

TEST_P(ShiftCacheTest, MovesAndRotates) {
    const ShiftCase& c = GetParam();
    KernelBuffers buffers;
    CacheShape shape(c.cache, c.n_head_kv, (c.head_dim + 1) / 2, c.n_ctx);
    shape.add_to(buffers.cache);
    fill(c, shape, buffers.cache);
    ShiftCacheParams params{};
    params.cache = shape.layout();
    shape.describe(buffers.session);
    params.from = c.from;
    params.to = c.to;
    params.n_cells = c.n_cells;
    params.n_head_kv = c.n_head_kv;
    params.n_pairs = shape.n_pairs;
    const double by = static_cast<double>(c.to) - c.from;  // positions, negative
    const bool rotates_keys = c.rotary.rotate_keys, rotates_values = c.rotary.rotates_values();
    if (rotates_keys)
        params.key_rotation =
            buffers.state.add_floats(c.rotary.table_row(c.head_dim, by, 1.0, -1.0));
    if (rotates_values)
        params.value_rotation = buffers.state.add_floats(c.rotary.table_row(c.head_dim, by));

    const std::vector<std::uint32_t> before(buffers.cache.words().begin(),
                                            buffers.cache.words().end());
    const Kernel kernel = built(kernels().get(ShiftCacheVariant{c.cache, c.rotary.kernel_spec()}));
    const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
        record_shift_cache(recorder, kernel, sets[0], params);
    });
    const auto channels = c.rotary.channel_pairs(c.head_dim);
    for (const Side side : {Side::kKeys, Side::kValues}) {
        const bool is_turned = side == Side::kKeys ? rotates_keys : rotates_values;
        const auto old = reference::widen(shape.read_cells(before, side, c.from, c.n_cells));
        auto expected = old;
        if (is_turned) {
            const std::vector<double> positions(c.n_cells, by);
            const double decay = side == Side::kKeys ? -1.0 : 0.0;
            const auto rotated = reference::rotate_heads(
                to_channel_order(old, channels, c.head_dim), c.n_head_kv, c.head_dim,
                c.rotary.rotating_pairs(), positions, 1.0, decay);
            expected = to_pair_order(rotated, channels, c.head_dim);
        }
        std::vector<double> bounds;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const std::size_t head = 2 * shape.n_pairs, first = i / head * head, pair = i / 2 * 2;
            const double size = std::hypot(expected[pair], expected[pair + 1]);
            double bound = is_turned ? 8 * kUnit * size : 0.0;
            if (c.cache == Cache::kF16 && is_turned) bound += kHalfUnit * size;
            if (c.cache == Cache::kQ8_0) {
                const auto pairs = std::span<const double>(expected).subspan(first, head);
                bound += q8_bound(block_largest(pairs, i - first));
            }
            bounds.push_back(bound);
        }
        EXPECT_TRUE(within(shape.read_cells(result.cache, side, c.to, c.n_cells), expected, bounds))
            << (side == Side::kKeys ? "keys" : "values");
    }
}

INSTANTIATE_TEST_SUITE_P(Shift, ShiftCacheTest, testing::ValuesIn(kShiftCases),
                         case_name<ShiftCase>);

TEST(ShiftCasesTest, CoverEveryCacheFormat) {
#define GYRE_EXPECT_CACHE(id, name, pairs, scales)                                         \
    EXPECT_TRUE(std::any_of(std::begin(kShiftCases), std::end(kShiftCases),                \
                            [](const ShiftCase& c) { return c.cache == Cache::k##name; })) \
        << #name;
    CACHE_FORMAT_LIST(GYRE_EXPECT_CACHE)
#undef GYRE_EXPECT_CACHE
}

}  // namespace
}  // namespace gyre::test
