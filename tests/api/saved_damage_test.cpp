// Saved sessions that are damaged, forged, of something else, or half read: all are refused, and
// the session goes on as before.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/saved_session.h"
#include "tests/api/text_collector.h"

namespace gyre::test {
namespace {

using Tokens = std::vector<std::uint32_t>;

class SavedDamageTest : public ApiDeviceTest {
  protected:
    void SetUp() override {
        ApiDeviceTest::SetUp();
        model_ = open_model(golden_path("text"));
        ASSERT_NE(model_, nullptr);
        options_.n_ctx = 32;
        session_ = create_session(model_.get(), options_);
        ASSERT_GYRE_OK(gyre_session_feed(session_.get(), text_.data(), 6));
        own_ = save(session_.get());
        const SessionPtr other = create_session(model_.get(), options_);
        ASSERT_GYRE_OK(gyre_session_feed(other.get(), text_.data() + 5, 3));
        saved_ = save(other.get());
    }
    void TearDown() override {
        session_.reset();
        model_.reset();
        ApiDeviceTest::TearDown();
    }
    static std::string save(gyre_session* session) {
        MemoryFile file;
        EXPECT_GYRE_OK(gyre_session_save(session, MemoryFile::write, &file));
        return file.bytes;
    }
    // Every bit of tokens, cells and logits is as it was.
    void expect_untouched() { EXPECT_TRUE(save(session_.get()) == own_); }
    void expect_refused(const std::string& bytes, gyre_status status, const char* text) {
        EXPECT_EQ(load(session_.get(), bytes), status) << gyre_last_error();
        EXPECT_NE(std::string(gyre_last_error()).find(text), std::string::npos)
            << gyre_last_error();
        expect_untouched();
    }

