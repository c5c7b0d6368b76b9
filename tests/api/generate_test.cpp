// Text generation: sampling, streaming, every stop reason, and going on after each.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

constexpr std::uint32_t kEos = 300;  // of the golden model "text"

// What one call of gyre_session_generate gave.
struct Generated {
    gyre_status status = GYRE_ERROR_INTERNAL;
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    std::vector<std::uint32_t> tokens;
    std::string bytes;
    std::string text;
    std::function<bool(const gyre_token_event&)> watch;  // false: stop
};

int collect(const gyre_token_event* event, void* user) {
    auto* g = static_cast<Generated*>(user);
    EXPECT_EQ(event->struct_size, sizeof(gyre_token_event));
    EXPECT_EQ(event->index, g->tokens.size());
    if (event->token != GYRE_TOKEN_NONE) g->tokens.push_back(event->token);
    g->bytes.append(event->bytes, event->n_bytes);
    g->text.append(event->text, event->n_text);
    return !g->watch || g->watch(*event) ? 1 : 0;
}

struct Request {
    std::string prompt = "Hello";
    std::uint32_t max_tokens = 10;
    gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
    bool ignore_eos = true;
    std::function<bool(const gyre_token_event&)> watch;

    static Request greedy(std::string prompt, std::uint32_t max_tokens) {
        Request request;
        request.prompt = std::move(prompt);
        request.max_tokens = max_tokens;
        request.sampling.temperature = 0;
        return request;
    }
};

Generated generate(gyre_session* session, const Request& request) {
    Generated g;
    g.watch = request.watch;
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    options.sampling = &request.sampling;
    options.on_token = collect;
    options.user = &g;
    options.max_tokens = request.max_tokens;
    options.ignore_eos = request.ignore_eos ? 1 : 0;
    g.status = gyre_session_generate(session, request.prompt.data(), request.prompt.size(),
                                     &options, &g.result);
    EXPECT_EQ(g.result.n_tokens, g.tokens.size());
    return g;
}

class GenerateTest : public ApiDeviceTest {
  protected:
    void SetUp() override {
        ApiDeviceTest::SetUp();
        model_ = open_model(golden_path("text"));
        ASSERT_NE(model_, nullptr);
        session_ = create_session(model_.get());
        ASSERT_NE(session_, nullptr);
    }
    void TearDown() override {
        session_.reset();
        model_.reset();
        ApiDeviceTest::TearDown();
    }

    SessionPtr new_session() { return create_session(model_.get()); }
    gyre_session* session() { return session_.get(); }

    std::string detokenize(const std::vector<std::uint32_t>& tokens) {
        size_t n = 0;
        EXPECT_GYRE_OK(
            gyre_model_detokenize(model_.get(), tokens.data(), tokens.size(), nullptr, 0, &n));
        std::string bytes(n, '\0');
        EXPECT_GYRE_OK(
            gyre_model_detokenize(model_.get(), tokens.data(), tokens.size(), bytes.data(), n, &n));
        return bytes;
    }

    ModelPtr model_;
    SessionPtr session_;
};

TEST_F(GenerateTest, MaxTokensAndTheStreamOfText) {
    const Generated g = generate(session(), Request::greedy("Hello", 20));
    ASSERT_GYRE_OK(g.status);
    EXPECT_EQ(g.result.stop_reason, GYRE_STOP_MAX_TOKENS);
    EXPECT_EQ(g.tokens.size(), 20u);
    EXPECT_EQ(g.bytes, detokenize(g.tokens));
    EXPECT_EQ(gyre_session_position(session()), g.result.n_prompt_tokens + 20);
    gyre_timings timings = GYRE_TIMINGS_INIT;
    ASSERT_GYRE_OK(gyre_session_get_timings(session(), &timings));
    EXPECT_EQ(timings.n_prefill_tokens, g.result.n_prompt_tokens);
    EXPECT_EQ(timings.n_decode_tokens, 19u);
    EXPECT_GT(timings.decode_tokens_per_second, 0.0);
    EXPECT_GT(timings.time_to_first_token_seconds, 0.0);
}

// A random model writes random bytes: what is streamed is whole characters all the same.
TEST_F(GenerateTest, EveryPieceOfTextIsWholeCharacters) {
    Request request;
    request.max_tokens = 50;
    request.sampling.temperature = 5.0f;
    request.sampling.top_k = 0;
    request.sampling.top_p = 1.0f;
    request.sampling.min_p = 0.0f;
    request.watch = [](const gyre_token_event& event) {
        const auto continues = [](char c) { return (static_cast<unsigned char>(c) >> 6) == 2; };
        if (event.n_text > 0) {
            EXPECT_FALSE(continues(event.text[0]));
            EXPECT_LT(static_cast<unsigned char>(event.text[event.n_text - 1]), 0xc0);
        }
        return true;
    };
    const Generated g = generate(session(), request);
    ASSERT_GYRE_OK(g.status);
    EXPECT_EQ(g.bytes, detokenize(g.tokens));
    EXPECT_GE(g.text.size(), 50u);  // every byte shows: as itself or as U+FFFD
}

