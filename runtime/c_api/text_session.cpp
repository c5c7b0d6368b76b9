// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/text_session.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "runtime/text/utf8.h"

namespace gyre::c_api {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Says which token completed which characters.
class TextStream {
  public:
    explicit TextStream(const GenerateRequest& request) : request_(request) {}

    // False: the caller wants no more.
    bool push(std::uint32_t token, std::uint32_t index, std::string_view bytes) {
        const std::string text = utf8_.push(bytes);
        return !request_.on_token || request_.on_token({token, index, bytes, text});
    }

    // The rest of a character that the last token left unfinished.
    void finish(std::uint32_t n_tokens) {
        const std::string rest = utf8_.flush();
        if (rest.empty() || !request_.on_token) return;
        request_.on_token({GYRE_TOKEN_NONE, n_tokens, {}, rest});
    }

  private:
    const GenerateRequest& request_;
    Utf8Stream utf8_;
};

}  // namespace

Result<std::unique_ptr<TextSession>> TextSession::create(std::shared_ptr<const OpenModel> model,
                                                         const SessionOptions& options) {
    GYRE_ASSIGN(std::unique_ptr<Session> engine, Session::create(model->engine, options));
    return std::unique_ptr<TextSession>(new TextSession(std::move(model), std::move(engine)));
}

// The pending token goes in first, so that the order of the text is the order of the cache.
Status TextSession::feed_pending() {
    return engine_->position() == tokens_.size() ? Status() : decode(tokens_.back());
}

// Slides are the engine's, and all of them drop what follows the same first tokens.
void TextSession::follow_slides() {
    const auto first =
        tokens_.begin() + std::min<std::ptrdiff_t>(engine_->kept_tokens(), std::ssize(tokens_));
    tokens_.erase(first, first + static_cast<std::ptrdiff_t>(engine_->slid() - slid_));
    slid_ = engine_->slid();
}

Status TextSession::decode(std::uint32_t token) {
    const auto start = Clock::now();
    const Status status = engine_->decode(token);
    follow_slides();
    GYRE_TRY(status);
    logits_stale_ = false;
    timings_.decode_seconds += seconds_since(start);
    timings_.n_decode_tokens += 1;
    return {};
}

Status TextSession::prefill(std::span<const std::uint32_t> tokens, const LogitsSink* sink) {
    const auto start = Clock::now();
    const std::uint64_t before = engine_->position() + engine_->slid();
    const Status status = sink != nullptr ? engine_->feed(tokens, *sink) : engine_->feed(tokens);
    // Fewer than all after an error.
    const std::uint64_t done = engine_->position() + engine_->slid() - before;
    tokens_.insert(tokens_.end(), tokens.begin(),
                   tokens.begin() + static_cast<std::ptrdiff_t>(done));
    follow_slides();
    if (done > 0) logits_stale_ = !status.ok();
    timings_.prefill_seconds += seconds_since(start);
    timings_.n_prefill_tokens += done;
    return status;
}

Status TextSession::feed(std::span<const std::uint32_t> tokens) {
    if (tokens.empty()) return {};
    GYRE_TRY(feed_pending());
    if (tokens.size() > 1) return prefill(tokens, nullptr);
    GYRE_TRY(decode(tokens[0]));
    tokens_.push_back(tokens[0]);
    return {};
}

Status TextSession::feed(std::span<const std::uint32_t> tokens, const LogitsSink& sink) {
    if (tokens.empty()) return {};
    GYRE_TRY(feed_pending());
    return prefill(tokens, &sink);
}

Status TextSession::profile(std::span<const std::uint32_t> tokens, const ProfileSink& sink) {
    if (tokens.empty()) return {};
    GYRE_TRY(feed_pending());
    const std::uint64_t before = engine_->position() + engine_->slid();
    const Status status = engine_->profile(tokens, sink);
    const std::uint64_t done = engine_->position() + engine_->slid() - before;
    tokens_.insert(tokens_.end(), tokens.begin(),
                   tokens.begin() + static_cast<std::ptrdiff_t>(done));
    follow_slides();
    if (done > 0) logits_stale_ = !status.ok();
    return status;
}

Result<std::span<const float>> TextSession::logits() {
    if (tokens_.empty()) {
        return Status::invalid_argument("the session is empty: feed a token first");
    }
    GYRE_TRY(feed_pending());
    if (logits_stale_) {
        GYRE_TRY(engine_->truncate(engine_->position() - 1));
        GYRE_TRY(feed_pending());
    }
    return engine_->logits();
}

