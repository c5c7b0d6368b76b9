// What a session does with its cache beside appending: truncation, shifts, slides, forks.
// SPDX-License-Identifier: Apache-2.0
//
// A shift is exact where hidden states do not depend on what was dropped: in one layer, whose keys
// and values are made of the embeddings. Golden models of two layers are cut to one for that.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

// Parts of the largest logit. float32: a rotation more for each key, and sums in another order.
constexpr double kF32 = 2e-5;
// The bounds of golden_logits_test, twice: what is compared was rounded both times.
constexpr double kF16 = 4e-3;
constexpr double kQ8_0 = 6e-2;

double bound(CacheFormat format) {
    return format == CacheFormat::kF32 ? kF32 : format == CacheFormat::kF16 ? kF16 : kQ8_0;
}

constexpr CacheFormat kFormats[] = {CacheFormat::kF32, CacheFormat::kF16, CacheFormat::kQ8_0};

class SessionOps : public EngineTest {
  protected:
    // The golden model with block_count 1; the second layer's tensors under names of no layer.
    static std::shared_ptr<Model> open_first_layer(const std::string& name) {
        std::ifstream in(golden_path(name), std::ios::binary);
        std::string bytes(std::istreambuf_iterator<char>(in), {});
        const std::string key = ".block_count";
        const std::size_t at = bytes.find(key);
        if (at == std::string::npos) throw std::runtime_error(name + ": no block_count");
        bytes[at + key.size() + 4] = 1;  // after the value's type
        for (std::size_t i = 0; (i = bytes.find("blk.1.", i)) != std::string::npos;)
            bytes.replace(i, 3, "old");
        const auto path = std::filesystem::temp_directory_path() /
                          (name + "." + std::to_string(std::random_device()()) + ".gguf");
        std::ofstream(path, std::ios::binary) << bytes;
        OpenOptions options;
        options.tune = false;
        options.ignored = {"*"};  // nothing reads the second layer
        auto opened = try_open(path.string(), options);
        std::filesystem::remove(path);
        require(opened.status());
        auto model = std::move(opened).value();
        if (model->config().n_layer != 1) throw std::runtime_error(name + ": not one layer");
        return model;
    }
    static std::unique_ptr<Session> sliding(const std::shared_ptr<const Model>& model,
                                            CacheFormat format) {
        SessionOptions options;
        options.n_ctx = 16;
        options.when_full = WhenFull::kSlide;
        options.keep_tokens = 3;
        options.cache = format;
        return session(model, options);
    }
    static Logits feed_rows(Session& session, Ids tokens) {
        Logits rows;
        const std::size_t n_vocab = session.model().config().n_vocab;
        require(session.feed(tokens, [&](auto, std::uint32_t n, const float* logits) {
            rows.insert(rows.end(), logits, logits + n * n_vocab);
            return Status();
        }));
        return rows;
    }
    static Logits copy(const Session& session) {
        return {session.logits().begin(), session.logits().end()};
    }
    // n ids, of which neighbours differ.
    static std::vector<std::uint32_t> some_tokens(std::size_t n, std::uint32_t n_vocab) {
        std::vector<std::uint32_t> ids;
        for (std::size_t i = 0; i < n; ++i)
            ids.push_back(static_cast<std::uint32_t>((i * i * 7 + i * 3 + 1) % n_vocab));
        return ids;
    }
    // The first `kept` of the tokens and the last ones, n in all: what a session that slid holds.
    static std::vector<std::uint32_t> held(Ids tokens, std::size_t kept, std::size_t n) {
        std::vector<std::uint32_t> ids(tokens.begin(), tokens.begin() + std::ptrdiff_t(kept));
        ids.insert(ids.end(), tokens.end() - std::ptrdiff_t(n - kept), tokens.end());
        return ids;
    }
};

class ShiftedSystem : public SessionOps, public testing::WithParamInterface<const char*> {};