TEST_F(GenerateTest, CharacterTornAtTheEndIsDeliveredAsReplacement) {
    Request request;
    request.max_tokens = 1;
    request.sampling.temperature = 1000.0f;  // any token, so that some seed gives such a byte
    request.sampling.top_k = 0;
    request.sampling.top_p = 1.0f;
    request.sampling.min_p = 0.0f;
    for (request.sampling.seed = 0; request.sampling.seed < 500; ++request.sampling.seed) {
        ASSERT_GYRE_OK(gyre_session_reset(session()));
        const Generated g = generate(session(), request);
        ASSERT_GYRE_OK(g.status);
        const auto last = static_cast<unsigned char>(g.bytes.back());
        if (last < 0xc2 || last > 0xf4) continue;  // no first byte of a longer character
        EXPECT_EQ(g.tokens.size(), 1u);
        EXPECT_TRUE(g.text.ends_with("\xEF\xBF\xBD")) << g.text;
        return;
    }
    FAIL() << "no seed gave a torn character";
}

TEST_F(GenerateTest, ContextFullEndsTheText) {
    Request request = Request::greedy("Hello", 0);
    const Generated g = generate(session(), request);
    ASSERT_GYRE_OK(g.status);
    EXPECT_EQ(g.result.stop_reason, GYRE_STOP_CONTEXT_FULL);
    EXPECT_EQ(g.result.n_prompt_tokens + g.result.n_tokens, gyre_session_n_ctx(session()));
    EXPECT_EQ(gyre_session_position(session()), gyre_session_n_ctx(session()));
    const Generated more = generate(session(), Request::greedy("", 1));
    ASSERT_GYRE_OK(more.status);
    EXPECT_EQ(more.result.stop_reason, GYRE_STOP_CONTEXT_FULL);
    EXPECT_EQ(more.tokens.size(), 0u);
}

TEST_F(GenerateTest, PromptLongerThanTheContextChangesNothing) {
    const Generated first = generate(session(), Request::greedy("Hello", 3));
    ASSERT_GYRE_OK(first.status);
    const std::uint32_t position = gyre_session_position(session());
    const Generated g = generate(session(), Request::greedy(std::string(1000, 'q'), 3));
    EXPECT_EQ(g.status, GYRE_ERROR_CONTEXT_FULL);
    EXPECT_EQ(g.result.stop_reason, GYRE_STOP_ERROR);
    EXPECT_NE(std::string(gyre_last_error()).find("64"), std::string::npos) << gyre_last_error();
    EXPECT_EQ(gyre_session_position(session()), position);
    // and the text goes on as if nothing had been asked
    const SessionPtr other = new_session();
    const Generated whole = generate(other.get(), Request::greedy("Hello", 6));
    const Generated rest = generate(session(), Request::greedy("", 3));
    ASSERT_GYRE_OK(rest.status);
    std::vector<std::uint32_t> both = first.tokens;
    both.insert(both.end(), rest.tokens.begin(), rest.tokens.end());
    EXPECT_EQ(both, whole.tokens);
}

TEST_F(GenerateTest, CallbackStops) {
    Request request = Request::greedy("Hello", 20);
    request.watch = [](const gyre_token_event& event) { return event.index < 4; };
    const Generated g = generate(session(), request);
    ASSERT_GYRE_OK(g.status);
    EXPECT_EQ(g.result.stop_reason, GYRE_STOP_CALLBACK);
    EXPECT_EQ(g.tokens.size(), 5u);
}

TEST_F(GenerateTest, EosEndsTheTextAndIsNotDelivered) {
    // A penalty cannot bring EOS about; a draw from the flat distribution does, sooner or later.
    Request request;
    request.ignore_eos = false;
    request.max_tokens = 0;
    request.sampling.temperature = 1000.0f;
    request.sampling.top_k = 0;
    request.sampling.top_p = 1.0f;
    request.sampling.min_p = 0.0f;
    for (request.sampling.seed = 0; request.sampling.seed < 200; ++request.sampling.seed) {
        ASSERT_GYRE_OK(gyre_session_reset(session()));
        const Generated g = generate(session(), request);
        ASSERT_GYRE_OK(g.status);
        if (g.result.stop_reason != GYRE_STOP_EOS) continue;
        EXPECT_EQ(std::count(g.tokens.begin(), g.tokens.end(), kEos), 0);
        request.ignore_eos = true;
        ASSERT_GYRE_OK(gyre_session_reset(session()));
        const Generated through = generate(session(), request);
        ASSERT_GT(through.tokens.size(), g.tokens.size());
        EXPECT_EQ(through.tokens[g.tokens.size()], kEos);
        return;
    }
    FAIL() << "no seed gave an end token";
}

