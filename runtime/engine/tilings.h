// Which tiling each product uses on which kind of device.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kernels/kernel_table.h"
#include "runtime/vk/device_info.h"

namespace gyre {

struct Tilings {
    Tiling decode;                      // one token
    Tiling prefill;                     // tiles of several tokens
    std::uint32_t attention_size = 64;  // invocations a query and head

    static Tilings for_device(const DeviceCaps& caps, WeightFormat format);
};

}  // namespace gyre
