// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/scenario.h"

#include <cstring>
#include <filesystem>
#include <utility>

namespace gyre::faults {
namespace {

constexpr std::uint32_t kContext = 64;
constexpr std::uint32_t kKept = 3;
// n tokens from `first` on, of which neighbours differ.
std::vector<std::uint32_t> some_tokens(std::uint32_t first, std::uint32_t n) {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t i = first; i < first + n; ++i)
        ids.push_back((i * i * 7 + i * 3 + 1) % 300);
    return ids;
}

gyre_sampling_options drawn() {
    gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
    sampling.temperature = 1.5f;  // a tiny model would repeat itself
    sampling.top_k = 0;
    sampling.top_p = 1.0f;
    sampling.min_p = 0.0f;
    sampling.seed = 11;
    return sampling;
}

}  // namespace

Scenario::~Scenario() {
    end_sessions();
    close_model();
}

void Scenario::run(const Around& around, bool close) {
    transcript_.clear();
    broken_.clear();
    writing_ = {};
    host_told_ = 0;
    host_pending_ = false;
    const auto phase = [&](Phase which, const std::function<gyre_status()>& act) {
        writing_ = {};
        start_ = gyre_session_position(session_);
        if (around(which, act)) return true;
        end_sessions();
        close_model();
        return false;
    };
    const auto nothing_fails = [](auto act) {
        return [act] {
            act();
            return GYRE_OK;
        };
    };
    if (model_ == nullptr) {
        if (!phase(Phase::kEstimate, [this] { return estimate(); })) return;
        const Phase first = options_.tune ? Phase::kTune : Phase::kOpen;
        if (!phase(first, [this] { return open(options_.tune); })) return;
    }
    if (!phase(Phase::kCreate, [this] { return create(); })) return;
    if (!phase(Phase::kPrompt, [this] { return prompt(); })) return;
    if (!phase(Phase::kDecode, [this] { return generate(session_, writing_, 9); })) return;
    if (!phase(Phase::kLogits, [this] { return logits(); })) return;
    if (!phase(Phase::kShift, [this] { return shift(); })) return;
    if (!phase(Phase::kHost, [this] { return host(); })) return;
    if (!phase(Phase::kFork, [this] { return fork(); })) return;
    if (!phase(Phase::kSlide, [this] { return generate(session_, writing_, 40); })) return;
    if (!phase(Phase::kCancel, [this] { return cancel(); })) return;
    if (!phase(Phase::kProfile, [this] { return profile(); })) return;
    if (!phase(Phase::kPause, [this] { return pause(); })) return;
    if (!phase(Phase::kSave, [this] { return save_and_load(); })) return;
    if (!phase(Phase::kEnd, nothing_fails([this] { end_sessions(); }))) return;
    if (close) phase(Phase::kClose, nothing_fails([this] { close_model(); }));
}

gyre_status Scenario::open(bool tune) {
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = options_.device.c_str();
    options.cache_dir = options_.cache_dir.c_str();
    options.no_tuning = tune ? 0 : 1;
    if (tune) std::filesystem::remove_all(options_.cache_dir);
    return gyre_model_open(options_.model.c_str(), &options, &model_);
}

gyre_status Scenario::estimate() {
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = "none";
    gyre_model* file = nullptr;
    const gyre_status opened = gyre_model_open(options_.model.c_str(), &options, &file);
    if (opened != GYRE_OK) return opened;
    gyre_memory_need need = GYRE_MEMORY_NEED_INIT;
    const gyre_status status = gyre_model_estimate(file, options_.device.c_str(), nullptr, &need);
    if (status == GYRE_OK && need.fits == 0) broken_ = need.because;
    gyre_model_destroy(file);
    return status;
}

gyre_status Scenario::create() {
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = kContext;
    options.chunk = 8;
    options.when_full = GYRE_WHEN_FULL_SLIDE;
    options.keep_tokens = kKept;
    options.submit_ms = options_.submit_ms;
    return gyre_session_create(model_, &options, &session_);
}

// The session says how much of a prompt it holds.
gyre_status Scenario::prompt() {
    const std::vector<std::uint32_t> tokens = some_tokens(0, 20);
    const std::uint32_t done = gyre_session_position(session_) - start_;
    return gyre_session_feed(session_, tokens.data() + done, tokens.size() - done);
}

// n tokens in all; writing knows those that were told.
gyre_status Scenario::generate(gyre_session* session, Writing& writing, std::uint32_t n) {
    struct Call {
        Scenario* scenario;
        gyre_session* session;
        Writing* writing;
    } call{this, session, &writing};
    const auto on_token = [](const gyre_token_event* event, void* user) {
        const Call& to = *static_cast<Call*>(user);
        if (event->token == GYRE_TOKEN_NONE) return 1;
        to.scenario->tell(event->token);
        if (++to.writing->told == to.writing->cancel_at) gyre_session_cancel(to.session);
        return 1;
    };
    if (writing.told >= n) return GYRE_OK;
    const gyre_sampling_options sampling = drawn();
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    options.sampling = &sampling;
    options.max_tokens = n - writing.told;
    options.ignore_eos = 1;
    options.on_token = on_token;
    options.user = &call;
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    const std::uint32_t before = writing.told;
    const gyre_status status = gyre_session_generate(session, "", 0, &options, &result);
    if (result.n_tokens != writing.told - before) broken_ = "n_tokens is not what was told";
    return status;
}

