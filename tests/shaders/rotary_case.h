// A rotary variant as the tests see it: the reference's pairs on one side, the kernels' table and
// pair order on the other. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "runtime/kernels/kernel_table.h"
#include "tests/reference/attention.h"
#include "tests/reference/rotary.h"
#include "tests/shaders/layouts.h"

namespace gyre::test {

enum class Frequencies {
    kStandard,  // of the first rotary_dim channels
    kRopeId,    // of the whole head, zeros in the second half
};

struct RotaryCase {
    RotaryPairing pairing = RotaryPairing::kHalf;
    std::uint32_t rotary_dim = 0;  // channels that turn; the rest pass
    bool rotate_keys = true;
    ValueRotation values = ValueRotation::kNone;
    double amplitude = 1.0;  // of queries and keys
    Frequencies frequencies = Frequencies::kStandard;

    RotaryKernelSpec kernel_spec() const { return {pairing, rotate_keys, values}; }

    std::vector<double> inv_freq() const {
        if (frequencies == Frequencies::kStandard) return reference::standard_inv_freq(rotary_dim);
        return reference::rope_id_inv_freq(rotary_dim, 1024.0);
    }
    std::vector<reference::TurningPair> turning_pairs() const {
        const bool half = pairing == RotaryPairing::kHalf;
        return reference::turning_pairs(
            half ? reference::Pairing::kHalf : reference::Pairing::kInterleaved, inv_freq());
    }
    std::uint32_t stride() const { return rotary_dim / 2; }
    std::vector<ChannelPair> channel_pairs(std::uint32_t head_dim) const {
        return test::channel_pairs(pairing, head_dim, stride());
    }

    // [n_ctx][n_pairs] (cos, sin); the pairs that the reference does not know stay as they are.
    std::vector<float> table(std::uint32_t head_dim, std::uint32_t n_ctx, double amp) const {
        const std::vector<double> freq = inv_freq();
        const std::uint32_t n_pairs = (head_dim + 1) / 2;
        std::vector<float> values_of;
        for (std::uint32_t position = 0; position < n_ctx; ++position) {
            for (std::uint32_t p = 0; p < n_pairs; ++p) {
                const bool turns = p < freq.size();
                const double angle = turns ? position * freq[p] : 0.0;
                values_of.push_back(static_cast<float>((turns ? amp : 1.0) * std::cos(angle)));
                values_of.push_back(static_cast<float>((turns ? amp : 1.0) * std::sin(angle)));
            }
        }
        return values_of;
    }
};

inline reference::RotaryValues reference_values(ValueRotation values) {
    switch (values) {
        case ValueRotation::kNone:
            return reference::RotaryValues::kNone;
        case ValueRotation::kRotateOnly:
            return reference::RotaryValues::kRotateOnly;
        case ValueRotation::kRove:
            return reference::RotaryValues::kRove;
    }
    return reference::RotaryValues::kNone;
}

}  // namespace gyre::test
