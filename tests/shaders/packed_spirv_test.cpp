// The form of SPIR-V in the table of modules, by hand; every module goes through it in
// interface_test. SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/packed_spirv.h"

#include <gtest/gtest.h>

namespace gyre::test {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Words = std::vector<std::uint32_t>;

// Two instructions of opcode 7, one of opcode 300: differences of +3, -1; then +200, 0; then 2^31.
const Bytes kPacked = {0x83, 0x84, 0x8c, 0x39, 1,    2,    3,    0,  // the header
                       7,    3,    7,    3,    0xac, 2,    2,        // opcodes and lengths
                       6,    1,    0x90, 3,    0,    0xff, 0xff, 0xff, 0xff, 0x0f};
const Words kWords = {
    0x07230203,     1,         2, 3, 0, 3u << 16 | 7, 3, 0xffffffff, 3u << 16 | 7, 203, 0xffffffff,
    2u << 16 | 300, 0x80000000};

TEST(PackedSpirv, IsReadAsItsHeaderSays) {
    EXPECT_EQ(unpack_spirv(kPacked, kWords.size()), kWords);
}

TEST(PackedSpirv, WhatIsCutOrTooLongIsNoModule) {
    for (std::size_t n = 0; n < kPacked.size(); ++n) {
        const Bytes cut(kPacked.begin(), kPacked.begin() + static_cast<std::ptrdiff_t>(n));
        EXPECT_TRUE(unpack_spirv(cut, kWords.size()).empty()) << n;
    }
    Bytes longer = kPacked;
    longer.push_back(0);
    EXPECT_TRUE(unpack_spirv(longer, kWords.size()).empty());
    for (std::size_t n = 0; n < kWords.size(); ++n)
        EXPECT_TRUE(unpack_spirv(kPacked, n).empty()) << n;
}

TEST(PackedSpirv, AChangedByteIsAModuleOfThatSizeOrNone) {
    Bytes bytes = kPacked;
    for (std::uint8_t& byte : bytes) {
        const std::uint8_t original = byte;
        for (int value = 0; value < 256; ++value) {
            byte = static_cast<std::uint8_t>(value);
            const Words words = unpack_spirv(bytes, kWords.size());
            EXPECT_TRUE(words.empty() || words.size() == kWords.size());
        }
        byte = original;
    }
}

}  // namespace
}  // namespace gyre::test
