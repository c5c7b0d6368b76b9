// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/token_loop.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

namespace gyre {
namespace {

using Clock = std::chrono::steady_clock;

// A submission is two recordings a token.
using Batch = std::array<CommandRecorder*, std::size_t{2} * TokenLoop::kMaxTokensASubmit>;

// What is under way, oldest first. Waits for all of it at its end.
class UnderWay {
  public:
    UnderWay(WorkQueue& queue, SubmissionPacer& pacer, LoopResult& result)
        : queue_(queue), pacer_(pacer), result_(result) {}

    Status submit(CommandRecorder* decode, CommandRecorder* sample, std::uint32_t n_tokens) {
        Batch batch;
        std::size_t n = 0;
        for (std::uint32_t t = 0; t < n_tokens; ++t) {
            if (decode != nullptr) batch[n++] = decode;
            batch[n++] = sample;
        }
        // Idle already: what is under way is done, and the host was busy with something else.
        if (parts_.empty() || parts_.back().submission.done()) {
            measure(parts_.size(), false);
            busy_since_ = Clock::now();
        }
        parts_.reserve(parts_.size() + 1);  // what is submitted is counted, whatever comes
        GYRE_ASSIGN(Submission submission, queue_.submit(std::span(batch).first(n)));
        parts_.push_back({std::move(submission), n_tokens, decode != nullptr, false});
        if (decode != nullptr) {
            queue_.count_decoded(n_tokens);
            result_.n_run += n_tokens;
        }
        return {};
    }

    // One token, done at the return. Nothing else may be under way.
    Status decode_in_parts(const TokenLoop::Run& run, CommandRecorder* sample) {
        assert(parts_.empty());
        queue_.count_decoded(1);
        ++result_.n_run;
        GYRE_ASSIGN(const double seconds, run.decode_parts({&sample, 1}));
        pacer_.took(1, seconds);
        result_.seconds += seconds;
        return {};
    }

    // Waits for the oldest submissions until n_tokens, or all, are there; returns how many are.
    Result<std::uint32_t> retire(std::uint32_t n_tokens) {
        std::size_t count = 0;
        std::uint32_t n = 0;
        while (count < parts_.size() && n < n_tokens)
            n += parts_[count++].n_tokens;
        if (count == 0) return n;
        Part& last = parts_[count - 1];
        const bool early = !last.submission.done();
        GYRE_TRY(queue_.wait(last.submission));
        measure(count, early);
        for (; count > 0; --count) {  // those before the last are done as well
            GYRE_TRY(parts_.front().submission.wait());
            parts_.erase(parts_.begin());
        }
        return n;
    }

    Status drain() { return retire(~0u).status(); }

  private:
    struct Part {
        Submission submission;
        std::uint32_t n_tokens;
        bool decodes;
        bool measured = false;
    };

    // The first `count` are done. A host that comes late, from a slow callback, does not see how
    // long the device was busy with them.
    void measure(std::size_t count, bool early) {
        std::uint32_t n = 0;
        bool decodes = false;
        for (std::size_t i = 0; i < count; ++i) {
            if (std::exchange(parts_[i].measured, true)) continue;
            n += parts_[i].n_tokens;
            decodes = parts_[i].decodes;
        }
        if (n == 0) return;
        const auto now = Clock::now();
        double seconds = std::chrono::duration<double>(now - busy_since_).count();
        busy_since_ = now;
        if (early && decodes) pacer_.took(n, seconds);
        if (!early && pacer_.seconds_each() > 0.0) {
            seconds = std::min(seconds, n * pacer_.seconds_each());
        }
        result_.seconds += seconds;
    }

