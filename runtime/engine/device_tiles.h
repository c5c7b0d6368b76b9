// The tiles that each kind of GPU begins with: a table by vendor, subgroup size and name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "runtime/kernels/kernel_table.h"
#include "runtime/vk/device_info.h"

namespace gyre {

// The tile of a prompt's products: Tiling says what its parts are.
struct PromptTile {
    std::uint32_t local_size, rows, tokens;
    bool rolled = true;
    bool operator==(const PromptTile&) const = default;
};

// A row of the table. Of GPUs only: software drivers have tiles of another kind (tilings.cpp).
struct DeviceTiles {
    const char* gpus;            // for readers of the table
    std::uint32_t vendor_id;     // of DeviceInfo; 0: any
    std::uint32_t max_subgroup;  // DeviceCaps::subgroup_size is at most this; 0: any
    const char* name_part;       // DeviceInfo::name holds it; "": any
    PromptTile plain;            // F32, F16, BF16
    PromptTile blocks;           // formats with a scale for every 32 elements
    PromptTile superblocks;      // formats with scales of scales for 256
    bool prompt_texels;          // prompts load weights and activations as texels, where they fit
    bool decode_texels;          // a token, too
    bool decode_rolled;          // a token, formats with scales: Tiling::rolled
    bool matrix_units;           // prompts by matrix units where the device has them and the
                                 // caller leaves the choice to the library
    const char* reason;          // with figures
};

// The first row that fits a device is its row; the last row fits every device.
std::span<const DeviceTiles> device_tiles_table();

const DeviceTiles& device_tiles(const DeviceInfo& device);

}  // namespace gyre
