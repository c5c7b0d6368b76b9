// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/rotary_table.h"

#include <cassert>
#include <cmath>

namespace gyre {

namespace {

// factor(pair, position) multiplies cos and sin of the pairs that turn.
template <typename Factor>
void fill(const RotarySpec& spec, std::uint32_t first, std::uint32_t n, std::span<float> table,
          Factor factor) {
    assert(table.size() == rotary_table_floats(spec, n));
    float* out = table.data();
    for (std::uint32_t t = 0; t < n; ++t) {
        const double position = static_cast<double>(first) + t;
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

void fill_rotary_table(const RotarySpec& spec, double amplitude, std::uint32_t first,
                       std::uint32_t n, std::span<float> table) {
    fill(spec, first, n, table, [amplitude](std::uint32_t, double) { return amplitude; });
}

void fill_rotary_table(const RotarySpec& spec, RotaryTable which, std::uint32_t first,
                       std::uint32_t n, double decay_origin, std::span<float> table) {
    if (which == RotaryTable::kValues || spec.log_decay.empty()) {
        const double amplitude = which == RotaryTable::kValues ? 1.0 : spec.amplitude;
        return fill_rotary_table(spec, amplitude, first, n, table);
    }
    const double sign = which == RotaryTable::kQueries ? 1.0 : -1.0;
    fill(spec, first, n, table, [&](std::uint32_t pair, double position) {
        return spec.amplitude * std::exp(sign * spec.log_decay[pair] * (position - decay_origin));
    });
}

}  // namespace gyre
