// Rows of floats as some weight formats, for tests that want numbers and not random bits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "runtime/model/weight_formats.h"

namespace gyre::testing {

// Formats: F32, F16, BF16, Q8_0, Q4_0 (ggml's rounding), Q4_K, Q6_K (scales of the least squared
// error among some near a block's range). dst: row_bytes(format, src.size()). Values must be
// finite.
void quantize_row(WeightFormat format, std::span<const float> src, std::span<std::uint8_t> dst);

}  // namespace gyre::testing
