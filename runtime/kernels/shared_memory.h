// Bytes of shared memory that a kernel's workgroup takes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "runtime/kernels/kernel_variants.h"

namespace gyre {

// What the variant's module declares once its constants are set, without padding: Pipeline refuses
// what exceeds the device's.
std::uint64_t shared_bytes(const KernelVariant& variant, const DeviceCaps& caps);

// The largest norm_quads of a product by invocations whose workgroup takes at most so many bytes.
std::uint32_t max_norm_quads(const Tiling& tiling, std::uint64_t bytes);

// Of a product by matrix units. weight_parts: float16 numbers a weight is split into, 1 or 2.
std::uint64_t cooperative_shared_bytes(const Tiling& tiling, const CooperativeShape& shape,
                                       std::uint32_t weight_parts);

}  // namespace gyre
