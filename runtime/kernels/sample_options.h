// The options of the device's sampler, converted to the numbers that its kernels use.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "shaders/interface/sample.h"

namespace gyre {

// The options of runtime/text/sampler.h, which checks them. A window beyond SAMPLE_HISTORY is the
// host sampler's work.
struct SampleSettings {
    float temperature = 1.0f;  // 0: record with SampleParams::greedy
    std::uint32_t top_k = 0;
    float top_p = 1.0f;
    float min_p = 0.0f;
    float repetition_penalty = 1.0f;
    std::uint32_t repetition_window = 64;  // tokens, at most SAMPLE_HISTORY
    std::uint64_t seed = 0;
    std::uint32_t stop_token = NO_TOKEN;
    // These only the host looks for: the device continues after one of them until the host has seen
    // it.
    std::span<const std::uint32_t> more_stop_tokens{};
    std::uint32_t max_tokens = 0xffffffffu;
};

SampleOptions make_sample_options(const SampleSettings& settings);

}  // namespace gyre
