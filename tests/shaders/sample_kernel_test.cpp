// The sampling kernels against the host's sampler, token for token.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <limits>
#include <numeric>

#include "runtime/text/sampler_math.h"
#include "tests/shaders/kernel_test.h"
#include "tests/shaders/sample_bench.h"

namespace gyre::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::uint32_t kGpt2Vocab = 50257;
constexpr std::uint32_t kDraws = 3;  // of every case, in one submission

const float kTemperatures[] = {0, 1e-30f, 0.1f, 0.8f, 1, 30, 1e30f};
const float kTopPs[] = {1, 0.95f, 0.5f, 1e-6f};
const float kMinPs[] = {0, 0.05f, 1};
const float kPenalties[] = {1, 1.3f, 0.5f};

class SampleKernelTest : public KernelTest {
  protected:
    SampleKernels sample_kernels() {
        auto made = kernels().sample();
        if (!made.ok()) throw std::runtime_error(made.status().message());
        return made.value();
    }

    // Draws from the logits that the bench holds, on both sides.
    void expect_equal(SampleBench& bench, const SamplerOptions& options,
                      const std::vector<float>& logits, const std::vector<std::uint32_t>& history,
                      std::uint64_t step) {
        const auto expected = host_tokens(
            options, [&](auto...) { return logits; }, history, step, 0, kDraws);
        bench.control = {};
        bench.control.options = make_sample_options(settings_of(options));
        bench.set_history(history);
        bench.set_step(step);
        bench.step = {0, 1, 0, 0};
        bench.run(options.temperature == 0.0f, kDraws);
        ASSERT_EQ(bench.results(), expected) << describe(options) << ", step " << step;
        ASSERT_EQ(bench.control.loop.status, SAMPLE_RUNNING);
    }
};

// Ids of the vocabulary with repeats, 0 to 99 of them.
std::vector<std::uint32_t> some_history(std::uint32_t n_vocab, reference::Generator& generator) {
    std::vector<std::uint32_t> history(generator.below(100));
    for (std::uint32_t& token : history)
        token = generator.below(std::min(n_vocab, 60u)) * (n_vocab / std::min(n_vocab, 60u));
    return history;
}

class SampleGridTest : public SampleKernelTest,
                       public testing::WithParamInterface<std::uint32_t> {};

