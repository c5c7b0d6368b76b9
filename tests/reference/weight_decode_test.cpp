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
    EXPECT_EQ(decode_row("F32", f32), (std::vector<double>{1.5, -std::ldexp(1.0, -149)}));
    const std::vector<std::uint8_t> halves = {0x00, 0x3e, 0x00, 0xbe};
    EXPECT_EQ(decode_row("F16", halves), (std::vector<double>{1.5, -1.5}));
    const std::vector<std::uint8_t> bf16 = {0xc0, 0x3f};
    EXPECT_EQ(decode_row("BF16", bf16), (std::vector<double>{1.5}));
}

TEST(WeightDecodeTest, Q8BlocksAreScaleTimesSignedBytes) {
    std::vector<std::uint8_t> bytes(2 * 34, 0);
    bytes[1] = 0x38;  // 0.5
    bytes[2] = 127;
    bytes[3] = 0x80;       // -128
    bytes[33] = 0xff;      // element 31: -1
    bytes[34 + 1] = 0xbc;  // second block: -1
    bytes[34 + 2] = 3;
    const auto row = decode_row("Q8_0", bytes);
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
    const auto row = decode_row("Q4_0", bytes);
    ASSERT_EQ(row.size(), 32u);
    EXPECT_EQ(row[0], 14.0);
    EXPECT_EQ(row[16], 2.0);
    EXPECT_EQ(row[15], -2.0);
    EXPECT_EQ(row[31], -16.0);
    EXPECT_EQ(row[1], 0.0);
    const auto terms = row_terms("Q4_0", bytes);
    EXPECT_EQ(terms[0], 2.0 * 15 + 16);
    EXPECT_EQ(terms[31], 16.0);
}

// Every element of one block with a scale of its own: blocks 0, 3 and 4, 7 have theirs at the ends
// of the two ways of packing.
TEST(WeightDecodeTest, Q4KScalesAndMinimaAreSixBits) {
    std::vector<std::uint8_t> bytes(144, 0);
    bytes[1] = 0x3c;             // d = 1
    bytes[3] = 0x40;             // dmin = 2
    bytes[4] = 63 | 0x40;        // scale 0 = 63; high bits of scale 4: 01
    bytes[7] = 5 | 0xc0;         // scale 3 = 5; of scale 7: 11
    bytes[8] = 1 | 0x80;         // min 0 = 1; of min 4: 10
    bytes[11] = 62;              // min 3 = 62; of min 7: 00
    bytes[12] = 0x21;            // scale 4 = 0x11 = 17, min 4 = 0x22 = 34
    bytes[15] = 0xfe;            // scale 7 = 0x3e = 62, min 7 = 15
    bytes[16] = 0x0f;            // element 0: 15, element 32: 0
    bytes[16 + 32 + 31] = 0x30;  // element 95: 0, element 127: 3
    bytes[16 + 64] = 0x02;       // element 128: 2
    bytes[16 + 96 + 1] = 0x90;   // element 225: 9
    const auto row = decode_row("Q4_K", bytes);
    ASSERT_EQ(row.size(), 256u);
    EXPECT_EQ(row[0], 63 * 15 - 2 * 1);
    EXPECT_EQ(row[1], -2.0);
    EXPECT_EQ(row[32], 0.0);
    EXPECT_EQ(row[127], 5 * 3 - 2 * 62);
    EXPECT_EQ(row[128], 17 * 2 - 2 * 34);
    EXPECT_EQ(row[225], 62 * 9 - 2 * 15);
    EXPECT_EQ(row_terms("Q4_K", bytes)[128], 17 * 2 + 2 * 34);
}

TEST(WeightDecodeTest, Q6KElementsAreSpreadOverTwoBytes) {
    std::vector<std::uint8_t> bytes(210, 0);
    bytes[209] = 0x38;       // d = 0.5
    bytes[192] = 2;          // scale of elements 0 to 15
    bytes[193] = 0x80;       // 16 to 31: -128
    bytes[192 + 6] = 1;      // 96 to 111
    bytes[192 + 15] = 0xff;  // 240 to 255: -1
    bytes[0] = 0x0f;         // element 0: low 15; element 64: low 0
    bytes[128] = 0x03;       // element 0: high 3
    bytes[32] = 0x70;        // element 96: low 7
    bytes[128] |= 0x40;      // element 96: high 1
    bytes[127] = 0xc0;       // element 255: low 12
    bytes[191] = 0x80;       // element 255: high 2
    const auto row = decode_row("Q6_K", bytes);
    ASSERT_EQ(row.size(), 256u);
    EXPECT_EQ(row[0], 0.5 * 2 * (63 - 32));
    EXPECT_EQ(row[1], 0.5 * 2 * -32);
    EXPECT_EQ(row[16], 0.5 * -128 * -32);
    EXPECT_EQ(row[96], 0.5 * 1 * (23 - 32));
    EXPECT_EQ(row[255], 0.5 * -1 * (44 - 32));
}

}  // namespace
}  // namespace gyre::reference
