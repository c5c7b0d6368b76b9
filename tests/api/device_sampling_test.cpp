// gyre_session_generate, whose tokens the device chooses, against gyre_session_sample, whose tokens
// the host chooses: the same text, whatever ends it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

using Tokens = std::vector<std::uint32_t>;

gyre_sampling_options greedy() {
    gyre_sampling_options options = GYRE_SAMPLING_OPTIONS_INIT;
    options.temperature = 0;
    return options;
}

std::vector<gyre_sampling_options> many_options() {
    std::vector<gyre_sampling_options> list(5, greedy());
    list[1].repeat_penalty = 1.3f;
    const auto drawn = [](std::uint64_t seed, float temperature, float top_p, float min_p,
                          float repeat_penalty, std::uint32_t top_k, std::uint32_t window) {
        gyre_sampling_options options = GYRE_SAMPLING_OPTIONS_INIT;
        options.seed = seed;
        options.temperature = temperature;
        options.top_p = top_p;
        options.min_p = min_p;
        options.repeat_penalty = repeat_penalty;
        options.top_k = top_k;
        options.repeat_window = window;
        return options;
    };
    list[2] = drawn(7, 1.5f, 0.9f, 0.02f, 1.0f, 30, 64);
    list[3] = drawn(8, 3.0f, 1.0f, 0.0f, 1.2f, 0, 20);
    // More than the device looks back: the host chooses here, and nobody notices.
    list[4] = drawn(9, 3.0f, 1.0f, 0.0f, 1.2f, 0, 5000);
    return list;
}

struct Text {
    Tokens tokens;
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    gyre_status status = GYRE_ERROR_INTERNAL;
    std::function<bool(std::size_t n_tokens)> watch;

    static int on_token(const gyre_token_event* event, void* user) {
        auto* self = static_cast<Text*>(user);
        if (event->token == GYRE_TOKEN_NONE) return 1;
        self->tokens.push_back(event->token);
        return !self->watch || self->watch(self->tokens.size()) ? 1 : 0;
    }
};

class DeviceSamplingTest : public ApiDeviceTest {
  protected:
    void SetUp() override {
        ApiDeviceTest::SetUp();
        model_ = open_model(golden_path("text"));
        ASSERT_NE(model_, nullptr);
        sliding_.n_ctx = 24;
        sliding_.when_full = GYRE_WHEN_FULL_SLIDE;
        sliding_.keep_tokens = 3;
    }
    void TearDown() override {
        model_.reset();
        ApiDeviceTest::TearDown();
    }
    SessionPtr new_session() { return create_session(model_.get()); }

    static void write(gyre_session* session, const std::string& prompt,
                      const gyre_sampling_options& sampling, std::uint32_t n, Text& text,
                      bool ignore_eos = true) {
        gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
        options.sampling = &sampling;
        options.on_token = Text::on_token;
        options.user = &text;
        options.max_tokens = n;
        options.ignore_eos = ignore_eos ? 1 : 0;
        text.status =
            gyre_session_generate(session, prompt.data(), prompt.size(), &options, &text.result);
    }
    // By gyre_session_sample and gyre_session_feed.
    Tokens by_hand(gyre_session* session, const std::string& prompt,
                   const gyre_sampling_options& sampling, std::size_t n) {
        std::uint32_t ids[64];
        std::size_t n_ids = 0;
        EXPECT_GYRE_OK(
            gyre_model_tokenize(model_.get(), prompt.data(), prompt.size(), 0, ids, 64, &n_ids));
        EXPECT_GYRE_OK(gyre_session_feed(session, ids, n_ids));
        Tokens tokens;
        while (tokens.size() < n) {
            tokens.push_back(GYRE_TOKEN_NONE);
            EXPECT_GYRE_OK(gyre_session_sample(session, &sampling, &tokens.back()));
            EXPECT_GYRE_OK(gyre_session_feed(session, &tokens.back(), 1));
        }
        return tokens;
    }
    static std::vector<float> logits(gyre_session* session) {
        const float* values = nullptr;
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_session_logits(session, &values, &n));
        return values == nullptr ? std::vector<float>{} : std::vector<float>(values, values + n);
    }

    ModelPtr model_;
    gyre_session_options sliding_ = GYRE_SESSION_OPTIONS_INIT;
};

TEST_F(DeviceSamplingTest, TextIsThatOfTheHostsSampler) {
    for (const gyre_sampling_options& options : many_options()) {
        SCOPED_TRACE("seed " + std::to_string(options.seed));
        const SessionPtr device = new_session();
        const SessionPtr host = new_session();
        Text text;
        write(device.get(), "Hello", options, 40, text);
        ASSERT_GYRE_OK(text.status);
        EXPECT_EQ(text.result.stop_reason, GYRE_STOP_MAX_TOKENS);
        EXPECT_EQ(text.tokens, by_hand(host.get(), "Hello", options, 40));
        EXPECT_EQ(logits(device.get()), logits(host.get()));
    }
}

