// Formats: rounding, bounds that follow from the format, and bytes worked out by hand.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/weight_formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "runtime/base/half.h"
#include "runtime/base/host_size.h"
#include "tests/support/quantize.h"

namespace gyre::testing {
namespace {

std::vector<std::uint8_t> quantize(WeightFormat format, const std::vector<float>& x) {
    std::vector<std::uint8_t> bytes(host_size(row_bytes(format, x.size())));
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
                {WeightFormat::kQ4_0, "Q4_0", 2, 32, 18},
                {WeightFormat::kQ4_K, "Q4_K", 12, 256, 144},
                {WeightFormat::kQ6_K, "Q6_K", 14, 256, 210},
                {WeightFormat::kQ4_1, "Q4_1", 3, 32, 20},
                {WeightFormat::kQ5_0, "Q5_0", 6, 32, 22},
                {WeightFormat::kQ5_1, "Q5_1", 7, 32, 24},
                {WeightFormat::kQ2_K, "Q2_K", 10, 256, 84},
                {WeightFormat::kQ3_K, "Q3_K", 11, 256, 110},
                {WeightFormat::kQ5_K, "Q5_K", 13, 256, 176},
                {WeightFormat::kIq4Nl, "IQ4_NL", 20, 32, 18},
                {WeightFormat::kIq4Xs, "IQ4_XS", 23, 256, 136},
                {WeightFormat::kMxfp4, "MXFP4", 39, 32, 17},
                {WeightFormat::kTq2_0, "TQ2_0", 35, 256, 66}};
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
    EXPECT_EQ(find_format(std::string_view("q6_k"))->format, WeightFormat::kQ6_K);
    EXPECT_EQ(find_format(16u), nullptr);
    EXPECT_EQ(ggml_type_name(16), "IQ2_XXS");
    EXPECT_EQ(ggml_type_name(13), "Q5_K");
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
        const std::vector<float> x(256, tiny);
        for (const WeightFormat format :
             {WeightFormat::kQ8_0, WeightFormat::kQ4_0, WeightFormat::kQ4_K, WeightFormat::kQ6_K}) {
            for (const float y : round_trip(format, x))
                EXPECT_EQ(y, 0.0f);
        }
    }
}

double rms(const std::vector<float>& x) {
    double sum = 0;
    for (const float v : x)
        sum += double{v} * double{v};
    return std::sqrt(sum / static_cast<double>(x.size()));
}

double rms_error(WeightFormat format, const std::vector<float>& x) {
    std::vector<float> e = round_trip(format, x);
    for (std::size_t i = 0; i < x.size(); ++i)
        e[i] -= x[i];
    return rms(e) / rms(x);
}

// Of 32 normal numbers the range is about 4.1 standard deviations, of 16 the extreme 2.1: a step of
// 4.1 / 15 or 2.1 / 32, whose square root of 1/12 is the error; scales of 6 and 8 bits add little.
TEST(WeightFormats, SuperblocksErrAsTheirStepsSay) {
    const auto x = random_row(256 * 40, 5, 0.7f);
    const double q4 = rms_error(WeightFormat::kQ4_K, x), q6 = rms_error(WeightFormat::kQ6_K, x);
    EXPECT_LT(q4, 4.1 / 15 / std::sqrt(12.0));
    EXPECT_LT(q6, 2.1 / 32 / std::sqrt(12.0));
    EXPECT_GT(q4, 0.05);
    EXPECT_GT(q6, 0.01);
    EXPECT_LT(q4, rms_error(WeightFormat::kQ4_0, x)) << "it has as many bits";
}

