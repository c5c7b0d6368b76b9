// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/rotary_table.h"

#include <cassert>
#include <cmath>

namespace gyre {

void fill_rotary_table(const RotarySpec& spec, double amplitude, std::uint32_t first,
                       std::uint32_t n, std::span<float> table) {
    assert(table.size() == rotary_table_floats(spec, n));
    float* out = table.data();
    for (std::uint32_t t = 0; t < n; ++t) {
        const double position = static_cast<double>(first) + t;
        for (const double inv_freq : spec.inv_freq) {
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
            *out++ = static_cast<float>(amplitude * (c - s * rest));
            *out++ = static_cast<float>(amplitude * (s + c * rest));
        }
    }
}

}  // namespace gyre
