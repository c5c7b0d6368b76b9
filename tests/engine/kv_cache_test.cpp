// Where a layer's keys, values and scales lie: no device needed.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/kv_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace gyre {
namespace {

struct CacheCase {
    CacheFormat format;
    std::uint32_t n_ctx, n_head_kv, head_dim;
    // Worked out by hand from the comments of shaders/interface/cache.h.
    std::uint32_t head_words, head_blocks;
};

const CacheCase kCases[] = {
    // F32: a pair is two words.
    {CacheFormat::kF32, 64, 3, 20, 20, 0},
    {CacheFormat::kF32, 1, 1, 1, 4, 0},    // one pair with a single channel, padded to a uvec4
    {CacheFormat::kF32, 7, 2, 21, 24, 0},  // 11 pairs are 22 words
    // F16: a pair is a word.
    {CacheFormat::kF16, 1024, 12, 64, 32, 0},
    {CacheFormat::kF16, 64, 3, 20, 12, 0},  // 10 pairs
    {CacheFormat::kF16, 5, 3, 17, 12, 0},   // 9 pairs
    // Q8_0: two pairs are a word, 16 pairs share a scale.
    {CacheFormat::kQ8_0, 1024, 12, 64, 16, 2},
    {CacheFormat::kQ8_0, 64, 3, 20, 8, 1},   // 10 pairs: 5 words
    {CacheFormat::kQ8_0, 13, 1, 33, 12, 2},  // 17 pairs: 9 words, the second scale for one pair
    {CacheFormat::kQ8_0, 3, 5, 2, 4, 1},
};

CacheShape shape_of(const CacheCase& c) {
    ModelSpec config;
    config.n_head_kv = c.n_head_kv;
    config.n_head = c.n_head_kv * 2;
    config.head_dim = c.head_dim;
    return CacheShape::of(config, c.format, c.n_ctx);
}

class CacheLayouts : public testing::TestWithParam<CacheCase> {};

TEST_P(CacheLayouts, SizesAreThoseWorkedOutByHand) {
    const CacheShape shape = shape_of(GetParam());
    EXPECT_EQ(shape.head_words, GetParam().head_words);
    EXPECT_EQ(shape.head_blocks, GetParam().head_blocks);
    EXPECT_EQ(shape.n_pairs, (GetParam().head_dim + 1) / 2);
    EXPECT_EQ(shape.n_ctx, GetParam().n_ctx);
}

// Catches: an offset that forgets scales or heads: regions that overlap, or that end outside.
TEST_P(CacheLayouts, RegionsAreDisjointAndInside) {
    const CacheCase& c = GetParam();
    const CacheShape shape = shape_of(c);
    const CacheLayout layout = shape.layout();
    const std::uint64_t cells = std::uint64_t{c.n_head_kv} * c.n_ctx;
    struct Region {
        std::uint64_t begin, words;
        std::uint64_t end() const { return begin + words; }
    };
    std::vector<Region> regions = {{0, cells * c.head_words},
                                   {layout.v_offset, cells * c.head_words}};
    if (c.head_blocks > 0) {
        regions.push_back({layout.key_scales, cells * c.head_blocks});
        regions.push_back({layout.value_scales, cells * c.head_blocks});
    }
    std::sort(regions.begin(), regions.end(),
              [](const Region& a, const Region& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < regions.size(); ++i)
        EXPECT_GE(regions[i].begin, regions[i - 1].end()) << "region " << i;
    EXPECT_LE(regions.back().end(), shape.layer_words());
    // And nothing is wasted but what fills a texel.
    EXPECT_EQ((regions.back().end() + 3) / 4 * 4, shape.layer_words());
}

// Keys are read four words at a time, and so is a whole head of values.
TEST_P(CacheLayouts, QuadsAreAligned) {
    const CacheShape shape = shape_of(GetParam());
    EXPECT_EQ(shape.head_words % 4, 0u);
    EXPECT_EQ(shape.layout().v_offset % 4, 0u);
    EXPECT_EQ(shape.layout().head_words, shape.head_words);
    EXPECT_EQ(shape.layout().n_ctx, shape.n_ctx);
}

// A cell holds every channel of a head.
TEST_P(CacheLayouts, EveryPairHasRoom) {
    const CacheCase& c = GetParam();
    const std::uint32_t bits = c.format == CacheFormat::kF32   ? 64
                               : c.format == CacheFormat::kF16 ? 32
                                                               : 16;  // of a pair
    EXPECT_GE(shape_of(c).head_words * 32, (c.head_dim + 1) / 2 * bits);
    EXPECT_LT(shape_of(c).head_words * 32, (c.head_dim + 1) / 2 * bits + 128);
}

std::string case_name(const testing::TestParamInfo<CacheCase>& test) {
    const CacheCase& c = test.param;
    const char* const names[] = {"F32", "F16", "Q8_0"};
    return std::string(names[static_cast<int>(c.format)]) + "_ctx" + std::to_string(c.n_ctx) +
           "_heads" + std::to_string(c.n_head_kv) + "_of" + std::to_string(c.head_dim);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CacheLayouts, testing::ValuesIn(kCases), case_name);

// Catches: 32-bit products. 2^20 positions of 64 heads of 256 are 2^36 bytes in float32.
TEST(CacheShape, SizesOfHugeCachesDoNotWrap) {
    const CacheShape shape = shape_of({CacheFormat::kF32, 1u << 20, 64, 256, 0, 0});
    EXPECT_EQ(shape.layer_words(), std::uint64_t{2} << 34);
}

}  // namespace
}  // namespace gyre
