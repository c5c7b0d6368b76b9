// Stop strings through gyre.h: the text ends before them, the session holds them.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/text_collector.h"

namespace gyre::test {
namespace {

using Strings = std::vector<std::string>;

class StopTextTest : public ApiDeviceTest {
  protected:
    void SetUp() override {
        ApiDeviceTest::SetUp();
        model_ = open_model(golden_path("text"));
        ASSERT_NE(model_, nullptr);
        session_ = create_session(model_.get());
        // Letters alone, so that the text can be cut anywhere: drawn on the host, by allow.
        sampling_.temperature = 3.0f;
        sampling_.top_k = 0;
        sampling_.allow_user = this;
        sampling_.allow = [](std::uint32_t* mask, std::size_t n_tokens, void* user) {
            static_cast<StopTextTest*>(user)->letters(mask, n_tokens);
            return 1;
        };
        options_.sampling = &sampling_;
        options_.max_tokens = 30;
        options_.ignore_eos = 1;
    }
    void TearDown() override {
        session_.reset();
        model_.reset();
        ApiDeviceTest::TearDown();
    }
    // Tokens of one or more letters, or of a space.
    void letters(std::uint32_t* mask, std::size_t n_tokens) {
        for (std::uint32_t t = 0; t < n_tokens; ++t) {
            char bytes[64];
            std::size_t n = 0;
            EXPECT_GYRE_OK(gyre_model_detokenize(model_.get(), &t, 1, bytes, sizeof bytes, &n));
            const bool plain = n > 0 && std::all_of(bytes, bytes + n, [](char c) {
                                   return c == ' ' || (c >= 'a' && c <= 'z');
                               });
            if (!plain) mask[t / 32] &= ~(1u << t % 32);
        }
    }
    Collected generate(const Strings& stop, const std::string& prompt = "Hello") {
        std::vector<const char*> pointers;
        for (const std::string& s : stop)
            pointers.push_back(s.c_str());
        options_.stop = pointers.data();
        options_.n_stop = pointers.size();
        Collected text;
        text.generate(session_.get(), prompt, options_);
        return text;
    }
    Collected generate_anew(const Strings& stop) {
        EXPECT_GYRE_OK(gyre_session_reset(session_.get()));
        return generate(stop);
    }

