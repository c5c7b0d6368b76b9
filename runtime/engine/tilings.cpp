// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/tilings.h"

namespace gyre {

// The reasons and measurements are in docs/kernels.md. A software driver wants few invocations that
// each do much, and norms that nobody repeats; a GPU needs more invocations than a GPT-2 matrix has
// rows, so the sum is split too, and repeats a norm in less time than one workgroup takes for it.
Tilings Tilings::for_device(const DeviceCaps& caps, WeightFormat format) {
    Tilings t;
    if (caps.software) {
        t.attention_streams = 8;
        t.norms_behind = true;
        const bool nibbles = format == WeightFormat::kQ4_0 || format == WeightFormat::kQ4_K;
        const std::uint32_t rows = nibbles ? 16 : 8;
        t.decode = {.local_size = 8, .rows = rows, .tokens = 1, .k_lanes = 1};
        t.decode_norm = {.local_size = 32, .rows = 8, .tokens = 1, .k_lanes = 1};
        t.prefill = {.local_size = 32, .rows = 4, .tokens = 8, .k_lanes = 1};
    } else {
        t.decode = {.local_size = 64, .rows = 2, .tokens = 1, .k_lanes = 8};
        t.decode_norm = t.decode;
        t.prefill = {.local_size = 64, .rows = 4, .tokens = 8, .k_lanes = 1};
    }
    return t;
}

}  // namespace gyre