gyre_status Scenario::logits() {
    const std::vector<std::uint32_t> tokens = some_tokens(20, 12);
    const std::uint32_t done = gyre_session_position(session_) - start_;
    const auto on_rows = [](const float* rows, std::size_t, std::size_t n, std::size_t n_vocab,
                            void* user) {
        for (std::size_t i = 0; i < n * n_vocab; ++i) {
            std::uint32_t bits = 0;
            std::memcpy(&bits, rows + i, sizeof(bits));
            static_cast<Scenario*>(user)->tell(bits);
        }
        return 1;
    };
    return gyre_session_feed_logits(session_, tokens.data() + done, tokens.size() - done, on_rows,
                                    this);
}

gyre_status Scenario::shift() {
    const std::uint32_t before = gyre_session_position(session_);
    const gyre_status status = gyre_session_shift(session_, 5, 6);
    const std::uint32_t expected = status == GYRE_OK ? before - 6 : before;
    if (gyre_session_position(session_) != expected) broken_ = "position after gyre_session_shift";
    return status;
}

gyre_status Scenario::host() {
    const gyre_sampling_options sampling = drawn();
    while (host_told_ < 4) {
        if (!host_pending_) {
            const gyre_status status = gyre_session_sample(session_, &sampling, &host_token_);
            if (status != GYRE_OK) return status;
            tell(host_token_);
            host_pending_ = true;
        }
        const std::uint32_t before = gyre_session_position(session_);
        const gyre_status status = gyre_session_feed(session_, &host_token_, 1);
        const std::uint32_t expected = before + (status == GYRE_OK ? 1 : 0);
        if (gyre_session_position(session_) != expected) broken_ = "position after one token";
        if (status != GYRE_OK) return status;
        host_pending_ = false;
        ++host_told_;
    }
    return GYRE_OK;
}

gyre_status Scenario::fork() {
    if (fork_ == nullptr) {
        const gyre_status status = gyre_session_fork(session_, &fork_);
        if (status != GYRE_OK) {
            if (fork_ != nullptr) broken_ = "a fork in spite of an error";
            if (gyre_session_position(session_) != start_) broken_ = "position after a fork";
            return status;
        }
    }
    const gyre_status status = generate(fork_, writing_, 5);
    if (status != GYRE_OK) return status;
    gyre_session_destroy(std::exchange(fork_, nullptr));
    return GYRE_OK;
}

gyre_status Scenario::cancel() {
    writing_.cancel_at = 3;
    if (!writing_.cancelled) {
        const gyre_status status = generate(session_, writing_, 8);
        if (status != GYRE_ERROR_CANCELLED) return status;
        writing_.cancelled = true;
    }
    gyre_status status = generate(session_, writing_, 8);
    // The request came in the last moments of a call that failed: it meets this one.
    if (status == GYRE_ERROR_CANCELLED) status = generate(session_, writing_, 8);
    return status;
}

gyre_status Scenario::profile() {
    const std::vector<std::uint32_t> tokens = some_tokens(40, 4);
    const std::uint32_t done = gyre_session_position(session_) - start_;
    gyre_status status = GYRE_OK;
    if (done < tokens.size()) {
        status = gyre_session_profile(
            session_, tokens.data() + done, tokens.size() - done,
            [](const gyre_profile_event*, void*) {}, nullptr);
        if (status == GYRE_ERROR_UNSUPPORTED) {  // a device without timestamps
            status = gyre_session_feed(session_, tokens.data() + done, tokens.size() - done);
        }
    }
    return status == GYRE_OK ? generate(session_, writing_, 4) : status;
}

// After an error of the pause the model is not paused.
gyre_status Scenario::pause() {
    const gyre_status status = gyre_model_pause(model_);
    if (status != GYRE_OK) return status;
    const std::uint32_t told = writing_.told;
    if (generate(session_, writing_, told + 1) != GYRE_ERROR_PAUSED || writing_.told != told) {
        broken_ = "a paused model writes";
    }
    if (gyre_model_resume(model_) != GYRE_OK) broken_ = "gyre_model_resume failed";
    return generate(session_, writing_, 4);
}

// What follows the load does not depend on what the session was before.
gyre_status Scenario::save_and_load() {
    if (writing_.told == 0) {
        saved_.clear();
        gyre_status status = gyre_session_save(
            session_,
            [](const void* bytes, std::size_t n, void* user) {
                static_cast<std::string*>(user)->append(static_cast<const char*>(bytes), n);
                return 1;
            },
            &saved_);
        if (status != GYRE_OK) return status;
        struct Reader {
            const std::string* from;
            std::size_t at = 0;
        } reader{&saved_};
        status = gyre_session_load(
            session_,
            [](void* bytes, std::size_t n, void* user) {
                auto* self = static_cast<Reader*>(user);
                if (n > self->from->size() - self->at) return 0;
                std::memcpy(bytes, self->from->data() + self->at, n);
                self->at += n;
                return 1;
            },
            &reader);
        if (gyre_session_position(session_) != start_) broken_ = "position after a load";
        if (status != GYRE_OK) return status;
    }
    return generate(session_, writing_, 4);
}

gyre_status Scenario::write_and_forget() {
    const std::uint32_t n = gyre_session_position(session_);
    if (n != start_ || n + 3 > kContext) return GYRE_OK;
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    options.max_tokens = 2;
    options.ignore_eos = 1;
    const gyre_status status = gyre_session_generate(session_, "", 0, &options, nullptr);
    return status == GYRE_OK ? gyre_session_truncate(session_, n) : status;
}

void Scenario::end_sessions() {
    gyre_session_destroy(std::exchange(fork_, nullptr));
    gyre_session_destroy(std::exchange(session_, nullptr));
}

void Scenario::close_model() {
    gyre_model_destroy(std::exchange(model_, nullptr));
}

}  // namespace gyre::faults
