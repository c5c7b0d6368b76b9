// Which tiling each product uses on which kind of device.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kernels/kernel_table.h"
#include "runtime/vk/device_info.h"

namespace gyre {

struct Tilings {
    Tiling decode;                      // one token
    Tiling decode_norm;                 // one token, normalised by every workgroup for itself
    bool norms_behind = false;          // one token: a sum is normalised where it is made instead
    Tiling prefill;                     // tiles of several tokens
    std::uint32_t attention_size = 64;  // invocations a query and head
    std::uint32_t attention_streams =
        0;  // a query in decode, queries a workgroup in prompts; 0: none

    // Without texels: whether a binding's range fits them is for the caller to see.
    static Tilings for_device(const DeviceCaps& caps, WeightFormat format);
};

}  // namespace gyre
