// What a session promises beside right logits: errors that change nothing, cancelling,
// repeatability.
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "tests/engine/engine_fixture.h"
#include "tests/model/split_model.h"

namespace gyre::test {
namespace {

// float32 sums in another order (decoding may split a sum, prompts never do).
constexpr double kOtherOrder = 2e-5;

class SessionTest : public EngineTest {
  protected:
    static Ids part(const Golden& golden, std::size_t first, std::size_t n) {
        return Ids(golden.tokens).subspan(first, n);
    }
    static Logits copy(const Session& session) {
        return {session.logits().begin(), session.logits().end()};
    }
    // n ids of the vocabulary.
    static std::vector<std::uint32_t> long_prompt(const Golden& golden, std::size_t n) {
        std::vector<std::uint32_t> ids;
        for (std::size_t i = 0; i < n; ++i)
            ids.push_back(golden.tokens[i % golden.tokens.size()]);
        return ids;
    }
};

// Catches: a decoded token that goes to another cell, or that reads a stale length.
TEST_F(SessionTest, DecodingContinuesAPrompt) {
    const Golden golden = read_golden("rove_half");
    const auto model = open_golden(golden.name);
    const auto session = EngineTest::session(model);
    constexpr std::size_t kPrompt = 9;
    ASSERT_OK(session->feed(part(golden, 0, kPrompt)));
    for (std::size_t t = kPrompt; t < golden.tokens.size(); ++t) {
        ASSERT_OK(session->decode(golden.tokens[t]));
        EXPECT_LE(relative_error(session->logits(), golden.row(t)), kOtherOrder) << "token " << t;
        EXPECT_EQ(session->position(), t + 1);
    }
    // And a prompt continues decoding.
    session->reset();
    ASSERT_OK(session->decode(golden.tokens[0]));
    ASSERT_OK(session->feed(part(golden, 1, 5)));
    ASSERT_OK(session->feed(part(golden, 6, golden.tokens.size() - 6)));
    EXPECT_LE(relative_error(session->logits(), golden.row(golden.tokens.size() - 1)), kOtherOrder);
}

// Catches: a part whose pages are let go before its weights are read, weights of another part, a
// fingerprint of the first part alone.
TEST_F(SessionTest, ASplitModelGivesTheSameBits) {
    const std::filesystem::path folder =
        std::filesystem::path(::testing::TempDir()) /
        ("gyre_session_test." + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(folder);
    const auto write = [&](const std::string& name, const testing::GgufBuilder& builder) {
        const testing::Bytes bytes = builder.build();
        const std::string path = (folder / name).string();
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        return path;
    };
    const auto write_parts = [&](const testing::GgufBuilder& whole) {
        const auto parts = testing::split_model(whole, {2, 9, whole.tensors.size() - 11});
        for (std::size_t i = parts.size(); i-- > 1;)
            write(testing::part_name("m", i + 1, parts.size()), parts[i]);
        return write(testing::part_name("m", 1, parts.size()), parts[0]);
    };
    constexpr std::uint32_t kTokens[] = {1, 4, 0, 3, 2};
    testing::GgufBuilder builder = testing::rich_model();
    const auto whole = open(write("whole.gguf", builder));
    const auto parts = open(write_parts(builder));
    const auto a = EngineTest::session(whole);
    const auto b = EngineTest::session(parts);
    EXPECT_TRUE(same_bits(every_row(*a, kTokens), every_row(*b, kTokens)));
    EXPECT_EQ(parts->weights().device_bytes(), whole->weights().device_bytes());
    builder.tensors.back().data.back() ^= 1;
    EXPECT_NE(open(write_parts(builder))->fingerprint(), parts->fingerprint());
    std::filesystem::remove_all(folder);
}

// Catches: a position, cell or logit that survives reset().
TEST_F(SessionTest, ResetForgetsEverything) {
    const Golden golden = read_golden("gqa");
    const auto model = open_golden(golden.name);
    const auto session = EngineTest::session(model, 7);
    EXPECT_TRUE(session->logits().empty());
    const Logits fresh = last_row(*session, part(golden, 0, 8));
    (void)last_row(*session, part(golden, 3, 20));
    session->reset();
    EXPECT_EQ(session->position(), 0u);
    EXPECT_TRUE(session->logits().empty());
    EXPECT_TRUE(same_bits(last_row(*session, part(golden, 0, 8)), fresh));
}

TEST_F(SessionTest, AnEmptyPromptIsNoWork) {
    const Golden golden = read_golden("gqa");
    const auto session = EngineTest::session(open_golden(golden.name));
    EXPECT_OK(session->feed({}));
    EXPECT_EQ(session->position(), 0u);
    EXPECT_TRUE(session->logits().empty());
    EXPECT_OK(session->feed(
        {}, [](auto, auto, const float*) { return Status::internal("called without a token"); }));
}

// Catches: a check that comes after the first chunk has run.
TEST_F(SessionTest, RefusedTokensChangeNothing) {
    const Golden golden = read_golden("untied");
    const auto model = open_golden(golden.name);
    SessionOptions options;
    options.n_ctx = 12;
    options.chunk = 2;
    options.cache = CacheFormat::kF32;
    const auto session = EngineTest::session(model, options);
    ASSERT_OK(session->feed(part(golden, 0, 8)));
    const Logits before = copy(*session);
    const auto unchanged = [&] {
        EXPECT_EQ(session->position(), 8u);
        EXPECT_TRUE(same_bits(session->logits(), before));
    };

    const Status full = session->feed(part(golden, 8, 5));  // 13 of 12
    EXPECT_EQ(full.code(), StatusCode::kContextFull);
    EXPECT_NE(full.message().find("8 of 12"), std::string::npos) << full.message();
    unchanged();
    std::vector<std::uint32_t> wrong = {1, 2, 3, golden.n_vocab};
    for (const Status& status :
         {session->feed(wrong), session->feed(wrong, [](auto, auto, auto) { return Status(); }),
          session->decode(golden.n_vocab), session->decode(0xffffffffu)}) {
        EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
        EXPECT_NE(status.message().find("vocabulary has 101"), std::string::npos)
            << status.message();
        unchanged();
    }
    // The cache is untouched as well, and the last position is usable.
    ASSERT_OK(session->feed(part(golden, 8, 4)));
    EXPECT_LE(relative_error(session->logits(), golden.row(11)), kOtherOrder);
    const Status decoded = session->decode(golden.tokens[12]);
    EXPECT_EQ(decoded.code(), StatusCode::kContextFull);
    EXPECT_EQ(session->position(), 12u);
}

// Catches: position rows read beyond the table.
TEST_F(SessionTest, LearnedPositionsEndWithTheirTable) {
    const Golden golden = read_golden("learned");
    const auto model = open_golden(golden.name);
    SessionOptions options;
    options.n_ctx = model->config().n_ctx + 1;
    const auto refused = Session::create(model, options);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(refused.status().message().find("64 rows"), std::string::npos)
        << refused.status().message();
    options.n_ctx = 0xffffffffu;
    EXPECT_EQ(Session::create(model, options).status().code(), StatusCode::kInvalidArgument);
    options.n_ctx = 8;
    options.first_position = 1;  // the table's rows are those from 0 on
    const auto displaced = Session::create(model, options);
    ASSERT_FALSE(displaced.ok());
    EXPECT_NE(displaced.status().message().find("first_position 1"), std::string::npos)
        << displaced.status().message();

    options.first_position = 0;
    options.n_ctx = model->config().n_ctx;
    const auto session = EngineTest::session(model, options);
    ASSERT_OK(session->feed(long_prompt(golden, 64)));
    EXPECT_EQ(session->decode(1).code(), StatusCode::kContextFull);
}

// Catches: a table made for the trained length only. The tokens before the trained length must not
// notice; the later ones must be finite and differ from those of a position that was clamped.
TEST_F(SessionTest, ComputedPositionsGoBeyondTheTrainedLength) {
    const Golden golden = read_golden("rove_half");
    const auto model = open_golden(golden.name);
    SessionOptions options;
    options.n_ctx = 3 * model->config().n_ctx;
    options.cache = CacheFormat::kF32;
    const auto session = EngineTest::session(model, options);
    const auto ids = long_prompt(golden, options.n_ctx);
    const Logits rows = every_row(*session, ids);
    EXPECT_LE(relative_error(std::span(rows).first(golden.logits.size()), golden.logits),
              kOtherOrder);
    const std::size_t n_vocab = golden.n_vocab;
    const auto last = std::span(rows).last(n_vocab);
    for (const float value : rows)
        ASSERT_TRUE(std::isfinite(value));
    const auto same_token_one_round_before =
        std::span(rows).subspan((ids.size() - 1 - golden.tokens.size()) * n_vocab, n_vocab);
    EXPECT_GT(relative_error(last, same_token_one_round_before), 1e-3);
}

// Catches: a command buffer that may not be submitted twice, a race between submissions, a buffer
// that is read before the work is done.
TEST_F(SessionTest, TwoHundredSubmissionsGiveTheSameBits) {
    const Golden golden = read_golden("rove_half");
    const auto session = EngineTest::session(open_golden(golden.name), 0, CacheFormat::kF16);
    const Ids ids = part(golden, 0, 20);
    const Logits first = decoded_rows(*session, ids);
    for (int round = 1; round < 10; ++round) {
        ASSERT_TRUE(same_bits(decoded_rows(*session, ids), first)) << "round " << round;
    }
}

// Catches: results that depend on what other sessions of the model hold.
TEST_F(SessionTest, SessionsOfOneModelDoNotMeet) {
    const Golden golden = read_golden("mixed");
    const auto model = open_golden(golden.name);
    const auto alone = EngineTest::session(model, 7);
    const Logits expected = decoded_rows(*alone, golden.tokens);
    const auto a = EngineTest::session(model, 7);
    const auto b = EngineTest::session(model, 5, CacheFormat::kF16);
    Logits rows;
    for (std::size_t t = 0; t < golden.tokens.size(); ++t) {
        ASSERT_OK(a->decode(golden.tokens[t]));
        ASSERT_OK(b->decode(golden.tokens[golden.tokens.size() - 1 - t]));
        rows.insert(rows.end(), a->logits().begin(), a->logits().end());
    }
    EXPECT_TRUE(same_bits(rows, expected));
}

// Catches: a session that outlives its model's device.
TEST_F(SessionTest, ASessionKeepsItsModel) {
    const Golden golden = read_golden("gqa");
    auto model = open_golden(golden.name);
    const auto session = EngineTest::session(model);
    model.reset();
    EXPECT_LE(relative_error(every_row(*session, golden.tokens), golden.logits), kOtherOrder);
}

// Catches: a cancel that is noticed later than the next chunk, or that leaves something behind. The
// other thread's call lies between two chunks for certain, because the sink waits for it.
TEST_F(SessionTest, CancelEndsAPromptAtTheNextChunk) {
    const Golden golden = read_golden("rove_half");
    const auto session = EngineTest::session(open_golden(golden.name), 2);
    const Logits whole = last_row(*session, golden.tokens);

    session->reset();
    int chunks = 0;
    const Status status = session->feed(golden.tokens, [&](auto, auto, const float*) {
        if (++chunks == 3) std::thread([&] { session->cancel(); }).join();
        return Status();
    });
    EXPECT_EQ(status.code(), StatusCode::kCancelled);
    EXPECT_EQ(chunks, 3);
    ASSERT_EQ(session->position(), 6u);  // the chunks before stay
    ASSERT_OK(session->feed(part(golden, 6, golden.tokens.size() - 6)));
    EXPECT_TRUE(same_bits(session->logits(), whole));
}

TEST_F(SessionTest, CancelFromAnotherThreadEndsALongPrompt) {
    const Golden golden = read_golden("rove_half");
    SessionOptions options;
    options.n_ctx = 8192;
    options.chunk = 1;
    options.cache = CacheFormat::kF32;
    const auto session = EngineTest::session(open_golden(golden.name), options);
    const auto ids = long_prompt(golden, options.n_ctx);  // some seconds of work
    std::thread other([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        session->cancel();
    });
    const Status status = session->feed(ids);
    other.join();
    EXPECT_EQ(status.code(), StatusCode::kCancelled);
    EXPECT_LT(session->position(), ids.size());
    EXPECT_LE(
        relative_error(last_row(*session, golden.tokens), golden.row(golden.tokens.size() - 1)),
        kOtherOrder);
}

// Catches: a cancel that is lost between two calls, or that cancels two of them.
TEST_F(SessionTest, CancelBeforeACallEndsThatCallAlone) {
    const Golden golden = read_golden("gqa");
    const auto session = EngineTest::session(open_golden(golden.name));
    session->cancel();
    EXPECT_EQ(session->feed(part(golden, 0, 5)).code(), StatusCode::kCancelled);
    EXPECT_EQ(session->position(), 0u);
    ASSERT_OK(session->feed(part(golden, 0, 5)));
    session->cancel();
    EXPECT_EQ(session->decode(golden.tokens[5]).code(), StatusCode::kCancelled);
    EXPECT_EQ(session->position(), 5u);
    ASSERT_OK(session->decode(golden.tokens[5]));
    EXPECT_LE(relative_error(session->logits(), golden.row(5)), kOtherOrder);
}

// Catches: an error of the caller's that is swallowed.
TEST_F(SessionTest, AnErrorOfTheSinkEndsTheCall) {
    const Golden golden = read_golden("gqa");
    const auto session = EngineTest::session(open_golden(golden.name), 4);
    int calls = 0;
    const Status status = session->feed(golden.tokens, [&](auto, auto, const float*) {
        return ++calls == 2 ? Status::internal("disk full") : Status();
    });
    EXPECT_EQ(status.code(), StatusCode::kInternal);
    EXPECT_EQ(status.message(), "disk full");
    EXPECT_EQ(calls, 2);
    EXPECT_LE(relative_error(every_row(*session, golden.tokens), golden.logits), kOtherOrder);
}

// Catches: tokens after the new end that are still seen, and a fork that shares its cache.
TEST_F(SessionTest, TruncateAndForkContinueBitForBit) {
    const Golden golden = read_golden("rove_inv_freq");
    for (const CacheFormat cache : {CacheFormat::kF32, CacheFormat::kF16, CacheFormat::kQ8_0}) {
        SCOPED_TRACE(static_cast<int>(cache));
        const auto session = EngineTest::session(open_golden(golden.name), 7, cache);
        const Logits whole = last_row(*session, golden.tokens);
        ASSERT_OK(session->truncate(10));
        EXPECT_EQ(session->position(), 10u);
        auto fork = session->fork();
        ASSERT_OK(fork);
        ASSERT_OK(session->feed(part(golden, 0, 13)));  // others: must not reach the fork
        Session& other = *fork.value();
        ASSERT_EQ(other.position(), 10u);
        ASSERT_OK(other.feed(part(golden, 10, golden.tokens.size() - 10)));
        EXPECT_TRUE(same_bits(other.logits(), whole));
        EXPECT_EQ(session->truncate(24).code(), StatusCode::kInvalidArgument);
    }
}

// Each chunk of a prompt is a round of its own; only the last has logits.
TEST_F(SessionTest, ProfileOfSeveralChunks) {
    const Golden golden = read_golden("rove_half");
    const auto model = open_golden(golden.name);
    const auto plain = EngineTest::session(model, 4);
    const auto profiled = EngineTest::session(model, 4);
    std::uint32_t embeds = 0, logits = 0;
    ASSERT_OK(plain->feed(part(golden, 0, 9)));
    ASSERT_OK(profiled->profile(part(golden, 0, 9), [&](const OperationTime& time) {
        embeds += std::string(time.operation) == "embed" ? 1 : 0;
        logits += std::string(time.operation) == "norm_logits" ? 1 : 0;
    }));
    EXPECT_EQ(embeds, 3u);
    EXPECT_EQ(logits, 1u);
    EXPECT_EQ(copy(*profiled), copy(*plain));
    EXPECT_EQ(profiled->counters().dispatches, 0u);
    EXPECT_EQ(profiled->counters().submits, 1u) << "the logits' way to the host";
    EXPECT_EQ(plain->counters().submits, 3u);
}

TEST_F(SessionTest, ProfileNeedsTimestamps) {
    const Golden golden = read_golden("rove_half");
    DeviceCapsLimit limit;
    limit.no_timestamps = true;
    const auto session = EngineTest::session(open_golden(golden.name, limit));
    const Status status = session->profile(part(golden, 0, 3), [](const OperationTime&) {});
    EXPECT_EQ(status.code(), StatusCode::kUnsupported);
    EXPECT_NE(status.message().find("timestamps"), std::string::npos) << status.message();
    EXPECT_EQ(session->position(), 0u);
    ASSERT_OK(session->feed(part(golden, 0, 3)));
}

}  // namespace
}  // namespace gyre::test
