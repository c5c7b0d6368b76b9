// Sessions in parallel threads; ThreadSanitizer runs this program too.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>

#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

// One conversation: a prompt, its logits, then generation.
struct Talk {
    CacheFormat cache;
    std::uint32_t chunk;
    std::vector<std::uint32_t> ids;
};

Logits run(const std::shared_ptr<const Model>& model, const Talk& talk) {
    const auto session = EngineTest::session(model, talk.chunk, talk.cache);
    Logits all = every_row(*session, talk.ids);
    for (int i = 0; i < 8; ++i) {
        const auto best = std::max_element(session->logits().begin(), session->logits().end());
        require(session->decode(static_cast<std::uint32_t>(best - session->logits().begin())));
        all.insert(all.end(), session->logits().begin(), session->logits().end());
    }
    return all;
}

class SessionThreadsTest : public EngineTest {
  protected:
    void SetUp() override {
        EngineTest::SetUp();
        const Golden golden = read_golden("rove_half");
        talks_ = {{CacheFormat::kF32, 3, golden.tokens},
                  {CacheFormat::kF16, 5, {golden.tokens.rbegin(), golden.tokens.rend()}}};
    }
    // Runs talk i on model i, each in a thread of its own.
    std::vector<Logits> run_in_threads(const std::vector<std::shared_ptr<const Model>>& models) {
        std::vector<Logits> results(talks_.size());
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < talks_.size(); ++i) {
            threads.emplace_back([&, i] { results[i] = run(models[i], talks_[i]); });
        }
        threads.clear();  // joins
        return results;
    }
    std::vector<Talk> talks_;
};

// Catches: sessions that share a buffer, a recorder or the queue without a lock; kernels compiled
// by two threads at once (the model is fresh: nothing is compiled when they begin).
TEST_F(SessionThreadsTest, TwoSessionsGiveWhatEachGivesAlone) {
    std::vector<Logits> together;
    {
        const std::shared_ptr<const Model> model = open_golden("rove_half");
        together = run_in_threads({model, model});
    }
    const std::shared_ptr<const Model> model = open_golden("rove_half");
    for (std::size_t i = 0; i < talks_.size(); ++i) {
        EXPECT_TRUE(same_bits(together[i], run(model, talks_[i]))) << "thread " << i;
    }
}

// Catches: what is kept once a process (the loader, the log) without a lock.
TEST_F(SessionThreadsTest, TwoModelsInTwoThreads) {
    std::vector<Logits> results(2);
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < results.size(); ++i) {
            threads.emplace_back([&, i] { results[i] = run(open_golden("gqa"), talks_[i]); });
        }
    }
    const std::shared_ptr<const Model> model = open_golden("gqa");
    for (std::size_t i = 0; i < talks_.size(); ++i) {
        EXPECT_TRUE(same_bits(results[i], run(model, talks_[i]))) << "thread " << i;
    }
}

// Catches: a flag or counter that cancel() and feed() touch without care.
TEST_F(SessionThreadsTest, CancelFromAnotherThread) {
    const auto session = EngineTest::session(open_golden("rove_half"), 1);
    std::jthread other([&] { session->cancel(); });
    const Status status = session->feed(talks_[0].ids);
    other.join();
    // Whichever came first; if the prompt did, the next call takes the cancel.
    if (status.ok()) {
        EXPECT_EQ(session->decode(1).code(), StatusCode::kCancelled);
    } else {
        EXPECT_EQ(status.code(), StatusCode::kCancelled);
    }
    EXPECT_OK(session->decode(1));
}

}  // namespace
}  // namespace gyre::test
