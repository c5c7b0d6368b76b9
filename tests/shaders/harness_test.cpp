// The tools of the kernel tests: they must notice what they are there for.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "runtime/base/host_size.h"
#include "runtime/model/weight_formats.h"
#include "tests/reference/generator.h"
#include "tests/shaders/buffer_image.h"
#include "tests/shaders/layouts.h"
#include "tests/shaders/random_matrix.h"
#include "tests/shaders/rounding.h"

namespace gyre::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(BufferImageTest, NoticesEveryWordThatWasNotToBeWritten) {
    BufferImage image;
    const std::vector<float> input = {1, 2};
    const std::uint32_t in = image.add_rows(input, 2, 4, 4);
    const std::uint32_t out = image.add_output_rows(2, 3, 4, 4);
    image.finish();
    const std::vector<std::uint32_t> before(image.words().begin(), image.words().end());
    const std::set<std::uint32_t> allowed = {out, out + 1, out + 2, out + 4, out + 5, out + 6};
    for (std::uint32_t at = 0; at < before.size(); ++at) {
        auto after = before;
        after[at] = as_word(3.0f);
        EXPECT_EQ(image.difference(after) == "", allowed.count(at) == 1) << at;
    }
    EXPECT_EQ(before[in], as_word(1.0f));
    EXPECT_EQ(before[in + 2], 0u);  // the padding of a row
    EXPECT_EQ(before[out], kPoison);
    EXPECT_EQ(before[out + 3], kUntouched);
}

TEST(WithinTest, RefusesNanAndWhatIsBeyondItsBound) {
    const std::vector<double> expected = {1, 2}, bounds = {0.5, 0.25};
    const auto accepts = [&](float a, float b) {
        return static_cast<bool>(within(std::vector<float>{a, b}, expected, bounds));
    };
    EXPECT_TRUE(accepts(1.5f, 1.75f));
    EXPECT_FALSE(accepts(1.5f, 1.5f));
    EXPECT_FALSE(accepts(kNan, 2.0f));
    EXPECT_FALSE(accepts(1.0f, std::numeric_limits<float>::infinity()));
    EXPECT_FALSE(within(std::vector<float>{1.0f}, expected, bounds));
    EXPECT_FALSE(within(std::vector<float>{}, expected, bounds));  // a run that failed
}

TEST(SameBitsTest, TellsZerosApart) {
    EXPECT_TRUE(same_bits(std::vector<float>{1.0f}, std::vector<float>{1.0f}));
    EXPECT_FALSE(same_bits(std::vector<float>{0.0f}, std::vector<float>{-0.0f}));
}

TEST(LayoutsTest, PairsCoverEveryChannelOnce) {
    for (const RotaryPairing pairing : {RotaryPairing::kInterleaved, RotaryPairing::kHalf}) {
        for (const std::uint32_t head_dim : {2u, 5u, 20u}) {
            for (std::uint32_t stride = 0; 2 * stride <= head_dim; ++stride) {
                std::multiset<std::uint32_t> channels;
                for (const ChannelPair& pair : channel_pairs(pairing, head_dim, stride)) {
                    channels.insert({pair.a, pair.b});
                }
                for (std::uint32_t c = 0; c < head_dim; ++c)
                    EXPECT_EQ(channels.count(c), 1u);
                EXPECT_EQ(channels.size(), head_dim + head_dim % 2);
            }
        }
    }
}

TEST(LayoutsTest, PairOrderAndBackIsNothing) {
    reference::Generator generator(71);
    const auto x = reference::widen(generator.bells(3 * 5));
    const auto pairs = channel_pairs(RotaryPairing::kHalf, 5, 2);
    EXPECT_EQ(to_channel_order(to_pair_order(x, pairs, 5), pairs, 5), x);
}

TEST(LayoutsTest, CacheWordsDoNotOverlap) {
    for (const CacheFormat format : {CacheFormat::kF32, CacheFormat::kF16, CacheFormat::kQ8_0}) {
        BufferImage image;
        CacheShape shape(format, 3, 17, 5);
        shape.add_to(image);
        std::set<std::uint32_t> seen;
        std::size_t n = 0;
        for (const Side side : {Side::kKeys, Side::kValues}) {
            for (std::uint32_t head = 0; head < 3; ++head) {
                for (std::uint32_t cell = 0; cell < 5; ++cell) {
                    for (std::uint32_t w = 0; w < shape.head_words(); ++w, ++n) {
                        seen.insert(shape.word(side, head, cell, w));
                    }
                    for (std::uint32_t b = 0; b < shape.n_blocks(); ++b, ++n) {
                        seen.insert(shape.scale(side, head, cell, b));
                    }
                }
            }
        }
        EXPECT_EQ(seen.size(), n);
        EXPECT_LT(*seen.rbegin(), image.words().size());
    }
}

// What a format holds is a fixed point of encoding; what it does not hold is rounded by half a
// step.
TEST(LayoutsTest, EncodingRoundsToTheFormat) {
    reference::Generator generator(72);
    const auto x = reference::widen(generator.bells(2 * 17));
    const auto largest_error = [&](CacheFormat format) {
        const CacheShape shape(format, 1, 17, 1);
        const auto decoded = shape.decode(shape.encode(x));
        double error = 0;
        for (std::size_t i = 0; i < x.size(); ++i)
            error = std::max(error, std::abs(decoded[i] - x[i]));
        return error;
    };
    EXPECT_EQ(largest_error(CacheFormat::kF32), 0);
    EXPECT_LE(largest_error(CacheFormat::kF16), 0x1p-10);  // |x| < 4
    EXPECT_LE(largest_error(CacheFormat::kQ8_0), 3.0 / 127 / 2 * 1.001);
    EXPECT_GT(largest_error(CacheFormat::kQ8_0), 1e-3);
}

// The reference's decoders and the runtime's, written apart, read the same numbers out of any
// bytes.
TEST(RandomMatrixTest, RuntimeReadsTheSameNumbers) {
    reference::Generator generator(74);
    for (const WeightFormat format : all_formats()) {
        const RandomMatrix matrix = random_matrix(format, 40, 512, generator);
        std::vector<float> row(512);
        for (std::uint32_t r = 0; r < matrix.n_rows; ++r) {
            const std::size_t size = host_size(row_bytes(format, 512));
            dequantize_row(format, std::span(matrix.bytes).subspan(r * size, size), row);
            for (std::size_t i = 0; i < row.size(); ++i)
                ASSERT_EQ(row[i], static_cast<float>(matrix.values[r * 512 + i]))
                    << format_name(format) << " row " << r << " element " << i;
        }
    }
}

TEST(RandomMatrixTest, CoversTheRangeOfItsFormat) {
    reference::Generator generator(73);
    for (const WeightFormat format : all_formats()) {
        const RandomMatrix matrix = random_matrix(format, 40, 256, generator);
        double largest = 0;
        for (const double value : matrix.values)
            largest = std::max(largest, std::abs(value));
        EXPECT_EQ(matrix.values.size(), 40u * 256u) << format_name(format);
        EXPECT_GT(largest, 0.1) << format_name(format);
        EXPECT_LT(largest, 1.0) << format_name(format);
    }
}

}  // namespace
}  // namespace gyre::test
