// Writing on: tokens from the device's loop or the host's sampler, told as they come.
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "runtime/c_api/text_session.h"
#include "runtime/text/utf8.h"

namespace gyre::c_api {
namespace {

using Clock = std::chrono::steady_clock;

// The one thing that the device's sampler does not do: look back further than its history.
bool device_can_sample(const SamplerOptions& options) {
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

// What one call of generate() has told, and why it ends.
class TextSession::Writing {
  public:
    Writing(const GenerateRequest& request, const Tokenizer& tokenizer, GenerateOutcome& outcome)
        : request_(request), tokenizer_(tokenizer), outcome_(outcome) {}

    Status push(std::uint32_t token) {
        GYRE_ASSIGN(const std::string_view bytes, tokenizer_.token_bytes(token));
        const std::uint32_t index = outcome_.n_tokens++;
        const std::string text = utf8_.push(bytes);
        if (request_.on_token && !request_.on_token({token, index, bytes, text})) {
            reason_ = StopReason::kCallback;
        } else if (outcome_.n_tokens == request_.max_tokens) {
            reason_ = StopReason::kMaxTokens;
        }
        return {};
    }

    void end(StopReason reason) { reason_ = reason; }
    bool ended() const { return reason_.has_value(); }

    // The rest of a character that the last token left unfinished.
    void finish() {
        outcome_.stop_reason = reason_.value_or(StopReason::kError);
        if (reason_ == StopReason::kCallback) return;
        const std::string rest = utf8_.flush();
        if (rest.empty() || !request_.on_token) return;
        request_.on_token({GYRE_TOKEN_NONE, outcome_.n_tokens, {}, rest});
    }

    std::uint32_t stop_token() const {
        return request_.ignore_eos ? NO_TOKEN : tokenizer_.eos_id().value_or(NO_TOKEN);
    }
    std::uint32_t tokens_left() const {
        return request_.max_tokens == 0 ? ~0u : request_.max_tokens - outcome_.n_tokens;
    }

  private:
    const GenerateRequest& request_;
    const Tokenizer& tokenizer_;
    GenerateOutcome& outcome_;
    Utf8Stream utf8_;
    std::optional<StopReason> reason_;
};

Result<std::vector<std::uint32_t>> TextSession::prompt_tokens(std::string_view prompt,
                                                              bool parse_special) const {
    GYRE_ASSIGN(const Tokenizer* tokenizer, model_->card.need_tokenizer());
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
    Status status;
    if (!tokens.empty()) {
        status = feed_pending(Readback::kLater);
        if (status.ok()) status = prefill(tokens, nullptr, Readback::kLater);
    }
    if (status.ok()) {
        Writing writing(timed, *model_->card.tokenizer, outcome);
        status = device_can_sample(request.sampling)
                     ? write_on_device(settings_of(request.sampling), sampler, writing)
                     : write_on_host(sampler, writing);
        writing.finish();
    }
    if (status.code() == StatusCode::kCancelled) outcome.stop_reason = StopReason::kCancelled;
    return status;
}

bool TextSession::is_full() const {
    return engine_->when_full() == WhenFull::kStop && tokens_.size() >= n_ctx();
}

Status TextSession::write_on_host(Sampler& sampler, Writing& writing) {
    while (!writing.ended()) {
        if (is_full()) {
            writing.end(StopReason::kContextFull);
            break;
        }
        GYRE_ASSIGN(const std::uint32_t token, choose(sampler));
        if (token == writing.stop_token()) {
            writing.end(StopReason::kEos);
            break;
        }
        // So that the chosen token, which is decoded later, has a place.
        const Status room = engine_->make_room(1);
        follow_slides();
        GYRE_TRY(room);
        tokens_.push_back(token);
        GYRE_TRY(writing.push(token));
    }
    return {};
}

// The device's loop ends where the cache slides: then it begins again with what is left.
Status TextSession::write_on_device(SampleSettings settings, Sampler& sampler, Writing& writing) {
    settings.stop_token = writing.stop_token();
    while (!writing.ended()) {
        if (is_full()) {
            writing.end(StopReason::kContextFull);
            break;
        }
        GYRE_TRY(compute_lost_logits());
        settings.max_tokens = writing.tokens_left();
        // As in choose(): a slide does not repeat draws.
        const LoopRequest loop{settings, tokens_, has_pending(), tokens_.size() + slid_};
        Status pushed;
        const auto sink = [&](std::uint32_t token) {
            follow_slides();
            tokens_.push_back(token);
            pushed = writing.push(token);
            return pushed.ok() && !writing.ended();
        };
        LoopResult result;
        const Status status = engine_->write_on(loop, sink, result);
        timings_.decode_seconds += result.seconds;
        timings_.n_decode_tokens += result.n_decoded;
        GYRE_TRY(status);
        GYRE_TRY(pushed);
        if (result.end == LoopEnd::kStopToken) writing.end(StopReason::kEos);
        if (result.end == LoopEnd::kBroken) return why_broken(result.status, sampler);
    }
    return {};
}

// The host's sampler says what is wrong with the logits.
Status TextSession::why_broken(SampleStatus device_status, Sampler& sampler) {
    GYRE_TRY(choose(sampler).status());
    return Status::internal("the device's sampler failed with status " +
                            std::to_string(static_cast<std::uint32_t>(device_status)) +
                            " where the host's does not: the device computes wrongly");
}

}  // namespace gyre::c_api
