// The host sampler's options as those of the device's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kernels/sample_options.h"
#include "runtime/text/sampler.h"

namespace gyre::test {

inline SampleSettings settings_of(const SamplerOptions& o) {
    return {.temperature = o.temperature,
            .top_k = o.top_k,
            .top_p = o.top_p,
            .min_p = o.min_p,
            .repetition_penalty = o.repetition_penalty,
            .repetition_window = o.repetition_window,
            .seed = o.seed};
}

}  // namespace gyre::test
