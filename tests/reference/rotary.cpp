// Rotary position embedding in float64: which channels pair up, and how far each pair rotates.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/rotary.h"

#include <cassert>
#include <cmath>
#include <complex>
#include <numbers>

namespace gyre::reference {

std::vector<TurningPair> rotating_pairs(Pairing pairing, std::span<const double> inv_freq) {
    std::vector<TurningPair> pairs;
    for (std::size_t i = 0; i < inv_freq.size(); ++i) {
        if (pairing == Pairing::kInterleaved) {
            pairs.push_back({.a = 2 * i, .b = 2 * i + 1, .inv_freq = inv_freq[i]});
        } else {
            pairs.push_back({.a = i, .b = i + inv_freq.size(), .inv_freq = inv_freq[i]});
        }
    }
    return pairs;
}

std::vector<double> standard_inv_freq(std::size_t rotary_dim, double theta) {
    assert(rotary_dim % 2 == 0);
    std::vector<double> inv_freq(rotary_dim / 2);
    for (std::size_t i = 0; i < inv_freq.size(); ++i) {
        inv_freq[i] =
            std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(rotary_dim));
    }
    return inv_freq;
}

std::vector<double> rope_id_inv_freq(std::size_t head_dim, double train_length) {
    assert(head_dim % 4 == 0 && head_dim >= 8);
    const std::size_t n_turning = head_dim / 4;
    std::vector<double> inv_freq(head_dim / 2, 0.0);
    for (std::size_t i = 0; i < n_turning; ++i) {
        const double fraction = static_cast<double>(i) / static_cast<double>(n_turning - 1);
        const double period = 32.0 * std::pow(train_length / 64.0, fraction);
        inv_freq[i] = 2.0 * std::numbers::pi / period;
    }
    return inv_freq;
}

void add_xpos(std::span<TurningPair> pairs) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        pairs[i].zeta = (static_cast<double>(i) / static_cast<double>(pairs.size()) + 0.4) / 1.4;
    }
}

void rotate(std::span<double> head, std::span<const TurningPair> pairs, double position,
            double amplitude, double decay) {
    for (const TurningPair& pair : pairs) {
        assert(pair.a < head.size() && pair.b < head.size());
        const double size = amplitude * std::pow(pair.zeta, decay * position / 512.0);
        const std::complex<double> rotated = std::complex<double>(head[pair.a], head[pair.b]) *
                                             std::polar(size, position * pair.inv_freq);
        head[pair.a] = rotated.real();
        head[pair.b] = rotated.imag();
    }
}

std::vector<double> rotate_heads(std::span<const double> x, std::size_t n_heads,
                                 std::size_t head_dim, std::span<const TurningPair> pairs,
                                 std::span<const double> positions, double amplitude,
                                 double decay) {
    assert(x.size() == positions.size() * n_heads * head_dim);
    std::vector<double> y(x.begin(), x.end());
    for (std::size_t t = 0; t < positions.size(); ++t) {
        for (std::size_t h = 0; h < n_heads; ++h) {
            const std::span<double> head(y.data() + (t * n_heads + h) * head_dim, head_dim);
            rotate(head, pairs, positions[t], amplitude, decay);
        }
    }
    return y;
}

}  // namespace gyre::reference
