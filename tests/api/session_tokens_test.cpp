// The tokens of a session, and a text that is set anew: what is kept, and that the rest is right.
// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/text_collector.h"

namespace gyre::test {
namespace {

using Tokens = std::vector<std::uint32_t>;

class SessionTokensTest : public ApiDeviceTest {
  protected:
    void SetUp() override {
        ApiDeviceTest::SetUp();
        model_ = open_model(golden_path("text"));
        ASSERT_NE(model_, nullptr);
        options_.n_ctx = 24;
        session_ = create_session(model_.get(), options_);
        sampling_.temperature = 0;
        generate_.sampling = &sampling_;
        generate_.ignore_eos = 1;
    }
    void TearDown() override {
        session_.reset();
        model_.reset();
        ApiDeviceTest::TearDown();
    }
    static Tokens tokens(const gyre_session* session) {
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_session_tokens(session, nullptr, 0, &n));
        Tokens all(n);
        EXPECT_GYRE_OK(gyre_session_tokens(session, all.data(), n, &n));
        return all;
    }
    static std::size_t set(gyre_session* session, const Tokens& text) {
        std::size_t n_kept = 1000;
        EXPECT_GYRE_OK(gyre_session_set_tokens(session, text.data(), text.size(), &n_kept));
        return n_kept;
    }
    static std::vector<float> logits(gyre_session* session) {
        const float* values = nullptr;
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_session_logits(session, &values, &n));
        return values == nullptr ? std::vector<float>{} : std::vector<float>(values, values + n);
    }
    // Of a session that was fed the text at once. Tokens that were decoded one by one round
    // otherwise than those of a prompt, so that logits are compared with a tolerance.
    std::vector<float> fresh_logits(const Tokens& text) {
        const SessionPtr session = create_session(model_.get(), options_);
        EXPECT_GYRE_OK(gyre_session_feed(session.get(), text.data(), text.size()));
        return logits(session.get());
    }
    std::uint64_t computed(const gyre_session* session) {
        gyre_timings timings = GYRE_TIMINGS_INIT;
        EXPECT_GYRE_OK(gyre_session_get_timings(session, &timings));
        return timings.n_prefill_tokens + timings.n_decode_tokens;
    }
    static constexpr double kTolerance = 2e-3;  // a float16 cache, as golden_logits_test has it

    ModelPtr model_;
    SessionPtr session_;
    gyre_session_options options_ = GYRE_SESSION_OPTIONS_INIT;
    gyre_sampling_options sampling_ = GYRE_SAMPLING_OPTIONS_INIT;
    gyre_generate_options generate_ = GYRE_GENERATE_OPTIONS_INIT;
    const Tokens text_ = {5, 9, 77, 120, 33, 200, 41, 8};
};

