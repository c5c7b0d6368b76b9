// The table of tiles: which row a device gets, and whether every row is one that kernels can be
// made of.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/device_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "runtime/engine/tilings.h"

namespace gyre {
namespace {

struct Example {
    const char* name;  // as the drivers say it
    std::uint32_t vendor, subgroup;
    const char* gpus;  // of the row
};

// Names and numbers: what the drivers of docs/gpus.md report.
constexpr Example kExamples[] = {
    {"AMD Radeon Graphics (RADV RENOIR)", 0x1002, 64, "AMD"},
    {"AMD Custom GPU 0405 (RADV VANGOGH)", 0x1002, 64, "AMD"},
    {"Turnip Adreno (TM) 630", 0x5143, 128, "Adreno 630"},
    {"Adreno (TM) 660", 0x5143, 128, "Adreno"},
    {"Mali-G52 r1 MC1", 0x13b5, 8, "Mali, Bifrost"},
    {"Mali-G610", 0x13b5, 16, "Mali, Valhall"},
    {"V3D 7.1.7.0", 0x14e4, 16, "Raspberry Pi 4 and 5"},
    {"Intel(R) UHD Graphics (TGL GT1)", 0x8086, 32, "Intel"},
    {"NVIDIA GeForce RTX 2080 (NVK TU104)", 0x10de, 32, "NVIDIA"},
    {"PowerVR Rogue GE8320", 0x1010, 32, "any other"},
    {"llvmpipe (LLVM 15.0.6, 256 bits)", 0x10005, 8, "any other"},
};

TEST(DeviceTiles, EveryGpuHasItsRow) {
    for (const Example& example : kExamples) {
        DeviceInfo device;
        device.name = example.name;
        device.vendor_id = example.vendor;
        device.caps.subgroup_size = example.subgroup;
        EXPECT_STREQ(device_tiles(device).gpus, example.gpus) << example.name;
    }
}

// Catches: a row that another one hides, or that no example has.
TEST(DeviceTiles, EveryRowIsReached) {
    for (const DeviceTiles& row : device_tiles_table()) {
        EXPECT_TRUE(std::any_of(std::begin(kExamples), std::end(kExamples), [&](const Example& e) {
            return std::string(e.gpus) == row.gpus;
        })) << row.gpus;
    }
    const DeviceTiles& last = device_tiles_table().back();
    EXPECT_EQ(last.vendor_id, 0u);
    EXPECT_EQ(last.max_subgroup, 0u);
    EXPECT_STREQ(last.name_part, "") << "the last row fits every device";
}

// Catches: a tile that no kernel can be made of, a reason without a figure, and matrix units on a
// GPU where nobody measured them.
TEST(DeviceTiles, EveryRowIsSound) {
    for (const DeviceTiles& row : device_tiles_table()) {
        SCOPED_TRACE(row.gpus);
        for (const PromptTile& tile : {row.plain, row.blocks, row.superblocks}) {
            EXPECT_TRUE(tile.local_size % 8 == 0 && tile.local_size <= 128) << tile.local_size;
            EXPECT_TRUE(tile.rows >= 1 && tile.tokens >= 1);
            EXPECT_LE(tile.rows * tile.tokens, 32u);
        }
        const std::string reason = row.reason;
        EXPECT_TRUE(
            std::any_of(reason.begin(), reason.end(),
                        [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }))
            << "no figure in: " << reason;
        EXPECT_FALSE(row.matrix_units);
    }
}

// Catches: a row's columns that nobody reads.
TEST(DeviceTiles, AreTheDefaults) {
    DeviceInfo mali;
    mali.vendor_id = 0x13b5;
    mali.caps.subgroup_size = 16;
    const DeviceTiles& row = device_tiles(mali);
    const auto tile = [&](WeightFormat format) {
        const Tiling t = Tilings::for_device(mali, mali.caps, format).prefill;
        EXPECT_EQ(t.texels, row.prompt_texels);
        return PromptTile{t.local_size, t.rows, t.tokens, t.rolled};
    };
    EXPECT_EQ(tile(WeightFormat::kF16), row.plain);
    EXPECT_EQ(tile(WeightFormat::kQ8_0), row.blocks);
    EXPECT_EQ(tile(WeightFormat::kQ4_K), row.superblocks);
    const Tiling decode = Tilings::for_device(mali, mali.caps, WeightFormat::kQ4_K).decode;
    EXPECT_TRUE(decode.rolled);
    EXPECT_FALSE(decode.texels) << "storage first";
    DeviceInfo adreno;
    adreno.vendor_id = 0x5143;
    adreno.name = "Turnip Adreno (TM) 630";
    EXPECT_TRUE(Tilings::for_device(adreno, adreno.caps, WeightFormat::kQ4_K).decode.texels);
    EXPECT_FALSE(Tilings::for_device(adreno, adreno.caps, WeightFormat::kQ4_K).decode.rolled);
}

}  // namespace
}  // namespace gyre
