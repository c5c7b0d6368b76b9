// Rotary attention as data: the frequency of each pair of a head, which channels form a pair, and
// what is rotated.
// SPDX-License-Identifier: Apache-2.0
//
// One RotarySpec describes RoPE, its partial and scaled forms, RoPE-ID, p-RoPE, HoPE, VO-RoPE,
// RoFormer's rotated values and RoVE (arXiv:2606.11275); the kernels know none of these names.
// Pair p of a head at position t rotates by the angle t * inv_freq[p]:
//     a' = a cos - b sin,  b' = a sin + b cos.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "shaders/interface/rotary.h"  // RotaryPairing, ValueRotation

namespace gyre {

// Length-dependent logit factor, folded in the softmax scale (RoPE-ID, arXiv:2603.18017):
//     (1 + coefficient * ln max(1, L / train_length)) ^ power,   L = query position + 1.
struct AttentionTemperature {
    double coefficient = 0.0;
    double power = 2.0;
    std::uint32_t train_length = 0;  // positions; 0: no temperature

    bool active() const { return train_length != 0 && coefficient != 0.0 && power != 0.0; }
    double factor(std::uint32_t n_attended) const;  // n_attended = L
};

struct RotarySpec {
    std::uint32_t head_dim = 0;
    // [n_pairs] radians per position, n_pairs = ceil(head_dim / 2); 0 = this pair does not rotate.
    // All zero for a model without rotary positions.
    std::vector<double> inv_freq;
    RotaryPairing pairing = RotaryPairing::kHalf;
    std::uint32_t stride = 0;  // channels between a and b of a pair (kHalf only)
    bool rotate_keys = true;   // queries and keys; false = VO-RoPE
    ValueRotation values = ValueRotation::kNone;
    // Factor on cos and sin of queries and keys, never of values and outputs (YaRN, LongRoPE).
    double amplitude = 1.0;
    AttentionTemperature temperature;
    // xPos (arXiv:2212.10554): [n_pairs] natural logarithm of a pair's decay a position, or empty.
    // Queries at t are multiplied by exp(log_decay t), keys by exp(-log_decay t), values by
    // nothing.
    std::vector<double> log_decay;

