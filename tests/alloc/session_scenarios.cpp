// Scenarios of sessions: what is fed to them, cut, moved, copied and kept.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "tests/alloc/scenario_calls.h"

namespace gyre::alloc {
namespace {

gyre_status create(Life& life) {
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = 32;
    options.chunk = 8;
    options.kv_type = GYRE_KV_Q8_0;
    const gyre_status status = call(gyre_session_create, life.model, &options, &life.new_session);
    if ((life.new_session != nullptr) != (status == GYRE_OK)) life.blame("a session and an error");
    if (status != GYRE_OK) return status;
    const std::vector<std::uint32_t> tokens = some_tokens(3, 9);
    const float* logits = nullptr;
    std::size_t n = 0;
    GYRE_GO(gyre_session_feed(life.new_session, tokens.data(), tokens.size()));
    GYRE_GO(gyre_session_logits(life.new_session, &logits, &n));
    life.note_bits(logits, n);
    return GYRE_OK;
}

gyre_status feed_prompt(Life& life) {
    return life.feed(some_tokens(40, 20));
}

gyre_status feed_one(Life& life) {
    return life.feed(some_tokens(40, 1));
}

gyre_status feed_logits(Life& life) {
    const std::vector<std::uint32_t> tokens = some_tokens(40, 12);
    const std::uint32_t done = gyre_session_position(life.session) - life.start;
    const auto on_rows = [](const float* rows, std::size_t, std::size_t n, std::size_t n_vocab,
                            void* user) {
        const Elsewhere callback;
        static_cast<Life*>(user)->note_bits(rows, n * n_vocab);
        return 1;
    };
    const gyre_status status =
        call(gyre_session_feed_logits, life.session, tokens.data() + done, tokens.size() - done,
             static_cast<gyre_logits_callback>(on_rows), &life);
    const std::uint32_t after = gyre_session_position(life.session) - life.start;
    life.held.insert(life.held.end(), tokens.begin() + done, tokens.begin() + after);
    return status;
}

gyre_status profile(Life& life) {
    const std::vector<std::uint32_t> tokens = some_tokens(40, 12);
    const std::uint32_t done = gyre_session_position(life.session) - life.start;
    const auto on_event = [](const gyre_profile_event*, void*) {};
    const gyre_status status =
        call(gyre_session_profile, life.session, tokens.data() + done, tokens.size() - done,
             static_cast<gyre_profile_callback>(on_event), nullptr);
    const std::uint32_t after = gyre_session_position(life.session) - life.start;
    life.held.insert(life.held.end(), tokens.begin() + done, tokens.begin() + after);
    return status;
}

gyre_status feed_beyond_context(Life& life) {
    return life.feed(some_tokens(10, 50));
}

gyre_status sample_and_feed(Life& life) {
    gyre_sampling_options options = GYRE_SAMPLING_OPTIONS_INIT;
    options.temperature = 1.5f;
    std::uint32_t token = 0;
    while (life.step < 3) {
        GYRE_GO(call(gyre_session_sample, life.session, &options, &token));
        GYRE_GO(call(gyre_session_feed, life.session, &token, 1u));
        life.note(token);
        life.held.push_back(token);
        ++life.step;
    }
    return GYRE_OK;
}

gyre_status truncate(Life& life) {
    const auto n = static_cast<std::uint32_t>(life.held.size());
    if (life.step == 0) {
        GYRE_GO(call(gyre_session_truncate, life.session, n - 2));
        life.held.resize(n - 2);
        ++life.step;
    }
    const float* logits = nullptr;
    std::size_t n_logits = 0;
    GYRE_GO(call(gyre_session_logits, life.session, &logits, &n_logits));
    life.note_bits(logits, n_logits);
    return GYRE_OK;
}

gyre_status shift(Life& life) {
    GYRE_GO(call(gyre_session_shift, life.session, 5u, 6u));
    life.held.erase(life.held.begin() + 5, life.held.begin() + 11);
    return GYRE_OK;
}

gyre_status fork(Life& life) {
    if (life.new_session == nullptr) {
        const gyre_status status = call(gyre_session_fork, life.session, &life.new_session);
        if ((life.new_session != nullptr) != (status == GYRE_OK)) life.blame("a fork and an error");
        if (status != GYRE_OK) return status;
        life.held_by_new = life.held;
    }
    std::swap(life.held, life.held_by_new);
    const gyre_status status = life.write(life.new_session, {.n = 3});
    life.expect_held(life.new_session);
    std::swap(life.held, life.held_by_new);
    return status;
}

// What both texts begin with stays.
gyre_status set_tokens(Life& life) {
    std::vector<std::uint32_t> text(life.held.begin(), life.held.begin() + 15);
    const std::vector<std::uint32_t> more = some_tokens(50, 12);
    text.insert(text.end(), more.begin(), more.end());
    std::size_t n_kept = 0;
    const gyre_status status =
        call(gyre_session_set_tokens, life.session, text.data(), text.size(), &n_kept);
    const std::size_t n = gyre_session_position(life.session);
    const bool as_before = status != GYRE_OK && n == life.held.size() && life.step == 0;
    if (!as_before) {  // what was kept, and a part of the rest
        ++life.step;
        life.held.assign(text.begin(),
                         text.begin() + static_cast<std::ptrdiff_t>(std::min(n, text.size())));
    }
    return status;
}

gyre_status save(Life& life) {
    GYRE_GO(life.save(life.session, life.blob));
    life.note_text(life.blob);
    return GYRE_OK;
}

// A saved session of a shorter text, and a text of another end.
gyre_status prepare_load(Life& life) {
    GYRE_GO(gyre_session_truncate(life.session, life.start - 3));
    life.held.resize(life.start - 3);
    GYRE_GO(life.save(life.session, life.blob));
    GYRE_GO(life.write(life.session, {.n = 4}));
    life.told = 0;
    return GYRE_OK;
}

gyre_status load(Life& life) {
    GYRE_GO(life.load(life.session, life.blob));
    life.held.resize(life.start - 3);
    return GYRE_OK;
}

gyre_status reset(Life& life) {
    if (life.step == 0) {
        GYRE_GO(call(gyre_session_reset, life.session));
        life.held.clear();
        ++life.step;
    }
    return life.feed(some_tokens(5, 9));
}

gyre_status numbers(Life& life) {
    gyre_memory memory = GYRE_MEMORY_INIT;
    gyre_timings timings = GYRE_TIMINGS_INIT;
    gyre_counters counters = GYRE_COUNTERS_INIT;
    gyre_traffic traffic = GYRE_TRAFFIC_INIT;
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    GYRE_GO(call(gyre_session_get_memory, life.session, &memory));
    GYRE_GO(call(gyre_session_get_timings, life.session, &timings));
    GYRE_GO(call(gyre_session_get_counters, life.session, &counters));
    GYRE_GO(call(gyre_session_get_traffic, life.session, 5u, &traffic));
    return call(gyre_model_get_device, life.model, &device);
}

}  // namespace

const std::vector<Scenario>& session_scenarios() {
    static const std::vector<Scenario> list = {
        {"create, first", Ground::kNewModel, create, nullptr, 37},
        {"create", Ground::kOldModel, create},
        {"numbers", Ground::kSession, numbers},
        {"feed", Ground::kSession, feed_prompt},
        {"feed one", Ground::kSession, feed_one},
        {"feed for logits", Ground::kSession, feed_logits},
        {"the same, first", Ground::kNewSession, feed_logits},
        {"profile", Ground::kSession, profile},
        {"sample and feed", Ground::kSession, sample_and_feed},
        {"slide, feed", Ground::kSession, feed_beyond_context},
        {"truncate", Ground::kSession, truncate},
        {"shift", Ground::kSession, shift},
        {"fork", Ground::kSession, fork},
        {"set tokens", Ground::kSession, set_tokens},
        {"save", Ground::kSession, save},
        {"load", Ground::kSession, load, prepare_load},
        {"reset", Ground::kSession, reset},
    };
    return list;
}

}  // namespace gyre::alloc
