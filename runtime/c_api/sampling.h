// gyre_sampling_options as the sampler has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "gyre/gyre.h"
#include "runtime/base/status.h"
#include "runtime/text/sampler.h"

namespace gyre::c_api {

// from: nullptr for the defaults. n_tokens: that there are to choose from. Ranges are checked.
Result<SamplerOptions> read_sampling(const gyre_sampling_options* from, std::size_t n_tokens);

}  // namespace gyre::c_api
