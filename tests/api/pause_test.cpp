// gyre_model_pause and gyre_model_resume: from callbacks and other threads, at any moment.
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/text_collector.h"

namespace gyre::test {
namespace {

using Tokens = std::vector<std::uint32_t>;

class PauseTest : public ApiDeviceTest {
  protected:
    void SetUp() override {
        ApiDeviceTest::SetUp();
        model_ = open_model(golden_path("text"));
        ASSERT_NE(model_, nullptr);
        sampling_.temperature = 2.0f;
        sampling_.seed = 5;
        options_.sampling = &sampling_;
        options_.max_tokens = 40;
        options_.ignore_eos = 1;
    }
    void TearDown() override {
        model_.reset();
        ApiDeviceTest::TearDown();
    }
    SessionPtr new_session() { return create_session(model_.get(), session_options_); }
    // n tokens in all, with those that text has.
    void go_on(gyre_session* session, const std::string& prompt, std::uint32_t n, Collected& text) {
        gyre_generate_options options = options_;
        options.max_tokens = n - static_cast<std::uint32_t>(text.tokens.size());
        text.generate(session, prompt, options);
    }
    Collected whole_text(std::uint32_t n) {
        Collected whole;
        go_on(new_session().get(), "Hello", n, whole);
        EXPECT_GYRE_OK(whole.status);
        return whole;
    }
    static std::vector<float> logits(gyre_session* session) {
        const float* values = nullptr;
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_session_logits(session, &values, &n));
        return values == nullptr ? std::vector<float>{} : std::vector<float>(values, values + n);
    }

    ModelPtr model_;
    gyre_session_options session_options_ = GYRE_SESSION_OPTIONS_INIT;
    gyre_sampling_options sampling_ = GYRE_SAMPLING_OPTIONS_INIT;
    gyre_generate_options options_ = GYRE_GENERATE_OPTIONS_INIT;
    const Tokens text_ = {5, 9, 77, 120, 33, 200, 41, 8};
};

// Every call that needs the device says that it is paused, and changes nothing.
TEST_F(PauseTest, CallsThatComputeAreRefused) {
    const SessionPtr session = new_session();
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), text_.data(), text_.size()));
    const std::vector<float> before = logits(session.get());
    ASSERT_GYRE_OK(gyre_model_pause(model_.get()));

    const auto expect_paused = [&](gyre_status status) {
        EXPECT_EQ(status, GYRE_ERROR_PAUSED);
        EXPECT_NE(std::string(gyre_last_error()).find("gyre_model_resume"), std::string::npos)
            << gyre_last_error();
        EXPECT_EQ(gyre_session_position(session.get()), text_.size());
    };
    expect_paused(gyre_session_feed(session.get(), text_.data(), 1));
    expect_paused(gyre_session_feed(session.get(), text_.data(), 5));
    expect_paused(gyre_session_feed_logits(
        session.get(), text_.data(), 5,
        [](const float*, size_t, size_t, size_t, void*) { return 1; }, nullptr));
    expect_paused(gyre_session_generate(session.get(), "Hello", 5, &options_, nullptr));
    expect_paused(gyre_session_generate(session.get(), "", 0, &options_, nullptr));
    expect_paused(gyre_session_shift(session.get(), 2, 2));
    expect_paused(gyre_session_profile(
        session.get(), text_.data(), 2, [](const gyre_profile_event*, void*) {}, nullptr));
    gyre_session* other = session.get();
    expect_paused(gyre_session_fork(session.get(), &other));
    EXPECT_EQ(other, nullptr);
    other = session.get();
    expect_paused(gyre_session_create(model_.get(), nullptr, &other));
    EXPECT_EQ(other, nullptr);
    gyre_device_rates rates = GYRE_DEVICE_RATES_INIT;
    expect_paused(gyre_model_measure_device(model_.get(), &rates));

    // What is at hand is told, and so is what needs no device.
    EXPECT_EQ(logits(session.get()), before);
    std::uint32_t token = 0;
    EXPECT_GYRE_OK(gyre_session_sample(session.get(), &sampling_, &token));
    std::size_t n = 0;
    EXPECT_GYRE_OK(gyre_session_tokens(session.get(), nullptr, 0, &n));
    EXPECT_EQ(n, text_.size());
    EXPECT_GYRE_OK(gyre_session_set_tokens(session.get(), text_.data(), 5, &n));
    EXPECT_EQ(n, 5u);
    const float* values = nullptr;
    EXPECT_EQ(gyre_session_logits(session.get(), &values, nullptr), GYRE_ERROR_PAUSED)
        << "those of the fifth token are not at hand";
    const Tokens more = {5, 9, 77, 120, 33, 61, 62};
    EXPECT_EQ(gyre_session_set_tokens(session.get(), more.data(), more.size(), nullptr),
              GYRE_ERROR_PAUSED);

    ASSERT_GYRE_OK(gyre_model_resume(model_.get()));
    ASSERT_GYRE_OK(gyre_session_set_tokens(session.get(), text_.data(), text_.size(), &n));
    EXPECT_EQ(n, 5u);
    EXPECT_LE(relative_error(logits(session.get()), before), 2e-3);
}

