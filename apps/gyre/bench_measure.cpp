// The measurements of gyre bench, through gyre.h alone.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "apps/gyre/bench.h"
#include "apps/gyre/interrupt.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

gyre_sampling_options greedy() {
    gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
    sampling.temperature = 0.0f;
    return sampling;
}

gyre_counters counters_of(const BenchSession& session) {
    gyre_counters counters = GYRE_COUNTERS_INIT;
    check(gyre_session_get_counters(session.get(), &counters));
    return counters;
}

// A prompt's rate and its first token, several times; the first of all is the cold one.
void measure_prompt(BenchSession& session, const BenchOptions& options,
                    const BenchProgress& progress, BenchReport& report) {
    std::vector<double> rates, first_tokens;
    for (std::uint32_t i = 0; i <= options.repeat; ++i) {
        progress("prompt", static_cast<double>(i) / (options.repeat + 1));
        const auto start = Clock::now();
        session.feed(options.prompt);
        const double fed = seconds_since(start);
        session.generate(1);
        const double first = seconds_since(start);
        if (i == 0) {
            report.cold_first_token_seconds = first;
            continue;
        }
        rates.push_back(options.prompt / fed);
        first_tokens.push_back(first);
    }
    report.prompt_tokens_per_second = Spread::of(rates);
    report.first_token_seconds = Spread::of(first_tokens);
}

// Sums over the measured tokens.
struct Sums {
    gyre_counters counters = GYRE_COUNTERS_INIT;

    void add(const gyre_counters& before, const gyre_counters& after) {
        counters.dispatches += after.dispatches - before.dispatches;
        counters.barriers += after.barriers - before.barriers;
        counters.submits += after.submits - before.submits;
        counters.host_waits += after.host_waits - before.host_waits;
        counters.descriptor_binds += after.descriptor_binds - before.descriptor_binds;
        counters.n_decode_tokens += after.n_decode_tokens - before.n_decode_tokens;
    }
    CountedPerToken per_token() const {
        const auto n = static_cast<double>(std::max<std::uint64_t>(1, counters.n_decode_tokens));
        return {static_cast<double>(counters.dispatches) / n,
                static_cast<double>(counters.barriers) / n,
                static_cast<double>(counters.submits) / n,
                static_cast<double>(counters.host_waits) / n,
                static_cast<double>(counters.descriptor_binds) / n};
    }
};

DecodeResult measure_decode(BenchSession& session, const BenchOptions& options, std::uint32_t depth,
                            const BenchProgress& progress, Sums& sums) {
    DecodeResult result;
    result.depth = depth;
    const std::uint32_t begin = first_depth(depth);
    check(gyre_session_get_traffic(session.get(), begin, &result.traffic));
    session.feed(begin);
    session.generate(2);  // the driver may compile during the first token: it is not timed
    std::vector<double> rates;
    for (std::uint32_t i = 0; i < options.repeat; ++i) {
        progress("decode", static_cast<double>(i) / options.repeat);
        session.truncate(begin);
        session.generate(1);  // from here on every token is decoded, sampled and told
        const gyre_counters before = counters_of(session);
        const auto start = Clock::now();
        session.generate(options.gen);
        rates.push_back(options.gen / seconds_since(start));
        sums.add(before, counters_of(session));
    }
    result.tokens_per_second = Spread::of(rates);
    return result;
}

}  // namespace

Spread Spread::of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t n = values.size();
    return {(values[(n - 1) / 2] + values[n / 2]) / 2, values.front(), values.back()};
}

double DecodeResult::bytes_per_second() const {
    return tokens_per_second.median *
           static_cast<double>(traffic.weight_bytes_per_token + traffic.cache_bytes_per_token);
}

double BenchReport::prompt_flops_per_second(std::uint32_t n_prompt) const {
    const gyre_traffic& traffic = decode.front().traffic;
    const auto vocabulary =
        static_cast<double>(traffic.decode_flops_per_token - traffic.prompt_flops_per_token);
    return prompt_tokens_per_second.median *
           (static_cast<double>(traffic.prompt_flops_per_token) + vocabulary / n_prompt);
}

void check_run(gyre_status status) {
    if (status == GYRE_ERROR_CANCELLED && interrupted()) throw Failure("interrupted");
    check(status);
}

BenchSession::BenchSession(const gyre_model* model, const BenchOptions& options) {
    gyre_session_options session_options = GYRE_SESSION_OPTIONS_INIT;
    session_options.n_ctx = options.n_ctx;
    session_options.kv_type = kv_types().at(options.kv);
    session_ = open_session(model, session_options);
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    check(gyre_model_get_info(model, &info));
    n_vocab_ = info.n_vocab;
    has_tokenizer_ = info.has_tokenizer != 0;
}

const std::uint32_t* BenchSession::tokens(std::uint32_t n) {
    // Knuth's multiplicative hash: spread over the vocabulary, without a pattern that repeats.
    while (tokens_.size() < n) {
        const auto i = static_cast<std::uint32_t>(tokens_.size()) + 1;
        tokens_.push_back((i * 2654435761u >> 8) % n_vocab_);
    }
    return tokens_.data();
}

void BenchSession::feed(std::uint32_t n) {
    check(gyre_session_reset(session_.get()));
    pending_.reset();
    check_run(gyre_session_feed(session_.get(), tokens(n), n));
}

void BenchSession::truncate(std::uint32_t n) {
    check(gyre_session_truncate(session_.get(), n));
    pending_.reset();
}

void BenchSession::generate(std::uint32_t n, const std::function<bool()>& on_token) {
    if (!has_tokenizer_) return generate_by_hand(n, on_token);
    const gyre_sampling_options sampling = greedy();
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    options.sampling = &sampling;
    options.max_tokens = n;
    options.ignore_eos = 1;
    if (on_token) {
        options.on_token = [](const gyre_token_event* event, void* user) {
            if (event->token == GYRE_TOKEN_NONE) return 1;
            return (*static_cast<const std::function<bool()>*>(user))() ? 1 : 0;
        };
        options.user = const_cast<std::function<bool()>*>(&on_token);
    }
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    check_run(gyre_session_generate(session_.get(), nullptr, 0, &options, &result));
    if (result.n_tokens != n && result.stop_reason != GYRE_STOP_CALLBACK) {
        throw Failure("bench: " + std::to_string(result.n_tokens) + " of " + std::to_string(n) +
                      " tokens were generated");
    }
}

// The same without gyre_session_generate: a token is chosen, and computed when the next is asked
// for.
void BenchSession::generate_by_hand(std::uint32_t n, const std::function<bool()>& on_token) {
    const gyre_sampling_options sampling = greedy();
    for (std::uint32_t i = 0; i < n; ++i) {
        if (pending_) check_run(gyre_session_feed(session_.get(), &*pending_, 1));
        std::uint32_t token = 0;
        check_run(gyre_session_sample(session_.get(), &sampling, &token));
        pending_ = token;
        if (on_token && !on_token()) return;
    }
}

void measure(BenchSession& session, const BenchOptions& options, const BenchProgress& progress,
             BenchReport& report) {
    measure_prompt(session, options, progress, report);
    for (const std::uint32_t depth : options.depths) {
        Sums sums;
        report.decode.push_back(measure_decode(session, options, depth, progress, sums));
        if (report.decode.size() == 1) report.counted = sums.per_token();
    }
}

}  // namespace gyre::app
