// How fast a device copies memory and computes, measured with small kernels.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "runtime/base/status.h"
#include "runtime/kernels/kernel_table.h"
#include "runtime/vk/device.h"

namespace gyre {

struct DeviceRates {
    double copy_bytes_per_second = 0.0;  // read plus written
    std::uint64_t copy_bytes = 0;        // read plus written by one copy
    double fma_flops_per_second = 0.0;   // float32; a fused multiplication and addition is two
    // Of its matrix units, float16 factors and float32 sums; 0: none, or no kernels for them.
    double matrix_flops_per_second = 0.0;
};

// The best of several runs, for about `seconds` each. Needs twice 128 MiB of device
// memory for this time, or what there is. Errors: kOutOfDeviceMemory, kDeviceLost.
Result<DeviceRates> measure_device(Device& device, KernelTable& kernels, double seconds = 0.3);

}  // namespace gyre
