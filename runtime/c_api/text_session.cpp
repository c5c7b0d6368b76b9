// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/text_session.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>

namespace gyre::c_api {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Result<std::unique_ptr<TextSession>> TextSession::create(std::shared_ptr<const OpenModel> model,
                                                         const SessionOptions& options) {
    GYRE_ASSIGN(std::unique_ptr<Session> engine, Session::create(model->engine, options));
    return std::unique_ptr<TextSession>(new TextSession(std::move(model), std::move(engine)));
}

// The pending token goes in first, so that the order of the text is the order of the cache.
Status TextSession::feed_pending(Readback readback) {
    return has_pending() ? decode(tokens_.back(), readback) : Status();
}

// Slides are the engine's, and all of them drop what follows the same first tokens.
void TextSession::follow_slides() noexcept {
    drop_slid(engine_->slid() - slid_);
    slid_ = engine_->slid();
}

void TextSession::drop_slid(std::uint64_t n) noexcept {
    const auto first =
        tokens_.begin() + std::min<std::ptrdiff_t>(engine_->kept_tokens(), std::ssize(tokens_));
    tokens_.erase(first, first + static_cast<std::ptrdiff_t>(n));
}

void TextSession::settle() noexcept {
    follow_slides();
    assert(tokens_.size() <= engine_->position() + 1);
    // Cells of tokens that nobody was told of.
    if (engine_->position() > tokens_.size())
        static_cast<void>(engine_->truncate(static_cast<std::uint32_t>(tokens_.size())).ok());
}

// While the engine is given tokens. Those that it took, fewer than all after an error, are the
// text's in the end; what slides dropped of old and new ones is not, so that there is room.
class TextSession::Appending {
  public:
    Appending(TextSession& text, std::span<const std::uint32_t> tokens)
        : text_(text), tokens_(tokens), before_(taken()) {}
    ~Appending() {
        std::span<const std::uint32_t> more = tokens_.first(static_cast<std::size_t>(count()));
        const std::size_t kept = text_.engine_->kept_tokens();
        const std::size_t n_old = text_.tokens_.size();
        append(more, n_old < kept ? kept - n_old : 0);
        const std::uint64_t movable = text_.tokens_.size() - std::min(kept, text_.tokens_.size());
        const std::uint64_t dropped = text_.engine_->slid() - text_.slid_;
        text_.drop_slid(std::min(dropped, movable));
        more = more.subspan(static_cast<std::size_t>(dropped - std::min(dropped, movable)));
        append(more, more.size());
        text_.slid_ = text_.engine_->slid();
    }
    Appending(const Appending&) = delete;
    Appending& operator=(const Appending&) = delete;

    std::uint64_t count() const { return taken() - before_; }

  private:
    void append(std::span<const std::uint32_t>& from, std::size_t most) {
        const std::size_t n = std::min(most, from.size());
        assert(text_.tokens_.size() + n <= text_.tokens_.capacity());
        text_.tokens_.insert(text_.tokens_.end(), from.begin(),
                             from.begin() + static_cast<std::ptrdiff_t>(n));
        from = from.subspan(n);
    }
    std::uint64_t taken() const { return text_.engine_->position() + text_.engine_->slid(); }

    TextSession& text_;
    std::span<const std::uint32_t> tokens_;
    std::uint64_t before_;
};

Status TextSession::decode(std::uint32_t token, Readback readback) {
    const auto start = Clock::now();
    const Status status = engine_->decode(token, readback);
    follow_slides();
    GYRE_TRY(status);
    timings_.decode_seconds += seconds_since(start);
    timings_.n_decode_tokens += 1;
    return {};
}

Status TextSession::prefill(std::span<const std::uint32_t> tokens, const LogitsSink* sink,
                            Readback readback) {
    const auto start = Clock::now();
    const Appending appending(*this, tokens);
    const Status status =
        sink != nullptr ? engine_->feed(tokens, *sink) : engine_->feed(tokens, readback);
    timings_.prefill_seconds += seconds_since(start);
    timings_.n_prefill_tokens += appending.count();
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
    const Appending appending(*this, tokens);
    return engine_->profile(tokens, sink);
}

// After a feed that stopped half way, a truncation, and where the device ran ahead of the text: the
// last token is pending once more.
Status TextSession::compute_lost_logits() {
    if (has_pending() || engine_->has_logits()) return {};
    return engine_->truncate(engine_->position() - 1);
}

Result<std::span<const float>> TextSession::logits() {
    if (tokens_.empty()) {
        return Status::invalid_argument("the session is empty: feed a token first");
    }
    GYRE_TRY(feed_pending());
    GYRE_TRY(compute_lost_logits());
    GYRE_TRY(feed_pending());
    GYRE_TRY(engine_->fetch_logits());
    return engine_->logits();
}

Result<std::span<const float>> TextSession::choices() {
    GYRE_ASSIGN(const std::span<const float> all, logits());
    return all.first(n_choices());
}

Result<std::uint32_t> TextSession::choose(Sampler& sampler, std::span<const float> from) {
    const auto start = Clock::now();
    sampler.set_step(tokens_.size() + slid_);  // a slide does not repeat draws
    auto token = sampler.sample(from, tokens_);
    timings_.decode_seconds += seconds_since(start);
    return token;
}

Result<std::uint32_t> TextSession::sample(const SamplerOptions& options) {
    GYRE_ASSIGN(Sampler sampler, Sampler::create(options));
    GYRE_ASSIGN(const std::span<const float> from, choices());
    return choose(sampler, from);
}

Status TextSession::truncate(std::uint32_t n) {
    if (n > tokens_.size()) {
        return Status::invalid_argument("truncate to " + std::to_string(n) + ": the session has " +
                                        std::to_string(tokens_.size()) + " tokens");
    }
    if (n < engine_->position()) GYRE_TRY(engine_->truncate(n));
    tokens_.resize(n);
    return {};
}

Result<std::size_t> TextSession::set_tokens(std::span<const std::uint32_t> tokens) {
    GYRE_TRY(engine_->check_whole_text(tokens));
    const auto common = std::mismatch(tokens_.begin(), tokens_.end(), tokens.begin(), tokens.end());
    const auto n_kept = static_cast<std::size_t>(common.first - tokens_.begin());
    GYRE_TRY(truncate(static_cast<std::uint32_t>(n_kept)));
    GYRE_TRY(feed(tokens.subspan(n_kept)));
    return n_kept;
}

Status TextSession::shift(std::uint32_t first, std::uint32_t count) {
    GYRE_TRY(feed_pending());
    GYRE_TRY(engine_->shift(first, count));
    const auto begin = tokens_.begin() + static_cast<std::ptrdiff_t>(first);
    tokens_.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
    return {};
}

Result<std::unique_ptr<TextSession>> TextSession::fork() {
    GYRE_ASSIGN(std::unique_ptr<Session> engine, engine_->fork());
    std::unique_ptr<TextSession> copy(new TextSession(model_, std::move(engine)));
    copy->tokens_.assign(tokens_.begin(), tokens_.end());  // which keeps its room
    copy->slid_ = slid_;
    copy->interrupted_ = interrupted_;
    return copy;
}

void TextSession::reset() {
    engine_->reset();
    tokens_.clear();
    slid_ = 0;
    interrupted_.reset();
    timings_ = {};
}

}  // namespace gyre::c_api
