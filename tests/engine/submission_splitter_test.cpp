// Prompts and tokens in several submissions: the same bits wherever they are cut, and what an
// interruption leaves.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <string_view>

#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

using Tokens = std::vector<std::uint32_t>;

constexpr double kNoTime = 1e-6;     // ms: every workgroup column is a submission
constexpr double kNoLimit = 10'000;  // ms: a chunk is one

Tokens some_tokens(const Model& model, std::uint32_t n) {
    Tokens tokens;
    for (std::uint32_t i = 0; i < n; ++i)
        tokens.push_back((i * 37 + 11) % model.config().n_vocab);
    return tokens;
}

class SubmissionSplitterTest : public EngineTest {
  protected:
    static std::shared_ptr<const Model> books() {
        return open(std::string(GYRE_SOURCE_DIR) + "/models/gyre-books-5m.gguf");
    }
};

// Catches: a missing barrier between submissions, rows that a cut leaves out or makes twice, an
// offset that a cut product does not add; in all variants that have their own kernels.
TEST_F(SubmissionSplitterTest, CutsChangeNoBit) {
    for (const char* name :
         {"rove_half", "q8_0", "gqa_window_yarn_rove", "learned", "crope_q4_0", "gptneox"}) {
        SCOPED_TRACE(name);
        const auto model = open_golden(name);
        const Tokens tokens = some_tokens(*model, 21);
        for (const CacheFormat cache : {CacheFormat::kF16, CacheFormat::kQ8_0}) {
            if (cache == CacheFormat::kQ8_0 && name != std::string_view("rove_half")) continue;
            const auto whole = EngineTest::session(
                model, SessionOptions{.cache = cache, .submit_budget_ms = kNoLimit});
            ASSERT_OK(whole->feed(tokens));
            const Logits prompt(whole->logits().begin(), whole->logits().end());
            ASSERT_OK(whole->decode(3));
            const EngineCounters one = whole->counters();
            EXPECT_EQ(one.submits, 2u);
            for (const double budget_ms : {kNoTime, 0.02, 0.3}) {
                SCOPED_TRACE(budget_ms);
                const auto cut = EngineTest::session(
                    model, SessionOptions{.cache = cache, .submit_budget_ms = budget_ms});
                ASSERT_OK(cut->feed(tokens));
                EXPECT_TRUE(same_bits(cut->logits(), prompt));
                ASSERT_OK(cut->decode(3));
                EXPECT_TRUE(same_bits(cut->logits(), whole->logits()));
                const EngineCounters many = cut->counters();
                EXPECT_EQ(many.submits, many.host_waits);
                EXPECT_GE(many.dispatches, one.dispatches);
                if (budget_ms != kNoTime) continue;
                EXPECT_GT(many.dispatches, one.dispatches) << "products are cut";
                EXPECT_EQ(many.submits, many.dispatches) << "every one is alone";
                EXPECT_GE(many.barriers, many.submits) << "and waits for those before";
            }
        }
    }
}

// Catches: slices of a matrix and cuts of them that do not go together.
TEST_F(SubmissionSplitterTest, CutsOfSlicesChangeNoBit) {
    DeviceCapsLimit limit;
    limit.max_storage_range = 32000;
    const auto model = open_golden("rove_half", limit);
    const Tokens tokens = some_tokens(*model, 9);
    const auto whole =
        EngineTest::session(model, SessionOptions{.chunk = 4, .submit_budget_ms = kNoLimit});
    const auto cut =
        EngineTest::session(model, SessionOptions{.chunk = 4, .submit_budget_ms = kNoTime});
    for (const auto& session : {whole.get(), cut.get()}) {
        ASSERT_OK(session->feed(tokens));
        ASSERT_OK(session->decode(7));
    }
    EXPECT_TRUE(same_bits(cut->logits(), whole->logits()));
    EXPECT_GT(cut->counters().submits, whole->counters().submits);
}

