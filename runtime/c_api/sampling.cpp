// Choosing one token: gyre_session_sample, gyre_sample and their options.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/sampling.h"

#include <cmath>
#include <limits>
#include <span>
#include <string>

#include "runtime/c_api/boundary.h"
#include "runtime/c_api/session_handle.h"

namespace gyre::c_api {
namespace {

// Logits of a caller: what is wrong with them is the caller's mistake, not a device's.
Status check_logits(std::span<const float> logits) {
    for (std::size_t t = 0; t < logits.size(); ++t) {
        if (logits[t] <= std::numeric_limits<float>::max()) continue;
        return Status::invalid_argument("logits[" + std::to_string(t) + "] is " +
                                        (std::isnan(logits[t]) ? "NaN" : "infinity") +
                                        ": it must be a number, or -infinity");
    }
    return {};
}

Result<std::uint32_t> sample(std::span<const float> logits, std::span<const std::uint32_t> history,
                             std::uint64_t step, const gyre_sampling_options* from) {
    GYRE_ASSIGN(const SamplerOptions options, read_sampling(from, logits.size()));
    GYRE_TRY(check_logits(logits));
    GYRE_ASSIGN(Sampler sampler, Sampler::create(options));
    sampler.set_step(step);
    return sampler.sample(logits, history);
}

}  // namespace

Result<SamplerOptions> read_sampling(const gyre_sampling_options* from, std::size_t n_tokens) {
    const gyre_sampling_options defaults = GYRE_SAMPLING_OPTIONS_INIT;
    GYRE_ASSIGN(const gyre_sampling_options c, read_options(from, defaults, "sampling options"));
    if (c.bias == nullptr && c.n_bias > 0) return null_argument("bias");
    SamplerOptions options;
    options.temperature = c.temperature;
    options.top_k = c.top_k;
    options.top_p = c.top_p;
    options.min_p = c.min_p;
    options.repetition_penalty = c.repeat_penalty;
    options.repetition_window = c.repeat_window;
    options.seed = c.seed;
    for (std::size_t i = 0; i < c.n_bias; ++i)
        options.bias.push_back({c.bias[i].token, c.bias[i].bias});
    if (c.allow != nullptr) {
        options.allow = [allow = c.allow, user = c.allow_user](std::uint32_t* mask, std::size_t n) {
            return allow(mask, n, user) != 0;
        };
    }
    GYRE_TRY(validate(options));
    GYRE_TRY(validate_bias_tokens(options, n_tokens));
    return options;
}

}  // namespace gyre::c_api

using gyre::Status;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;
using gyre::c_api::TextSession;

gyre_status gyre_session_sample(gyre_session* session, const gyre_sampling_options* options,
                                uint32_t* token) {
    return gyre::c_api::with_session(session, [&](TextSession& text) -> Status {
        if (token == nullptr) return null_argument("token");
        GYRE_ASSIGN(const auto sampling, gyre::c_api::read_sampling(options, text.n_choices()));
        GYRE_ASSIGN(*token, text.sample(sampling));
        return {};
    });
}

gyre_status gyre_sample(const float* logits, size_t n_logits, const uint32_t* history,
                        size_t n_history, uint64_t step, const gyre_sampling_options* options,
                        uint32_t* token) {
    return guarded([&]() -> Status {
        if (token == nullptr) return null_argument("token");
        if (logits == nullptr) return null_argument("logits");
        if (history == nullptr && n_history > 0) return null_argument("history");
        GYRE_ASSIGN(*token, gyre::c_api::sample(std::span(logits, n_logits),
                                                std::span(history, n_history), step, options));
        return {};
    });
}
