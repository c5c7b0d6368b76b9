// Writing on: tokens from the device's loop or the host's sampler, told as they come.
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "runtime/base/unwinding.h"
#include "runtime/c_api/text_session.h"

namespace gyre::c_api {
namespace {

using Clock = std::chrono::steady_clock;

// What the device's sampler does not do: rules of the caller, logits for the host, and looking back
// further than its history.
bool device_can_sample(const GenerateRequest& request) {
    const SamplerOptions& options = request.sampling;
    if (!options.bias.empty() || options.allow || request.log_probabilities) return false;
    return options.repetition_penalty == 1.0f || options.repetition_window <= SAMPLE_HISTORY;
}

SampleSettings settings_of(const SamplerOptions& options) {
    SampleSettings settings;
    settings.temperature = options.temperature;
    settings.top_k = options.top_k;
    settings.top_p = options.top_p;
    settings.min_p = options.min_p;
    settings.repetition_penalty = options.repetition_penalty;
    settings.repetition_window = options.repetition_penalty == 1.0f ? 0 : options.repetition_window;
    settings.seed = options.seed;
    return settings;
}

}  // namespace

// What one call of generate() has told, and why it ends. A token is weighed and prepared, which may
// fail, before it is the session's; telling it takes no memory.
class TextSession::Writing {
  public:
    // before: what was not told before a pause.
    Writing(const GenerateRequest& request, const Tokenizer& tokenizer, GenerateOutcome& outcome,
            const Interrupted& before)
        : request_(request),
          tokenizer_(tokenizer),
          outcome_(outcome),
          stop_(request.stop),
          utf8_(before.utf8),
          held_(before.held) {
        rest_.reserve(held_.size() + stop_.most_held() + kReplacementUtf8.size());
    }

    // logits: of the choice, where log-probabilities were asked for.
    void weigh(std::uint32_t token, std::span<const float> logits) {
        const LogProbabilities odds(logits);
        log_probability_ = odds.of(token);
        top_.clear();
        for (const TokenLogProbability& each : odds.top(request_.n_top))
            top_.push_back({each.token, each.log_probability});
    }

    Status prepare(std::uint32_t token) {
        GYRE_ASSIGN(bytes_, tokenizer_.token_bytes(token));
        utf8_after_ = utf8_;
        text_ = held_ + utf8_after_.push(bytes_);
        stop_.reserve(text_.size(), shown_);
        token_ = token;
        return {};
    }

    void tell() {
        held_.clear();
        utf8_ = utf8_after_;
        stop_.push(text_, shown_);
        TokenEvent event{token_, outcome_.n_tokens++, bytes_, shown_};
        event.log_probability = log_probability_;
        event.top = top_;
        wanted_ = !request_.on_token || request_.on_token(event);
        if (stop_.found()) {
            reason_ = StopReason::kStopString;
            outcome_.stop_index = *stop_.found();
        } else if (!wanted_) {
            reason_ = StopReason::kCallback;
        } else if (outcome_.n_tokens == request_.max_tokens) {
            reason_ = StopReason::kMaxTokens;
        }
    }

    void end(StopReason reason) { reason_ = reason; }
    bool ended() const { return reason_.has_value(); }

    // What was held back: text that might have begun a stop string, and the rest of a character
    // that the last token left unfinished. Takes no memory.
    void finish() {
        outcome_.stop_reason = reason_.value_or(StopReason::kError);
        if (!wanted_ || reason_ == StopReason::kStopString) return;
        rest_ += held_;
        rest_ += stop_.held();
        rest_ += utf8_.flush();
        if (rest_.empty() || !request_.on_token) return;
        request_.on_token({GYRE_TOKEN_NONE, outcome_.n_tokens, {}, rest_});
    }

    // The same where a pause ends the call: it is told when the text goes on.
    void keep(Interrupted& for_later) const {
        for_later.held = held_ + stop_.held();
        for_later.utf8 = utf8_;
    }

    // The tokens that end the text.
    std::span<const std::uint32_t> stop_tokens() const {
        return request_.ignore_eos ? std::span<const std::uint32_t>() : tokenizer_.end_ids();
    }
    bool is_stop(std::uint32_t token) const {
        return !request_.ignore_eos && tokenizer_.is_end(token);
    }
    std::uint32_t tokens_left() const {
        return request_.max_tokens == 0 ? ~0u : request_.max_tokens - outcome_.n_tokens;
    }