// Rows of the logits beyond the tokenizer's tokens are padding, which stands for no text.
Result<std::uint32_t> TextSession::choose(Sampler& sampler) {
    GYRE_ASSIGN(const std::span<const float> all, logits());
    const std::uint32_t n_tokens = model_->card.config.n_tokens;
    const auto start = Clock::now();
    sampler.set_step(tokens_.size() + slid_);  // a slide does not repeat draws
    auto token = sampler.sample(n_tokens == 0 ? all : all.first(n_tokens), tokens_);
    timings_.decode_seconds += seconds_since(start);
    return token;
}

Result<std::uint32_t> TextSession::sample(const SamplerOptions& options) {
    GYRE_ASSIGN(Sampler sampler, Sampler::create(options));
    return choose(sampler);
}

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
        if (event.index == 0) timings_.time_to_first_token_seconds = seconds_since(start);
        return !request.on_token || request.on_token(event);
    };
    Status status = feed_pending();
    if (status.ok() && !tokens.empty()) status = prefill(tokens, nullptr);
    if (status.ok()) status = write_on(timed, sampler, outcome);
    if (status.code() == StatusCode::kCancelled) outcome.stop_reason = StopReason::kCancelled;
    return status;
}

Status TextSession::write_on(const GenerateRequest& request, Sampler& sampler,
                             GenerateOutcome& outcome) {
    const Tokenizer& tokenizer = *model_->card.tokenizer;
    TextStream stream(request);
    Status status;
    std::optional<StopReason> reason;
    while (!reason) {
        if (engine_->when_full() == WhenFull::kStop && tokens_.size() >= n_ctx()) {
            reason = StopReason::kContextFull;
            break;
        }
        const Result<std::uint32_t> chosen = choose(sampler);
        status = chosen.status();
        const bool eos = chosen.ok() && !request.ignore_eos && chosen.value() == tokenizer.eos_id();
        if (status.ok() && !eos) status = slide_if_full();
        if (!status.ok()) {
            reason = StopReason::kError;
        } else if (eos) {
            reason = StopReason::kEos;
        } else {
            GYRE_ASSIGN(const std::string_view bytes, tokenizer.token_bytes(chosen.value()));
            tokens_.push_back(chosen.value());
            const std::uint32_t index = outcome.n_tokens++;
            if (!stream.push(chosen.value(), index, bytes)) {
                reason = StopReason::kCallback;
            } else if (outcome.n_tokens == request.max_tokens) {
                reason = StopReason::kMaxTokens;
            }
        }
    }
    outcome.stop_reason = *reason;
    if (reason != StopReason::kCallback) stream.finish(outcome.n_tokens);
    return status;
}

// So that the chosen token, which is decoded later, has a place.
Status TextSession::slide_if_full() {
    const Status status = engine_->make_room(1);
    follow_slides();
    return status;
}

Status TextSession::truncate(std::uint32_t n) {
    if (n > tokens_.size()) {
        return Status::invalid_argument("truncate to " + std::to_string(n) + ": the session has " +
                                        std::to_string(tokens_.size()) + " tokens");
    }
    if (n < engine_->position()) {
        GYRE_TRY(engine_->truncate(n));
        logits_stale_ = true;
    }
    tokens_.resize(n);
    return {};
}

Status TextSession::shift(std::uint32_t first, std::uint32_t count) {
    GYRE_TRY(feed_pending());
    GYRE_TRY(engine_->shift(first, count));
    const auto begin = tokens_.begin() + static_cast<std::ptrdiff_t>(first);
    tokens_.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
    if (first == tokens_.size()) logits_stale_ = true;
    return {};
}

Result<std::unique_ptr<TextSession>> TextSession::fork() {
    GYRE_ASSIGN(std::unique_ptr<Session> engine, engine_->fork());
    std::unique_ptr<TextSession> copy(new TextSession(model_, std::move(engine)));
    copy->tokens_ = tokens_;
    copy->slid_ = slid_;
    copy->logits_stale_ = logits_stale_;
    return copy;
}

void TextSession::reset() {
    engine_->reset();
    tokens_.clear();
    slid_ = 0;
    logits_stale_ = false;
    timings_ = {};
}

}  // namespace gyre::c_api
