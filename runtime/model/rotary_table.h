// The position tables that the kernels read instead of computing angles.
// SPDX-License-Identifier: Apache-2.0
//
// A table has two factors, as shaders/interface/rotary.h says: R(first + 256 a + b) is the product
// of a coarse row, R(first + 256 a), and a fine one, R(b). Both are computed in double, with the
// product position * inv_freq kept exact, and rounded once, so a float is within one unit in the
// last place of the true value at every position below 2^31. The kernels multiply them in float32.
// With u = 2^-24, each factor is off by at most u of its length, and a complex product of floats by
// sqrt(5) u (Brent, Percival and Zimmermann, "Error bounds on complex floating-point
// multiplication", 2007), where float operations are rounded to nearest: 4.24 u = 2.6e-7 in all, at
// every position.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/model/rotary_spec.h"

namespace gyre {

// Rows of a position table for n_ctx positions.
constexpr std::uint32_t rotary_fine_rows(std::uint32_t n_ctx) {
    return n_ctx < ROTARY_FINE_ROWS ? n_ctx : ROTARY_FINE_ROWS;
}
constexpr std::uint32_t rotary_coarse_rows(std::uint32_t n_ctx) {
    return n_ctx / ROTARY_FINE_ROWS + (n_ctx % ROTARY_FINE_ROWS != 0 ? 1 : 0);
}
// Floats of both.
inline std::uint64_t rotary_table_floats(const RotarySpec& spec, std::uint32_t n_ctx) {
    return (std::uint64_t{rotary_fine_rows(n_ctx)} + rotary_coarse_rows(n_ctx)) * spec.n_pairs() *
           2;
}

// The table of what is rotated: amplitude and decay are the queries' and keys' business.
enum class RotaryTable { kQueries, kKeys, kValues };

// Writes the position table of positions [first, first + n_ctx), with the amplitude and xPos's
// decay that belong to `which`. The decay is counted from decay_origin: any value gives the same
// scores, the middle of the context keeps both factors in range. table: rotary_table_floats(spec,
// n_ctx) floats.
void fill_rotary_table(const RotarySpec& spec, RotaryTable which, std::uint32_t first,
                       std::uint32_t n_ctx, double decay_origin, std::span<float> table);

// Writes (amplitude * cos, amplitude * sin) of positions [first, first + n), without a decay:
// rows[n][n_pairs][2]. A pair that does not rotate (inv_freq 0) gets (1, 0): the amplitude belongs
// to the rotated channels.
void fill_rotary_rows(const RotarySpec& spec, double amplitude, std::uint32_t first,
                      std::uint32_t n, std::span<float> rows);

}  // namespace gyre
