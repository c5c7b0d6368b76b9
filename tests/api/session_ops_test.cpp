// Truncation, shifts, forks and sliding through gyre.h: the tokens follow the cache.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstring>
#include <string>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

class SessionOpsTest : public ApiDeviceTest {
  protected:
    void SetUp() override {
        ApiDeviceTest::SetUp();
        model_ = open_model(golden_path("text"));
        ASSERT_NE(model_, nullptr);
        options_.kv_type = GYRE_KV_F32;
        options_.n_ctx = 16;
    }
    void TearDown() override {
        model_.reset();
        ApiDeviceTest::TearDown();
    }
    SessionPtr slide(std::uint32_t keep) {
        options_.when_full = GYRE_WHEN_FULL_SLIDE;
        options_.keep_tokens = keep;
        return create_session(model_.get(), options_);
    }
    static std::vector<float> logits(gyre_session* session) {
        const float* values = nullptr;
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_session_logits(session, &values, &n));
        return values == nullptr ? std::vector<float>{} : std::vector<float>(values, values + n);
    }
    static gyre_status generate(gyre_session* session, const char* prompt, std::uint32_t n,
                                gyre_generate_result* result, float repeat_penalty = 1.0f) {
        gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
        sampling.temperature = 0;
        sampling.repeat_penalty = repeat_penalty;
        gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
        options.sampling = &sampling;
        options.max_tokens = n;
        options.ignore_eos = 1;
        return gyre_session_generate(session, prompt, std::strlen(prompt), &options, result);
    }

    ModelPtr model_;
    gyre_session_options options_ = GYRE_SESSION_OPTIONS_INIT;
    const std::vector<std::uint32_t> ids_ = {5, 9, 77, 120, 33, 200, 41, 8};
};

TEST_F(SessionOpsTest, TruncatedTextHasTheLogitsOfItsLastToken) {
    const SessionPtr session = create_session(model_.get(), options_);
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), ids_.data(), 5));
    const std::vector<float> five = logits(session.get());
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), ids_.data() + 5, 3));
    EXPECT_EQ(gyre_session_truncate(session.get(), 9), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(gyre_session_position(session.get()), 8u);
    ASSERT_GYRE_OK(gyre_session_truncate(session.get(), 5));
    EXPECT_EQ(gyre_session_position(session.get()), 5u);
    EXPECT_LE(relative_error(logits(session.get()), five), 2e-5);
    ASSERT_GYRE_OK(gyre_session_truncate(session.get(), 0));
    const float* none = nullptr;
    EXPECT_EQ(gyre_session_logits(session.get(), &none, nullptr), GYRE_ERROR_INVALID_ARGUMENT);
}

// The model has one layer: what is left is as if the rest had never been.
TEST_F(SessionOpsTest, ShiftForgetsTheRange) {
    const SessionPtr session = create_session(model_.get(), options_);
    const std::uint32_t rest[] = {5, 9, 200, 41, 8};
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), rest, 5));
    const std::vector<float> fresh = logits(session.get());
    ASSERT_GYRE_OK(gyre_session_reset(session.get()));
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), ids_.data(), ids_.size()));
    EXPECT_EQ(gyre_session_shift(session.get(), 2, 0), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(gyre_session_shift(session.get(), 2, 7), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(gyre_session_shift(session.get(), 2, 0xffffffffu), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(gyre_session_position(session.get()), 8u);
    ASSERT_GYRE_OK(gyre_session_shift(session.get(), 2, 3));
    EXPECT_EQ(gyre_session_position(session.get()), 5u);
    ASSERT_GYRE_OK(gyre_session_truncate(session.get(), 4));
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), &ids_.back(), 1));
    EXPECT_LE(relative_error(logits(session.get()), fresh), 2e-5);
    ASSERT_GYRE_OK(gyre_session_shift(session.get(), 3, 2));  // the end: as truncate
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), rest + 3, 2));
    EXPECT_LE(relative_error(logits(session.get()), fresh), 2e-5);
}

