// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/device_tiles.h"

#include <iterator>
#include <string_view>

namespace gyre {
namespace {

// PCI vendors.
constexpr std::uint32_t kAmd = 0x1002, kArm = 0x13b5, kBroadcom = 0x14e4, kIntel = 0x8086,
                        kNvidia = 0x10de, kQualcomm = 0x5143;

// A GPU's compiler holds the sums of a tile, and what it loads for it, in registers; what does not
// fit goes to memory in the innermost loop. The figures are those of Mesa's compilers for a
// prompt's products (docs/gpus.md), no times: nothing here has run on such a GPU. No tile of a row
// spills in any format there. Matrix units wait for a measurement on a GPU.
// clang-format off
constexpr DeviceTiles kTable[] = {
    {"AMD", kAmd, 0, "", {64, 4, 4}, {64, 4, 4}, {64, 2, 4}, false, false, false, false,
     "Q8_0 with 4x4: 128 registers, on Vega 2 waves of 10, on RDNA2 8 of 20; 4x8 takes 256, one wave on Vega. Q4_K "
     "with 4x4 takes 256 on RDNA2, with 2x4 128. Texels save at most 1 % of the instructions"},
    {"Adreno 630", kQualcomm, 0, "Adreno (TM) 630", {64, 4, 4}, {64, 2, 4}, {64, 2, 4}, true, true, false, false,
     "Q8_0 with 2x4 spills 143 registers from storage and none from texels; a token takes 15 % fewer instructions "
     "from texels, with more waves"},
    {"Adreno", kQualcomm, 0, "", {64, 4, 4}, {64, 2, 4}, {64, 2, 4}, true, false, false, false,
     "Q4_0 with 4x4 spills 16 (660) and 36 (740) from texels, 94 from storage, with 2x4 none from texels and 13 "
     "from storage; a token's registers are fewer from storage"},
    {"Mali, Bifrost", kArm, 8, "", {64, 2, 2}, {64, 1, 2}, {64, 1, 2, false}, false, false, true, false,
     "G52: Q4_0 with 2x2 spills 5, with 1x2 none; F16 with 2x2 none; Q4_K's queries, keys and values spill 1 if "
     "rolled"},
    {"Mali, Valhall", kArm, 0, "", {64, 2, 2}, {64, 1, 2}, {64, 1, 2}, false, false, true, false,
     "G610: Q8_0 with 2x4 spills 10; Q4_0's queries, keys and values spill 4 with 2x2, Q4_K's products too; with 1x2 "
     "none; F16 with 2x2 keeps to 32 registers, and so all threads. A token's Q6_K spills unless rolled"},
    {"Raspberry Pi 4 and 5", kBroadcom, 0, "", {64, 2, 2}, {64, 2, 2}, {64, 1, 2}, false, false, true, false,
     "V3D 7.1: Q8_0 with 2x4 puts 1280 bytes into memory and compiles for 28 s, with 2x2 none in 1.5 s; Q4_K with "
     "2x2 128 bytes, with 1x2 none; a token's Q4_K 768 bytes unless rolled"},
    {"Intel", kIntel, 0, "", {64, 2, 4}, {64, 2, 4}, {64, 2, 2}, false, false, false, false,
     "Gen9 to Xe2: Q4_0 with 4x4 spills 25, with 2x4 none; Q4_K's queries, keys and values spill 2 with 2x4; F16 "
     "with 2x4 stays at SIMD16 (Xe2 SIMD32), with 4x4 it falls to half"},
    {"NVIDIA", kNvidia, 0, "", {64, 4, 4}, {64, 4, 4}, {64, 4, 4}, false, false, false, false,
     "Turing, Ampere: Q8_0 with 4x4 has 120 registers, Q4_K 144, 4x8 more than 168"},
    {"any other", 0, 0, "", {64, 2, 2}, {64, 2, 2}, {64, 1, 2}, false, false, false, false,
     "too large a tile costs several times what too small a one does (Mali: 0.92 cycles of loads and stores a "
     "multiply-add with 4x8, 0.21 with 2x2); the tuner tries larger ones"},
};
// clang-format on

bool fits(const DeviceTiles& row, const DeviceInfo& device) {
    return (row.vendor_id == 0 || row.vendor_id == device.vendor_id) &&
           (row.max_subgroup == 0 || device.caps.subgroup_size <= row.max_subgroup) &&
           device.name.find(row.name_part) != std::string::npos;
}

}  // namespace

std::span<const DeviceTiles> device_tiles_table() {
    return kTable;
}

const DeviceTiles& device_tiles(const DeviceInfo& device) {
    for (const DeviceTiles& row : kTable) {
        if (fits(row, device)) return row;
    }
    return *std::prev(std::end(kTable));
}

}  // namespace gyre
