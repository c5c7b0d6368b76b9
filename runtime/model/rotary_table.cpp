// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/rotary_table.h"

#include <cassert>
#include <cmath>

namespace gyre {

namespace {

// Positions of consecutive rows: first, first + step, ...
struct Positions {
    std::uint32_t first = 0;
    std::uint32_t step = 1;
    std::uint32_t n = 0;
};

// factor(pair, position) multiplies cos and sin of the pairs that rotate.
template <typename Factor>
void fill(const RotarySpec& spec, const Positions& positions, std::span<float> rows,
          Factor factor) {
    assert(rows.size() == std::size_t{positions.n} * spec.n_pairs() * 2);
    float* out = rows.data();
    for (std::uint32_t t = 0; t < positions.n; ++t) {
        const double position =
            static_cast<double>(positions.first) + static_cast<double>(t) * positions.step;
        for (std::uint32_t pair = 0; pair < spec.n_pairs(); ++pair) {
            const double inv_freq = spec.inv_freq[pair];
            if (inv_freq == 0.0) {
                *out++ = 1.0f;
                *out++ = 0.0f;
                continue;
            }
            // The angle as an exact sum: the product's rounding error alone is 1e-10 rad at
            // position 1,000,000, many units in the last place of a sine near zero. cos and sin of
            // a double reduce their argument exactly (every libm does, Payne-Hanek); the rest is
            // small.
            const double angle = position * inv_freq;
            const double rest = std::fma(position, inv_freq, -angle);
            const double c = std::cos(angle);
            const double s = std::sin(angle);
            const double f = factor(pair, position);
            *out++ = static_cast<float>(f * (c - s * rest));
            *out++ = static_cast<float>(f * (s + c * rest));
        }
    }
}

}  // namespace

void fill_rotary_rows(const RotarySpec& spec, double amplitude, std::uint32_t first,
                      std::uint32_t n, std::span<float> rows) {
    fill(spec, {first, 1, n}, rows, [amplitude](std::uint32_t, double) { return amplitude; });
}

void fill_rotary_table(const RotarySpec& spec, RotaryTable which, std::uint32_t first,
                       std::uint32_t n_ctx, double decay_origin, std::span<float> table) {
    assert(table.size() == rotary_table_floats(spec, n_ctx));
    const bool decays = which != RotaryTable::kValues && !spec.log_decay.empty();
    const double amplitude = which == RotaryTable::kValues ? 1.0 : spec.amplitude;
    const double sign = which == RotaryTable::kQueries ? 1.0 : -1.0;
    const auto decay = [&](std::uint32_t pair, double distance) {
        return decays ? std::exp(sign * spec.log_decay[pair] * distance) : 1.0;
    };
    const std::uint32_t n_fine = rotary_fine_rows(n_ctx);
    const std::size_t fine = std::size_t{n_fine} * spec.n_pairs() * 2;
    fill(spec, {0, 1, n_fine}, table.first(fine), decay);
    fill(spec, {first, ROTARY_FINE_ROWS, rotary_coarse_rows(n_ctx)}, table.subspan(fine),
         [&](std::uint32_t pair, double position) {
             return amplitude * decay(pair, position - decay_origin);
         });
}

}  // namespace gyre
