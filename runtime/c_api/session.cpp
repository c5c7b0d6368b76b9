// gyre_session_*: translation to TextSession.
// SPDX-License-Identifier: Apache-2.0
#include <span>
#include <string>
#include <utility>

#include "runtime/c_api/boundary.h"
#include "runtime/c_api/session_handle.h"

namespace gyre::c_api {
namespace {

Result<std::span<const std::uint32_t>> token_span(const std::uint32_t* tokens, std::size_t count) {
    if (tokens == nullptr && count > 0) return null_argument("tokens");
    return std::span(tokens, count);
}

Result<CacheFormat> to_cpp(gyre_kv_type type) {
    switch (type) {
        case GYRE_KV_F16:
            return CacheFormat::kF16;
        case GYRE_KV_F32:
            return CacheFormat::kF32;
        case GYRE_KV_Q8_0:
            return CacheFormat::kQ8_0;
        case GYRE_KV_TYPE_FORCE_32:
            break;
    }
    return Status::invalid_argument("options.kv_type is " + std::to_string(static_cast<int>(type)) +
                                    ", which is no gyre_kv_type");
}

Result<WhenFull> to_cpp(gyre_when_full when_full) {
    switch (when_full) {
        case GYRE_WHEN_FULL_STOP:
            return WhenFull::kStop;
        case GYRE_WHEN_FULL_SLIDE:
            return WhenFull::kSlide;
        case GYRE_WHEN_FULL_FORCE_32:
            break;
    }
    return Status::invalid_argument("options.when_full is " +
                                    std::to_string(static_cast<int>(when_full)) +
                                    ", which is no gyre_when_full");
}

Result<SessionOptions> to_cpp(const gyre_session_options& c) {
    SessionOptions options;
    options.n_ctx = c.n_ctx;
    options.chunk = c.chunk;
    if (c.submit_ms > kMaxSubmitBudgetMs) {
        return Status::invalid_argument("options.submit_ms is " + std::to_string(c.submit_ms) +
                                        ": at most " +
                                        std::to_string(static_cast<int>(kMaxSubmitBudgetMs)));
    }
    if (c.submit_ms != 0) options.submit_budget_ms = c.submit_ms;
    GYRE_ASSIGN(options.cache, to_cpp(c.kv_type));
    GYRE_ASSIGN(options.when_full, to_cpp(c.when_full));
    options.keep_tokens = c.keep_tokens;
    if (c.progress != nullptr) {
        options.progress = [progress = c.progress, user = c.progress_user](const char* stage,
                                                                           double fraction) {
            return progress(stage, fraction, user) != 0;
        };
    }
    return options;
}

double rate(std::uint64_t n, double seconds) {
    return seconds > 0.0 ? static_cast<double>(n) / seconds : 0.0;
}

}  // namespace

Result<SessionOptions> read_session_options(const gyre_session_options* options) {
    const gyre_session_options defaults = GYRE_SESSION_OPTIONS_INIT;
    GYRE_ASSIGN(const gyre_session_options c, read_options(options, defaults, "options"));
    return to_cpp(c);
}

}  // namespace gyre::c_api

using gyre::Status;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;
using gyre::c_api::TextSession;
using gyre::c_api::with_session;

gyre_status gyre_session_create(const gyre_model* model, const gyre_session_options* options,
                                gyre_session** out_session) {
    return guarded([&]() -> Status {
        if (out_session == nullptr) return null_argument("out_session");
        *out_session = nullptr;
        if (model == nullptr) return null_argument("model");
        GYRE_ASSIGN(const gyre::SessionOptions engine_options,
                    gyre::c_api::read_session_options(options));
        if (model->open->engine == nullptr) {
            return Status::no_device("the model was opened with the device \"none\"");
        }
        auto session = std::make_unique<gyre_session>();
        GYRE_ASSIGN(session->text, TextSession::create(model->open, engine_options));
        *out_session = session.release();
        return {};
    });
}

void gyre_session_destroy(gyre_session* session) {
    delete session;
}

gyre_status gyre_session_reset(gyre_session* session) {
    return with_session(session, [](TextSession& text) -> Status {
        text.reset();
        return {};
    });
}

gyre_status gyre_session_truncate(gyre_session* session, uint32_t n) {
    return with_session(session, [&](TextSession& text) { return text.truncate(n); });
}

gyre_status gyre_session_shift(gyre_session* session, uint32_t first, uint32_t count) {
    return with_session(session, [&](TextSession& text) { return text.shift(first, count); });
}

gyre_status gyre_session_fork(gyre_session* session, gyre_session** out_session) {
    if (out_session != nullptr) *out_session = nullptr;
    return with_session(session, [&](TextSession& text) -> Status {
        if (out_session == nullptr) return null_argument("out_session");
        auto fork = std::make_unique<gyre_session>();
        GYRE_ASSIGN(fork->text, text.fork());
        *out_session = fork.release();
        return {};
    });
}

uint32_t gyre_session_position(const gyre_session* session) {
    return session == nullptr ? 0 : session->text->position();
}

uint32_t gyre_session_n_ctx(const gyre_session* session) {
    return session == nullptr ? 0 : session->text->n_ctx();
}

gyre_status gyre_session_feed(gyre_session* session, const uint32_t* tokens, size_t count) {
    return with_session(session, [&](TextSession& text) -> Status {
        GYRE_ASSIGN(const auto span, gyre::c_api::token_span(tokens, count));
        return text.feed(span);
    });
}

gyre_status gyre_session_feed_logits(gyre_session* session, const uint32_t* tokens, size_t count,
                                     gyre_logits_callback callback, void* user) {
    return with_session(session, [&](TextSession& text) -> Status {
        if (callback == nullptr) return null_argument("callback");
        GYRE_ASSIGN(const auto span, gyre::c_api::token_span(tokens, count));
        const size_t n_vocab = text.n_vocab();
        return text.feed(span, [&](uint32_t first, uint32_t n, const float* logits) -> Status {
            if (callback(logits, first, n, n_vocab, user) != 0) return {};
            return Status::cancelled("the logits callback cancelled");
        });
    });
}

gyre_status gyre_session_logits(gyre_session* session, const float** logits, size_t* n_vocab) {
    return with_session(session, [&](TextSession& text) -> Status {
        if (logits == nullptr) return null_argument("logits");
        GYRE_ASSIGN(const std::span<const float> values, text.logits());
        *logits = values.data();
        if (n_vocab != nullptr) *n_vocab = values.size();
        return {};
    });
}

void gyre_session_cancel(gyre_session* session) {
    if (session != nullptr) session->text->cancel();
}

gyre_status gyre_session_get_timings(const gyre_session* session, gyre_timings* timings) {
    return guarded([&]() -> Status {
        if (session == nullptr) return null_argument("session");
        const gyre::c_api::Timings& t = session->text->timings();
        gyre_timings c = GYRE_TIMINGS_INIT;
        c.prefill_seconds = t.prefill_seconds;
        c.prefill_tokens_per_second = gyre::c_api::rate(t.n_prefill_tokens, t.prefill_seconds);
        c.decode_seconds = t.decode_seconds;
        c.decode_tokens_per_second = gyre::c_api::rate(t.n_decode_tokens, t.decode_seconds);
        c.time_to_first_token_seconds = t.time_to_first_token_seconds;
        c.n_prefill_tokens = t.n_prefill_tokens;
        c.n_decode_tokens = t.n_decode_tokens;
        return gyre::c_api::write_struct(c, timings, "timings");
    });
}
