// The cos/sin table that the kernels read instead of computing angles.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "runtime/model/rotary_spec.h"

namespace gyre {

// Floats of n positions: [n][n_pairs][2].
inline std::uint64_t rotary_table_floats(const RotarySpec& spec, std::uint64_t n) {
    return n * spec.n_pairs() * 2;
}

// The table of what is turned: amplitude and decay are the queries' and keys' business.
enum class RotaryTable { kQueries, kKeys, kValues };

// Writes the pairs' (cos, sin) of positions [first, first + n), [n][n_pairs][2], times the
// amplitude and xPos's decay that belong to `which`. The decay is counted from decay_origin: any
// value gives the same scores, the middle of the context keeps both factors in range.
void fill_rotary_table(const RotarySpec& spec, RotaryTable which, std::uint32_t first,
                       std::uint32_t n, double decay_origin, std::span<float> table);

// The same with one factor for all pairs and no decay.
// Writes (amplitude * cos, amplitude * sin) of positions [first, first + n), [n][n_pairs][2].
// A pair that does not turn (inv_freq 0) gets (1, 0): the amplitude belongs to the turned channels.
// amplitude: spec.amplitude for queries and keys, 1 for values and outputs. Computed in double with
// the product position * inv_freq kept exact, so that the float is within one unit in the last
// place of the true value at every position below 2^31. table: rotary_table_floats(spec, n) floats.
void fill_rotary_table(const RotarySpec& spec, double amplitude, std::uint32_t first,
                       std::uint32_t n, std::span<float> table);

}  // namespace gyre