// Whenever the pause comes: what was told stands, nothing is told after it, and the text goes on.
TEST_F(PauseTest, ACallbackPausesAndTheTextGoesOn) {
    struct Way {
        bool slide, on_host;
    };
    for (const Way way : {Way{false, false}, Way{true, false}, Way{false, true}, Way{true, true}}) {
        session_options_.n_ctx = way.slide ? 24 : 0;
        session_options_.when_full = way.slide ? GYRE_WHEN_FULL_SLIDE : GYRE_WHEN_FULL_STOP;
        options_.logprobs = way.on_host ? 1 : 0;
        const Collected whole = whole_text(40);
        for (std::uint32_t k = 1; k < 12; ++k) {
            const SessionPtr session = new_session();
            Collected text;
            text.watch = [&](const gyre_token_event& event) {
                return event.index + 1 != k || gyre_model_pause(model_.get()) == GYRE_OK;
            };
            go_on(session.get(), "Hello", 40, text);
            EXPECT_EQ(text.status, GYRE_ERROR_PAUSED);
            EXPECT_EQ(text.result.stop_reason, GYRE_STOP_PAUSED);
            ASSERT_EQ(text.tokens.size(), k) << "nothing is told after the pause";
            EXPECT_LE(gyre_session_position(session.get()), text.result.n_prompt_tokens + k);
            text.watch = {};
            go_on(session.get(), "", 40, text);
            EXPECT_EQ(text.status, GYRE_ERROR_PAUSED) << "still";
            ASSERT_EQ(text.tokens.size(), k);
            ASSERT_GYRE_OK(gyre_model_resume(model_.get()));
            go_on(session.get(), "", 40, text);
            ASSERT_GYRE_OK(text.status);
            EXPECT_EQ(text.tokens, whole.tokens) << "after " << k;
            EXPECT_EQ(text.text, whole.text) << "a pause tears no character";
        }
    }
}

