// Tokens that follow each other on the device alone: a recording is submitted many times, and the
// host looks at the results afterwards.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "tests/shaders/kernel_test.h"
#include "tests/shaders/sample_bench.h"

namespace gyre::test {
namespace {

constexpr std::uint32_t kVocab = 101;
constexpr std::uint32_t kBlockVecs = (kVocab + 3) / 4 * 32;  // of 32 rows of the table

// logits = table[token] + positions[position]: embed.comp with the vocabulary for channels, so each
// token depends on the one before and on StepState, as it does after a model.
struct TinyModel {
    std::uint32_t n_ctx;
    std::vector<float> table, positions;  // [kVocab][kVocab], [n_ctx][kVocab]

    explicit TinyModel(std::uint32_t n) : n_ctx(n) {
        reference::Generator generator(n);
        table = generator.bells(kVocab * kVocab, 2.0f);
        positions = generator.bells(std::size_t{n} * kVocab, 0.5f);
    }
    std::vector<float> logits(std::uint32_t token, std::uint32_t position) const {
        std::vector<float> sum(kVocab);
        for (std::uint32_t i = 0; i < kVocab; ++i)
            sum[i] = table[token * kVocab + i] + positions[position * kVocab + i];
        return sum;
    }
    // uvec4 W[row / 32][chunk][row % 32], shaders/interface/weight_formats.h
    std::vector<std::uint32_t> device_table() const {
        std::vector<std::uint32_t> words((kVocab + 31) / 32 * kBlockVecs * 4, 0);
        for (std::uint32_t row = 0; row < kVocab; ++row) {
            for (std::uint32_t i = 0; i < kVocab; ++i) {
                const std::uint32_t vec = row / 32 * kBlockVecs + i / 4 * 32 + row % 32;
                words[vec * 4 + i % 4] = as_word(table[row * kVocab + i]);
            }
        }
        return words;
    }
};

const SamplerOptions kOptions{
    .temperature = 1.2f, .top_k = 30, .top_p = 0.97f, .repetition_penalty = 1.3f, .seed = 11};

class SampleLoopTest : public KernelTest {
  protected:
    SampleKernels sample_kernels() {
        auto made = kernels().sample();
        if (!made.ok()) throw std::runtime_error(made.status().message());
        return made.value();
    }
};

// The loop of one generation, from a history whose last token is not decoded yet.
class Loop {
  public:
    Loop(Device& device, KernelTable& kernels, const SampleKernels& sample, const TinyModel& model,
         bool greedy = false)
        : bench_(device, sample, kVocab, model.n_ctx),
          table_(device, model.device_table(), (kVocab + 31) / 32 * kBlockVecs * 4),
          positions_(device, to_words(model.positions), model.positions.size()),
          embed_(value(kernels.get(EmbedVariant{WeightFormat::kF32}))),
          set_(value(DescriptorSet::create(device, embed_ranges(), "tiny model"))),
          decode_(
              bench_.record(greedy, [this](CommandRecorder& r) { record_embed_to_logits(r); })) {
        bench_.control.options = make_sample_options(settings_of(kOptions));
    }

    void start(std::span<const std::uint32_t> history, std::uint32_t position, std::uint64_t step) {
        bench_.set_history(history);
        bench_.set_step(step);
        bench_.tokens[0] = history.back();
        bench_.step = {position, 1, 0, 0};
    }
    void run(std::uint32_t n_times) { bench_.run(decode_, n_times); }
    SampleBench& bench() { return bench_; }

  private:
    template <typename T>
    static T value(Result<T> result) {
        if (!result.ok()) throw std::runtime_error(result.status().message());
        return std::move(result).value();
    }
    BindingRanges embed_ranges() const {
        BindingRanges ranges{};
        ranges[BINDING_STATE] = bench_.buffers().logits;
        ranges[BINDING_WEIGHTS] = table_;
        ranges[BINDING_PARAMS] = positions_;
        ranges[BINDING_CACHE] = bench_.tokens_range();
        ranges[BINDING_STEP] = bench_.step_range();
        return ranges;
    }
    void record_embed_to_logits(CommandRecorder& recorder) const {
        EmbedParams params{};
        params.row_stride = kVocab;
        params.n_embd = kVocab;
        params.n_tokens = 1;
        params.n_rows = kVocab;
        params.block_rows = 32;
        params.block_vecs = kBlockVecs;
        params.n_chunks = (kVocab + 3) / 4;
        record_embed(recorder, embed_, set_, params);
    }