  private:
    const GenerateRequest& request_;
    const Tokenizer& tokenizer_;
    GenerateOutcome& outcome_;
    StopStrings stop_;
    Utf8Stream utf8_;
    std::string held_;    // from before a pause
    std::string rest_;    // with room for all that finish() tells
    bool wanted_ = true;  // on_token wants more
    std::optional<StopReason> reason_;
    // Of the token that is told next.
    std::uint32_t token_ = 0;
    std::string_view bytes_;
    std::string text_, shown_;
    Utf8Stream utf8_after_;
    float log_probability_ = std::numeric_limits<float>::quiet_NaN();
    std::vector<gyre_token_logprob> top_;
};

Result<std::vector<std::uint32_t>> TextSession::prompt_tokens(std::string_view prompt,
                                                              bool parse_special) const {
    GYRE_ASSIGN(const Tokenizer* tokenizer, model_->card.need_tokenizer());
    if (goes_on(prompt)) return interrupted_->rest;
    std::vector<std::uint32_t> tokens = tokenizer->encode(prompt, parse_special);
    if (tokens_.empty() && (tokens.empty() || model_->card.begins_with_bos)) {
        const auto bos = tokenizer->bos_id();
        const bool there = bos && !tokens.empty() && tokens.front() == *bos;
        if (bos && !there) tokens.insert(tokens.begin(), *bos);
    }
    if (tokens_.empty() && tokens.empty()) {
        return Status::invalid_argument(
            "the prompt is empty, and the model has no token to begin a text with");
    }
    const std::size_t free = n_ctx() - tokens_.size();
    if (engine_->when_full() == WhenFull::kStop && tokens.size() > free) {
        return Status::context_full("the prompt has " + std::to_string(tokens.size()) +
                                    " tokens, but only " + std::to_string(free) + " of the " +
                                    std::to_string(n_ctx()) +
                                    " positions of the context are free: shorten the prompt or "
                                    "use a larger context");
    }
    return tokens;
}

bool TextSession::goes_on(std::string_view prompt) const {
    return prompt.empty() && interrupted_ && interrupted_->text == tokens_;
}

Status TextSession::feed_prompt(std::span<const std::uint32_t> tokens) {
    if (tokens.empty()) return {};
    GYRE_TRY(feed_pending(Readback::kLater));
    return prefill(tokens, nullptr, Readback::kLater);
}

Status TextSession::write(const GenerateRequest& request, Sampler& sampler, Writing& writing) {
    return device_can_sample(request)
               ? write_on_device(settings_of(request.sampling), sampler, writing)
               : write_on_host(request, sampler, writing);
}

TextSession::Interrupted TextSession::interrupt(std::span<const std::uint32_t> rest,
                                                const Writing& writing) const {
    Interrupted later;
    later.text.reserve(n_ctx());
    later.text.assign(tokens_.begin(), tokens_.end());
    later.rest.assign(rest.begin(), rest.end());
    writing.keep(later);
    return later;
}

Status TextSession::generate(std::string_view prompt, const GenerateRequest& request,
                             GenerateOutcome& outcome) {
    const auto start = Clock::now();
    outcome = {};
    GYRE_ASSIGN(Sampler sampler, Sampler::create(request.sampling));
    GYRE_ASSIGN(const std::vector<std::uint32_t> tokens,
                prompt_tokens(prompt, request.parse_special));
    outcome.n_prompt_tokens = static_cast<std::uint32_t>(tokens.size());
    GenerateRequest timed = request;
    timed.on_token = [&](const TokenEvent& event) {
        if (event.index == 0) {
            timings_.time_to_first_token_seconds =
                std::chrono::duration<double>(Clock::now() - start).count();
        }
        return !request.on_token || request.on_token(event);
    };
    const bool resumes = goes_on(prompt);
    Writing writing(timed, *model_->card.tokenizer, outcome,
                    resumes ? *interrupted_ : Interrupted());

    const std::uint64_t before = tokens_.size() + slid_;
    const auto n_fed = [&] { return static_cast<std::size_t>(tokens_.size() + slid_ - before); };
    bool in_prompt = true;
    std::optional<StatusCode> code;  // none: an exception is on its way
    const OnExit end([&] {
        settle();
        if (code == StatusCode::kPaused) return;
        if (!code && resumes && in_prompt) {  // what was interrupted stays so
            interrupted_->text.assign(tokens_.begin(), tokens_.end());
            std::vector<std::uint32_t>& rest = interrupted_->rest;
            rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(n_fed()));
            return;
        }
        interrupted_.reset();
        writing.finish();
        if (code == StatusCode::kCancelled) outcome.stop_reason = StopReason::kCancelled;
    });
    Status status = feed_prompt(tokens);
    if (status.ok()) {
        in_prompt = false;
        status = write(request, sampler, writing);
    }
    if (status.code() == StatusCode::kPaused) {
        const std::size_t done = in_prompt ? n_fed() : tokens.size();
        interrupted_ = interrupt(std::span(tokens).subspan(done), writing);
        outcome.stop_reason = StopReason::kPaused;
    }
    code = status.code();
    return status;
}

