// The decoders of the reference on blocks written out by hand.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/weight_decode.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace gyre::reference {
namespace {

TEST(WeightDecodeTest, HalfAtTheEdgesOfItsRange) {
    EXPECT_EQ(decode_f16(0x3c00), 1.0);
    EXPECT_EQ(decode_f16(0xc000), -2.0);
    EXPECT_EQ(decode_f16(0x7bff), 65504.0);
    EXPECT_EQ(decode_f16(0x0001), std::ldexp(1.0, -24));
    EXPECT_EQ(decode_f16(0x0400), std::ldexp(1.0, -14));
    EXPECT_EQ(decode_f16(0x3555), 0.333251953125);
    EXPECT_TRUE(std::signbit(decode_f16(0x8000)));
    EXPECT_TRUE(std::isinf(decode_f16(0x7c00)));
    EXPECT_TRUE(std::isnan(decode_f16(0x7e00)));
}

TEST(WeightDecodeTest, Bfloat16IsTheUpperHalfOfAFloat) {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const float expected = std::bit_cast<float>(bits << 16);
        const double found = decode_bf16(static_cast<std::uint16_t>(bits));
        if (std::isnan(expected)) {
            EXPECT_TRUE(std::isnan(found)) << bits;
        } else {
            ASSERT_EQ(found, static_cast<double>(expected)) << bits;
        }
    }
}

TEST(WeightDecodeTest, PlainRowsAreLittleEndian) {
    const std::vector<std::uint8_t> f32 = {0x00, 0x00, 0xc0, 0x3f, 0x01, 0x00, 0x00, 0x80};
    EXPECT_EQ(decode_f32_row(f32), (std::vector<double>{1.5, -std::ldexp(1.0, -149)}));
    const std::vector<std::uint8_t> halves = {0x00, 0x3e, 0x00, 0xbe};
    EXPECT_EQ(decode_f16_row(halves), (std::vector<double>{1.5, -1.5}));
    const std::vector<std::uint8_t> bf16 = {0xc0, 0x3f};
    EXPECT_EQ(decode_bf16_row(bf16), (std::vector<double>{1.5}));
}

TEST(WeightDecodeTest, Q8BlocksAreScaleTimesSignedBytes) {
    std::vector<std::uint8_t> bytes(2 * 34, 0);
    bytes[1] = 0x38;  // 0.5
    bytes[2] = 127;
    bytes[3] = 0x80;       // -128
    bytes[33] = 0xff;      // element 31: -1
    bytes[34 + 1] = 0xbc;  // second block: -1
    bytes[34 + 2] = 3;
    const auto row = decode_q8_0_row(bytes);
    ASSERT_EQ(row.size(), 64u);
    EXPECT_EQ(row[0], 63.5);
    EXPECT_EQ(row[1], -64.0);
    EXPECT_EQ(row[31], -0.5);
    EXPECT_EQ(row[32], -3.0);
}

TEST(WeightDecodeTest, Q4LowNibblesComeFirst) {
    std::vector<std::uint8_t> bytes(18, 0x88);  // both nibbles 8: zero
    bytes[0] = 0x00;
    bytes[1] = 0x40;   // 2.0
    bytes[2] = 0x9f;   // element 0: 15 - 8 = 7, element 16: 9 - 8 = 1
    bytes[17] = 0x07;  // element 15: -1, element 31: -8
    const auto row = decode_q4_0_row(bytes);
    ASSERT_EQ(row.size(), 32u);
    EXPECT_EQ(row[0], 14.0);
    EXPECT_EQ(row[16], 2.0);
    EXPECT_EQ(row[15], -2.0);
    EXPECT_EQ(row[31], -16.0);
    EXPECT_EQ(row[1], 0.0);
}

}  // namespace
}  // namespace gyre::reference