// Numbers that the format holds come back as they are.
TEST(WeightFormats, SuperblocksKeepWhatTheyHold) {
    std::vector<float> x(256);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t block = i / 32;
        const float scale = block == 3 ? 63.0f : static_cast<float>(block + 1);
        const float min = block == 5 ? 63.0f * 2 : 2.0f * static_cast<float>(block);
        x[i] = scale * static_cast<float>(i * 7 % 16) - min;  // every quant, 0 and 15 too
    }
    const auto q4 = round_trip(WeightFormat::kQ4_K, x);
    for (std::size_t i = 0; i < x.size(); ++i)
        EXPECT_NEAR(q4[i], x[i], 0.5f) << i;  // minima are 2 apart where the range begins at them
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t block = i / 16;
        const float scale = block == 2 ? -128.0f : static_cast<float>(block) * 5 - 30.0f;
        x[i] = scale * static_cast<float>(static_cast<int>(i * 5 % 16 * 4) - 32);  // -32 to 28
    }
    EXPECT_EQ(round_trip(WeightFormat::kQ6_K, x), x);
}

// Superblocks of one element that is not zero, at both ends of every way of packing.
TEST(WeightFormats, Q4KBytesByHand) {
    std::vector<float> x(256, 0.0f);
    x[0] = 63.0f * 15;    // block 0: scale 63, so d = 1
    x[161] = 34.0f * 15;  // block 5: scale 34 = 0x22
    x[255] = -63.0f;      // block 7: min 63, so dmin = 1; the others are 15 of 15
    for (std::size_t i = 224; i < 255; ++i)
        x[i] = 0.0f;
    const auto bytes = quantize(WeightFormat::kQ4_K, x);
    ASSERT_EQ(bytes.size(), 144u);
    EXPECT_EQ(bytes[1], 0x3c);            // d
    EXPECT_EQ(bytes[3], 0x3c);            // dmin
    EXPECT_EQ(bytes[4], 63);              // scale 0; high bits of scale 4
    EXPECT_EQ(bytes[5], 0x80);            // scale 1; of scale 5: 2
    EXPECT_EQ(bytes[4 + 8 + 1] & 15, 2);  // low bits of scale 5
    EXPECT_EQ(bytes[4 + 7], 0xc0);        // min 3; high bits of min 7: 3
    EXPECT_EQ(bytes[4 + 11] >> 4, 15);    // low bits of min 7
    EXPECT_EQ(bytes[16], 0x0f);           // elements 0 and 32
    EXPECT_EQ(bytes[16 + 64 + 1], 0xf0);  // elements 129 and 161
    EXPECT_EQ(bytes[16 + 127] >> 4, 0);   // element 255
}

TEST(WeightFormats, Q6KBytesByHand) {
    std::vector<float> x(256, 0.0f);
    x[0] = 32.0f * 128;    // scale -128 times -32: d = 1
    x[17] = -32.0f * 127;  // scale 127 times -32
    x[18] = 127.0f * 21;   // 53 = 0x35
    x[100] = 32.0f;        // scale -1: quant 0, group 3
    x[255] = -64.0f;       // scale 2: quant 0
    x[254] = 62.0f;        // quant 63
    const auto bytes = quantize(WeightFormat::kQ6_K, x);
    ASSERT_EQ(bytes.size(), 210u);
    EXPECT_EQ(bytes[208], 0x00);
    EXPECT_EQ(bytes[209], 0x3c);
    EXPECT_EQ(bytes[192], 0x80);
    EXPECT_EQ(bytes[193], 127);
    EXPECT_EQ(bytes[192 + 6], 0xff);
    EXPECT_EQ(bytes[207], 2);
    EXPECT_EQ(bytes[0], 0x00);         // elements 0 (quant 0) and 64 (32: low nibble 0)
    EXPECT_EQ(bytes[128], 0xa8);       // high bits of 0, 32, 64, 96: 0, 2, 2, 2
    EXPECT_EQ(bytes[18], 0x05);        // element 18
    EXPECT_EQ(bytes[128 + 18], 0xab);  // 3, 2, 2, 2
    EXPECT_EQ(bytes[128 + 4], 0x2a);   // element 100: 0
    EXPECT_EQ(bytes[127], 0x00);       // element 255
    EXPECT_EQ(bytes[126], 0xf0);       // element 254: 15
    EXPECT_EQ(bytes[191], 0x2a);
    EXPECT_EQ(bytes[190], 0xea);
    EXPECT_EQ(round_trip(WeightFormat::kQ6_K, x), x);
}

}  // namespace
}  // namespace gyre::testing