TEST_F(PauseTest, PausesFromAnotherThreadAtAnyMoment) {
    session_options_.n_ctx = 32;
    session_options_.when_full = GYRE_WHEN_FULL_SLIDE;
    constexpr std::uint32_t kTokens = 600;
    const Collected whole = whole_text(kTokens);
    const SessionPtr session = new_session();
    std::atomic<bool> finished = false;
    std::atomic<int> pauses = 0;
    std::thread other([&] {
        for (unsigned i = 0; !finished; ++i) {
            std::this_thread::sleep_for(std::chrono::microseconds(300 * (i % 17)));
            EXPECT_GYRE_OK(gyre_model_pause(model_.get()));
            ++pauses;
            std::this_thread::sleep_for(std::chrono::microseconds(100 * (i % 5)));
            EXPECT_GYRE_OK(gyre_model_resume(model_.get()));
            // Long enough for some tokens, also where each takes long.
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    Collected text;
    int interrupted = 0;
    std::string prompt = "Hello";
    while (text.tokens.size() < kTokens) {
        go_on(session.get(), prompt, kTokens, text);
        if (text.status == GYRE_ERROR_PAUSED) ++interrupted;
        if (text.status != GYRE_OK && text.status != GYRE_ERROR_PAUSED) break;
        prompt.clear();  // also where the pause came before it was fed
    }
    finished = true;
    other.join();
    EXPECT_TRUE(text.status == GYRE_OK) << text.error;
    EXPECT_EQ(text.tokens, whole.tokens);
    EXPECT_EQ(text.text, whole.text);
    EXPECT_GE(interrupted, 1) << pauses << " pauses";
}

TEST_F(PauseTest, APromptStopsBetweenChunksAndGoesOn) {
    session_options_.chunk = 2;
    session_options_.kv_type = GYRE_KV_F32;
    const SessionPtr session = new_session();
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), text_.data(), text_.size()));
    const std::vector<float> expected = logits(session.get());
    ASSERT_GYRE_OK(gyre_session_reset(session.get()));
    const auto pause_at_third = [](const float*, size_t first, size_t, size_t, void* user) {
        if (first != 4) return 1;
        return gyre_model_pause(static_cast<gyre_model*>(user)) == GYRE_OK ? 1 : 0;
    };
    EXPECT_EQ(gyre_session_feed_logits(session.get(), text_.data(), text_.size(), pause_at_third,
                                       model_.get()),
              GYRE_ERROR_PAUSED);
    ASSERT_EQ(gyre_session_position(session.get()), 6u);
    ASSERT_GYRE_OK(gyre_model_resume(model_.get()));
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), text_.data() + 6, 2));
    EXPECT_EQ(logits(session.get()), expected);
}

TEST_F(PauseTest, AnEmptyPromptGoesOnWithTheRestOfThePrompt) {
    session_options_.chunk = 2;
    const std::string prompt = "Hello, a prompt of several chunks";
    Collected whole;
    go_on(new_session().get(), prompt, 12, whole);
    ASSERT_GYRE_OK(whole.status);
    ASSERT_GT(whole.result.n_prompt_tokens, 6u);
    const SessionPtr session = new_session();
    ASSERT_GYRE_OK(gyre_model_pause(model_.get()));
    Collected text;
    go_on(session.get(), prompt, 12, text);
    EXPECT_EQ(text.status, GYRE_ERROR_PAUSED);
    EXPECT_EQ(gyre_session_position(session.get()), 0u);
    // The prompt is interrupted once more, in its middle: by a thread that waits for its beginning.
    ASSERT_GYRE_OK(gyre_model_resume(model_.get()));
    std::thread other([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_GYRE_OK(gyre_model_pause(model_.get()));
    });
    go_on(session.get(), "", 12, text);
    other.join();
    ASSERT_GYRE_OK(gyre_model_resume(model_.get()));
    if (text.status == GYRE_ERROR_PAUSED) go_on(session.get(), "", 12, text);
    ASSERT_GYRE_OK(text.status);
    EXPECT_EQ(text.tokens, whole.tokens);
    EXPECT_EQ(text.text, whole.text);
    EXPECT_EQ(gyre_session_position(session.get()), whole.result.n_prompt_tokens + 12);
}

// What is left to do belongs to the text that was interrupted, and to no other.
TEST_F(PauseTest, AnotherTextDoesNotGoOnWithTheOldPrompt) {
    const auto interrupt = [&](gyre_session* session) {
        EXPECT_GYRE_OK(gyre_model_pause(model_.get()));
        EXPECT_EQ(gyre_session_generate(session, "Hello", 5, &options_, nullptr),
                  GYRE_ERROR_PAUSED);
        EXPECT_GYRE_OK(gyre_model_resume(model_.get()));
    };
    const auto expect_no_prompt = [&](gyre_session* session, std::uint32_t n_prompt_tokens) {
        Collected text;
        go_on(session, "", 3, text);
        EXPECT_GYRE_OK(text.status);
        EXPECT_EQ(text.result.n_prompt_tokens, n_prompt_tokens);
    };
    const SessionPtr session = new_session();
    interrupt(session.get());
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), text_.data(), 3));
    expect_no_prompt(session.get(), 0);
    ASSERT_GYRE_OK(gyre_session_reset(session.get()));
    interrupt(session.get());
    ASSERT_GYRE_OK(gyre_session_reset(session.get()));
    expect_no_prompt(session.get(), 1);  // the model's beginning token
}