TEST_F(SessionTokensTest, AreThoseThatWereFedAndChosen) {
    EXPECT_EQ(tokens(session_.get()), Tokens{});
    ASSERT_GYRE_OK(gyre_session_feed(session_.get(), text_.data(), text_.size()));
    EXPECT_EQ(tokens(session_.get()), text_);
    Collected text;
    generate_.max_tokens = 5;
    Tokens seen;
    text.watch = [&](const gyre_token_event&) {
        seen = tokens(session_.get());  // in a callback: with the token that is told
        return true;
    };
    text.generate(session_.get(), "", generate_);
    ASSERT_GYRE_OK(text.status);
    Tokens all = text_;
    all.insert(all.end(), text.tokens.begin(), text.tokens.end());
    EXPECT_EQ(tokens(session_.get()), all);
    EXPECT_EQ(seen, all);
    std::size_t n = 0;
    Tokens few(3, 7);
    EXPECT_EQ(gyre_session_tokens(session_.get(), few.data(), 3, &n), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(n, all.size());
    EXPECT_EQ(few, Tokens(3, 7)) << "nothing is written";
    EXPECT_EQ(gyre_session_tokens(session_.get(), nullptr, 3, &n), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "tokens is NULL");
    EXPECT_EQ(gyre_session_tokens(session_.get(), nullptr, 0, nullptr),
              GYRE_ERROR_INVALID_ARGUMENT);
    ASSERT_GYRE_OK(gyre_session_truncate(session_.get(), 2));
    EXPECT_EQ(tokens(session_.get()), (Tokens{5, 9}));
}

// Another text of every kind, after one that was fed.
TEST_F(SessionTokensTest, KeepsWhatBothBeginWith) {
    struct Case {
        Tokens text;
        std::size_t kept, computed;
    };
    const Case cases[] = {
        {text_, 8, 0},                                    // the same
        {{5, 9, 77, 120, 33, 200, 41, 8, 61, 62}, 8, 2},  // more
        {{5, 9, 77, 120, 33, 200, 41, 8, 61}, 8, 1},      // one more
        {{5, 9, 77}, 3, 0},                               // fewer
        {{5, 9, 77, 4, 33, 200, 41, 8}, 3, 5},            // another in between
        {{6, 9, 77}, 0, 3},                               // from the first one on
    };
    for (const Case& c : cases) {
        ASSERT_GYRE_OK(gyre_session_reset(session_.get()));
        ASSERT_GYRE_OK(gyre_session_feed(session_.get(), text_.data(), text_.size()));
        const std::uint64_t before = computed(session_.get());
        EXPECT_EQ(set(session_.get(), c.text), c.kept);
        EXPECT_EQ(computed(session_.get()) - before, c.computed) << join(c.text);
        EXPECT_EQ(tokens(session_.get()), c.text);
        EXPECT_LE(relative_error(logits(session_.get()), fresh_logits(c.text)), kTolerance)
            << join(c.text);
    }
    EXPECT_EQ(set(session_.get(), {}), 0u);
    EXPECT_EQ(gyre_session_position(session_.get()), 0u);
    ASSERT_GYRE_OK(gyre_session_set_tokens(session_.get(), text_.data(), 2, nullptr));
    EXPECT_EQ(tokens(session_.get()), (Tokens{5, 9}));
}

// The last token of a text that generate wrote is not in the cache yet.
TEST_F(SessionTokensTest, KeepsTheTokenThatIsPending) {
    for (const std::size_t drop : {0u, 1u, 2u}) {
        for (const bool more : {false, true}) {
            ASSERT_GYRE_OK(gyre_session_reset(session_.get()));
            generate_.max_tokens = 6;
            Collected text;
            text.generate(session_.get(), "Hello", generate_);
            ASSERT_GYRE_OK(text.status);
            Tokens next = tokens(session_.get());
            next.resize(next.size() - drop);
            const std::size_t kept = next.size();
            if (more) next.insert(next.end(), {61, 62, 63});
            EXPECT_EQ(set(session_.get(), next), kept);
            EXPECT_EQ(tokens(session_.get()), next);
            EXPECT_LE(relative_error(logits(session_.get()), fresh_logits(next)), kTolerance);
        }
    }
}

TEST_F(SessionTokensTest, WhatIsRefusedChangesNothing) {
    ASSERT_GYRE_OK(gyre_session_feed(session_.get(), text_.data(), text_.size()));
    const std::vector<float> before = logits(session_.get());
    const auto expect = [&](const Tokens& text, gyre_status status, const char* message) {
        std::size_t kept = 55;
        EXPECT_EQ(gyre_session_set_tokens(session_.get(), text.data(), text.size(), &kept), status);
        EXPECT_NE(std::string(gyre_last_error()).find(message), std::string::npos)
            << gyre_last_error();
        EXPECT_EQ(kept, 55u);
        EXPECT_EQ(tokens(session_.get()), text_);
        EXPECT_EQ(logits(session_.get()), before);
    };
    expect({5, 9, 301}, GYRE_ERROR_INVALID_ARGUMENT, "301");
    expect(Tokens(25, 5), GYRE_ERROR_CONTEXT_FULL, "25 tokens do not fit");
    EXPECT_EQ(gyre_session_set_tokens(session_.get(), nullptr, 1, nullptr),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "tokens is NULL");
    EXPECT_EQ(set(session_.get(), Tokens(24, 5)), 1u) << "as many as there are positions";
}

TEST_F(SessionTokensTest, ASlidingSessionTakesALongerText) {
    options_.when_full = GYRE_WHEN_FULL_SLIDE;
    options_.keep_tokens = 2;
    const SessionPtr session = create_session(model_.get(), options_);
    const SessionPtr fed = create_session(model_.get(), options_);
    Tokens text;
    for (std::uint32_t i = 0; i < 60; ++i)
        text.push_back(i * 7 % 300);
    EXPECT_EQ(set(session.get(), text), 0u);
    ASSERT_GYRE_OK(gyre_session_feed(fed.get(), text.data(), text.size()));
    EXPECT_EQ(tokens(session.get()), tokens(fed.get()));
    EXPECT_EQ(logits(session.get()), logits(fed.get()));
    // Of the whole text, only what slides keep is at its place.
    EXPECT_EQ(set(session.get(), text), 2u);
    EXPECT_LE(gyre_session_position(session.get()), 24u);
    EXPECT_EQ(tokens(session.get()).back(), text.back());
    const Tokens held = tokens(session.get());
    EXPECT_EQ(set(session.get(), held), held.size());
}

TEST_F(SessionTokensTest, ACancelLeavesAPartAndTheNextCallDoesTheRest) {
    options_.chunk = 4;
    const SessionPtr session = create_session(model_.get(), options_);
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), text_.data(), 3));
    gyre_session_cancel(session.get());
    std::size_t kept = 0;
    EXPECT_EQ(gyre_session_set_tokens(session.get(), text_.data(), text_.size(), &kept),
              GYRE_ERROR_CANCELLED);
    EXPECT_EQ(tokens(session.get()), (Tokens{5, 9, 77}));
    EXPECT_EQ(set(session.get(), text_), 3u);
    EXPECT_EQ(tokens(session.get()), text_);
}

}  // namespace
}  // namespace gyre::test
