// What a session computes: prompts, single tokens, and tokens that follow each other.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/session.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "runtime/base/host_size.h"
#include "runtime/base/unwinding.h"
#include "runtime/engine/token_traffic.h"
#include "runtime/vk/transfer.h"

namespace gyre {

Status Session::check(std::span<const std::uint32_t> tokens, std::uint32_t taken) const {
    for (const std::uint32_t token : tokens) {
        if (token >= model_->config().n_vocab) {
            return Status::invalid_argument("token " + std::to_string(token) +
                                            ": the vocabulary has " +
                                            std::to_string(model_->config().n_vocab) + " tokens");
        }
    }
    if (options_.when_full == WhenFull::kStop && tokens.size() > n_ctx() - taken) {
        return Status::context_full(std::to_string(tokens.size()) + " tokens do not fit: " +
                                    std::to_string(taken) + " of " + std::to_string(n_ctx()) +
                                    " positions are taken; use a larger context (--ctx)");
    }
    return {};
}

Status Session::check_whole_text(std::span<const std::uint32_t> tokens) const {
    return check(tokens, 0);
}

Status Session::check_interrupted() {
    if (cancelled_.exchange(false, std::memory_order_relaxed))
        return Status::cancelled("cancelled");
    return model_->device().paused_status();
}

Status Session::write_step(std::uint32_t position, std::span<const std::uint32_t> tokens) {
    const StepState step{position, static_cast<std::uint32_t>(tokens.size()), 0, 0};
    auto* bytes = static_cast<std::byte*>(buffers_.batch.mapped());
    std::memcpy(bytes, &step, sizeof(step));
    std::memcpy(bytes + SAMPLE_TOKENS_OFFSET, tokens.data(), tokens.size_bytes());
    return buffers_.batch.flush(0, SAMPLE_TOKENS_OFFSET + tokens.size_bytes());
}

SubmissionSplitter Session::make_splitter() {
    return {queue_, rates_, recorders_.parts, options_.submit_budget_ms / 1000.0, [this] {
                if (options_.between_parts) options_.between_parts();
                return check_interrupted();
            }};
}

// What brings the last token's logits to the host, where they are wanted there.
std::span<CommandRecorder* const> Session::after(Readback readback) {
    return std::span(&read_after_, readback == Readback::kNow ? 1 : 0);
}

// An error leaves the session as it was before the chunk, but without logits: the cells after the
// position are never read.
Status Session::run_chunk(std::span<const std::uint32_t> tokens, LogitsOf logits,
                          Readback readback) {
    const auto n_tokens = static_cast<std::uint32_t>(tokens.size());
    const bool last = logits == LogitsOf::kLastToken;
    if (!last) readback = Readback::kLater;
    logits_.clear();
    on_device_ = false;
    GYRE_TRY(write_step(position_, tokens));
    SubmissionSplitter splitter = make_splitter();
    schedule_->record_prefill(splitter, n_tokens, logits, position_);
    GYRE_TRY(splitter.finish(after(readback)));
    if (readback == Readback::kNow) GYRE_TRY(take_logits());
    if (logits == LogitsOf::kEveryToken) GYRE_TRY(take_all_logits(n_tokens));
    position_ += n_tokens;
    on_device_ = last;
    return {};
}

// The tokens of the next chunk, for which there is room.
Result<std::span<const std::uint32_t>> Session::next_chunk(std::span<const std::uint32_t> tokens,
                                                           std::size_t first, std::size_t chunk) {
    GYRE_TRY(check_interrupted());
    const std::size_t n = std::min(chunk, tokens.size() - first);
    GYRE_TRY(make_room(static_cast<std::uint32_t>(n)));
    return tokens.subspan(first, n);
}

Status Session::feed(std::span<const std::uint32_t> tokens, Readback readback) {
    GYRE_TRY(check(tokens));
    for (std::size_t first = 0; first < tokens.size();) {
        GYRE_ASSIGN(const auto chunk, next_chunk(tokens, first, layout_.chunk));
        first += chunk.size();
        const bool last = first == tokens.size();
        GYRE_TRY(run_chunk(chunk, last ? LogitsOf::kLastToken : LogitsOf::kNone, readback));
    }
    return {};
}

Status Session::feed(std::span<const std::uint32_t> tokens, const LogitsSink& sink) {
    GYRE_TRY(check(tokens));
    GYRE_TRY(ensure_all_logits());
    const std::uint32_t n_vocab = model_->config().n_vocab;
    const std::size_t rows = host_size(std::min<std::uint64_t>(
        layout_.chunk, buffers_.all_logits->size() / (std::uint64_t{n_vocab} * 4)));
    for (std::size_t first = 0; first < tokens.size();) {
        GYRE_ASSIGN(const auto chunk, next_chunk(tokens, first, rows));
        GYRE_TRY(run_chunk(chunk, LogitsOf::kEveryToken, Readback::kNow));
        const auto* values = static_cast<const float*>(buffers_.all_logits->mapped());
        GYRE_TRY(sink(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(chunk.size()),
                      values));
        first += chunk.size();
    }
    return {};
}

Status Session::decode(std::uint32_t token, Readback readback) {
    GYRE_TRY(check({&token, 1}));
    GYRE_TRY(check_interrupted());
    GYRE_TRY(make_room(1));
    logits_.clear();
    on_device_ = false;
    GYRE_TRY(write_step(position_, {&token, 1}));
    const auto last = after(readback);
    GYRE_ASSIGN(const double seconds,
                token_in_parts() ? run_token_in_parts(last) : run_token(last));
    token_pacer_.took(1, seconds);
    queue_.count_decoded(1);
    if (readback == Readback::kNow) GYRE_TRY(take_logits());
    ++position_;
    on_device_ = true;
    return {};
}

// Whether a token takes longer than a submission may, so that its decode is cut into parts.
bool Session::token_in_parts() const {
    const TokenTraffic token = token_traffic(model_->config(), model_->plan(), model_->weights(),
                                             cache_shape(), position_);
    const auto products = static_cast<double>(token.layer_products + token.vocabulary_products);
    return token_pacer_.one_exceeds(rates_.seconds(WorkKind::kTokenProduct, products));
}

// The token at StepState; returns the seconds that it took.
Result<double> Session::run_token(std::span<CommandRecorder* const> after) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<CommandRecorder*> all{&recorders_.decode};
    all.insert(all.end(), after.begin(), after.end());
    GYRE_TRY(queue_.run(all));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<double> Session::run_token_in_parts(std::span<CommandRecorder* const> after) {
    SubmissionSplitter splitter = make_splitter();
    schedule_->record_decode(splitter, position_);
    GYRE_TRY(splitter.finish(after));
    return splitter.seconds();
}

Status Session::write_on(const LoopRequest& request, const TokenSink& sink, LoopResult& result) {
    result = {};
    assert(!request.history.empty() && "a text begins with a token that somebody gave");
    GYRE_TRY(check(request.history.last(request.pending ? 1 : 0)));
    GYRE_TRY(check_interrupted());
    // Cells of the chosen tokens begin here; the last one of a cache that slides has none.
    const std::uint32_t first_cell = position_ + (request.pending ? 1 : 0);
    const std::uint32_t cells = n_ctx() - first_cell + (when_full() == WhenFull::kSlide ? 1 : 0);
    const std::uint32_t most = std::min(cells, request.sampling.max_tokens);
    if (most == 0) return {};
    if (!request.pending) GYRE_TRY(put_logits());
    // The device advances from the last token of the text, whether it is in the cache or not.
    GYRE_TRY(write_step(first_cell - 1, request.history.last(1)));
    SampleSettings settings = request.sampling;
    settings.max_tokens = most;
    GYRE_TRY(loop_.start(settings, request.history, request.step));

    const std::uint32_t begin = position_;
    bool slid = false;
    const auto deliver = [&](std::uint32_t index, std::uint32_t token) -> Result<bool> {
        GYRE_TRY(check_interrupted());
        if (index > 0 || request.pending) {
            logits_.clear();
            on_device_ = false;  // so far as is known here
        }
        position_ = first_cell + index;
        if (position_ == n_ctx()) {  // the last of this loop: the device is at rest
            on_device_ = true;
            GYRE_TRY(make_room(1));
            slid = true;
        }
        return sink(token);
    };
    const TokenLoop::Run loop_run{&recorders_.decode, request.pending, most,
                                  [this] { return token_in_parts(); },
                                  [this](auto after) { return run_token_in_parts(after); }};
    bool all_is_well = false;
    const OnExit look_at_logits([&] {
        if (result.n_run == 0) return;
        logits_.clear();
        // The last that was decoded is the last in the cache, and the device did not run ahead.
        if (!slid) on_device_ = all_is_well && begin + result.n_run == position_;
    });
    const Status status = loop_.run(queue_, token_pacer_, loop_run, deliver, result);
    all_is_well = status.ok();
    return status;
}

Status Session::fetch_logits() {
    if (!logits_.empty() || !on_device_) return {};
    GYRE_TRY(queue_.run(recorders_.read_logits));
    return take_logits();
}

Status Session::take_logits() {
    const std::uint32_t n_vocab = model_->config().n_vocab;
    GYRE_TRY(buffers_.readback.invalidate(0, std::uint64_t{n_vocab} * 4));
    const auto* values = static_cast<const float*>(buffers_.readback.mapped());
    logits_.assign(values, values + n_vocab);
    return {};
}

// Of a chunk, for the caller; the last row is logits().
Status Session::take_all_logits(std::uint32_t n_rows) {
    const std::size_t n_vocab = model_->config().n_vocab;
    GYRE_TRY(buffers_.all_logits->invalidate(0, n_vocab * 4 * n_rows));
    const auto* values = static_cast<const float*>(buffers_.all_logits->mapped());
    logits_.assign(values + (n_rows - 1) * n_vocab, values + n_rows * n_vocab);
    return {};
}

// Where the sampler reads them, if only the host has them.
Status Session::put_logits() {
    if (on_device_) return {};
    assert(!logits_.empty() && "somebody has them");
    GYRE_ASSIGN(Uploader uploader, Uploader::create(model_->device()));
    GYRE_TRY(uploader.write(buffers_.logits.range(0, logits_.size() * 4),
                            std::as_bytes(std::span(logits_))));
    GYRE_TRY(uploader.finish());
    on_device_ = true;
    return {};
}

void Session::reset() {
    position_ = 0;
    slid_ = 0;
    logits_.clear();
    on_device_ = false;
    queue_.reset_counters();
}

}  // namespace gyre