// Catches: a shift that rotates by a wrong angle or the wrong way, forgets the values or a head,
// rotates what stands still, or moves cells to a wrong place.
TEST_P(ShiftedSystem, EqualsAFreshPrompt) {
    const Golden golden = read_golden(GetParam());
    auto model = open_first_layer(golden.name);
    constexpr std::uint32_t kFirst = 4, kCount = 7, kFed = 20;
    const Ids all = golden.tokens;
    std::vector<std::uint32_t> rest(all.begin(), all.begin() + kFirst);
    rest.insert(rest.end(), all.begin() + kFirst + kCount, all.end());
    const Ids tail = all.subspan(kFed);
    for (const CacheFormat format : kFormats) {
        const auto session = EngineTest::session(model, 0, format);
        const Logits fresh = every_row(*session, rest);
        session->reset();
        require(session->feed(all.first(kFed)));
        const Logits before = copy(*session);
        ASSERT_OK(session->shift(kFirst, kCount));
        EXPECT_EQ(session->position(), kFed - kCount);
        EXPECT_TRUE(same_bits(session->logits(), before));
        const Logits shifted = feed_rows(*session, tail);
        const double error =
            relative_error(shifted, std::span(fresh).last(tail.size() * golden.n_vocab));
        EXPECT_LE(error, bound(format)) << "format " << static_cast<int>(format);
        std::cout << error << ' ';
    }
    std::cout << std::endl;
    model.reset();
}

INSTANTIATE_TEST_SUITE_P(Systems, ShiftedSystem,
                         testing::Values("rope_half", "rope_interleaved", "rope_partial",
                                         "rove_half", "rove_partial", "rove_interleaved", "vo_rope",
                                         "rotate_only", "xpos", "xpos_rove", "alibi", "none",
                                         "crope_rove", "rope_id_rove", "yarn_rove", "gqa",
                                         "window_sinks", "llama_rove", "qwen3_rove", "glm4"),
                         [](const auto& test) { return std::string(test.param); });

// Catches: a check that comes after the first cell was moved, and one that a sum of 32 bits passes.
TEST_F(SessionOps, ShiftsThatAreRefusedChangeNothing) {
    const Golden golden = read_golden("window_sinks");
    const auto session = EngineTest::session(open_golden(golden.name));
    const Logits expected = every_row(*session, golden.tokens);
    session->reset();
    constexpr std::uint32_t kFed = 20;
    require(session->feed(Ids(golden.tokens).first(kFed)));
    struct Row {
        std::uint32_t first, count;
        const char* says;
    };
    const std::uint32_t sinks = session->model().config().attention.sink_tokens;
    ASSERT_EQ(sinks, 3u);
    for (const Row& row :
         {Row{5, 0, "empty"}, Row{5, 16, "has 20 tokens"}, Row{21, 1, "has 20 tokens"},
          Row{20, 1, "has 20 tokens"}, Row{5, 0xffffffffu, "has 20 tokens"},
          Row{0xffffffffu, 2, "20 tokens"}, Row{0xfffffffeu, 7, "20 tokens"}, Row{2, 4, "sinks"},
          Row{0, 3, "sinks"}, Row{0, 20, "sinks"}}) {
        const Status status = session->shift(row.first, row.count);
        EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << row.first << ' ' << row.count;
        EXPECT_NE(status.message().find(row.says), std::string::npos) << status.message();
        EXPECT_EQ(session->position(), kFed);
    }
    EXPECT_EQ(session->truncate(kFed + 1).code(), StatusCode::kInvalidArgument);
    const Logits rows = feed_rows(*session, Ids(golden.tokens).subspan(kFed));
    EXPECT_TRUE(same_bits(rows, std::span(expected).last(rows.size())));
}

TEST_F(SessionOps, AbsolutePositionsCannotBeMoved) {
    for (const char* name : {"learned", "sinusoidal"}) {
        const Golden golden = read_golden(name);
        const auto model = open_golden(name);
        const auto session = EngineTest::session(model);
        require(session->feed(golden.tokens));
        const Status status = session->shift(1, 2);
        EXPECT_EQ(status.code(), StatusCode::kUnsupported);
        EXPECT_NE(status.message().find("positions cannot be moved"), std::string::npos);
        EXPECT_EQ(session->position(), golden.n_tokens());
        SessionOptions options;
        options.when_full = WhenFull::kSlide;
        EXPECT_EQ(Session::create(model, options).status().code(), StatusCode::kUnsupported);
    }
}