TEST_F(DeviceSamplingTest, SlidingTextIsThatOfTheHostsSampler) {
    for (const gyre_sampling_options& options : many_options()) {
        SCOPED_TRACE("seed " + std::to_string(options.seed));
        const SessionPtr device = create_session(model_.get(), sliding_);
        const SessionPtr host = create_session(model_.get(), sliding_);
        Text text;
        write(device.get(), "Hello", options, 100, text);
        ASSERT_GYRE_OK(text.status);
        EXPECT_EQ(text.tokens, by_hand(host.get(), "Hello", options, 100));
        EXPECT_EQ(gyre_session_position(device.get()), gyre_session_position(host.get()));
        EXPECT_EQ(logits(device.get()), logits(host.get()));
    }
}

TEST_F(DeviceSamplingTest, PiecesOfEverySize) {
    const gyre_sampling_options options = many_options()[3];
    Text whole;
    write(new_session().get(), "Hello", options, 50, whole);
    for (const std::uint32_t piece : {1u, 2u, 7u, 25u}) {
        const SessionPtr session = new_session();
        Text text;
        for (std::string prompt = "Hello"; text.tokens.size() < 50; prompt.clear()) {
            const auto left = static_cast<std::uint32_t>(50 - text.tokens.size());
            write(session.get(), prompt, options, std::min(piece, left), text);
            ASSERT_GYRE_OK(text.status);
            EXPECT_EQ(text.result.n_tokens, std::min(piece, left));
        }
        EXPECT_EQ(text.tokens, whole.tokens) << piece;
    }
}

// Catches: tokens that the device ran ahead and that the session keeps.
TEST_F(DeviceSamplingTest, TextGoesOnAfterAnyCallbackThatStopped) {
    const gyre_sampling_options options = many_options()[3];
    for (const bool slide : {false, true}) {
        const auto made = [&] {
            return slide ? create_session(model_.get(), sliding_) : new_session();
        };
        Text whole;
        write(made().get(), "Hello", options, 40, whole);
        for (std::size_t k = 1; k <= 10; ++k) {
            const SessionPtr session = made();
            Text text;
            text.watch = [&](std::size_t n) { return n < k; };
            write(session.get(), "Hello", options, 40, text);
            ASSERT_GYRE_OK(text.status);
            EXPECT_EQ(text.result.stop_reason, GYRE_STOP_CALLBACK);
            ASSERT_EQ(text.tokens.size(), k);
            EXPECT_EQ(gyre_session_position(session.get()), text.result.n_prompt_tokens + k);
            gyre_session* forked = nullptr;
            ASSERT_GYRE_OK(gyre_session_fork(session.get(), &forked));
            const SessionPtr fork(forked);
            Text other = text;
            for (auto* each : {&text, &other}) {
                each->watch = {};
                write(each == &text ? session.get() : fork.get(), "", options,
                      static_cast<std::uint32_t>(40 - k), *each);
                ASSERT_GYRE_OK(each->status);
                EXPECT_EQ(each->tokens, whole.tokens) << "after " << k;
            }
        }
    }
}

// Catches: logits of a token that was never part of the text.
TEST_F(DeviceSamplingTest, ATokenTakenBackLeavesTheLogitsBeforeIt) {
    const SessionPtr device = new_session();
    const SessionPtr host = new_session();
    Text text;
    text.watch = [](std::size_t n) { return n < 5; };
    write(device.get(), "Hello", greedy(), 40, text);
    ASSERT_GYRE_OK(gyre_session_truncate(device.get(), gyre_session_position(device.get()) - 1));
    const Tokens tokens = by_hand(host.get(), "Hello", greedy(), 4);
    EXPECT_EQ(text.tokens, (Tokens{tokens[0], tokens[1], tokens[2], tokens[3], text.tokens[4]}));
    EXPECT_EQ(logits(device.get()), logits(host.get()));
    std::uint32_t again = 0;
    const gyre_sampling_options options = greedy();
    ASSERT_GYRE_OK(gyre_session_sample(device.get(), &options, &again));
    EXPECT_EQ(again, text.tokens[4]);
    // and the same straight away, without asking for logits
    const SessionPtr other = new_session();
    Text same;
    same.watch = text.watch;
    write(other.get(), "Hello", greedy(), 40, same);
    ASSERT_GYRE_OK(gyre_session_truncate(other.get(), gyre_session_position(other.get()) - 1));
    same.watch = {};
    write(other.get(), "", greedy(), 1, same);
    ASSERT_GYRE_OK(same.status);
    EXPECT_EQ(same.tokens.back(), again);
}