    SampleBench bench_;
    TestBuffer table_, positions_;
    Kernel embed_;
    DescriptorSet set_;
    CommandRecorder decode_;
};

std::vector<std::uint32_t> expected_tokens(const TinyModel& model, const SamplerOptions& options,
                                           const std::vector<std::uint32_t>& history,
                                           std::uint32_t position, std::uint64_t step,
                                           std::uint32_t n) {
    return host_tokens(
        options, [&](std::uint32_t t, std::uint32_t p) { return model.logits(t, p); }, history,
        step, position, n);
}

std::vector<std::uint32_t> first_of(const std::vector<std::uint32_t>& tokens, std::size_t n) {
    return {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n)};
}

const std::vector<std::uint32_t> kHistory = {5, 99, 5, 17};

TEST_F(SampleLoopTest, HundredsOfTokensInAFewSubmissions) {
    const TinyModel model(420);
    for (const bool greedy : {false, true}) {
        SamplerOptions options = kOptions;
        if (greedy) options.temperature = 0;
        const auto expected = expected_tokens(model, options, kHistory, 3, 1000, 400);
        Loop loop(device(), kernels(), sample_kernels(), model, greedy);
        loop.start(kHistory, 3, 1000);
        std::vector<std::uint32_t> found;
        for (const std::uint32_t n : {1u, 2u, 200u, 61u, 136u}) {
            loop.bench().control.loop.n_results = 0;
            loop.run(n);
            ASSERT_EQ(loop.bench().control.loop.n_results, n);
            for (const std::uint32_t token : loop.bench().results())
                found.push_back(token);
        }
        EXPECT_EQ(found, expected);
        EXPECT_EQ(loop.bench().control.loop.step_low, 1400u);
        EXPECT_EQ(loop.bench().control.loop.n_history, 404u);
        EXPECT_EQ(loop.bench().step.first_position, 403u);
        EXPECT_EQ(loop.bench().step.halted, SAMPLE_RUNNING);
        EXPECT_EQ(loop.bench().tokens[0], expected.back());
    }
}

// After the end nothing changes any more, however many recordings still follow in the queue.
void expect_at_rest(Loop& loop) {
    const SampleControl control = loop.bench().control;
    const StepState step = loop.bench().step;
    const std::uint32_t token = loop.bench().tokens[0];
    loop.run(3);
    EXPECT_EQ(std::memcmp(&control, &loop.bench().control, sizeof(control)), 0);
    EXPECT_EQ(std::memcmp(&step, &loop.bench().step, sizeof(step)), 0);
    EXPECT_EQ(token, loop.bench().tokens[0]);
    EXPECT_NE(step.halted, SAMPLE_RUNNING);
    EXPECT_EQ(step.halted, control.loop.status);
}

TEST_F(SampleLoopTest, StopsAtTheStopToken) {
    const TinyModel model(200);
    const auto expected = expected_tokens(model, kOptions, kHistory, 0, 0, 80);
    const std::uint32_t stop = expected[37];
    const auto at = static_cast<std::uint32_t>(std::find(expected.begin(), expected.end(), stop) -
                                               expected.begin());
    Loop loop(device(), kernels(), sample_kernels(), model);
    loop.bench().control.options.stop_token = stop;
    loop.start(kHistory, 0, 0);
    loop.run(80);
    EXPECT_EQ(loop.bench().results(), first_of(expected, at + 1));
    EXPECT_EQ(loop.bench().control.loop.status, SAMPLE_STOP_TOKEN);
    // What still decodes uses the cell after, which is free.
    EXPECT_EQ(loop.bench().step.first_position, at + 1);
    EXPECT_EQ(loop.bench().tokens[0], stop);
    expect_at_rest(loop);
}

TEST_F(SampleLoopTest, StopsAtTheCount) {
    const TinyModel model(200);
    const auto expected = expected_tokens(model, kOptions, kHistory, 0, 0, 30);
    for (const std::uint32_t count : {1u, 29u}) {
        Loop loop(device(), kernels(), sample_kernels(), model);
        loop.bench().control.options.max_tokens = count;
        loop.start(kHistory, 0, 0);
        loop.run(30);
        EXPECT_EQ(loop.bench().results(), first_of(expected, count));
        EXPECT_EQ(loop.bench().control.loop.status, SAMPLE_STOP_COUNT);
        expect_at_rest(loop);
    }
}

TEST_F(SampleLoopTest, StopsAtTheEndOfTheContext) {
    const TinyModel model(20);
    const auto expected = expected_tokens(model, kOptions, kHistory, 0, 0, 20);
    Loop loop(device(), kernels(), sample_kernels(), model);
    loop.start(kHistory, 0, 0);
    loop.run(27);
    EXPECT_EQ(loop.bench().results(), expected);  // the last one has no cell, and is still good
    EXPECT_EQ(loop.bench().control.loop.status, SAMPLE_STOP_CONTEXT);
    // The last token is decoded again, in its own cell.
    EXPECT_EQ(loop.bench().step.first_position, 19u);
    EXPECT_EQ(loop.bench().tokens[0], expected[18]);
    expect_at_rest(loop);
}

TEST_F(SampleLoopTest, StopsAtABrokenLogit) {
    TinyModel model(60);
    model.positions[11 * kVocab + 70] = std::numeric_limits<float>::quiet_NaN();
    auto expected = expected_tokens(model, kOptions, kHistory, 0, 0, 60);
    ASSERT_EQ(expected.size(), 12u);
    Loop loop(device(), kernels(), sample_kernels(), model);
    loop.start(kHistory, 0, 0);
    loop.run(40);
    EXPECT_EQ(loop.bench().results(), expected);
    EXPECT_EQ(loop.bench().control.loop.status, SAMPLE_ERROR_NAN);
    EXPECT_EQ(loop.bench().control.loop.detail, 70u);
    EXPECT_EQ(loop.bench().control.loop.step_low, 11u);
    EXPECT_EQ(loop.bench().step.first_position, 11u);
    EXPECT_EQ(loop.bench().tokens[0], expected[10]);
    expect_at_rest(loop);
}

// Without a model: logits that stay, so that what differs comes from the step and the history.
class SampleRingTest : public SampleLoopTest {
  protected:
    static constexpr std::uint32_t kSize = 3000;
    std::vector<float> logits_ = some_logits(9, kSize, 4);

