// Formats: rounding, bounds that follow from the format, and bytes worked out by hand.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/weight_formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "runtime/base/half.h"

namespace gyre::testing {
namespace {

std::vector<std::uint8_t> quantize(WeightFormat format, const std::vector<float>& x) {
    std::vector<std::uint8_t> bytes(row_bytes(format, x.size()));
    quantize_row(format, x, bytes);
    return bytes;
}

std::vector<float> round_trip(WeightFormat format, const std::vector<float>& x) {
    std::vector<float> y(x.size());
    dequantize_row(format, quantize(format, x), y);
    return y;
}

std::vector<float> random_row(std::size_t n, std::uint32_t seed, float scale) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0f, scale);
    std::vector<float> x(n);
    for (float& v : x)
        v = normal(random);
    return x;
}

TEST(WeightFormats, TableIsTheOneOfTheFormat) {
    const struct {
        WeightFormat format;
        const char* name;
        std::uint32_t ggml_type, block_elements, block_bytes;
    } rows[] = {{WeightFormat::kF32, "F32", 0, 1, 4},
                {WeightFormat::kF16, "F16", 1, 1, 2},
                {WeightFormat::kBf16, "BF16", 30, 1, 2},
                {WeightFormat::kQ8_0, "Q8_0", 8, 32, 34},
                {WeightFormat::kQ4_0, "Q4_0", 2, 32, 18}};
    ASSERT_EQ(weight_formats().size(), std::size(rows));
    for (const auto& row : rows) {
        const WeightFormatInfo* info = find_format(row.ggml_type);
        ASSERT_NE(info, nullptr) << row.name;
        EXPECT_EQ(info->format, row.format);
        EXPECT_STREQ(info->name, row.name);
        EXPECT_EQ(info->block_elements, row.block_elements);
        EXPECT_EQ(info->block_bytes, row.block_bytes);
        EXPECT_EQ(find_format(std::string_view(row.name)), info);
    }
    EXPECT_EQ(find_format(std::string_view("q8_0"))->format, WeightFormat::kQ8_0);
    EXPECT_EQ(find_format(std::string_view("q8")), nullptr);
    EXPECT_EQ(find_format(12u), nullptr);
    EXPECT_EQ(ggml_type_name(12), "Q4_K");
    EXPECT_EQ(ggml_type_name(30), "BF16");
    EXPECT_EQ(ggml_type_name(39), "MXFP4");
    EXPECT_EQ(ggml_type_name(31), "type 31");
    EXPECT_EQ(ggml_type_name(1000), "type 1000");
}

TEST(WeightFormats, F32IsExact) {
    const auto x = random_row(77, 1, 3.0f);
    EXPECT_EQ(round_trip(WeightFormat::kF32, x), x);
}

// Half a unit in the last place: 11 and 8 significant bits, the hidden one included.
TEST(WeightFormats, HalfPrecisionIsWithinHalfAUnit) {
    const auto x = random_row(1000, 2, 3.0f);
    const auto half = round_trip(WeightFormat::kF16, x);
    const auto brain = round_trip(WeightFormat::kBf16, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
        EXPECT_LE(std::fabs(half[i] - x[i]), std::ldexp(1.0f, std::ilogb(x[i]) - 11)) << x[i];
        EXPECT_LE(std::fabs(brain[i] - x[i]), std::ldexp(1.0f, std::ilogb(x[i]) - 8)) << x[i];
    }
}

TEST(WeightFormats, BrainFloatRoundsToEven) {
    const std::vector<float> x = {1.0f + 0x1p-8f, 1.0f + 3 * 0x1p-8f, 1.0f + 0x1.8p-8f, -0.0f,
                                  std::numeric_limits<float>::max()};
    const auto y = round_trip(WeightFormat::kBf16, x);
    EXPECT_EQ(y[0], 1.0f);            // a tie, to the even neighbour below
    EXPECT_EQ(y[1], 1.0f + 0x1p-6f);  // a tie, to the even neighbour above
    EXPECT_EQ(y[2], 1.0f + 0x1p-7f);
    EXPECT_TRUE(std::signbit(y[3]));
    EXPECT_TRUE(std::isinf(y[4]));
}