// A model that is used, with a budget that its operations come close to: what is packed and what is
// cut follows the clock, and the bits do not.
TEST_F(SubmissionSplitterTest, AModelThatIsUsedGivesTheSameBits) {
    const auto model = books();
    const Tokens tokens = some_tokens(*model, 150);
    const auto whole =
        EngineTest::session(model, SessionOptions{.n_ctx = 200, .submit_budget_ms = kNoLimit});
    ASSERT_OK(whole->feed(tokens));
    EXPECT_EQ(whole->counters().submits, 2u) << "two chunks";
    for (const double budget_ms : {1.0, 5.0}) {
        const auto cut =
            EngineTest::session(model, SessionOptions{.n_ctx = 200, .submit_budget_ms = budget_ms});
        ASSERT_OK(cut->feed(tokens));
        EXPECT_TRUE(same_bits(cut->logits(), whole->logits()));
        std::cout << budget_ms << " ms: " << cut->counters().submits << " submissions, "
                  << cut->counters().dispatches << " dispatches" << std::endl;
    }
}

// Catches: rows of logits that are read before the parts that make them are done.
TEST_F(SubmissionSplitterTest, LogitsOfEveryTokenAreThoseOfOneSubmission) {
    const auto model = open_golden("gqa");
    const Tokens tokens = some_tokens(*model, 13);
    const auto whole =
        EngineTest::session(model, SessionOptions{.chunk = 5, .submit_budget_ms = kNoLimit});
    const auto cut =
        EngineTest::session(model, SessionOptions{.chunk = 5, .submit_budget_ms = kNoTime});
    EXPECT_TRUE(same_bits(every_row(*cut, tokens), every_row(*whole, tokens)));
}

// The loop on the device, token by token in parts: the same tokens, and as many.
TEST_F(SubmissionSplitterTest, TokensInPartsAreThoseOfTheLoop) {
    const auto model = open_golden("rove_half");
    const Tokens prompt = some_tokens(*model, 5);
    const auto write = [&](double budget_ms, float temperature, LoopResult& result) {
        const auto session =
            EngineTest::session(model, SessionOptions{.n_ctx = 40, .submit_budget_ms = budget_ms});
        require(session->feed(prompt));
        SampleSettings settings{.temperature = temperature, .max_tokens = 30};
        Tokens written;
        require(session->write_on(
            {settings, prompt, false, 5},
            [&](std::uint32_t token) {
                EXPECT_EQ(session->position(), 5 + written.size());
                written.push_back(token);
                return true;
            },
            result));
        EXPECT_TRUE(session->has_logits());
        require(session->fetch_logits());
        return std::pair(written, Logits(session->logits().begin(), session->logits().end()));
    };
    for (const float temperature : {0.0f, 1.5f}) {
        LoopResult one, many;
        const auto [tokens, logits] = write(kNoLimit, temperature, one);
        const auto [same_tokens, same_logits] = write(kNoTime, temperature, many);
        EXPECT_EQ(same_tokens, tokens);
        EXPECT_TRUE(same_bits(same_logits, logits));
        EXPECT_EQ(many.n_run, 29u);
        EXPECT_EQ(many.n_decoded, 29u);
        EXPECT_GT(many.seconds, 0.0);
    }
}

// What a session is after the k-th submission of a chunk was the last: interrupt at every one.
class Interruption {
  public:
    Interruption(const std::shared_ptr<const Model>& model, std::uint32_t chunk)
        : session_(EngineTest::session(model, SessionOptions{.n_ctx = 60,
                                                             .chunk = chunk,
                                                             .submit_budget_ms = kNoTime,
                                                             .between_parts = [this] {
                                                                 if (++parts_ == at_)
                                                                     session_->cancel();
                                                             }})) {}
    void at(std::uint32_t part) {
        at_ = part;
        parts_ = 0;
    }
    std::uint32_t parts() const { return parts_; }
    Session& session() { return *session_; }

  private:
    std::uint32_t at_ = 0, parts_ = 0;
    std::unique_ptr<Session> session_;
};

