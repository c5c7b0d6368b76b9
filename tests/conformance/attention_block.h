// One attention block through the real kernels: projection, rotate, cache, attention.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/kernels/kernel_table.h"
#include "runtime/model/model_config.h"
#include "runtime/vk/device.h"

namespace gyre::test {

struct AttentionBlock {
    const ModelConfig* config = nullptr;
    RotarySpec spec;
    CacheFormat cache = CacheFormat::kF32;
    std::uint32_t first_position = 0;  // of token 0; its cache cell is 0
    std::uint32_t n_tokens = 0;
    std::uint32_t n_prompt = 0;  // tokens of the first batch; the rest come one by one
    // Decode kernels split a sum over invocations; without, they have the prompt's order of
    // summation.
    bool split_sums = true;
    bool streams = true;  // attention_streams.comp; false: attention.comp
    // After the prompt its first n_dropped tokens are dropped and the rest move to the front, as
    // in a context shift; later tokens follow them. 0 < n_dropped < n_prompt, or 0: no shift.
    std::uint32_t n_dropped = 0;
    bool shift_rotates_values = true;  // false: a mistake that must show under RoVE
    std::span<const float> x;          // [n_tokens][n_embd], as after the norm
    std::span<const float> weight;     // [(n_head + 2 n_head_kv) head_dim][n_embd], or real parts
    std::span<const float> imaginary;  // complex projection: both [rows / 2][n_embd / 2]
    std::span<const float> bias;       // [(n_head + 2 n_head_kv) head_dim], or empty
    std::span<const float> sinks;      // [n_head] learned sink logits, or empty
};

// [n_tokens][n_head * head_dim]. What a kernel does not write stays NaN.
Result<std::vector<float>> run_attention_block(Device& device, KernelTable& kernels,
                                               const AttentionBlock& block);

}  // namespace gyre::test