TEST_F(DeviceSamplingTest, EveryEndTokenIsFound) {
    gyre_sampling_options options = many_options()[3];
    options.temperature = 1000.0f;
    options.repeat_penalty = 1.0f;
    int found = 0;
    for (options.seed = 0; found < 3; ++options.seed) {
        ASSERT_LT(options.seed, 200u);
        const SessionPtr host = new_session();
        const Tokens all = by_hand(host.get(), "Hello", options, 50);
        const auto end = std::find(all.begin(), all.end(), 300u);
        if (end == all.end()) continue;
        ++found;
        const SessionPtr device = new_session();
        Text text;
        write(device.get(), "Hello", options, 0, text, false);
        ASSERT_GYRE_OK(text.status);
        EXPECT_EQ(text.result.stop_reason, GYRE_STOP_EOS);
        EXPECT_EQ(text.tokens, Tokens(all.begin(), end));
        // The end token is still the next one; whoever ignores it goes on.
        const auto left = static_cast<std::uint32_t>(all.end() - end);
        write(device.get(), "", options, left, text);
        EXPECT_EQ(text.tokens, all);
    }
}

// Catches: an error of the device's loop without the host's words.
TEST_F(DeviceSamplingTest, BrokenLogitsSayWhatTheHostSays) {
    std::string bytes = read_file(golden_path("text"));
    // output_norm.bias ends the file: 60 floats.
    bytes.replace(bytes.size() - 240, 240, std::string(240, '\xff'));
    const TemporaryFolder folder;
    write_file(folder.path("broken.gguf"), bytes);
    const ModelPtr broken = open_model(folder.path("broken.gguf"));
    ASSERT_NE(broken, nullptr);
    const SessionPtr session = create_session(broken.get());
    for (const gyre_sampling_options& options : many_options()) {
        Text text;
        write(session.get(), "Hello", options, 10, text);
        EXPECT_EQ(text.status, GYRE_ERROR_INTERNAL);
        EXPECT_EQ(text.result.stop_reason, GYRE_STOP_ERROR);
        EXPECT_EQ(text.tokens.size(), 0u);
        const std::string message = gyre_last_error();
        std::uint32_t token = 0;
        EXPECT_EQ(gyre_session_sample(session.get(), &options, &token), GYRE_ERROR_INTERNAL);
        EXPECT_EQ(message, gyre_last_error());
        EXPECT_NE(message.find("NaN"), std::string::npos) << message;
    }
}

// Whenever the cancel comes: what was delivered stands, and the text goes on after it.
TEST_F(DeviceSamplingTest, CancelInALongRun) {
    const gyre_sampling_options options = many_options()[2];
    Text whole;
    write(create_session(model_.get(), sliding_).get(), "Hello", options, 1500, whole);
    ASSERT_EQ(whole.tokens.size(), 1500u);
    const SessionPtr session = create_session(model_.get(), sliding_);
    Text text;
    int cancelled = 0;
    for (std::string prompt = "Hello"; text.tokens.size() < 1500; prompt.clear()) {
        std::atomic<bool> wanted = false;
        text.watch = [&, first = text.tokens.size()](std::size_t n) {
            if (n == first + 100) wanted = true;
            return true;
        };
        std::thread other([&] {
            while (!wanted)
                std::this_thread::yield();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            gyre_session_cancel(session.get());
        });
        const auto left = static_cast<std::uint32_t>(1500 - text.tokens.size());
        write(session.get(), prompt, options, left, text);
        wanted = true;
        other.join();
        if (text.status == GYRE_ERROR_CANCELLED) {
            EXPECT_EQ(text.result.stop_reason, GYRE_STOP_CANCELLED);
            ++cancelled;
        } else {
            ASSERT_GYRE_OK(text.status);
        }
    }
    EXPECT_GE(cancelled, 3);
    EXPECT_EQ(text.tokens, whole.tokens);
}

TEST_F(DeviceSamplingTest, TheSmallestBudgetGivesTheSameText) {
    Text whole, text;
    write(new_session().get(), "Hello", greedy(), 50, whole);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.submit_ms = 1;
    write(create_session(model_.get(), options).get(), "Hello", greedy(), 50, text);
    ASSERT_GYRE_OK(text.status);
    EXPECT_EQ(text.tokens, whole.tokens);
}

TEST_F(DeviceSamplingTest, TimesAreThoseOfTheDevice) {
    const SessionPtr session = new_session();
    Text text;
    text.watch = [](std::size_t) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return true;
    };
    write(session.get(), "Hello", greedy(), 30, text);
    gyre_timings timings = GYRE_TIMINGS_INIT;
    ASSERT_GYRE_OK(gyre_session_get_timings(session.get(), &timings));
    EXPECT_EQ(timings.n_decode_tokens, 29u);
    EXPECT_GT(timings.decode_seconds, 0.0);
    EXPECT_LT(timings.decode_seconds, 0.75) << "more than a second of it was the callback's";
}

}  // namespace
}  // namespace gyre::test
