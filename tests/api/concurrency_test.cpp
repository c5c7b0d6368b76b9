// Threads: sessions of one model side by side, and cancel from another thread.
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <string>
#include <thread>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

class ConcurrencyTest : public ApiDeviceTest {
  protected:
    // Greedy, 40 tokens; the thread's own assertions stay out of it.
    static std::vector<std::uint32_t> write_on(gyre_session* session, const std::string& prompt) {
        std::vector<std::uint32_t> tokens;
        gyre_sampling_options greedy = GYRE_SAMPLING_OPTIONS_INIT;
        greedy.temperature = 0;
        gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
        options.sampling = &greedy;
        options.max_tokens = 40;
        options.ignore_eos = 1;
        options.user = &tokens;
        options.on_token = [](const gyre_token_event* event, void* user) {
            if (event->token == GYRE_TOKEN_NONE) return 1;
            static_cast<std::vector<std::uint32_t>*>(user)->push_back(event->token);
            return 1;
        };
        EXPECT_GYRE_OK(
            gyre_session_generate(session, prompt.data(), prompt.size(), &options, nullptr));
        return tokens;
    }
};

TEST_F(ConcurrencyTest, TwoSessionsGiveWhatEachGivesAlone) {
    const ModelPtr model = open_model(golden_path("text"));
    ASSERT_NE(model, nullptr);
    const std::string prompts[] = {"Hello", "a longer prompt, with more"};
    std::vector<std::uint32_t> alone[2];
    for (int i = 0; i < 2; ++i) {
        alone[i] = write_on(create_session(model.get()).get(), prompts[i]);
        ASSERT_EQ(alone[i].size() > 10, true);
    }
    for (int round = 0; round < 5; ++round) {
        std::vector<std::uint32_t> together[2];
        std::thread threads[2];
        for (int i = 0; i < 2; ++i) {
            threads[i] = std::thread(
                [&, i] { together[i] = write_on(create_session(model.get()).get(), prompts[i]); });
        }
        for (std::thread& thread : threads)
            thread.join();
        EXPECT_EQ(together[0], alone[0]);
        EXPECT_EQ(together[1], alone[1]);
    }
}

// The callback waits until the other thread has cancelled, so that nothing depends on luck.
struct CancelAtThird {
    gyre_session* session = nullptr;
    std::atomic<bool> wanted = false;
    std::atomic<bool> done = false;
    std::vector<std::uint32_t> tokens;

    static int on_token(const gyre_token_event* event, void* user) {
        auto* self = static_cast<CancelAtThird*>(user);
        if (event->token != GYRE_TOKEN_NONE) self->tokens.push_back(event->token);
        if (event->index == 2 && !self->done) {
            self->wanted = true;
            while (!self->done)
                std::this_thread::yield();
        }
        return 1;
    }
    void cancel_when_wanted() {
        while (!wanted)
            std::this_thread::yield();
        gyre_session_cancel(session);
        done = true;
    }
};

TEST_F(ConcurrencyTest, CancelFromAnotherThreadAndGoOn) {
    const ModelPtr model = open_model(golden_path("text"));
    ASSERT_NE(model, nullptr);
    const std::vector<std::uint32_t> whole = write_on(create_session(model.get()).get(), "Hello");
    const SessionPtr session = create_session(model.get());
    CancelAtThird watch;
    watch.session = session.get();
    std::thread canceller(&CancelAtThird::cancel_when_wanted, &watch);
    gyre_sampling_options greedy = GYRE_SAMPLING_OPTIONS_INIT;
    greedy.temperature = 0;
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    options.sampling = &greedy;
    options.max_tokens = 40;
    options.ignore_eos = 1;
    options.on_token = CancelAtThird::on_token;
    options.user = &watch;
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    EXPECT_EQ(gyre_session_generate(session.get(), "Hello", 5, &options, &result),
              GYRE_ERROR_CANCELLED);
    canceller.join();
    EXPECT_EQ(result.stop_reason, GYRE_STOP_CANCELLED);
    EXPECT_EQ(result.n_tokens, 3u);

    // What was delivered stands, and the text goes on where it stopped.
    options.max_tokens = 37;
    ASSERT_GYRE_OK(gyre_session_generate(session.get(), nullptr, 0, &options, &result));
    EXPECT_EQ(watch.tokens, whole);
}

TEST_F(ConcurrencyTest, CancelBeforeACallMeetsTheCall) {
    const ModelPtr model = open_model(golden_path("text"));
    ASSERT_NE(model, nullptr);
    const SessionPtr session = create_session(model.get());
    gyre_session_cancel(session.get());
    const std::uint32_t tokens[] = {1, 2, 3};
    EXPECT_EQ(gyre_session_feed(session.get(), tokens, 3), GYRE_ERROR_CANCELLED);
    EXPECT_EQ(gyre_session_position(session.get()), 0u);
    EXPECT_GYRE_OK(gyre_session_feed(session.get(), tokens, 3));
    EXPECT_EQ(gyre_session_position(session.get()), 3u);
}

TEST_F(ConcurrencyTest, FeedCancelledByItsCallbackHoldsWholeTokens) {
    const Golden golden = read_golden("rove_half");
    const ModelPtr model = open_model(golden.path);
    ASSERT_NE(model, nullptr);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.chunk = 2;
    options.kv_type = GYRE_KV_F32;
    const SessionPtr session = create_session(model.get(), options);
    const auto stop_at_second = [](const float*, size_t first, size_t, size_t, void*) {
        return first == 0 ? 1 : 0;
    };
    EXPECT_EQ(gyre_session_feed_logits(session.get(), golden.tokens.data(), golden.tokens.size(),
                                       stop_at_second, nullptr),
              GYRE_ERROR_CANCELLED);
    const std::uint32_t position = gyre_session_position(session.get());
    EXPECT_EQ(position, 4u);
    const std::size_t n_vocab = golden.logits.size() / golden.tokens.size();
    const std::vector<float> rest =
        feed_logits(session.get(), std::span(golden.tokens).subspan(position));
    EXPECT_LE(relative_error(rest, std::span(golden.logits).subspan(position * n_vocab)), 2e-4);
}

}  // namespace
}  // namespace gyre::test
