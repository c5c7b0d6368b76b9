// The device's loop of tokens against decode() and the host's sampler, token for token.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "runtime/text/sampler.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/sampler_settings.h"

namespace gyre::test {
namespace {

using Tokens = std::vector<std::uint32_t>;

SamplerOptions greedy() {
    return {.temperature = 0.0f};
}

std::vector<SamplerOptions> many_options() {
    return {greedy(),
            {.temperature = 0.0f, .repetition_penalty = 1.3f},
            {.temperature = 1.1f, .top_k = 20, .top_p = 0.9f, .min_p = 0.05f, .seed = 3},
            {.temperature = 2.0f, .repetition_penalty = 1.5f, .repetition_window = 9, .seed = 4},
            {.temperature = 1.0f, .seed = 0x123456789abcdefu}};
}

// A text and the session that holds it: the last token may be pending. Both ways of going on.
class Writer {
  public:
    Writer(const std::shared_ptr<const Model>& model, const SessionOptions& options)
        : session_(EngineTest::session(model, options)) {}

    void feed(Ids ids) {
        require(session_->feed(ids));
        text_.insert(text_.end(), ids.begin(), ids.end());
        follow();
    }
    // By the device; take: false at the last one wanted.
    Status write(const SamplerOptions& options, std::uint32_t n, LoopResult& result,
                 std::uint32_t stop_token = NO_TOKEN, const TokenSink& take = {},
                 std::span<const std::uint32_t> more_stop_tokens = {}) {
        SampleSettings settings = settings_of(options);
        settings.max_tokens = n;
        settings.stop_token = stop_token;
        settings.more_stop_tokens = more_stop_tokens;
        const LoopRequest request{settings, text_, pending(), text_.size() + slid_};
        return session_->write_on(
            request,
            [&](std::uint32_t token) {
                follow();
                EXPECT_EQ(session_->position(), text_.size()) << "all before it are in the cache";
                text_.push_back(token);
                written_.push_back(token);
                return !take || take(token);
            },
            result);
    }
    LoopEnd write(const SamplerOptions& options, std::uint32_t n) {
        LoopResult result;
        require(write(options, n, result));
        return result.end;
    }
    // By the host, as far as there are cells.
    void write_by_hand(const SamplerOptions& options, std::uint32_t n) {
        auto sampler = Sampler::create(options);
        require(sampler.status());
        for (std::uint32_t i = 0; i < n; ++i) {
            if (pending()) require(session_->decode(text_.back()));
            follow();
            sampler->set_step(text_.size() + slid_);
            const auto token = sampler->sample(session_->logits(), text_);
            require(token.status());
            require(session_->make_room(1));
            follow();
            text_.push_back(token.value());
            written_.push_back(token.value());
        }
    }
    bool pending() const { return session_->position() != text_.size(); }
    void forget_text() {
        session_->reset();
        text_.clear();
        written_.clear();
        slid_ = 0;
    }
    // What follows the text, with the pending token in the cache.
    Logits logits() {
        if (pending()) require(session_->decode(text_.back()));
        require(session_->fetch_logits());
        return {session_->logits().begin(), session_->logits().end()};
    }
    Session& session() { return *session_; }
    const Tokens& written() const { return written_; }

  private:
    void follow() {
        const auto first =
            text_.begin() + std::min<std::ptrdiff_t>(session_->kept_tokens(), std::ssize(text_));
        text_.erase(first, first + static_cast<std::ptrdiff_t>(session_->slid() - slid_));
        slid_ = session_->slid();
    }

