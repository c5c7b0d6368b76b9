// Rotary position embedding in float64: which channels pair up, and how far each pair rotates.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gyre::reference {

enum class Pairing {
    kInterleaved,  // (2i, 2i + 1): Su et al., RoFormer, arXiv:2104.09864, equation 15; GPT-J
    kHalf,  // (i, i + rotary_dim / 2): Black et al., GPT-NeoX-20B, arXiv:2204.06745; rotate_half
};

// Two channels of a head that rotate together: the complex number head[a] + i head[b] is multiplied
// by e^(i position inv_freq).
struct TurningPair {
    std::size_t a = 0;
    std::size_t b = 0;
    double inv_freq = 0;  // radians per position; 0: the pair does not rotate
    double zeta =
        1;  // xPos: what the pair of a query shrinks by in 512 positions, that of a key grows
};

// The pairs of the first rotary_dim = 2 * inv_freq.size() channels; the other channels of a head
// rotate with nobody. RoPE-ID and its like give one frequency to every pair of the head, zeros
// among them.
std::vector<TurningPair> rotating_pairs(Pairing pairing, std::span<const double> inv_freq);

// theta^(-2i / rotary_dim) for i < rotary_dim / 2. RoFormer, equation 15, theta = 10000.
std::vector<double> standard_inv_freq(std::size_t rotary_dim, double theta = 10000.0);

// The angles of RoPE-ID: n = head_dim / 4 rotating pairs with periods from 32 tokens to half the
// training length, spaced evenly in the logarithm; then as many pairs that do not rotate.
// Wertheimer et al., Frayed RoPE and Long Inputs, arXiv:2603.18017.
std::vector<double> rope_id_inv_freq(std::size_t head_dim, double train_length);

// Gives the pairs xPos's zeta_i = (2i / rotary_dim + 0.4) / 1.4, rotary_dim = 2 * pairs.size().
// Sun et al., A Length-Extrapolatable Transformer, arXiv:2212.10554, section 3 (gamma = 0.4), with
// the scale base 512 of the authors' code.
void add_xpos(std::span<TurningPair> pairs);

// Rotates one head [head_dim] in place to `position` and multiplies the rotated pairs by
// `amplitude` (YaRN's factor; only for queries and keys). Pairs of frequency 0 get the amplitude
// too. decay: the exponent of zeta for 512 positions: 1 for queries, -1 for keys, 0 for values.
// rotate(head, pairs, -position) rotates back. RoFormer, equation 34.
void rotate(std::span<double> head, std::span<const TurningPair> pairs, double position,
            double amplitude = 1.0, double decay = 0.0);

// rotate() for every head of every token: x [n_tokens, n_heads, head_dim], positions [n_tokens].
std::vector<double> rotate_heads(std::span<const double> x, std::size_t n_heads,
                                 std::size_t head_dim, std::span<const TurningPair> pairs,
                                 std::span<const double> positions, double amplitude = 1.0,
                                 double decay = 0.0);

}  // namespace gyre::reference
