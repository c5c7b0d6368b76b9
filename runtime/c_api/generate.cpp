// gyre_session_generate: its options, events and results as TextSession has them.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/unwinding.h"
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/sampling.h"
#include "runtime/c_api/session_handle.h"

namespace gyre::c_api {
namespace {

constexpr std::uint32_t kMaxTop = 128;  // of n_top

Result<StopStrings> read_stop(const gyre_generate_options& c) {
    if (c.stop == nullptr && c.n_stop > 0) return null_argument("stop");
    if (c.n_stop > StopStrings::kMaxStrings) {
        return Status::invalid_argument("options.n_stop is " + std::to_string(c.n_stop) +
                                        ": at most " + std::to_string(StopStrings::kMaxStrings));
    }
    std::vector<std::string> strings;
    for (std::size_t i = 0; i < c.n_stop; ++i) {
        if (c.stop[i] == nullptr) {
            return null_argument(("stop[" + std::to_string(i) + "]").c_str());
        }
        strings.emplace_back(c.stop[i]);
    }
    return StopStrings::create(strings);
}

Status check_logprobs(const gyre_generate_options& c) {
    if (c.n_top > kMaxTop) {
        return Status::invalid_argument("options.n_top is " + std::to_string(c.n_top) +
                                        ": at most " + std::to_string(kMaxTop));
    }
    if (c.n_top > 0 && c.logprobs == 0) {
        return Status::invalid_argument("options.n_top is " + std::to_string(c.n_top) +
                                        ", but options.logprobs is 0: set it to 1");
    }
    return {};
}

// Takes no memory: the token is the session's already, and has to be told.
bool tell(const TokenEvent& event, gyre_token_callback callback, void* user) {
    gyre_token_event e = {};
    e.struct_size = sizeof e;
    e.bytes = event.bytes.data();
    e.n_bytes = event.bytes.size();
    e.text = event.text.data();
    e.n_text = event.text.size();
    e.token = event.token;
    e.index = event.index;
    e.logprob = event.log_probability;
    e.top = event.top.empty() ? nullptr : event.top.data();
    e.n_top = event.top.size();
    return callback(&e, user) != 0;
}

Result<GenerateRequest> read_generate_options(const gyre_generate_options* from,
                                              std::size_t n_choices) {
    const gyre_generate_options defaults = GYRE_GENERATE_OPTIONS_INIT;
    GYRE_ASSIGN(const gyre_generate_options c, read_options(from, defaults, "options"));
    if (c.reserved != 0) return Status::invalid_argument("options.reserved is not 0");
    GenerateRequest request;
    GYRE_ASSIGN(request.sampling, read_sampling(c.sampling, n_choices));
    GYRE_ASSIGN(request.stop, read_stop(c));
    GYRE_TRY(check_logprobs(c));
    request.log_probabilities = c.logprobs != 0;
    request.n_top = c.n_top;
    request.max_tokens = c.max_tokens;
    request.parse_special = c.parse_special != 0;
    request.ignore_eos = c.ignore_eos != 0;
    if (c.on_token != nullptr) {
        request.on_token = [callback = c.on_token, user = c.user](const TokenEvent& event) {
            return tell(event, callback, user);
        };
    }
    return request;
}

gyre_generate_result to_c(const GenerateOutcome& outcome) {
    static_assert(static_cast<int>(StopReason::kEos) == GYRE_STOP_EOS);
    static_assert(static_cast<int>(StopReason::kMaxTokens) == GYRE_STOP_MAX_TOKENS);
    static_assert(static_cast<int>(StopReason::kContextFull) == GYRE_STOP_CONTEXT_FULL);
    static_assert(static_cast<int>(StopReason::kCallback) == GYRE_STOP_CALLBACK);
    static_assert(static_cast<int>(StopReason::kCancelled) == GYRE_STOP_CANCELLED);
    static_assert(static_cast<int>(StopReason::kError) == GYRE_STOP_ERROR);
    static_assert(static_cast<int>(StopReason::kStopString) == GYRE_STOP_STRING);
    static_assert(static_cast<int>(StopReason::kPaused) == GYRE_STOP_PAUSED);
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    result.stop_reason = static_cast<gyre_stop_reason>(outcome.stop_reason);
    result.n_prompt_tokens = outcome.n_prompt_tokens;
    result.n_tokens = outcome.n_tokens;
    result.stop_index = outcome.stop_index;
    return result;
}

}  // namespace
}  // namespace gyre::c_api

using gyre::Status;
using gyre::c_api::TextSession;

gyre_status gyre_session_generate(gyre_session* session, const char* prompt, size_t n_bytes,
                                  const gyre_generate_options* options,
                                  gyre_generate_result* result) {
    return gyre::c_api::with_session(session, [&](TextSession& text) -> Status {
        if (prompt == nullptr && n_bytes > 0) return gyre::c_api::null_argument("prompt");
        gyre::c_api::GenerateOutcome outcome;
        const auto tell = [&]() -> Status {
            if (result == nullptr) return {};
            return gyre::c_api::write_struct(gyre::c_api::to_c(outcome), result, "result");
        };
        GYRE_TRY(tell());
        GYRE_ASSIGN(const auto request,
                    gyre::c_api::read_generate_options(options, text.n_choices()));
        const std::string_view view = n_bytes == 0 ? "" : std::string_view(prompt, n_bytes);
        // It was written once: again it does not fail, and it is written whatever comes.
        const gyre::OnExit tell_result([&] { static_cast<void>(tell().ok()); });
        return text.generate(view, request, outcome);
    });
}
