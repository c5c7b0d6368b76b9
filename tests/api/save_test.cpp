// Sessions that are saved and loaded: the same continuation bit for bit, and no damage is loaded.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/saved_session.h"
#include "tests/api/text_collector.h"

namespace gyre::test {
namespace {

using Tokens = std::vector<std::uint32_t>;

class SaveTest : public ApiDeviceTest {
  protected:
    void SetUp() override {
        ApiDeviceTest::SetUp();
        model_ = open_model(golden_path("text"));
        ASSERT_NE(model_, nullptr);
        options_.n_ctx = 32;
        generate_.sampling = &sampling_;
        generate_.ignore_eos = 1;
    }
    void TearDown() override {
        model_.reset();
        ApiDeviceTest::TearDown();
    }
    SessionPtr new_session() { return create_session(model_.get(), options_); }

    static std::string save(gyre_session* session) {
        MemoryFile file;
        EXPECT_GYRE_OK(gyre_session_save(session, MemoryFile::write, &file));
        return file.bytes;
    }
    Collected write(gyre_session* session, const std::string& prompt, std::uint32_t n) {
        Collected text;
        generate_.max_tokens = n;
        text.generate(session, prompt, generate_);
        EXPECT_GYRE_OK(text.status);
        return text;
    }
    static std::vector<float> logits(gyre_session* session) {
        const float* values = nullptr;
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_session_logits(session, &values, &n));
        return values == nullptr ? std::vector<float>{} : std::vector<float>(values, values + n);
    }
    static Tokens tokens(const gyre_session* session) {
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_session_tokens(session, nullptr, 0, &n));
        Tokens all(n);
        EXPECT_GYRE_OK(gyre_session_tokens(session, all.data(), n, &n));
        return all;
    }
    void set_sampling(float temperature) {
        sampling_ = GYRE_SAMPLING_OPTIONS_INIT;
        sampling_.temperature = temperature;
        sampling_.repeat_penalty = 1.2f;
        sampling_.top_k = 0;
        sampling_.seed = 3;
    }
    // A session that is left in some way goes on as one that loads what it saved.
    void expect_same_continuation(const std::function<void(gyre_session*)>& leave) {
        const SessionPtr session = new_session();
        leave(session.get());
        const std::string bytes = save(session.get());
        const SessionPtr loaded = new_session();
        write(loaded.get(), "another text", 3);  // which is forgotten
        ASSERT_GYRE_OK(load(loaded.get(), bytes));
        EXPECT_EQ(tokens(loaded.get()), tokens(session.get()));
        EXPECT_TRUE(save(loaded.get()) == bytes) << "nothing of it is lost";
        const bool empty = gyre_session_position(session.get()) == 0;
        const std::uint32_t n = options_.when_full == GYRE_WHEN_FULL_SLIDE ? 50 : 8;
        const Collected expected = write(session.get(), empty ? "Hello" : "", n);
        EXPECT_EQ(write(loaded.get(), empty ? "Hello" : "", n).tokens, expected.tokens);
        EXPECT_EQ(logits(loaded.get()), logits(session.get()));
    }

    ModelPtr model_;
    gyre_session_options options_ = GYRE_SESSION_OPTIONS_INIT;
    gyre_sampling_options sampling_ = GYRE_SAMPLING_OPTIONS_INIT;
    gyre_generate_options generate_ = GYRE_GENERATE_OPTIONS_INIT;
    const Tokens text_ = {5, 9, 77, 120, 33, 200, 41, 8};
};

TEST_F(SaveTest, ContinuationIsIdenticalHoweverTheSessionWasLeft) {
    const auto feed = [this](gyre_session* session) {
        ASSERT_GYRE_OK(gyre_session_feed(session, text_.data(), text_.size()));
    };
    const std::function<void(gyre_session*)> ways[] = {
        [](gyre_session*) {},  // empty
        feed,                  // logits on the device and on the host
        [&](gyre_session* session) { write(session, "Hello", 6); },  // a token is pending
        [&](gyre_session* session) {
            write(session, "Hello", 6);
            logits(session);
        },
        [&](gyre_session* session) {  // the device ran ahead
            Collected text;
            generate_.max_tokens = 12;
            text.watch = [](const gyre_token_event& event) { return event.index < 3; };
            text.generate(session, "Hello", generate_);
        },
        [&](gyre_session* session) {  // stopped at the first token: the prompt's logits are there
            Collected text;
            text.watch = [](const gyre_token_event&) { return false; };
            text.generate(session, "Hello", generate_);
        },
        [&](gyre_session* session) {  // no logits
            write(session, "Hello", 6);
            ASSERT_GYRE_OK(gyre_session_truncate(session, 5));
        },
        [&](gyre_session* session) {
            feed(session);
            ASSERT_GYRE_OK(gyre_session_shift(session, 2, 3));
        }};
    for (const gyre_kv_type type : {GYRE_KV_F16, GYRE_KV_F32, GYRE_KV_Q8_0}) {
        options_.kv_type = type;
        for (const float temperature : {0.0f, 2.0f}) {
            set_sampling(temperature);
            for (std::size_t way = 0; way < std::size(ways); ++way) {
                SCOPED_TRACE("kv type " + std::to_string(type) + ", temperature " +
                             std::to_string(temperature) + ", way " + std::to_string(way));
                expect_same_continuation(ways[way]);
            }
        }
    }
}

