// How weight matrices on the device are described to the kernels, and how rows of activations lie
// in memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtime/vk/descriptor_set.h"
#include "shaders/interface/bindings.h"
#include "shaders/interface/weight_formats.h"

namespace gyre {

// Words from a row of n activations to the next, or of anything else that lies between such rows.
template <typename Words>
constexpr Words activation_stride(Words n) {
    return (n + ACTIVATION_ALIGN - 1) / ACTIVATION_ALIGN * ACTIVATION_ALIGN;
}

// Rows [first_row, first_row + n_rows) of a matrix, in the layout of
// shaders/interface/weight_formats.h.
struct WeightSlice {
    BufferRange range;
    std::uint32_t first_row = 0;
    std::uint32_t n_rows = 0;
    std::uint32_t block_rows = 0;   // of the layout: complex matrices have a row for two outputs
    std::uint32_t block_vecs = 0;   // uvec4 from one block of rows to the next
    std::uint32_t imag_chunks = 0;  // complex: uvec4 from the real parts to the imaginary ones
};

// A matrix [n_rows][n_in]; more than one slice where it exceeds the device's storage range. A
// complex one is stored as real and imaginary parts [n_rows / 2][n_in / 2]; n_rows and n_in count
// real numbers.
struct WeightMatrix {
    WeightFormat format = WeightFormat::kF32;
    std::uint32_t n_rows = 0;
    std::uint32_t n_in = 0;
    bool complex = false;
    bool integer_halves = false;  // it has subnormal scales, and the device may flush them to zero
    std::uint32_t n_chunks = 0;   // of a stored row, padding included
    std::uint32_t n_steps = 0;    // what the product loop counts, padding included
    std::vector<WeightSlice> slices;
};

// One answer for all slices, so that they can share kernels.
inline bool texels_fit(const DeviceCaps& caps, const WeightMatrix& matrix) {
    return std::all_of(matrix.slices.begin(), matrix.slices.end(), [&](const WeightSlice& slice) {
        return texels_fit(caps, slice.range.size);
    });
}

}  // namespace gyre