TEST_F(PauseTest, AStopStringIsFoundAcrossAPause) {
    const Collected whole = whole_text(40);
    // Two events that show letters: the stop string begins in one and ends in the next.
    std::size_t at = 3;
    const auto letters = [](const std::string& piece) {
        return !piece.empty() && static_cast<unsigned char>(piece[0]) < 0x80;
    };
    while (at < 30 && !(letters(whole.pieces[at]) && letters(whole.pieces[at + 1])))
        ++at;
    ASSERT_LT(at, 30u) << "another seed is needed";
    const std::string stop = whole.pieces[at] + whole.pieces[at + 1];
    const char* const stops[] = {stop.c_str()};
    options_.stop = stops;
    options_.n_stop = 1;
    Collected straight;
    go_on(new_session().get(), "Hello", 40, straight);
    ASSERT_EQ(straight.result.stop_reason, GYRE_STOP_STRING);
    for (std::uint32_t k = 1; k < straight.tokens.size(); ++k) {
        const SessionPtr session = new_session();
        Collected text;
        text.watch = [&](const gyre_token_event& event) {
            return event.index + 1 != k || gyre_model_pause(model_.get()) == GYRE_OK;
        };
        go_on(session.get(), "Hello", 40, text);
        EXPECT_EQ(text.status, GYRE_ERROR_PAUSED);
        EXPECT_FALSE(text.had_last_event);
        ASSERT_GYRE_OK(gyre_model_resume(model_.get()));
        text.watch = {};
        go_on(session.get(), "", 40, text);
        EXPECT_EQ(text.result.stop_reason, GYRE_STOP_STRING) << k;
        EXPECT_EQ(text.text, straight.text) << k;
        EXPECT_EQ(text.tokens, straight.tokens) << k;
    }
}

TEST_F(PauseTest, AllSessionsOfTheModelAndNoOther) {
    const ModelPtr other_model = open_model(golden_path("text"));
    const SessionPtr a = new_session();
    const SessionPtr b = new_session();
    const SessionPtr other = create_session(other_model.get());
    ASSERT_GYRE_OK(gyre_model_pause(model_.get()));
    ASSERT_GYRE_OK(gyre_model_pause(model_.get()));
    for (gyre_session* each : {a.get(), b.get()})
        EXPECT_EQ(gyre_session_feed(each, text_.data(), 3), GYRE_ERROR_PAUSED);
    EXPECT_GYRE_OK(gyre_session_feed(other.get(), text_.data(), 3));
    ASSERT_GYRE_OK(gyre_model_resume(model_.get()));  // one resume ends two pauses
    ASSERT_GYRE_OK(gyre_model_resume(model_.get()));
    for (gyre_session* each : {a.get(), b.get()})
        EXPECT_GYRE_OK(gyre_session_feed(each, text_.data(), 3));
}

TEST_F(PauseTest, WhatIsPausedCanBeDestroyed) {
    SessionPtr session = new_session();
    SessionPtr survivor = new_session();
    Collected text;
    go_on(session.get(), "Hello", 5, text);
    ASSERT_GYRE_OK(gyre_model_pause(model_.get()));
    session.reset();
    model_.reset();
    EXPECT_EQ(gyre_session_feed(survivor.get(), text_.data(), 3), GYRE_ERROR_PAUSED);
}

TEST_F(PauseTest, ModelsWithoutADevice) {
    const ModelPtr none = open_file(golden_path("text"));
    EXPECT_EQ(gyre_model_pause(none.get()), GYRE_ERROR_NO_DEVICE);
    EXPECT_EQ(gyre_model_resume(none.get()), GYRE_ERROR_NO_DEVICE);
}

}  // namespace
}  // namespace gyre::test