TEST_P(SampleGridTest, EveryCombinationOfOptions) {
    const std::uint32_t n = GetParam();
    SampleBench bench(device(), sample_kernels(), n, 1000);
    reference::Generator generator(n);
    std::uint32_t kind = 0;
    for (const float temperature : kTemperatures) {
        for (const std::uint32_t top_k : {0u, 1u, 2u, 40u, n}) {
            const auto logits = some_logits(kind % kLogitKinds, n, kind);
            ++kind;
            bench.set_logits(logits);
            for (const float top_p : kTopPs) {
                for (const float min_p : kMinPs) {
                    for (const float penalty : kPenalties) {
                        const SamplerOptions options{.temperature = temperature,
                                                     .top_k = top_k,
                                                     .top_p = top_p,
                                                     .min_p = min_p,
                                                     .repetition_penalty = penalty,
                                                     .seed = generator.bits()};
                        expect_equal(bench, options, logits, some_history(n, generator),
                                     generator.below(1000));
                        if (HasFailure()) FAIL() << "logits of kind " << (kind - 1) % kLogitKinds;
                    }
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Vocabulary, SampleGridTest, testing::Values(1u, 2u, 101u, 1025u));

// Random options on every kind of logits, at the size of GPT-2's vocabulary.
class SampleVocabularyTest : public SampleKernelTest,
                             public testing::WithParamInterface<std::uint32_t> {};

TEST_P(SampleVocabularyTest, RandomOptions) {
    constexpr std::uint32_t kCases = 32;
    SampleBench bench(device(), sample_kernels(), kGpt2Vocab, 1000);
    reference::Generator generator(GetParam() + 77);
    const auto any = [&](const auto& of) {
        return of[generator.below(static_cast<std::uint32_t>(std::size(of)))];
    };
    const std::uint32_t top_ks[] = {0, 0, 1, 2, 40, 300, 5000, kGpt2Vocab};
    const auto logits = some_logits(GetParam(), kGpt2Vocab, GetParam());
    bench.set_logits(logits);
    for (std::uint32_t i = 0; i < kCases; ++i) {
        const SamplerOptions options{.temperature = any(kTemperatures),
                                     .top_k = any(top_ks),
                                     .top_p = any(kTopPs),
                                     .min_p = any(kMinPs),
                                     .repetition_penalty = any(kPenalties),
                                     .repetition_window = generator.below(200),
                                     .seed = generator.bits()};
        expect_equal(bench, options, logits, some_history(kGpt2Vocab, generator), generator.bits());
        if (HasFailure()) FAIL() << "case " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(LogitKinds, SampleVocabularyTest, testing::Range(0u, kLogitKinds));

// All options off, and one at a time, at the size of GPT-2's vocabulary: the usual settings.
TEST_F(SampleKernelTest, UsualSettings) {
    SampleBench bench(device(), sample_kernels(), kGpt2Vocab, 1000);
    const SamplerOptions cases[] = {
        {},
        {.temperature = 0},
        {.temperature = 0.8f, .top_k = 40},
        {.temperature = 0.8f, .top_p = 0.95f},
        {.temperature = 1.5f, .min_p = 0.05f},
        {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .repetition_penalty = 1.1f},
        {.temperature = 1e30f},
        {.temperature = 1e30f, .top_k = 40000, .top_p = 0.5f},
    };
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
        const auto logits = some_logits(0, kGpt2Vocab, seed);
        bench.set_logits(logits);
        for (SamplerOptions options : cases) {
            options.seed = seed << 40 | seed;
            expect_equal(bench, options, logits, {1, 7, 7, 50256}, seed);
        }
    }
}

// Not only the tokens drawn: every key and the sum of all weights, which no draw would show.
TEST_F(SampleKernelTest, KeysAndWeightsAreTheHosts) {
    SampleBench bench(device(), sample_kernels(), kGpt2Vocab, 1000);
    for (std::uint32_t kind = 0; kind < kLogitKinds; ++kind) {
        auto logits = some_logits(kind, kGpt2Vocab, 5);
        bench.set_logits(logits);
        for (const float temperature : {0.7f, 1.0f, 30.0f}) {
            bench.control = {};
            // Tokens at the edge of a block are penalised too.
            const std::vector<std::uint32_t> history = {3, 50256, SAMPLE_BLOCK - 1, SAMPLE_BLOCK,
                                                        3};
            bench.control.options =
                make_sample_options({.temperature = temperature, .repetition_penalty = 1.7f});
            bench.set_history(history);
            bench.step = {0, 1, 0, 0};
            bench.run(false, 1);
            const auto scratch = bench.scratch();

            auto sampler =
                Sampler::create({.temperature = temperature, .repetition_penalty = 1.7f});
            const auto kept = sampler->candidates(logits, history);
            ASSERT_OK(kept);
            std::uint64_t sum = 0;
            for (const Candidate& c : kept.value())
                sum += c.weight;
            const std::uint32_t total = bench.params().histogram + SAMPLE_SLOT_TOTAL;
            EXPECT_EQ(scratch[total], kept->size()) << "kind " << kind << ", " << temperature;
            EXPECT_EQ(scratch[total + SAMPLE_SLOTS] |
                          std::uint64_t{scratch[total + 2 * SAMPLE_SLOTS]} << 32,
                      sum)
                << "kind " << kind << ", " << temperature;
            std::vector<std::uint32_t> best(bench.params().marks - bench.params().subsets,
                                            KEY_EXCLUDED);
            for (std::uint32_t id = 0; id < kGpt2Vocab; ++id) {
                float logit = canonical_logit(logits[id]);
                if (std::find(history.begin(), history.end(), id) != history.end())
                    logit = penalized_logit(logit, 1.7f, 1.0f / 1.7f);
                const auto key = static_cast<std::uint32_t>(order_key(logit, id) >> 32);
                const std::uint32_t in_block = id % SAMPLE_BLOCK / 4 % SAMPLE_SUBSETS;
                std::uint32_t& lowest = best[id / SAMPLE_BLOCK * SAMPLE_SUBSETS + in_block];
                lowest = std::min(lowest, key);
            }
            for (std::size_t s = 0; s < best.size(); ++s)
                ASSERT_EQ(scratch[bench.params().subsets + s], best[s]) << kind << ", subset " << s;
        }
    }
}

// Exponents all over the range of weights: few logits, so that each weight counts in the draw.
TEST_F(SampleKernelTest, WeightsOfEverySize) {
    constexpr std::uint32_t kSize = 64;
    SampleBench bench(device(), sample_kernels(), kSize, 1000);
    reference::Generator generator(9);
    for (std::uint32_t i = 0; i < 300; ++i) {
        std::vector<float> logits(kSize);
        for (float& logit : logits)
            logit = -11 * (1 + generator.uniform()) * (1 + generator.uniform());
        bench.set_logits(logits);
        expect_equal(bench, {.seed = i}, logits, {}, i);
        const auto scratch = bench.scratch();
        std::uint64_t sum = 0;
        const float largest = logits[argmax(logits)];
        for (const float logit : logits)
            sum += token_weight(logit, largest, 1.0f);
        const std::uint32_t total = bench.params().histogram + SAMPLE_SLOT_TOTAL;
        ASSERT_EQ(
            scratch[total + SAMPLE_SLOTS] | std::uint64_t{scratch[total + 2 * SAMPLE_SLOTS]} << 32,
            sum);
    }
}

// Sums of weights are integers, and so the fraction top_p of the total is rounded up: here by less
// than one, where a sum rounded down would already be reached by the first token.
TEST_F(SampleKernelTest, TopPIsRoundedUp) {
    SampleBench bench(device(), sample_kernels(), 2, 1000);
    std::uint32_t n_found = 0;
    for (std::uint32_t i = 1; i < 4000; ++i) {
        const std::vector<float> logits = {0.0f, -0.0005f * static_cast<float>(i)};
        const Candidate both[] = {{0, kMaxWeight}, {1, token_weight(logits[1], 0.0f, 1.0f)}};
        const std::uint64_t total = std::uint64_t{kMaxWeight} + both[1].weight;
        const auto units = static_cast<std::uint64_t>(std::uint64_t{both[1].weight} << 24) / total;
        const float top_p = 1.0f - static_cast<float>(units) * 0x1p-24f;  // first's part, or more
        if (keep_top_p(both, top_p) != 2) continue;
        if (top_p_threshold(top_p, total) != std::uint64_t{kMaxWeight} + 1) continue;
        ++n_found;
        bench.set_logits(logits);
        for (std::uint64_t seed = 0; seed < 4; ++seed)
            expect_equal(bench, {.top_p = top_p, .seed = seed}, logits, {}, 0);
    }
    EXPECT_GT(n_found, 5u);
}

// The point of a draw at the first unit of a token's weight, which is rare: the step was looked
// for.
TEST_F(SampleKernelTest, ADrawAtATokensEdgeIsThatToken) {
    constexpr std::uint64_t kStep =
        62087035;  // random_bits(0, kStep) / 2^64 of 3 * 2^31 is 2 * 2^31
    const std::vector<float> logits(3, 1.0f);
    SampleBench bench(device(), sample_kernels(), 3, 1000);
    bench.set_logits(logits);
    expect_equal(bench, {.seed = 0}, logits, {}, kStep);
    EXPECT_EQ(bench.results()[0], 2u);
}

struct ErrorCase {
    const char* name;
    std::vector<std::pair<std::uint32_t, float>> logits;  // changed ones
    std::vector<std::uint32_t> history;
    std::uint32_t status, detail;
};

TEST_F(SampleKernelTest, ErrorsAreReportedAndHaltTheLoop) {
    constexpr std::uint32_t kSize = 3000;
    const ErrorCase cases[] = {
        {"NaN", {{2500, kNan}}, {}, SAMPLE_ERROR_NAN, 2500},
        {"negative NaN", {{0, -kNan}}, {}, SAMPLE_ERROR_NAN, 0},
        {"infinite", {{2999, kInf}}, {}, SAMPLE_ERROR_INFINITE, 2999},
        {"the first of several",
         {{1999, kNan}, {1030, kInf}, {1031, kNan}},
         {},
         SAMPLE_ERROR_INFINITE,
         1030},
        {"history", {}, {1, 3000, 2}, SAMPLE_ERROR_HISTORY, 0},
        {"history far out", {}, {NO_TOKEN}, SAMPLE_ERROR_HISTORY, 0},
        {"logits before history", {{7, kNan}}, {3000}, SAMPLE_ERROR_NAN, 7},
    };
    for (const float temperature : {0.0f, 1.0f}) {
        for (const ErrorCase& c : cases) {
            SCOPED_TRACE(c.name);
            SampleBench bench(device(), sample_kernels(), kSize, 10);
            auto logits = some_logits(0, kSize, 3);
            for (const auto& [id, value] : c.logits)
                logits[id] = value;
            bench.set_logits(logits);
            const SamplerOptions options{.temperature = temperature, .repetition_penalty = 2};
            bench.control.options = make_sample_options(settings_of(options));
            bench.set_history(c.history);
            bench.set_step(41);
            bench.tokens[0] = 77;
            bench.step = {4, 1, 0, 0};
            bench.run(temperature == 0.0f, 5);
            EXPECT_FALSE(Sampler::create(options)->sample(logits, c.history).ok());
            EXPECT_EQ(bench.results(), std::vector<std::uint32_t>{NO_TOKEN});
            EXPECT_EQ(bench.control.loop.status, c.status);
            EXPECT_EQ(bench.control.loop.detail, c.detail);
            EXPECT_EQ(bench.control.loop.n_history, c.history.size());
            EXPECT_EQ(bench.control.loop.step_low, 41u);
            // The same token in the same cell: what follows in the queue writes nothing new.
            EXPECT_EQ(bench.step.halted, c.status);
            EXPECT_EQ(bench.step.first_position, 4u);
            EXPECT_EQ(bench.step.n_tokens, 1u);
            EXPECT_EQ(bench.tokens[0], 77u);
        }
    }
}

TEST_F(SampleKernelTest, AllExcludedIsAnError) {
    for (const std::uint32_t n : {1u, 1024u, 3000u}) {
        SampleBench bench(device(), sample_kernels(), n, 10);
        bench.set_logits(std::vector<float>(n, -kInf));
        for (const bool greedy : {false, true}) {
            bench.control = {};
            bench.control.options = make_sample_options({});
            bench.step = {0, 1, 0, 0};
            bench.run(greedy, 2);
            EXPECT_EQ(bench.results(), std::vector<std::uint32_t>{NO_TOKEN});
            EXPECT_EQ(bench.control.loop.status, SAMPLE_ERROR_EXCLUDED);
        }
    }
}

// A token out of the vocabulary is harmless where nobody asks for it, as on the host.
TEST_F(SampleKernelTest, HistoryIsReadInTheWindowOnly) {
    SampleBench bench(device(), sample_kernels(), 101, 1000);
    const auto logits = some_logits(0, 101, 1);
    bench.set_logits(logits);
    expect_equal(bench, {.seed = 1}, logits, {500, 1}, 0);
    expect_equal(bench, {.repetition_penalty = 2, .repetition_window = 0}, logits, {500, 1}, 0);
    expect_equal(bench, {.repetition_penalty = 2, .repetition_window = 1}, logits, {500, 1}, 0);
    expect_equal(bench, {.repetition_penalty = 2, .repetition_window = 3}, logits, {9, 1, 9}, 0);
}

}  // namespace
}  // namespace gyre::test