TEST_F(SessionOpsTest, ForkGoesOnAsItsOrigin) {
    const SessionPtr session = slide(2);
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    ASSERT_GYRE_OK(generate(session.get(), "Hello", 20, &result));
    EXPECT_EQ(gyre_session_fork(session.get(), nullptr), GYRE_ERROR_INVALID_ARGUMENT);
    gyre_session* made = nullptr;
    ASSERT_GYRE_OK(gyre_session_fork(session.get(), &made));
    const SessionPtr fork(made);
    EXPECT_EQ(gyre_session_position(fork.get()), gyre_session_position(session.get()));
    ASSERT_GYRE_OK(generate(fork.get(), "", 20, &result, 1.5f));
    ASSERT_GYRE_OK(generate(session.get(), "", 20, &result, 1.5f));
    EXPECT_EQ(logits(fork.get()), logits(session.get()));
}

TEST_F(SessionOpsTest, SlidingTextGoesOnPastTheContext) {
    for (const gyre_kv_type type : {GYRE_KV_F32, GYRE_KV_F16, GYRE_KV_Q8_0}) {
        options_.kv_type = type;
        const SessionPtr session = slide(3);
        gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
        ASSERT_GYRE_OK(generate(session.get(), "Hello", 48, &result, 1.2f));
        EXPECT_EQ(result.stop_reason, GYRE_STOP_MAX_TOKENS);
        EXPECT_EQ(result.n_tokens, 48u);
        EXPECT_LE(gyre_session_position(session.get()), 16u);
        const std::string prompt(100, 'q');  // longer than the context
        ASSERT_GYRE_OK(generate(session.get(), prompt.c_str(), 5, &result));
        EXPECT_GT(result.n_prompt_tokens, 16u);
        EXPECT_LE(gyre_session_position(session.get()), 16u);
        ASSERT_GYRE_OK(gyre_session_reset(session.get()));
        EXPECT_EQ(gyre_session_position(session.get()), 0u);
        ASSERT_GYRE_OK(generate(session.get(), "Hello", 2, &result));
    }
}

// Every n_ctx that is small: a slide always leaves a place for the next token.
TEST_F(SessionOpsTest, TheSmallestContextsSlide) {
    for (std::uint32_t n_ctx = 1; n_ctx <= 4; ++n_ctx) {
        options_.n_ctx = n_ctx;
        const SessionPtr session = slide(n_ctx / 2);
        gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
        ASSERT_GYRE_OK(generate(session.get(), "Hello", 9, &result));
        EXPECT_EQ(result.n_tokens, 9u);
        EXPECT_LE(gyre_session_position(session.get()), n_ctx);
    }
}

TEST_F(SessionOpsTest, WhatCannotSlideIsRefused) {
    options_.when_full = GYRE_WHEN_FULL_SLIDE;
    options_.keep_tokens = 9;
    gyre_session* session = nullptr;
    EXPECT_EQ(gyre_session_create(model_.get(), &options_, &session), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(gyre_last_error()).find("keep_tokens 9"), std::string::npos);
    const ModelPtr learned = open_model(golden_path("learned"));
    options_.keep_tokens = 0;
    EXPECT_EQ(gyre_session_create(learned.get(), &options_, &session), GYRE_ERROR_UNSUPPORTED);
    EXPECT_EQ(session, nullptr);
    options_.when_full = GYRE_WHEN_FULL_STOP;
    const SessionPtr stops = create_session(learned.get(), options_);
    ASSERT_GYRE_OK(gyre_session_feed(stops.get(), ids_.data(), 3));
    EXPECT_EQ(gyre_session_shift(stops.get(), 0, 1), GYRE_ERROR_UNSUPPORTED);
}

// A program that was built when the options ended with when_full's place, then reserved and 0.
TEST_F(SessionOpsTest, OlderOptionsStop) {
    options_.struct_size = offsetof(gyre_session_options, keep_tokens);
    ASSERT_EQ(options_.struct_size, sizeof(std::size_t) + 4 * sizeof(std::uint32_t));
    options_.keep_tokens = 1000;  // beyond the caller's struct
    const SessionPtr session = create_session(model_.get(), options_);
    const std::vector<std::uint32_t> many(17, 5);
    EXPECT_EQ(gyre_session_feed(session.get(), many.data(), 17), GYRE_ERROR_CONTEXT_FULL);
}

}  // namespace
}  // namespace gyre::test