    std::unique_ptr<Session> session_;
    Tokens text_, written_;
    std::uint64_t slid_ = 0;
};

class TokenLoopTest : public EngineTest {
  protected:
    static std::shared_ptr<const Model> books() {
        return open(std::string(GYRE_SOURCE_DIR) + "/models/gyre-books-5m.gguf");
    }
    static Tokens first(const Tokens& tokens, std::size_t n) {
        return {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n)};
    }
    const Tokens prompt_ = {5, 9, 17, 33, 2};
};

// Catches: a draw of another step, a history that lacks the prompt, logits of the token before, a
// token that is decoded twice or into a wrong cell.
TEST_F(TokenLoopTest, WritesWhatTheHostWrites) {
    for (const char* name : {"rove_half", "learned", "gqa_window_yarn_rove"}) {
        const auto model = open_golden(name);
        for (const CacheFormat cache : {CacheFormat::kF32, CacheFormat::kF16, CacheFormat::kQ8_0}) {
            Writer device(model, {.n_ctx = 60, .cache = cache});
            Writer host(model, {.n_ctx = 60, .cache = cache});
            for (const SamplerOptions& options : many_options()) {
                SCOPED_TRACE(std::string(name) + ", seed " + std::to_string(options.seed));
                device.forget_text();
                host.forget_text();
                device.feed(prompt_);
                host.feed(prompt_);
                // Both beginnings: after a prompt, and after a pending token.
                for (const std::uint32_t n : {20u, 1u, 2u, 25u}) {
                    EXPECT_EQ(device.write(options, n), LoopEnd::kCount);
                    host.write_by_hand(options, n);
                    ASSERT_EQ(device.written(), host.written());
                    ASSERT_EQ(device.session().position(), host.session().position());
                }
                EXPECT_TRUE(same_bits(device.logits(), host.logits()));
            }
        }
    }
}

TEST_F(TokenLoopTest, WritesWhatTheHostWritesInAModelThatIsUsed) {
    const auto model = books();
    Writer device(model, {.n_ctx = 128}), host(model, {.n_ctx = 128});
    for (const SamplerOptions& options : many_options()) {
        device.forget_text();
        host.forget_text();
        device.feed(prompt_);
        host.feed(prompt_);
        EXPECT_EQ(device.write(options, 40), LoopEnd::kCount);
        host.write_by_hand(options, 40);
        ASSERT_EQ(device.written(), host.written());
        EXPECT_TRUE(same_bits(device.logits(), host.logits()));
    }
}

// Catches: of a history that the device has no room for, the wrong end; results that are read
// after the ring, or twice.
TEST_F(TokenLoopTest, LongerThanTheRingsOfHistoryAndResults) {
    const auto model = open_golden("rove_half");
    constexpr std::uint32_t kOld = 80;
    Tokens prompt;
    for (std::uint32_t i = 0; i < kOld + SAMPLE_HISTORY; ++i)
        prompt.push_back(i < kOld ? i % 20 : 20 + i % 33);  // the old ones never again
    const SamplerOptions options{
        .temperature = 1.5f, .repetition_penalty = 1.5f, .repetition_window = 1000, .seed = 6};
    Writer device(model, {.n_ctx = 2048}), host(model, {.n_ctx = 2048});
    device.feed(prompt);
    host.feed(prompt);
    EXPECT_EQ(device.write(options, SAMPLE_RESULTS + 50), LoopEnd::kCount);
    host.write_by_hand(options, SAMPLE_RESULTS + 50);
    EXPECT_EQ(device.written(), host.written());
}

// A text that has slid for long: the step of a draw counts all tokens that ever were.
TEST_F(TokenLoopTest, StepsHave64Bits) {
    const auto model = open_golden("rove_half");
    const auto session = EngineTest::session(model, SessionOptions{});
    const SamplerOptions options{.temperature = 2.0f, .seed = 77};
    for (const std::uint64_t step : {std::uint64_t{5}, (std::uint64_t{1} << 33) + 5}) {
        session->reset();
        ASSERT_OK(session->feed(prompt_));
        auto sampler = Sampler::create(options);
        ASSERT_OK(sampler);
        sampler->set_step(step);
        const auto expected = sampler->sample(session->logits(), prompt_);
        ASSERT_OK(expected);
        SampleSettings settings = settings_of(options);
        settings.max_tokens = 1;
        std::uint32_t found = NO_TOKEN;
        LoopResult result;
        ASSERT_OK(session->write_on(
            {settings, prompt_, false, step},
            [&](std::uint32_t token) {
                found = token;
                return true;
            },
            result));
        EXPECT_EQ(found, expected.value()) << step;
    }
}

// Catches: a loop that is not started anew after a slide, or that slides at another token.
TEST_F(TokenLoopTest, SlidesAsTheHostDoes) {
    const auto model = open_golden("rove_half");
    for (const std::uint32_t n_ctx : {2u, 3u, 16u, 24u}) {
        const SessionOptions slide{.n_ctx = n_ctx,
                                   .when_full = WhenFull::kSlide,
                                   .keep_tokens = n_ctx / 4,
                                   .cache = CacheFormat::kF32};
        Writer device(model, slide), host(model, slide);
        for (const SamplerOptions& options : many_options()) {
            SCOPED_TRACE("n_ctx " + std::to_string(n_ctx) + ", seed " +
                         std::to_string(options.seed));
            device.forget_text();
            host.forget_text();
            device.feed(prompt_);
            host.feed(prompt_);
            while (device.written().size() < 70) {
                const auto left = static_cast<std::uint32_t>(70 - device.written().size());
                EXPECT_EQ(device.write(options, left), LoopEnd::kCount);
            }
            host.write_by_hand(options, 70);
            ASSERT_EQ(device.written(), host.written());
            EXPECT_EQ(device.session().slid(), host.session().slid());
            EXPECT_TRUE(same_bits(device.logits(), host.logits()));
        }
    }
}

// Catches: a last cell that is left free, or a token beyond it.
TEST_F(TokenLoopTest, EndsWithTheLastCell) {
    const auto model = open_golden("learned");  // a row beyond the table would be read
    for (const std::uint32_t n_ctx : {6u, 7u, 20u, 64u}) {
        Writer device(model, {.n_ctx = n_ctx}), host(model, {.n_ctx = n_ctx});
        device.feed(prompt_);
        host.feed(prompt_);
        host.write_by_hand(greedy(), n_ctx - 5);
        EXPECT_EQ(device.write(greedy(), 1000), LoopEnd::kCount);
        EXPECT_EQ(device.written(), host.written());
        EXPECT_EQ(device.session().position(), n_ctx - 1);
        EXPECT_TRUE(same_bits(device.logits(), host.logits()));
        EXPECT_EQ(device.session().position(), n_ctx);
        EXPECT_EQ(device.write(greedy(), 1000), LoopEnd::kCount);
        EXPECT_EQ(device.written().size(), n_ctx - 5) << "there is no cell for one more";
    }
}

// The first token is such a one, or a later one, after which the device has run ahead. The device
// stops at one token by itself, the host at any.
TEST_F(TokenLoopTest, TheStopTokenIsNotDelivered) {
    const auto model = open_golden("rove_half");
    const SamplerOptions options{.temperature = 3.0f, .seed = 5};
    Writer host(model, {});
    host.feed(prompt_);
    host.write_by_hand(options, 40);
    const Tokens& all = host.written();
    for (const std::size_t n : {0u, 1u, 2u, 13u, 39u}) {
        const auto at =
            static_cast<std::size_t>(std::find(all.begin(), all.end(), all[n]) - all.begin());
        for (const bool by_host : {false, true}) {
            SCOPED_TRACE(by_host ? "by the host" : "by the device");
            Writer device(model, {});
            device.feed(prompt_);
            LoopResult result;
            const Tokens more = {~1u, all[n]};
            ASSERT_OK(by_host ? device.write(options, 40, result, NO_TOKEN, {}, more)
                              : device.write(options, 40, result, all[n]));
            EXPECT_EQ(result.end, LoopEnd::kStopToken);
            EXPECT_EQ(device.written(), first(all, at));
            EXPECT_EQ(result.n_decoded, at);
            device.write(options, static_cast<std::uint32_t>(40 - at));  // and on, if one likes
            EXPECT_EQ(device.written(), all);
            EXPECT_TRUE(same_bits(device.logits(), host.logits()));
        }
    }
}

// Catches: tokens that the device ran ahead and that stay in the text or the cache.
TEST_F(TokenLoopTest, GoesOnAfterAnyTokenThatWasTheLastOneWanted) {
    const auto model = open_golden("rove_half");
    const SamplerOptions options{.temperature = 3.0f, .repetition_penalty = 1.4f, .seed = 5};
    Writer host(model, {});
    host.feed(prompt_);
    host.write_by_hand(options, 30);
    for (std::size_t k = 1; k <= 10; ++k) {
        Writer device(model, {});
        device.feed(prompt_);
        LoopResult result;
        std::size_t n = 0;
        ASSERT_OK(device.write(options, 30, result, NO_TOKEN, [&](auto) { return ++n < k; }));
        EXPECT_EQ(result.end, LoopEnd::kSink);
        EXPECT_EQ(device.session().position(), prompt_.size() + k - 1);
        EXPECT_EQ(device.written(), first(host.written(), k));
        EXPECT_GE(result.n_run, result.n_decoded);
        auto fork = device.session().fork();
        ASSERT_OK(fork);
        EXPECT_EQ(device.write(options, static_cast<std::uint32_t>(30 - k)), LoopEnd::kCount);
        EXPECT_EQ(device.written(), host.written()) << "after " << k;
        EXPECT_TRUE(same_bits(device.logits(), host.logits()));
        EXPECT_EQ(fork.value()->position(), prompt_.size() + k - 1);
    }
}

// Catches: logits that are told although the device has run ahead of them.
TEST_F(TokenLoopTest, LogitsAreThoseOfTheLastTokenOrNone) {
    const auto model = open_golden("rove_half");
    // No token takes so long that it is decoded alone.
    Writer device(model, {.submit_budget_ms = kMaxSubmitBudgetMs}), host(model, {});
    device.feed(prompt_);
    host.feed(prompt_);
    const Logits after_prompt = host.logits();
    LoopResult result;
    // Only sampled, nothing decoded: still there.
    ASSERT_OK(device.write(greedy(), 1, result));
    EXPECT_TRUE(device.session().has_logits());
    ASSERT_OK(device.session().fetch_logits());
    EXPECT_TRUE(same_bits(device.session().logits(), after_prompt));
    // A copy has them too, wherever they are.
    const auto not_read = EngineTest::session(model, SessionOptions{});
    ASSERT_OK(not_read->feed(prompt_, Readback::kLater));
    EXPECT_TRUE(not_read->logits().empty());
    auto fork = not_read->fork();
    ASSERT_OK(fork);
    ASSERT_OK(fork.value()->fetch_logits());
    EXPECT_TRUE(same_bits(fork.value()->logits(), after_prompt));
    // Decoded to the last token wanted.
    ASSERT_OK(device.write(greedy(), 9, result));
    host.write_by_hand(greedy(), 10);
    ASSERT_TRUE(device.session().has_logits());
    ASSERT_OK(device.session().fetch_logits());
    EXPECT_TRUE(same_bits(device.session().logits(), host.session().logits()));
    // Run ahead.
    std::size_t n = 0;
    ASSERT_OK(device.write(greedy(), 20, result, NO_TOKEN, [&](auto) { return ++n < 3; }));
    ASSERT_GT(result.n_run, result.n_decoded) << "the next submission was queued already";
    EXPECT_FALSE(device.session().has_logits());
    EXPECT_TRUE(device.session().logits().empty());
}

// Logits that only the host has: after a feed whose rows were all wanted.
TEST_F(TokenLoopTest, FollowsAFeedWhoseLogitsWereRead) {
    const auto model = open_golden("gqa");
    Writer host(model, {});
    host.feed(prompt_);
    host.write_by_hand(greedy(), 10);
    const auto session = EngineTest::session(model, SessionOptions{});
    ASSERT_OK(session->feed(prompt_, [](auto, auto, auto) { return Status(); }));
    Tokens written;
    LoopResult result;
    ASSERT_OK(session->write_on(
        {{.temperature = 0, .max_tokens = 10}, prompt_, false, 5},
        [&](std::uint32_t token) {
            written.push_back(token);
            return true;
        },
        result));
    EXPECT_EQ(written, host.written());
}

// A copy of a golden model with one row of positions that are no numbers.
std::string broken_at(std::uint32_t position, const std::string& path) {
    std::ifstream in(golden_path("learned"), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const auto model = ModelFile::open(golden_path("learned"));
    require(model.status());
    const std::size_t row = std::size_t{model->config.n_embd} * 4;
    const TensorView* rows = model->gguf.find_tensor("position_embd.weight");
    const std::string_view values(reinterpret_cast<const char*>(rows->bytes.data()),
                                  rows->bytes.size());
    const std::size_t at = bytes.find(values);
    bytes.replace(at + position * row, row, std::string(row, '\xff'));
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
}

// Catches: results after an error that are delivered, an error without its cause.
TEST_F(TokenLoopTest, BrokenLogitsEndTheLoop) {
    const std::string path = testing::TempDir() + "gyre_broken.gguf";
    const auto model = open(broken_at(17, path));
    std::remove(path.c_str());
    Writer device(model, {}), host(model, {});
    for (const SamplerOptions& options : many_options()) {
        device.forget_text();
        host.forget_text();
        device.feed(prompt_);
        host.feed(prompt_);
        host.write_by_hand(options, 13);  // tokens 5 to 17
        LoopResult result;
        ASSERT_OK(device.write(options, 40, result));
        EXPECT_EQ(result.end, LoopEnd::kBroken);
        EXPECT_EQ(result.status, SampleStatus::kErrorNan);
        EXPECT_EQ(device.written(), host.written());
        EXPECT_EQ(device.session().position(), 17u);
        EXPECT_TRUE(device.pending());
    }
}

// Catches: a wait a token, submissions without bound, dispatches that crept in.
TEST_F(TokenLoopTest, WaitsOnceForSeveralTokens) {
    const auto model = books();
    // Beyond any token's time, and below: then every token is several submissions.
    for (const double budget_ms : {kMaxSubmitBudgetMs, 0.1}) {
        const bool in_parts = budget_ms < 1.0;
        const std::uint32_t n = in_parts ? 20 : 200;
        Writer device(model, {.n_ctx = 256, .submit_budget_ms = budget_ms});
        device.feed(prompt_);
        const EngineCounters before = device.session().counters();
        LoopResult result;
        ASSERT_OK(device.write(greedy(), n, result));
        const EngineCounters after = device.session().counters();
        EXPECT_EQ(device.written().size(), n);
        const std::uint64_t decoded = after.decoded_tokens - before.decoded_tokens;
        const std::uint64_t submits = after.submits - before.submits;
        const std::uint64_t waits = after.host_waits - before.host_waits;
        const std::uint64_t dispatches = after.dispatches - before.dispatches;
        EXPECT_EQ(decoded, n - 1);
        EXPECT_EQ(result.n_run, n - 1);
        const ModelWeights& weights = model->weights();
        const std::uint64_t a_token = weights.token_embd.slices.size() +
                                      weights.output.slices.size() + decode_norms(*model) +
                                      5 * model->config().n_layer + 2;
        if (in_parts) {
            EXPECT_GE(submits, (n - 1) * 2 + 1);
            EXPECT_GE(dispatches, (n - 1) * a_token + 2);
        } else {
            EXPECT_LE(4 * waits, n);
            EXPECT_LE(submits, n);
            EXPECT_GE(16 * submits, n);
            EXPECT_EQ(dispatches, (n - 1) * a_token + 2);
            EXPECT_LE(after.barriers - before.barriers, (n - 1) * (a_token + 1) + 3);
        }
        EXPECT_GE(after.descriptor_binds - before.descriptor_binds, decoded);
        EXPECT_GT(result.seconds, 0.0);
        std::cout << "budget " << budget_ms << " ms: " << submits << " submissions, " << waits
                  << " waits, " << result.seconds / (n - 1) * 1e3 << " ms per token" << std::endl;
    }
}

TEST_F(TokenLoopTest, CountersBeginAtZero) {
    const auto session = EngineTest::session(open_golden("gqa"), SessionOptions{});
    EXPECT_EQ(session->counters().submits, 0u) << "the warm-up is not the caller's work";
    ASSERT_OK(session->decode(1));
    EXPECT_EQ(session->counters().decoded_tokens, 1u);
    EXPECT_EQ(session->counters().submits, 1u);
    EXPECT_EQ(session->counters().host_waits, 1u);
    session->reset();
    EXPECT_EQ(session->counters().dispatches, 0u);
}

// Catches: a prompt whose logits or slides depend on how long its parts took.
TEST_F(TokenLoopTest, PromptsDoNotDependOnTheClock) {
    const auto model = open_golden("rove_half");
    Tokens prompt;
    for (std::uint32_t i = 0; i < 150; ++i)
        prompt.push_back(i * 7 % 53);
    for (const bool slide : {false, true}) {
        SessionOptions options{.n_ctx = slide ? 90u : 160u, .cache = CacheFormat::kF32};
        if (slide) options.when_full = WhenFull::kSlide;
        options.chunk = slide ? 23 : 128;  // what is chosen where nothing is asked for
        const auto fixed = EngineTest::session(model, options);
        ASSERT_OK(fixed->feed(prompt));
        options.chunk = 0;
        ASSERT_EQ(EngineTest::session(model, options)->chunk(), fixed->chunk());
        for (const double budget_ms : {0.01, 1.0, 1000.0}) {
            options.submit_budget_ms = budget_ms;
            const auto session = EngineTest::session(model, options);
            ASSERT_OK(session->feed(prompt));
            EXPECT_TRUE(same_bits(session->logits(), fixed->logits())) << budget_ms;
            EXPECT_EQ(session->slid(), fixed->slid());
            EXPECT_GE(session->counters().submits, fixed->counters().submits);
        }
    }
}

TEST_F(TokenLoopTest, AChunkThatFitsTheBudgetIsOneSubmission) {
    const auto model = open_golden("rove_half");
    const SessionOptions options{.n_ctx = 60, .chunk = 30, .submit_budget_ms = 5000};
    const auto session = EngineTest::session(model, options);
    ASSERT_OK(session->feed(Tokens(60, 1)));
    EXPECT_EQ(session->counters().submits, 2u);
}

}  // namespace
}  // namespace gyre::test