    ModelPtr model_;
    SessionPtr session_;
    gyre_sampling_options sampling_ = GYRE_SAMPLING_OPTIONS_INIT;
    gyre_generate_options options_ = GYRE_GENERATE_OPTIONS_INIT;
};

TEST_F(StopTextTest, TextEndsBeforeTheStopString) {
    const Collected whole = generate_anew({});
    ASSERT_GYRE_OK(whole.status);
    ASSERT_EQ(whole.text, whole.bytes);
    ASSERT_GE(whole.text.size(), 30u);
    EXPECT_EQ(whole.result.stop_index, UINT32_MAX);
    // Every place and length: strings that tokens cut in all ways.
    for (std::size_t length = 1; length <= 7; length += 2) {
        for (std::size_t at = 0; at + length <= whole.text.size(); at += 3) {
            const std::string stop = whole.text.substr(at, length);
            const std::size_t begin = whole.text.find(stop);
            const Collected text = generate_anew({"ZZ", stop});
            ASSERT_GYRE_OK(text.status);
            EXPECT_EQ(text.text, whole.text.substr(0, begin)) << stop;
            EXPECT_EQ(text.result.stop_reason, GYRE_STOP_STRING);
            EXPECT_EQ(text.result.stop_index, 1u);
            EXPECT_FALSE(text.had_last_event);
            // The token that completed it is the last one, and the session holds it.
            EXPECT_GE(text.bytes.size(), begin + length);
            const std::size_t last = whole.pieces[text.tokens.size() - 1].size();
            EXPECT_LT(text.bytes.size() - last, begin + length);
            EXPECT_TRUE(whole.bytes.starts_with(text.bytes));
            EXPECT_EQ(gyre_session_position(session_.get()),
                      text.result.n_prompt_tokens + text.tokens.size());
        }
    }
}

TEST_F(StopTextTest, TextThatMayBeginOneIsHeldBack) {
    const Collected whole = generate_anew({});
    // Ends unlike anything, so that it is never found: each event shows what cannot begin it.
    const std::string stop = whole.text.substr(4, 12) + "!";
    const Collected text = generate_anew({stop});
    ASSERT_GYRE_OK(text.status);
    EXPECT_EQ(text.result.stop_reason, GYRE_STOP_MAX_TOKENS);
    EXPECT_EQ(text.text, whole.text);
    ASSERT_EQ(text.tokens, whole.tokens);
    std::string told, shown;
    for (std::size_t i = 0; i < text.tokens.size(); ++i) {
        told += whole.pieces[i];
        shown += text.pieces[i];
        std::size_t held = std::min(stop.size() - 1, told.size());
        while (!told.ends_with(stop.substr(0, held)))
            --held;
        EXPECT_EQ(shown, told.substr(0, told.size() - held)) << i;
    }
}

TEST_F(StopTextTest, HeldBackTextComesWithEveryOtherEnd) {
    const Collected whole = generate_anew({});
    options_.max_tokens = 6;
    std::string first;
    for (int i = 0; i < 6; ++i)
        first += whole.pieces[static_cast<std::size_t>(i)];
    const std::string stop = first.substr(first.size() - 2) + "!";
    const Collected limited = generate_anew({stop});
    EXPECT_EQ(limited.result.stop_reason, GYRE_STOP_MAX_TOKENS);
    EXPECT_EQ(limited.text, first);
    EXPECT_TRUE(limited.had_last_event);
    EXPECT_GE(limited.pieces.back().size(), 2u);
    EXPECT_EQ(limited.result.stop_index, UINT32_MAX);

    // An application that wants no more is told no more.
    ASSERT_GYRE_OK(gyre_session_reset(session_.get()));
    const char* const stops[] = {stop.c_str()};
    options_.stop = stops;
    options_.n_stop = 1;
    options_.max_tokens = 30;
    Collected stopped;
    stopped.watch = [](const gyre_token_event& event) { return event.index < 5; };
    stopped.generate(session_.get(), "Hello", options_);
    EXPECT_EQ(stopped.result.stop_reason, GYRE_STOP_CALLBACK);
    EXPECT_FALSE(stopped.had_last_event);
    EXPECT_EQ(stopped.tokens.size(), 6u);

    ASSERT_GYRE_OK(gyre_session_reset(session_.get()));
    Collected cancelled;
    cancelled.watch = [&](const gyre_token_event& event) {
        if (event.index == 5) gyre_session_cancel(session_.get());
        return true;
    };
    cancelled.generate(session_.get(), "Hello", options_);
    EXPECT_EQ(cancelled.status, GYRE_ERROR_CANCELLED);
    EXPECT_TRUE(cancelled.had_last_event);
    EXPECT_EQ(cancelled.text, first);
}

TEST_F(StopTextTest, NeitherThePromptNorAnEarlierCallCounts) {
    const Collected whole = generate_anew({});
    const Collected prompt = generate_anew({"ell"});
    EXPECT_EQ(prompt.result.stop_reason, GYRE_STOP_MAX_TOKENS);
    // Two letters, of which one call makes the first and another the second.
    options_.max_tokens = 5;
    ASSERT_GYRE_OK(generate_anew({}).status);
    const std::string before = whole.pieces[4], after = whole.pieces[5];
    options_.max_tokens = 1;
    const Collected next = generate({before.substr(before.size() - 1) + after.substr(0, 1)}, "");
    EXPECT_EQ(next.result.stop_reason, GYRE_STOP_MAX_TOKENS);
    EXPECT_EQ(next.text, after);
}

// On the device tokens run ahead of the text: what follows the stop string is forgotten.
TEST_F(StopTextTest, TextGoesOnAfterAStopStringOnTheDevice) {
    sampling_ = GYRE_SAMPLING_OPTIONS_INIT;
    sampling_.temperature = 2.0f;
    const Collected whole = generate_anew({});
    ASSERT_EQ(whole.tokens.size(), 30u);
    const std::string stop = whole.pieces[10] + whole.pieces[11];
    if (stop.empty()) GTEST_FAIL() << "another seed is needed";
    Collected text = generate_anew({stop});
    ASSERT_EQ(text.result.stop_reason, GYRE_STOP_STRING);
    ASSERT_LT(text.tokens.size(), 30u);
    options_.max_tokens = static_cast<std::uint32_t>(30 - text.tokens.size());
    const Collected rest = generate({}, "");
    ASSERT_GYRE_OK(rest.status);
    text.tokens.insert(text.tokens.end(), rest.tokens.begin(), rest.tokens.end());
    EXPECT_EQ(text.tokens, whole.tokens);
}

// A program that was built when the options ended with reserved.
TEST_F(StopTextTest, OlderOptionsHaveNone) {
    const Collected whole = generate_anew({});
    const std::string stop = whole.text.substr(5, 1);
    options_.struct_size = offsetof(gyre_generate_options, stop);
    options_.logprobs = 1;  // beyond the caller's struct, as the stop strings are
    options_.n_top = 1000;
    const Collected text = generate_anew({stop});
    ASSERT_GYRE_OK(text.status);
    EXPECT_EQ(text.text, whole.text);
    EXPECT_EQ(text.result.stop_reason, GYRE_STOP_MAX_TOKENS);
}

TEST_F(StopTextTest, WhatIsRefusedChangesNothing) {
    const auto error = [&](const Strings& stop) {
        const Collected text = generate(stop);
        EXPECT_EQ(text.status, GYRE_ERROR_INVALID_ARGUMENT);
        EXPECT_EQ(gyre_session_position(session_.get()), 0u);
        return text.error;
    };
    EXPECT_EQ(error({"a", ""}), "stop[1] is empty");
    EXPECT_EQ(error({"\xff"}), "stop[0] is not UTF-8");
    EXPECT_EQ(error({std::string(1025, 'a')}), "stop[0] has 1025 bytes: at most 1024");
    EXPECT_EQ(error(Strings(65, "a")), "options.n_stop is 65: at most 64");
    const char* const null[] = {"a", nullptr};
    options_.stop = null;
    options_.n_stop = 2;
    EXPECT_EQ(gyre_session_generate(session_.get(), "a", 1, &options_, nullptr),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "stop[1] is NULL");
    options_.stop = nullptr;
    EXPECT_EQ(gyre_session_generate(session_.get(), "a", 1, &options_, nullptr),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "stop is NULL");
}

}  // namespace
}  // namespace gyre::test