    std::uint32_t n_pairs() const { return (head_dim + 1) / 2; }
    bool rotates() const;  // some pair of something rotates
    // Values and outputs need a table of their own (unit amplitude).
    bool needs_unit_table() const {
        return (amplitude != 1.0 || !log_decay.empty()) && values != ValueRotation::kNone;
    }
};

// Whether the kernels of a model whose layers have these specs rotate: where one does, all have
// tables.
bool any_rotates(std::span<const RotarySpec> specs);

// The two channels of a pair. b == kNoChannel: the single last channel of an odd head.
struct PairChannels {
    static constexpr std::uint32_t kNoChannel = 0xffffffffu;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};

// [n_pairs], in pair order: every channel of the head occurs once. kHalf: the first stride pairs
// are (i, i + stride); the channels not yet covered follow in order, two by two.
std::vector<PairChannels> pair_channels(RotaryPairing pairing, std::uint32_t stride,
                                        std::uint32_t head_dim);
std::vector<PairChannels> pair_channels(const RotarySpec& spec);

// --- How the frequencies of a model file are computed: the recipe, and the rules ---

enum class RotaryScalingType : std::uint32_t {
    kNone = 0,
    kLinear = 1,    // position interpolation, arXiv:2306.15595
    kNtk = 2,       // NTK-aware base
    kDynamic = 3,   // NTK-aware base that grows with the length
    kYarn = 4,      // arXiv:2309.00071
    kLlama3 = 5,    // Llama 3.1
    kLongrope = 6,  // arXiv:2402.13753
};

struct RotaryScaling {
    RotaryScalingType type = RotaryScalingType::kNone;
    double factor = 1.0;                        // s = new context / original context
    std::uint32_t original_context_length = 0;  // T, positions
    // Factor on cos and sin that replaces the rule's own (LongRoPE); 0 = the rule's own.
    double attention_factor = 0.0;
    // YaRN. attn_factor multiplies the rule's own amplitude, as in ggml.
    double attn_factor = 1.0;
    double ext_factor = 1.0;  // 1 = the ramp below, 0 = plain interpolation without amplitude
    double beta_fast = 32.0;  // rotations in T positions above which a frequency stays as it is
    double beta_slow = 1.0;   // rotations in T positions below which it is fully interpolated
    double mscale = 1.0;
    double mscale_all_dim = 0.0;
    // Llama 3.
    double low_freq_factor = 1.0;
    double high_freq_factor = 4.0;
    // LongRoPE: one divisor a pair, [rotary_dim / 2].
    std::vector<double> short_factor;
    std::vector<double> long_factor;
};

// What a model file says about its frequencies; ranges are checked by model_config.
struct RotaryRecipe {
    std::uint32_t rotary_dim = 0;  // channels that rotate: even, <= head_dim
    double theta = 10000.0;        // the base (freq_base)
    RotaryScaling scaling;
    std::vector<double> freq_factors;  // [rotary_dim / 2] divisors of inv_freq, or empty
    // [head_dim / 2], or empty. Wins over everything above; pairs are then over the whole head.
    std::vector<double> inv_freq;
    RotaryPairing pairing = RotaryPairing::kHalf;
    bool rotate_keys = true;
    ValueRotation values = ValueRotation::kNone;
    AttentionTemperature temperature;
    bool xpos = false;
    bool resonance = false;  // whole_wavelengths() of what the scaling gives
};

struct RotaryFrequencies {
    std::vector<double> inv_freq;  // [rotary_dim / 2] radians per position
    double amplitude = 1.0;
};

// One rule a row: name as in the files, and the function that fills inv_freq and amplitude.
struct RotaryScalingRule {
    RotaryScalingType type;
    const char* name;
    // True: the frequencies depend on the session's context, so they are fixed when it begins.
    bool depends_on_context;
    RotaryFrequencies (*fill)(const RotaryRecipe& recipe, std::uint32_t n_ctx);
};
std::span<const RotaryScalingRule> rotary_scaling_rules();
const RotaryScalingRule* find_rotary_scaling(std::string_view name);  // nullptr: no such rule
const RotaryScalingRule& rotary_scaling_rule(RotaryScalingType type);

// The spec of a session with n_ctx positions. head_dim as in the model. A frequency that changes
// with the length (dynamic, longrope) is fixed for n_ctx here, because a cached key cannot follow.
RotarySpec make_rotary_spec(const RotaryRecipe& recipe, std::uint32_t head_dim,
                            std::uint32_t n_ctx);
// The spec of a model without rotary positions: nothing rotates.
RotarySpec make_unrotated_spec(std::uint32_t head_dim);

// --- Frequencies for gyre.rotary.inv_freq: [head_dim / 2], zeros where a pair does not rotate ---

// theta^(-2i / rotary_dim) for i < rotary_dim / 2.
std::vector<double> rope_inv_freq(std::uint32_t rotary_dim, double theta);
// Resonance RoPE (arXiv:2403.00071): a rotation takes a whole number of positions, the nearest.
std::vector<double> whole_wavelengths(std::vector<double> inv_freq);
// RoPE-ID (arXiv:2603.18017): the first head_dim / 4 pairs, log-spaced from one rotation in 32
// positions to two rotations in train_length positions.
std::vector<double> rope_id_inv_freq(std::uint32_t head_dim, std::uint32_t train_length);
// p-RoPE (arXiv:2410.06205): the fraction of highest frequencies, with their original exponents.
std::vector<double> p_rope_inv_freq(std::uint32_t head_dim, double theta, double fraction);
// HoPE (arXiv:2410.21216): pairs that do not complete a rotation in train_length positions stand
// still.
std::vector<double> hope_inv_freq(std::uint32_t head_dim, double theta, std::uint32_t train_length);

}  // namespace gyre