bool TextSession::is_full() const {
    return engine_->when_full() == WhenFull::kStop && tokens_.size() >= n_ctx();
}

Status TextSession::write_on_host(const GenerateRequest& request, Sampler& sampler,
                                  Writing& writing) {
    while (!writing.ended()) {
        if (is_full()) {
            writing.end(StopReason::kContextFull);
            break;
        }
        GYRE_ASSIGN(const std::span<const float> logits, choices());
        const Result<std::uint32_t> chosen = choose(sampler, logits);
        if (chosen.status().code() == StatusCode::kCancelled) {  // by allow: nothing is computed
            writing.end(StopReason::kCallback);
            break;
        }
        GYRE_TRY(chosen.status());
        const std::uint32_t token = chosen.value();
        if (writing.is_stop(token)) {
            writing.end(StopReason::kEos);
            break;
        }
        if (request.log_probabilities) writing.weigh(token, logits);
        GYRE_TRY(writing.prepare(token));
        // So that the chosen token, which is decoded later, has a place.
        const Status room = engine_->make_room(1);
        follow_slides();
        GYRE_TRY(room);
        tokens_.push_back(token);
        writing.tell();
    }
    return {};
}

// The device's loop ends where the cache slides: then it begins again with what is left.
Status TextSession::write_on_device(SampleSettings settings, Sampler& sampler, Writing& writing) {
    // The device stops at one token by itself; the file's EOS is the one that most texts end with.
    const std::uint32_t eos = model_->card.tokenizer->eos_id().value_or(NO_TOKEN);
    settings.stop_token = writing.is_stop(eos) ? eos : NO_TOKEN;
    settings.more_stop_tokens = writing.stop_tokens();
    while (!writing.ended()) {
        if (is_full()) {
            writing.end(StopReason::kContextFull);
            break;
        }
        GYRE_TRY(compute_lost_logits());
        settings.max_tokens = writing.tokens_left();
        // As in choose(): a slide does not repeat draws.
        const LoopRequest loop{settings, tokens_, has_pending(), tokens_.size() + slid_};
        Status prepared;
        const auto sink = [&](std::uint32_t token) {
            prepared = writing.prepare(token);
            if (!prepared.ok()) return false;
            follow_slides();
            tokens_.push_back(token);
            writing.tell();
            return !writing.ended();
        };
        LoopResult result;
        const Status status = engine_->write_on(loop, sink, result);
        timings_.decode_seconds += result.seconds;
        timings_.n_decode_tokens += result.n_decoded;
        GYRE_TRY(status);
        GYRE_TRY(prepared);
        if (result.end == LoopEnd::kStopToken) writing.end(StopReason::kEos);
        if (result.end == LoopEnd::kBroken) return why_broken(result.status, sampler);
    }
    return {};
}

// The host's sampler says what is wrong with the logits.
Status TextSession::why_broken(SampleStatus device_status, Sampler& sampler) {
    GYRE_ASSIGN(const std::span<const float> logits, choices());
    GYRE_TRY(choose(sampler, logits).status());
    return Status::internal("the device's sampler failed with status " +
                            std::to_string(static_cast<std::uint32_t>(device_status)) +
                            " where the host's does not: the device computes wrongly");
}

}  // namespace gyre::c_api