    WorkQueue& queue_;
    SubmissionPacer& pacer_;
    LoopResult& result_;
    std::vector<Part> parts_;  // few
    Clock::time_point busy_since_;
};

}  // namespace

TokenLoop::Bytes TokenLoop::Bytes::of(std::uint32_t n_logits, std::uint32_t n_ctx) {
    return {sizeof(SampleControl), SampleScratch::of(n_logits, n_ctx).words * 4};
}

Result<TokenLoop> TokenLoop::create(Device& device, KernelTable& kernels, const BufferRange& logits,
                                    const BufferRange& batch, std::uint32_t n_logits,
                                    std::uint32_t n_ctx) {
    const SampleScratch layout = SampleScratch::of(n_logits, n_ctx);
    const Bytes bytes = Bytes::of(n_logits, n_ctx);
    GYRE_ASSIGN(Buffer control,
                Buffer::create(device, bytes.control, Memory::kShared, "sampler control"));
    GYRE_ASSIGN(Buffer scratch,
                Buffer::create(device, bytes.scratch, Memory::kDevice, "sampler scratch"));
    GYRE_ASSIGN(const SampleKernels sample, kernels.sample());
    GYRE_ASSIGN(DescriptorSet set,
                make_sample_set(device, {scratch.range(), control.range(), logits, batch}));
    GYRE_ASSIGN(CommandRecorder greedy, CommandRecorder::create(device, {.debug_name = "greedy"}));
    GYRE_ASSIGN(CommandRecorder drawn, CommandRecorder::create(device, {.debug_name = "drawn"}));
    TokenLoop loop(std::move(control), std::move(scratch), layout.params, sample, std::move(set),
                   std::move(greedy), std::move(drawn));
    GYRE_TRY(loop.record_once(loop.greedy_, true));
    GYRE_TRY(loop.record_once(loop.drawn_, false));
    return loop;
}

Status TokenLoop::record_once(CommandRecorder& recorder, bool greedy) const {
    SampleParams params = params_;
    params.greedy = greedy ? 1 : 0;
    GYRE_TRY(recorder.begin());
    record_sample(recorder, kernels_, set_, params);
    recorder.host_read_barrier();
    return recorder.end();
}

void TokenLoop::record(Dispatcher& recorder) const {
    record_sample(recorder, kernels_, set_, params_);
}

Status TokenLoop::start(const SampleSettings& settings, std::span<const std::uint32_t> history,
                        std::uint64_t step) {
    SampleControl control;
    control.options = make_sample_options(settings);
    const auto recent = history.last(std::min<std::size_t>(history.size(), SAMPLE_HISTORY));
    control.loop = {static_cast<std::uint32_t>(step),
                    static_cast<std::uint32_t>(step >> 32),
                    static_cast<std::uint32_t>(recent.size()),
                    0,
                    SAMPLE_RUNNING,
                    0};
    std::fill(std::begin(control.results), std::end(control.results), NO_TOKEN);
    std::fill(std::begin(control.history), std::end(control.history), 0u);
    std::copy(recent.begin(), recent.end(), control.history);
    std::memcpy(control_.mapped(), &control, sizeof(control));
    is_greedy_ = settings.temperature == 0.0f;
    stop_token_ = settings.stop_token;
    more_stop_tokens_ = settings.more_stop_tokens;
    return control_.flush(0, sizeof(control));
}

// kCount: and so on.
Result<LoopEnd> TokenLoop::look_at(std::uint32_t index, std::uint32_t token,
                                   const Deliver& deliver) const {
    if (token == NO_TOKEN) return LoopEnd::kBroken;
    if (token == stop_token_ || std::find(more_stop_tokens_.begin(), more_stop_tokens_.end(),
                                          token) != more_stop_tokens_.end()) {
        return LoopEnd::kStopToken;
    }
    GYRE_ASSIGN(const bool more, deliver(index, token));
    return more ? LoopEnd::kCount : LoopEnd::kSink;
}

// Of a submission that was waited for; the device may be writing others meanwhile.
Result<std::uint32_t> TokenLoop::result(std::uint32_t index) const {
    const std::uint64_t at = offsetof(SampleControl, results) + 4 * (index % SAMPLE_RESULTS);
    GYRE_TRY(control_.invalidate(at, 4));
    std::uint32_t token = NO_TOKEN;
    std::memcpy(&token, static_cast<const std::byte*>(control_.mapped()) + at, sizeof(token));
    return token;
}

Result<SampleStatus> TokenLoop::status() const {
    constexpr std::uint64_t kAt = offsetof(SampleControl, loop) + offsetof(SampleLoop, status);
    GYRE_TRY(control_.invalidate(kAt, 4));
    SampleStatus status = SampleStatus::kRunning;
    std::memcpy(&status, static_cast<const std::byte*>(control_.mapped()) + kAt, sizeof(status));
    return status;
}

Status TokenLoop::run(WorkQueue& queue, SubmissionPacer& pacer, const Run& run,
                      const Deliver& deliver, LoopResult& result) {
    static_assert(SAMPLE_RESULTS >= 4 * kMaxTokensASubmit, "no result is lost before it is read");
    CommandRecorder* const sample = is_greedy_ ? &greedy_ : &drawn_;
    UnderWay under_way(queue, pacer, result);
    std::uint32_t queued = 0, read = 0;
    // Few tokens at first, so that text appears at once.
    std::uint32_t round = 1;
    bool decoding = run.decode_first;
    result.end = LoopEnd::kCount;
    while (read < run.n_tokens && result.end == LoopEnd::kCount) {
        std::uint32_t n_there = 0;
        if (decoding && run.in_parts && run.in_parts()) {
            GYRE_ASSIGN(n_there, under_way.retire(~0u));
            if (n_there == 0) {
                GYRE_TRY(under_way.decode_in_parts(run, sample));
                ++queued;
                n_there = 1;
            }
        } else {
            const std::uint32_t a_submit = decoding ? std::min(pacer.next(), round) : 1;
            // One submission more than is waited for: what is queued takes two budgets at most,
            // and a cancel or a pause no longer than that. Except after a first token that is only
            // sampled: until it is known whether the text continues, its logits stay.
            const std::uint32_t most = decoding ? round + a_submit : 1;
            while (queued < run.n_tokens && queued - read < most) {
                const std::uint32_t n = std::min(a_submit, run.n_tokens - queued);
                GYRE_TRY(under_way.submit(decoding ? run.decode : nullptr, sample, n));
                queued += n;
            }
            GYRE_ASSIGN(n_there, under_way.retire(round));
        }
        for (; n_there > 0 && result.end == LoopEnd::kCount; --n_there) {
            GYRE_ASSIGN(const std::uint32_t token, this->result(read));
            result.n_decoded += decoding ? 1 : 0;
            GYRE_ASSIGN(result.end, look_at(read, token, deliver));
            ++read;
        }
        const bool measured = pacer.seconds_each() > 0.0;
        if (decoding) round = std::min(2 * round, measured ? pacer.next() : kTokensToMeasure);
        decoding = true;
    }
    GYRE_TRY(under_way.drain());
    if (result.end == LoopEnd::kBroken) {
        GYRE_ASSIGN(result.status, status());
    }
    return {};
}

}  // namespace gyre