TEST_F(SaveTest, ASlidingTextGoesOnWithItsDraws) {
    options_.n_ctx = 16;
    options_.when_full = GYRE_WHEN_FULL_SLIDE;
    options_.keep_tokens = 2;
    for (const gyre_kv_type type : {GYRE_KV_F16, GYRE_KV_F32, GYRE_KV_Q8_0}) {
        options_.kv_type = type;
        for (const float temperature : {0.0f, 2.0f}) {
            set_sampling(temperature);
            for (const std::uint32_t n : {12u, 40u, 41u}) {
                SCOPED_TRACE(n);
                expect_same_continuation(
                    [&](gyre_session* session) { write(session, "Hello", n); });
            }
        }
    }
}

// The prompt's logits, which a pending token follows, are there for who takes that token back.
TEST_F(SaveTest, ATokenTakenBackAfterTheLoad) {
    set_sampling(0.0f);
    const SessionPtr session = new_session();
    Collected text;
    text.watch = [](const gyre_token_event&) { return false; };
    text.generate(session.get(), "Hello", generate_);
    const std::string bytes = save(session.get());
    const SessionPtr loaded = new_session();
    ASSERT_GYRE_OK(load(loaded.get(), bytes));
    for (gyre_session* each : {session.get(), loaded.get()})
        ASSERT_GYRE_OK(gyre_session_truncate(each, gyre_session_position(each) - 1));
    EXPECT_EQ(logits(loaded.get()), logits(session.get()));
}

// Heads of every kind, and a context of another size: the cells come to their places.
TEST_F(SaveTest, ModelsOfEveryKindIntoAnotherContext) {
    for (const char* name : {"gqa", "rove_half", "crope_gqa", "alibi", "learned", "window_sinks",
                             "sink_logits", "rope_id_rove", "gptneox"}) {
        const ModelPtr model = open_model(golden_path(name));
        for (const gyre_kv_type type : {GYRE_KV_F16, GYRE_KV_F32, GYRE_KV_Q8_0}) {
            SCOPED_TRACE(std::string(name) + ", kv type " + std::to_string(type));
            gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
            options.kv_type = type;
            options.n_ctx = 21;
            const SessionPtr session = create_session(model.get(), options);
            const Tokens few = {5, 9, 17, 12, 33};  // which every golden model has
            ASSERT_GYRE_OK(gyre_session_feed(session.get(), few.data(), 5));
            const std::string bytes = save(session.get());
            const Tokens more = {41, 42, 43};
            ASSERT_GYRE_OK(gyre_session_feed(session.get(), more.data(), 3));
            for (const std::uint32_t n_ctx : {8u, 30u}) {
                options.n_ctx = n_ctx;
                const SessionPtr loaded = create_session(model.get(), options);
                ASSERT_GYRE_OK(load(loaded.get(), bytes));
                ASSERT_GYRE_OK(gyre_session_feed(loaded.get(), more.data(), 3));
                EXPECT_EQ(logits(loaded.get()), logits(session.get())) << n_ctx;
            }
        }
    }
}

// 512 tokens of the shipped model are more than what is copied at once.
TEST_F(SaveTest, FiveHundredTokensInSeveralPieces) {
    const ModelPtr books = open_model(std::string(GYRE_SOURCE_DIR) + "/models/gyre-books-5m.gguf");
    ASSERT_NE(books, nullptr);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.kv_type = GYRE_KV_F32;
    options.n_ctx = 640;
    const SessionPtr session = create_session(books.get(), options);
    Tokens text;
    for (std::uint32_t i = 0; i < 509; ++i)
        text.push_back(1000 + i * 37 % 997);
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), text.data(), text.size()));
    const std::string bytes = save(session.get());
    gyre_memory memory = GYRE_MEMORY_INIT;
    ASSERT_GYRE_OK(gyre_session_get_memory(session.get(), &memory));
    EXPECT_LT(bytes.size(), memory.cache_bytes * 509 / gyre_session_n_ctx(session.get()) + 100'000);
    EXPECT_GT(bytes.size(), std::size_t{4} << 20) << "fewer pieces than this test is for";
    options.n_ctx = 530;
    const SessionPtr loaded = create_session(books.get(), options);
    ASSERT_GYRE_OK(load(loaded.get(), bytes));
    set_sampling(0.8f);
    EXPECT_EQ(write(loaded.get(), "", 12).tokens, write(session.get(), "", 12).tokens);
    EXPECT_EQ(logits(loaded.get()), logits(session.get()));
    EXPECT_EQ(save(loaded.get()).size(), save(session.get()).size());
}

}  // namespace
}  // namespace gyre::test