// The scale is rounded to 11 bits, so a quant q is off by up to |q| * scale * 2^-11 besides the
// half step.
TEST(WeightFormats, Q8IsWithinHalfAStep) {
    const auto x = random_row(32 * 50, 3, 0.7f);
    const auto y = round_trip(WeightFormat::kQ8_0, x);
    for (std::size_t b = 0; b < x.size(); b += 32) {
        float largest = 0.0f;
        for (std::size_t i = b; i < b + 32; ++i)
            largest = std::max(largest, std::fabs(x[i]));
        const float step = largest / 127.0f;
        for (std::size_t i = b; i < b + 32; ++i) {
            EXPECT_LE(std::fabs(y[i] - x[i]), step * (0.5f + 127.0f * 0x1p-11f) * 1.0001f) << i;
        }
    }
}

// The quants are -8 .. 7: half a step, but for values beyond 7.5 steps, which end at 7.
TEST(WeightFormats, Q4IsWithinHalfAStepOrAtItsEnd) {
    const auto x = random_row(32 * 50, 4, 0.7f);
    const auto y = round_trip(WeightFormat::kQ4_0, x);
    int at_the_end = 0;
    for (std::size_t b = 0; b < x.size(); b += 32) {
        float extreme = 0.0f;
        for (std::size_t i = b; i < b + 32; ++i) {
            if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
        }
        const float step = extreme / -8.0f;
        for (std::size_t i = b; i < b + 32; ++i) {
            const bool beyond = x[i] / step > 7.5f;
            at_the_end += beyond;
            const float bound = beyond ? x[i] / step - 7.0f : 0.5f;
            EXPECT_LE(std::fabs(y[i] - x[i]), std::fabs(step) * (bound + 8.0f * 0x1p-11f) * 1.0001f)
                << i;
        }
    }
    EXPECT_GT(at_the_end, 0) << "the rows do not try the end of the range";
}

TEST(WeightFormats, Q8BytesByHand) {
    std::vector<float> x(32, 0.0f);
    x[0] = 127.0f;  // scale 1
    x[1] = -127.0f;
    x[2] = 2.5f;  // half away from zero: 3
    x[3] = -2.5f;
    x[31] = 1.4f;
    const auto bytes = quantize(WeightFormat::kQ8_0, x);
    EXPECT_EQ(bytes[0], 0x00);
    EXPECT_EQ(bytes[1], 0x3c);  // 1.0 in binary16
    EXPECT_EQ(bytes[2], 127);
    EXPECT_EQ(bytes[3], 129);  // -127
    EXPECT_EQ(bytes[4], 3);
    EXPECT_EQ(bytes[5], 253);  // -3
    EXPECT_EQ(bytes[33], 1);
}

// Byte b holds element b in its low and element b + 16 in its high half; 8 is zero.
TEST(WeightFormats, Q4BytesByHand) {
    std::vector<float> x(32, 0.0f);
    x[0] = -8.0f;  // the extreme becomes -8, so the scale is 1
    x[1] = 7.0f;
    x[17] = 3.0f;
    x[31] = -2.0f;
    const auto bytes = quantize(WeightFormat::kQ4_0, x);
    EXPECT_EQ(bytes[0], 0x00);
    EXPECT_EQ(bytes[1], 0x3c);
    EXPECT_EQ(bytes[2], 0x80);  // elements 0 (-8 -> 0) and 16 (0 -> 8)
    EXPECT_EQ(bytes[3], 0xbf);  // elements 1 (7 -> 15) and 17 (3 -> 11)
    EXPECT_EQ(bytes[4], 0x88);
    EXPECT_EQ(bytes[17], 0x68);  // elements 15 (0) and 31 (-2 -> 6)
    EXPECT_EQ(round_trip(WeightFormat::kQ4_0, x), x);
}

TEST(WeightFormats, ZeroAndTinyBlocksBecomeZero) {
    for (const float tiny : {0.0f, 1e-44f, 1e-39f}) {
        const std::vector<float> x(32, tiny);
        for (const WeightFormat format : {WeightFormat::kQ8_0, WeightFormat::kQ4_0}) {
            for (const float y : round_trip(format, x))
                EXPECT_EQ(y, 0.0f);
        }
    }
}

}  // namespace
}  // namespace gyre::testing