TEST_F(GenerateTest, SeedDecides) {
    Request request;
    request.max_tokens = 30;
    request.sampling.temperature = 2.0f;
    request.sampling.seed = 7;
    const SessionPtr again = new_session();
    const SessionPtr other = new_session();
    const Generated a = generate(session(), request);
    const Generated b = generate(again.get(), request);
    request.sampling.seed = 8;
    const Generated c = generate(other.get(), request);
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_NE(a.tokens, c.tokens);
}

TEST_F(GenerateTest, PiecesGiveWhatTheWholeGives) {
    Request request;
    request.max_tokens = 24;
    request.sampling.seed = 3;
    const SessionPtr other = new_session();
    const Generated whole = generate(session(), request);
    std::vector<std::uint32_t> pieces;
    for (int i = 0; i < 4; ++i) {
        request.max_tokens = 6;
        const Generated piece = generate(other.get(), request);
        ASSERT_GYRE_OK(piece.status);
        pieces.insert(pieces.end(), piece.tokens.begin(), piece.tokens.end());
        request.prompt.clear();
    }
    EXPECT_EQ(pieces, whole.tokens);
}

TEST_F(GenerateTest, FeedAndSampleGiveWhatGenerateGives) {
    const Generated whole = generate(session(), Request::greedy("Hello", 8));
    const SessionPtr by_hand = new_session();
    std::uint32_t prompt[16] = {};
    size_t n = 0;
    ASSERT_GYRE_OK(gyre_model_tokenize(model_.get(), "Hello", 5, 0, prompt, 16, &n));
    ASSERT_GYRE_OK(gyre_session_feed(by_hand.get(), prompt, n));
    gyre_sampling_options greedy = GYRE_SAMPLING_OPTIONS_INIT;
    greedy.temperature = 0;
    std::vector<std::uint32_t> tokens;
    for (int i = 0; i < 8; ++i) {
        std::uint32_t token = 0;
        std::uint32_t same = 1;
        ASSERT_GYRE_OK(gyre_session_sample(by_hand.get(), &greedy, &token));
        ASSERT_GYRE_OK(gyre_session_sample(by_hand.get(), &greedy, &same));
        EXPECT_EQ(token, same) << "asking does not change the session";
        tokens.push_back(token);
        ASSERT_GYRE_OK(gyre_session_feed(by_hand.get(), &token, 1));
    }
    EXPECT_EQ(tokens, whole.tokens);
}

TEST_F(GenerateTest, EmptyPromptBeginsWithTheModelsToken) {
    const Generated g = generate(session(), Request::greedy("", 4));
    ASSERT_GYRE_OK(g.status);
    EXPECT_EQ(g.result.n_prompt_tokens, 1u);
    const SessionPtr other = new_session();
    const std::uint32_t bos = kEos;  // of this model they are one
    ASSERT_GYRE_OK(gyre_session_feed(other.get(), &bos, 1));
    const Generated same = generate(other.get(), Request::greedy("", 4));
    EXPECT_EQ(same.tokens, g.tokens);
    EXPECT_EQ(same.result.n_prompt_tokens, 0u);
}

TEST_F(GenerateTest, OptionsOutOfRange) {
    gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    options.sampling = &sampling;
    const auto expect_refused = [&](const char* option) {
        EXPECT_EQ(gyre_session_generate(session(), "a", 1, &options, nullptr),
                  GYRE_ERROR_INVALID_ARGUMENT);
        EXPECT_NE(std::string(gyre_last_error()).find(option), std::string::npos)
            << gyre_last_error();
        EXPECT_EQ(gyre_session_position(session()), 0u);
    };
    sampling.temperature = -1.0f;
    expect_refused("temperature");
    sampling = GYRE_SAMPLING_OPTIONS_INIT;
    sampling.top_p = 0.0f;
    expect_refused("top_p");
    sampling = GYRE_SAMPLING_OPTIONS_INIT;
    sampling.min_p = 1.5f;
    expect_refused("min_p");
    sampling = GYRE_SAMPLING_OPTIONS_INIT;
    sampling.repeat_penalty = 0.0f;
    expect_refused("penalty");
}

TEST_F(GenerateTest, SessionIsInUseDuringItsCallback) {
    Request request = Request::greedy("Hello", 3);
    int calls = 0;
    request.watch = [&](const gyre_token_event& event) {
        EXPECT_EQ(gyre_session_feed(session(), &event.token, 1), GYRE_ERROR_INVALID_ARGUMENT);
        EXPECT_NE(std::string(gyre_last_error()).find("in use"), std::string::npos);
        ++calls;
        return true;
    };
    const Generated g = generate(session(), request);
    ASSERT_GYRE_OK(g.status);
    EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace gyre::test