    std::vector<std::uint32_t> expected(const SamplerOptions& options,
                                        const std::vector<std::uint32_t>& history,
                                        std::uint64_t step, std::uint32_t n) const {
        return host_tokens(
            options, [this](auto...) { return logits_; }, history, step, 0, n);
    }
};

TEST_F(SampleRingTest, HistoryAndResultsGoAround) {
    SamplerOptions options = kOptions;
    options.repetition_window = SAMPLE_HISTORY;
    options.repetition_penalty = 1.01f;
    std::vector<std::uint32_t> history;
    for (std::uint32_t i = 0; i < 1500; ++i)
        history.push_back(i * 7 % kSize);
    const auto all = expected(options, history, 3, 300);
    SampleBench bench(device(), sample_kernels(), kSize, 1000);
    bench.set_logits(logits_);
    bench.control.options = make_sample_options(settings_of(options));
    bench.set_history(history);
    bench.set_step(3);
    bench.run(false, 300);
    EXPECT_EQ(bench.control.loop.n_results, 300u);
    EXPECT_EQ(bench.results(), std::vector<std::uint32_t>(all.end() - SAMPLE_RESULTS, all.end()));
}

TEST_F(SampleRingTest, StepsHave64Bits) {
    SampleBench bench(device(), sample_kernels(), kSize, 1000);
    bench.set_logits(logits_);
    bench.control.options = make_sample_options({.seed = 0x123456789abcdef0u});
    bench.set_step(0xfffffffeu);
    bench.run(false, 5);
    EXPECT_EQ(bench.results(), expected({.seed = 0x123456789abcdef0u}, {}, 0xfffffffeu, 5));
    EXPECT_EQ(bench.control.loop.step_low, 3u);
    EXPECT_EQ(bench.control.loop.step_high, 1u);
}

// A prompt's last logits: the batch has several tokens, the next one has one.
TEST_F(SampleRingTest, FollowsABatchOfSeveralTokens) {
    const std::uint32_t token = expected({}, {}, 0, 1)[0];
    for (const std::uint32_t n_ctx : {13u, 12u}) {
        SampleBench bench(device(), sample_kernels(), kSize, n_ctx);
        bench.set_logits(logits_);
        bench.control.options = make_sample_options({});
        bench.tokens = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25};
        auto tokens = bench.tokens;
        bench.step = {5, 7, 0, 0};
        bench.run(false, 1);
        const bool full = n_ctx == 12;
        tokens[0] = full ? 16 : token;
        EXPECT_EQ(bench.results(), std::vector<std::uint32_t>{token});
        EXPECT_EQ(bench.tokens, tokens);
        EXPECT_EQ(bench.step.first_position, full ? 11u : 12u);
        EXPECT_EQ(bench.step.n_tokens, 1u);
        EXPECT_EQ(bench.step.halted, full ? SAMPLE_STOP_CONTEXT : SAMPLE_RUNNING);
    }
}

TEST_F(SampleRingTest, CountsItsDispatches) {
    SampleBench bench(device(), sample_kernels(), kSize, 10);
    EXPECT_EQ(bench.record(false).dispatch_count(), 3u);
    EXPECT_EQ(bench.record(true).dispatch_count(), 2u);
}

}  // namespace
}  // namespace gyre::test