// Catches: a cancel that is seen after the chunk only, one that goes on submitting, a position
// that counts a chunk half done, a recorder or a ticket that is left in the middle.
TEST_F(SubmissionSplitterTest, CancelInAChunkLeavesTheChunksBefore) {
    const auto model = open_golden("rove_half");
    const Tokens tokens = some_tokens(*model, 20);
    const auto whole = EngineTest::session(model, SessionOptions{.n_ctx = 60, .chunk = 8});
    ASSERT_OK(whole->feed(tokens));
    Interruption cut(model, 8);
    const Ids rest = Ids(tokens).subspan(8);  // in chunks of 8 and 4
    ASSERT_OK(cut.session().feed(Ids(tokens).first(8)));
    cut.at(0);
    ASSERT_OK(cut.session().feed(rest));
    const std::uint32_t all = cut.parts();
    ASSERT_GT(all, 60u);
    for (const std::uint32_t part : {1u, 2u, all / 3, all}) {
        SCOPED_TRACE(part);
        cut.session().reset();
        cut.at(0);
        ASSERT_OK(cut.session().feed(Ids(tokens).first(8)));
        EXPECT_TRUE(cut.session().has_logits());
        cut.at(part);
        const Status status = cut.session().feed(rest);
        EXPECT_EQ(status.code(), StatusCode::kCancelled);
        EXPECT_EQ(cut.parts(), part);
        EXPECT_LE(cut.session().counters().submits, cut.session().counters().host_waits + 1)
            << "one submission at most was under way";
        const std::uint32_t done = cut.session().position();
        EXPECT_EQ(done, part < all / 2 ? 8u : 16u);
        EXPECT_FALSE(cut.session().has_logits());
        ASSERT_OK(cut.session().feed(Ids(tokens).subspan(done)));
        EXPECT_TRUE(same_bits(cut.session().logits(), whole->logits()));
    }
}

TEST_F(SubmissionSplitterTest, CancelInATokenLeavesTheTokensBefore) {
    const auto model = open_golden("rove_half");
    const Tokens tokens = some_tokens(*model, 6);
    const auto whole = EngineTest::session(model, SessionOptions{.n_ctx = 60});
    ASSERT_OK(whole->feed(tokens));
    ASSERT_OK(whole->decode(9));
    Interruption cut(model, 0);
    for (const std::uint32_t part : {1u, 7u, 20u}) {
        SCOPED_TRACE(part);
        cut.session().reset();
        cut.at(0);
        ASSERT_OK(cut.session().feed(tokens));
        cut.at(part);
        EXPECT_EQ(cut.session().decode(9).code(), StatusCode::kCancelled);
        EXPECT_EQ(cut.session().position(), tokens.size());
        EXPECT_FALSE(cut.session().has_logits());
        // And in the loop, where the token is pending before and after.
        cut.at(part);
        LoopResult result;
        Tokens history = tokens;
        history.push_back(9);
        const Status status = cut.session().write_on(
            {{.temperature = 0, .max_tokens = 5}, history, true, 7},
            [](std::uint32_t) { return true; }, result);
        EXPECT_EQ(status.code(), StatusCode::kCancelled);
        EXPECT_EQ(result.n_decoded, 0u);
        EXPECT_EQ(cut.session().position(), tokens.size());
        EXPECT_FALSE(cut.session().has_logits());
        ASSERT_OK(cut.session().decode(9));
        EXPECT_TRUE(same_bits(cut.session().logits(), whole->logits()));
    }
}

// Catches: a part that waits for ever after an error, a recorder that is left recording.
TEST_F(SubmissionSplitterTest, ADeviceThatIsLostInAChunkIsAnError) {
    const auto model = open_golden("rove_half");
    std::uint32_t parts = 0;
    const auto session = EngineTest::session(
        model, SessionOptions{.n_ctx = 60, .submit_budget_ms = kNoTime, .between_parts = [&] {
                                  if (++parts == 11) model->device().mark_lost("a test");
                              }});
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(session->feed(some_tokens(*model, 20)).code(), StatusCode::kDeviceLost);
        EXPECT_EQ(parts, 11u) << "nothing goes on after the error";
        EXPECT_EQ(session->position(), 0u);
        EXPECT_FALSE(session->has_logits());
    }
}

TEST_F(SubmissionSplitterTest, ABudgetOutOfRangeIsRefused) {
    const auto model = open_golden("gqa");
    for (const double budget_ms :
         {0.0, -1.0, kMaxSubmitBudgetMs + 1, std::numeric_limits<double>::quiet_NaN()}) {
        const auto made = Session::create(model, {.submit_budget_ms = budget_ms});
        ASSERT_FALSE(made.ok());
        EXPECT_EQ(made.status().code(), StatusCode::kInvalidArgument);
    }
}

}  // namespace
}  // namespace gyre::test