// Catches: tokens after the new end that are still seen, a fork that shares something.
TEST_F(SessionOps, TruncatedAndForkedSessionsGoOnAsFreshOnes) {
    const Golden golden = read_golden("rove_half");
    const auto model = open_golden(golden.name);
    const Ids all = golden.tokens;
    const std::vector<std::uint32_t> other(all.rbegin(), all.rbegin() + 9);
    for (const CacheFormat format : kFormats) {
        const auto session = EngineTest::session(model, 0, format);
        std::vector<std::uint32_t> rotated(all.begin(), all.begin() + 10);
        rotated.insert(rotated.end(), other.begin(), other.end());
        const Logits expected = every_row(*session, all),
                     expected_other = every_row(*session, rotated);
        ASSERT_OK(session->truncate(10));
        EXPECT_TRUE(session->logits().empty());
        auto fork = session->fork();
        ASSERT_OK(fork.status());
        const Logits rows = feed_rows(*session, all.subspan(10));
        const Logits other_rows = feed_rows(*fork.value(), other);
        EXPECT_TRUE(same_bits(rows, std::span(expected).last(rows.size())));
        EXPECT_TRUE(same_bits(other_rows, std::span(expected_other).last(other_rows.size())));
    }
}

// Through two layers what moved still knows of what was dropped: no fresh prompt to compare with,
// but the same bits every time, and a fork slides as the original does.
TEST_F(SessionOps, SlidesAreRepeatable) {
    const auto model = open_golden("rove_half");
    const auto ids = some_tokens(48, model->config().n_vocab);
    const auto session = sliding(model, CacheFormat::kF16);
    const Logits rows = feed_rows(*session, ids);
    session->reset();
    EXPECT_EQ(session->slid(), 0u);
    require(session->feed(Ids(ids).first(20)));
    auto fork = session->fork();
    ASSERT_OK(fork.status());
    EXPECT_EQ(fork.value()->slid(), session->slid());
    const Logits rest = feed_rows(*session, Ids(ids).subspan(20));
    EXPECT_TRUE(same_bits(feed_rows(*fork.value(), Ids(ids).subspan(20)), rest));
    EXPECT_EQ(fork.value()->position(), session->position());
    session->reset();
    EXPECT_TRUE(same_bits(feed_rows(*session, ids), rows));
}

// Catches: a slide that drops kept tokens, or too few, or that puts the new token elsewhere.
TEST_F(SessionOps, SlidingKeepsTheFirstTokensAndTheLast) {
    const auto model = open_first_layer("rove_half");
    const auto ids = some_tokens(48, model->config().n_vocab);
    for (const CacheFormat format : kFormats) {
        SCOPED_TRACE(static_cast<int>(format));
        const auto fresh = EngineTest::session(model, 0, format);
        const auto expect_held = [&](const Session& session, std::size_t n_fed) {
            ASSERT_LE(session.position(), session.n_ctx());
            ASSERT_EQ(session.position() + session.slid(), n_fed);
            const auto now = held(Ids(ids).first(n_fed), 3, session.position());
            EXPECT_LE(relative_error(session.logits(), last_row(*fresh, now)), bound(format))
                << n_fed << " tokens";
        };
        const auto session = sliding(model, format);
        for (std::size_t i = 0; i < ids.size(); ++i) {  // three contexts
            require(session->decode(ids[i]));
            ASSERT_LE(session->position(), 16u);
            if (i % 5 == 4 || i + 1 == ids.size()) expect_held(*session, i + 1);
        }
        EXPECT_GE(session->slid(), 32u);
        session->reset();
        require(session->feed(ids));  // a prompt of three contexts
        expect_held(*session, ids.size());
    }
}

TEST_F(SessionOps, StoppingSaysSo) {
    const auto model = open_golden("rove_half");
    SessionOptions options;
    options.n_ctx = 4;
    const auto session = EngineTest::session(model, options);
    require(session->feed(some_tokens(4, 50)));
    const Logits before = copy(*session);
    const Status full = session->decode(1);
    EXPECT_EQ(full.code(), StatusCode::kContextFull);
    EXPECT_NE(full.message().find("4 of 4 positions"), std::string::npos) << full.message();
    EXPECT_OK(session->make_room(1));  // stops: nothing to do
    EXPECT_EQ(session->position(), 4u);
    EXPECT_TRUE(same_bits(session->logits(), before));
    options.when_full = WhenFull::kSlide;
    options.keep_tokens = 3;
    EXPECT_EQ(Session::create(model, options).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gyre::test
