// A rotary variant as the tests see it: the reference's pairs on one side, the kernels' table and
// pair order on the other.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/rotary_case.h"

#include <algorithm>
#include <cmath>

namespace gyre::test {

std::vector<double> RotaryCase::inv_freq() const {
    if (frequencies == Frequencies::kStandard) return reference::standard_inv_freq(rotary_dim);
    return reference::rope_id_inv_freq(rotary_dim, 1024.0);
}

std::vector<reference::TurningPair> RotaryCase::rotating_pairs() const {
    const bool half = pairing == RotaryPairing::kHalf;
    auto pairs = reference::rotating_pairs(
        half ? reference::Pairing::kHalf : reference::Pairing::kInterleaved, inv_freq());
    if (xpos) reference::add_xpos(pairs);
    return pairs;
}

std::vector<float> RotaryCase::table_row(std::uint32_t head_dim, double position,
                                         double of_amplitude, double decay) const {
    const auto pairs = rotating_pairs();
    std::vector<float> row;
    for (std::uint32_t p = 0; p < (head_dim + 1) / 2; ++p) {
        const bool rotates = p < pairs.size();
        const double angle = rotates ? position * pairs[p].inv_freq : 0.0;
        const double size =
            rotates ? of_amplitude * std::pow(pairs[p].zeta, decay * position / 512.0) : 1.0;
        row.push_back(static_cast<float>(size * std::cos(angle)));
        row.push_back(static_cast<float>(size * std::sin(angle)));
    }
    return row;
}

std::vector<float> RotaryCase::table(std::uint32_t head_dim, std::uint32_t n_ctx,
                                     double of_amplitude, double decay) const {
    std::vector<float> rows;
    const auto add = [&](double position, double amplitude_of_row) {
        const auto row = table_row(head_dim, position, amplitude_of_row, decay);
        rows.insert(rows.end(), row.begin(), row.end());
    };
    for (std::uint32_t fine = 0; fine < std::min(n_ctx, ROTARY_FINE_ROWS); ++fine)
        add(fine, 1.0);
    for (std::uint32_t coarse = 0; coarse < n_ctx; coarse += ROTARY_FINE_ROWS)
        add(coarse, of_amplitude);
    return rows;
}

RotaryCase rope(RotaryPairing pairing, std::uint32_t rotary_dim) {
    return {.pairing = pairing, .rotary_dim = rotary_dim};
}

RotaryCase rove(RotaryPairing pairing, std::uint32_t rotary_dim) {
    return {.pairing = pairing, .rotary_dim = rotary_dim, .values = ValueRotation::kRove};
}

RotaryCase rotate_only(RotaryPairing pairing, std::uint32_t rotary_dim) {
    return {.pairing = pairing, .rotary_dim = rotary_dim, .values = ValueRotation::kRotateOnly};
}

RotaryCase vo_rope(RotaryPairing pairing, std::uint32_t rotary_dim) {
    RotaryCase rotary = rove(pairing, rotary_dim);
    rotary.rotate_keys = false;
    return rotary;
}

RotaryCase rope_id(std::uint32_t head_dim, ValueRotation values) {
    RotaryCase rotary = rope(RotaryPairing::kHalf, head_dim);
    rotary.values = values;
    rotary.frequencies = Frequencies::kRopeId;
    return rotary;
}

RotaryCase with_amplitude(RotaryCase rotary, double amplitude) {
    rotary.amplitude = amplitude;
    return rotary;
}

RotaryCase with_xpos(RotaryCase rotary) {
    rotary.xpos = true;
    return rotary;
}

RotaryCase unrotated() {
    return {.rotate_keys = false};
}

}  // namespace gyre::test