    ModelPtr model_;
    SessionPtr session_;
    gyre_session_options options_ = GYRE_SESSION_OPTIONS_INIT;
    std::string own_, saved_;  // of session_, and of another text
    const Tokens text_ = {5, 9, 77, 120, 33, 200, 41, 8};
    const Tokens few_ = {5, 9, 33};  // which every golden model has
};

TEST_F(SavedDamageTest, TheFileIsWhatTheDocumentSays) {
    ASSERT_GT(saved_.size(), kHeaderBytes);
    EXPECT_EQ(saved_.substr(0, 8), "GYRESESS");
    EXPECT_EQ(word_at(saved_, kAtVersion), 1u);
    EXPECT_EQ(word_at(saved_, kAtFormat), 1u) << "F16";
    EXPECT_EQ(word_at(saved_, kAtContext), 32u);
    EXPECT_EQ(word_at(saved_, kAtTokens), 3u);
    EXPECT_EQ(word_at(saved_, kAtCells), 3u);
    EXPECT_EQ(word_at(saved_, kAtLogits), 301u);
    EXPECT_EQ(word_at(saved_, kHeaderBytes + 4), text_[6]);
    EXPECT_TRUE(with_checksums(saved_) == saved_);
    ASSERT_GYRE_OK(load(session_.get(), saved_));
    EXPECT_TRUE(save(session_.get()) == saved_);
}

TEST_F(SavedDamageTest, EveryFlippedByteIsRefused) {
    std::set<gyre_status> seen;
    for (std::size_t at = 0; at < saved_.size(); ++at) {
        std::string bytes = saved_;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
        const gyre_status status = load(session_.get(), bytes);
        ASSERT_NE(status, GYRE_OK) << at;
        seen.insert(status);
    }
    EXPECT_EQ(seen, (std::set<gyre_status>{GYRE_ERROR_BAD_FILE, GYRE_ERROR_UNSUPPORTED}))
        << "UNSUPPORTED for the version alone";
    expect_untouched();
}

TEST_F(SavedDamageTest, EveryLengthIsRefusedButTheWhole) {
    for (std::size_t n = 0; n < saved_.size(); ++n)
        ASSERT_EQ(load(session_.get(), saved_.substr(0, n)), GYRE_ERROR_BAD_FILE) << n;
    EXPECT_NE(std::string(gyre_last_error()).find("ends too soon"), std::string::npos);
    expect_untouched();
    ASSERT_GYRE_OK(load(session_.get(), saved_ + "more"));
}

TEST_F(SavedDamageTest, ForgedNumbersAreRefused) {
    const auto with = [&](std::size_t at, std::uint32_t value) {
        std::string bytes = saved_;
        set_word(bytes, at, value);
        return with_checksums(bytes);
    };
    expect_refused(with(kHeaderBytes, 301), GYRE_ERROR_BAD_FILE, "token 301");
    expect_refused(with(kAtTokens, 33), GYRE_ERROR_BAD_FILE, "33 tokens");
    expect_refused(with(kAtTokens, 5), GYRE_ERROR_BAD_FILE, "5 tokens, 3 cells");
    expect_refused(with(kAtCells, 4), GYRE_ERROR_BAD_FILE, "3 tokens, 4 cells");
    expect_refused(with(kAtCells, 0xffffffffu), GYRE_ERROR_BAD_FILE, "inconsistent");
    expect_refused(with(kAtLogits, 300), GYRE_ERROR_BAD_FILE, "300 logits");
    expect_refused(with(kAtContext, 0), GYRE_ERROR_BAD_FILE, "n_ctx 0");
    expect_refused(with(kAtFormat, 7), GYRE_ERROR_UNSUPPORTED, "unknown");
    expect_refused(with(kAtVersion, 2), GYRE_ERROR_UNSUPPORTED, "version 2");
    expect_refused("not a session" + std::string(100, ' '), GYRE_ERROR_BAD_FILE,
                   "no saved session");
}

TEST_F(SavedDamageTest, SessionsOfSomethingElseAreRefused) {
    const auto saved_with = [&](const gyre_model* model, const gyre_session_options& options,
                                std::size_t n) {
        const SessionPtr session = create_session(model, options);
        const Tokens many(n, 7);
        EXPECT_GYRE_OK(gyre_session_feed(session.get(), many.data(), n));
        return save(session.get());
    };
    // The same model with one weight changed is another.
    std::string file = read_file(golden_path("text"));
    char& byte = file[file.size() - 20];  // of output_norm.bias, which ends the file
    byte = static_cast<char>(byte ^ 1);
    const TemporaryFolder folder;
    write_file(folder.path("other.gguf"), file);
    const ModelPtr other = open_model(folder.path("other.gguf"));
    expect_refused(saved_with(other.get(), options_, 3), GYRE_ERROR_UNSUPPORTED, "another model");
    const ModelPtr learned = open_model(golden_path("learned"));
    expect_refused(saved_with(learned.get(), options_, 3), GYRE_ERROR_UNSUPPORTED, "another model");

    gyre_session_options options = options_;
    options.kv_type = GYRE_KV_Q8_0;
    expect_refused(saved_with(model_.get(), options, 3), GYRE_ERROR_UNSUPPORTED,
                   "a cache of Q8_0, this one has F16");
    options = options_;
    options.n_ctx = 64;
    expect_refused(saved_with(model_.get(), options, 33), GYRE_ERROR_CONTEXT_FULL,
                   "33 tokens, this one has room for 32");
    ASSERT_GYRE_OK(load(session_.get(), saved_with(model_.get(), options, 32)));
    EXPECT_EQ(gyre_session_position(session_.get()), 32u);
}

// A key that is read, and is not if the caller wants it so.
TEST_F(SavedDamageTest, IgnoredKeysMakeAnotherModel) {
    const char* const keys[] = {"gpt2.rope.freq_base"};
    std::vector<std::string> saved;
    std::vector<SessionPtr> sessions;
    for (const std::size_t n_ignored : {0u, 1u}) {
        const ModelPtr model = open_model(golden_path("rope_theta"), std::span(keys, n_ignored));
        ASSERT_NE(model, nullptr);
        sessions.push_back(create_session(model.get(), options_));
        ASSERT_GYRE_OK(gyre_session_feed(sessions.back().get(), few_.data(), 3));
        saved.push_back(save(sessions.back().get()));
    }
    EXPECT_EQ(load(sessions[0].get(), saved[1]), GYRE_ERROR_UNSUPPORTED);
    EXPECT_NE(std::string(gyre_last_error()).find("other ignored keys"), std::string::npos);
    EXPECT_EQ(load(sessions[1].get(), saved[0]), GYRE_ERROR_UNSUPPORTED);
    EXPECT_GYRE_OK(load(sessions[1].get(), saved[1]));
}

// Where the cells depend on n_ctx, it must be the same; elsewhere it need not.
TEST_F(SavedDamageTest, PositionsThatDependOnTheContext) {
    struct Case {
        const char* model;
        bool depends;
    };
    for (const Case& c : {Case{"dynamic", true}, Case{"longrope_long", true}, Case{"xpos", true},
                          Case{"xpos_rove", true}, Case{"yarn", false}, Case{"rove_half", false}}) {
        const ModelPtr model = open_model(golden_path(c.model));
        gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
        // longrope_long: the factors change at 16.
        options.n_ctx = 40;
        const SessionPtr session = create_session(model.get(), options);
        ASSERT_GYRE_OK(gyre_session_feed(session.get(), few_.data(), 3));
        const std::string bytes = save(session.get());
        const SessionPtr same = create_session(model.get(), options);
        EXPECT_GYRE_OK(load(same.get(), bytes));
        options.n_ctx = 12;
        const SessionPtr another = create_session(model.get(), options);
        if (c.depends) {
            EXPECT_EQ(load(another.get(), bytes), GYRE_ERROR_UNSUPPORTED) << c.model;
            EXPECT_NE(std::string(gyre_last_error()).find("n_ctx 40, this one has 12"),
                      std::string::npos)
                << gyre_last_error();
            EXPECT_EQ(gyre_session_position(another.get()), 0u);
        } else {
            EXPECT_GYRE_OK(load(another.get(), bytes)) << c.model;
        }
    }
}

TEST_F(SavedDamageTest, CallbacksThatFail) {
    MemoryFile whole;
    ASSERT_GYRE_OK(gyre_session_save(session_.get(), MemoryFile::write, &whole));
    ASSERT_GE(whole.calls, 5) << "header, tokens, cells, logits, checksum";
    for (int call = 0; call < whole.calls; ++call) {
        MemoryFile file;
        file.fail_at = call;
        EXPECT_EQ(gyre_session_save(session_.get(), MemoryFile::write, &file),
                  GYRE_ERROR_CANCELLED);
        EXPECT_NE(std::string(gyre_last_error()).find("the write callback failed"),
                  std::string::npos);
        EXPECT_EQ(file.calls, call + 1) << "it is not asked again";
        expect_untouched();
    }
    MemoryFile reading{saved_};
    ASSERT_GYRE_OK(gyre_session_load(session_.get(), MemoryFile::read, &reading));
    EXPECT_EQ(reading.at, saved_.size());
    ASSERT_GYRE_OK(load(session_.get(), own_));
    for (int call = 0; call < reading.calls; ++call) {
        MemoryFile file{saved_};
        file.fail_at = call;
        EXPECT_EQ(gyre_session_load(session_.get(), MemoryFile::read, &file), GYRE_ERROR_BAD_FILE);
        EXPECT_EQ(file.calls, call + 1);
        expect_untouched();
    }
}

TEST_F(SavedDamageTest, TheSessionIsInUseInItsCallbacksAndPaused) {
    EXPECT_EQ(gyre_session_save(session_.get(), nullptr, nullptr), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "write is NULL");
    EXPECT_EQ(gyre_session_load(session_.get(), nullptr, nullptr), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "read is NULL");
    const auto reset_inside = [](const void*, size_t, void* user) {
        EXPECT_EQ(gyre_session_reset(static_cast<gyre_session*>(user)),
                  GYRE_ERROR_INVALID_ARGUMENT);
        return 1;
    };
    ASSERT_GYRE_OK(gyre_session_save(session_.get(), reset_inside, session_.get()));
    expect_untouched();

    ASSERT_GYRE_OK(gyre_model_pause(model_.get()));
    MemoryFile file;
    EXPECT_EQ(gyre_session_save(session_.get(), MemoryFile::write, &file), GYRE_ERROR_PAUSED);
    EXPECT_EQ(file.calls, 0);
    EXPECT_EQ(load(session_.get(), saved_), GYRE_ERROR_PAUSED);
    ASSERT_GYRE_OK(gyre_model_resume(model_.get()));
    expect_untouched();
    // A pause in the middle: what was read is not loaded.
    struct Pausing {
        MemoryFile file;
        gyre_model* model;
    } pausing{{saved_}, model_.get()};
    const auto pause_inside = [](void* to, size_t n, void* user) {
        auto* self = static_cast<Pausing*>(user);
        const bool now = self->file.calls == 2;
        if (now && gyre_model_pause(self->model) != GYRE_OK) return 0;
        return MemoryFile::read(to, n, &self->file);
    };
    EXPECT_EQ(gyre_session_load(session_.get(), pause_inside, &pausing), GYRE_ERROR_PAUSED);
    ASSERT_GYRE_OK(gyre_model_resume(model_.get()));
    expect_untouched();
}

}  // namespace
}  // namespace gyre::test
