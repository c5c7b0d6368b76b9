// A rotary variant as the tests see it: the reference's pairs on one side, the kernels' table and
// pair order on the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/kernels/kernel_table.h"
#include "tests/reference/rotary.h"
#include "tests/shaders/layouts.h"

namespace gyre::test {

enum class Frequencies {
    kStandard,  // of the first rotary_dim channels
    kRopeId,    // of the whole head, zeros in the second half
};

struct RotaryCase {
    RotaryPairing pairing = RotaryPairing::kHalf;
    std::uint32_t rotary_dim = 0;  // channels that rotate; the rest pass
    bool rotate_keys = true;
    ValueRotation values = ValueRotation::kNone;
    double amplitude = 1.0;  // of queries and keys
    Frequencies frequencies = Frequencies::kStandard;
    bool xpos = false;

    RotaryKernelSpec kernel_spec() const { return {pairing, rotate_keys, values}; }
    bool rotates_values() const { return values != ValueRotation::kNone; }
    std::uint32_t stride() const { return rotary_dim / 2; }
    std::vector<double> inv_freq() const;
    std::vector<reference::TurningPair> rotating_pairs() const;
    std::vector<ChannelPair> channel_pairs(std::uint32_t head_dim) const {
        return test::channel_pairs(pairing, head_dim, stride());
    }

    // The kernels' position table (shaders/interface/rotary.h) of positions from 0; pairs that the
    // reference does not know stay as they are. decay: as in reference::rotate.
    std::vector<float> table(std::uint32_t head_dim, std::uint32_t n_ctx, double of_amplitude = 1.0,
                             double decay = 0.0) const;
    // [n_pairs] (cos, sin) of one position, which may be negative.
    std::vector<float> table_row(std::uint32_t head_dim, double position, double of_amplitude = 1.0,
                                 double decay = 0.0) const;
};

RotaryCase rope(RotaryPairing pairing, std::uint32_t rotary_dim);
RotaryCase rove(RotaryPairing pairing, std::uint32_t rotary_dim);
RotaryCase rotate_only(RotaryPairing pairing, std::uint32_t rotary_dim);
RotaryCase vo_rope(RotaryPairing pairing, std::uint32_t rotary_dim);
RotaryCase rope_id(std::uint32_t head_dim, ValueRotation values);
RotaryCase with_amplitude(RotaryCase rotary, double amplitude);
RotaryCase with_xpos(RotaryCase rotary);
RotaryCase unrotated();

}  // namespace gyre::test
