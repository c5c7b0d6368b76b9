// Random numbers that depend on (seed, step) alone, the same on every platform and in a shader.
// SPDX-License-Identifier: Apache-2.0
//
// Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3"
// (SC 2011), section 3.3; constants of table 2 and of the authors' Random123 library.
#pragma once

#include <array>
#include <cstdint>

namespace gyre {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

// Ten rounds over the counter.
PhiloxCounter philox4x32_10(PhiloxCounter counter, PhiloxKey key);

// The random number of one sampling step, uniform over all 64-bit values: words 0 (low) and 1
// (high) of Philox with key = (seed low, seed high) and counter = (step low, step high, 0, 0).
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t step);

}  // namespace gyre
