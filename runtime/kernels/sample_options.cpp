// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/sample_options.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace gyre {

SampleOptions make_sample_options(const SampleSettings& s) {
    assert(s.repetition_window <= SAMPLE_HISTORY && "more than the device's history holds");
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    SampleOptions options{};
    options.inverse_temperature = s.temperature > 0.0f ? 1.0f / s.temperature : 0.0f;
    options.top_k = s.top_k;
    // Below 2^64 because top_p < 1, and cut off below 2^-64.
    const std::uint64_t fraction =
        s.top_p < 1.0f ? static_cast<std::uint64_t>(std::ldexp(static_cast<double>(s.top_p), 64))
                       : ~std::uint64_t{0};
    options.top_p_low = low(fraction);
    options.top_p_high = low(fraction >> 32);
    const double floor = std::ceil(std::ldexp(static_cast<double>(s.min_p), 31));
    options.min_weight = std::max(static_cast<std::uint32_t>(floor), 1u);
    options.penalty = s.repetition_penalty;
    options.inverse_penalty = 1.0f / s.repetition_penalty;
    options.window = s.repetition_penalty == 1.0f ? 0 : s.repetition_window;
    options.seed_low = low(s.seed);
    options.seed_high = low(s.seed >> 32);
    options.stop_token = s.stop_token;
    options.max_tokens = s.max_tokens;
    return options;
}

}  // namespace gyre
