// The sampling kernels on buffers of their own, beside the host's sampler that they must equal.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/sample_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace gyre::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

template <typename T>
T must(Result<T> result) {
    if (!result.ok()) throw std::runtime_error(result.status().message());
    return std::move(result).value();
}

using reference::Generator;

float one_logit(std::uint32_t kind, std::uint32_t id, std::uint32_t n, Generator& g) {
    switch (kind) {
        case 0:  // as a language model's
            return -35 + g.bell(2.5f) + (g.below(500) == 0 ? 8 : 0);
        case 1:  // exact ties
            return static_cast<float>(static_cast<int>(g.below(25)) - 12) / 4;
        case 2:  // all equal
            return -0.375f;
        case 3: {  // zeros, and numbers that count as zero
            const float zeros[] = {0.0f, -0.0f, FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MIN / 2, FLT_MIN};
            return g.below(40) == 0 ? g.uniform() : zeros[g.below(6)];
        }
        case 4: {  // huge
            const float huge[] = {FLT_MAX, -FLT_MAX, FLT_MAX / 2, 0.99f * FLT_MAX, 1e38f, -3e38f};
            return g.below(3) == 0 ? huge[g.below(6)] : g.bell(1e37f);
        }
        case 5:  // mostly excluded
            return id == n / 2 || g.below(10) == 0 ? g.bell(2) : -kInf;
        case 6:  // rising with the id, slowly
            return static_cast<float>(id) * 0.0007f;
        case 7:  // one far above all others
            return id == n / 3 ? 40.0f : g.bell(3);
        case 8:  // neighbouring floats
            return std::bit_cast<float>(std::bit_cast<std::uint32_t>(1.0f) + g.below(400));
        case 9:  // on both sides of zero, of every size
            return g.uniform() * std::ldexp(1.0f, -static_cast<int>(g.below(100)));
        default:  // falling with the id, over many bins
            return -0.05f * static_cast<float>(id % 900);
    }
}

std::uint64_t aligned_to(std::uint64_t n, std::uint64_t unit) {
    return (n + unit - 1) / unit * unit;
}
std::uint64_t aligned(std::uint64_t bytes) {
    return aligned_to(bytes, 256);
}

}  // namespace

std::string describe(const SamplerOptions& o) {
    std::ostringstream text;
    text << "temperature " << o.temperature << ", top_k " << o.top_k << ", top_p " << o.top_p
         << ", min_p " << o.min_p << ", penalty " << o.repetition_penalty << " over "
         << o.repetition_window << ", seed " << o.seed;
    return text.str();
}

std::vector<float> some_logits(std::uint32_t kind, std::uint32_t n, std::uint64_t seed) {
    Generator generator(seed * 131 + kind);
    std::vector<float> logits;
    for (std::uint32_t id = 0; id < n; ++id)
        logits.push_back(one_logit(kind, id, n, generator));
    return logits;
}

std::vector<std::uint32_t> host_tokens(const SamplerOptions& options, const LogitsOf& logits_of,
                                       std::vector<std::uint32_t> history, std::uint64_t step,
                                       std::uint32_t first_position, std::uint32_t n_tokens) {
    Sampler sampler = must(Sampler::create(options));
    sampler.set_step(step);
    std::vector<std::uint32_t> result;
    for (std::uint32_t i = 0; i < n_tokens; ++i) {
        const std::uint32_t before = history.empty() ? 0 : history.back();
        const auto token = sampler.sample(logits_of(before, first_position + i), history);
        result.push_back(token.ok() ? token.value() : NO_TOKEN);
        if (!token.ok()) break;
        history.push_back(token.value());
    }
    return result;
}

SampleBench::SampleBench(Device& device, const SampleKernels& kernels, std::uint32_t n_logits,
                         std::uint32_t n_ctx)
    : device_(&device),
      kernels_(kernels),
      layout_(SampleScratch::of(n_logits, n_ctx)),
      control_part_{256, sizeof(SampleControl)},
      step_part_{control_part_.offset + aligned(sizeof(SampleControl) + 64), sizeof(StepState)},
      tokens_part_{step_part_.offset + SAMPLE_TOKENS_OFFSET, kMaxBatch * 4},
      logits_part_{tokens_part_.offset + 256, aligned_to(n_logits + kPadding, 4) * 4},
      batch_part_{step_part_.offset, SAMPLE_TOKENS_OFFSET + tokens_part_.bytes},
      shared_(must(Buffer::create(device, aligned(logits_part_.offset + logits_part_.bytes + 64),
                                  Memory::kShared, "sampler test"))),
      scratch_(device, {}, layout_.words),
      buffers_{scratch_.range(), range(control_part_), range(logits_part_), range(batch_part_)},
      set_(must(make_sample_set(device, buffers_))) {
    auto* words = static_cast<std::uint32_t*>(shared_.mapped());
    std::fill_n(words, shared_.size() / 4, kCanary);
    const std::vector<float> nan(logits_part_.bytes / 4, std::numeric_limits<float>::quiet_NaN());
    std::memcpy(at(logits_part_), nan.data(), nan.size() * 4);
    for (const bool greedy : {false, true})
        recorders_.push_back(record(greedy));
}

void SampleBench::set_logits(std::span<const float> logits) {
    ASSERT_EQ(logits.size(), layout_.params.n_logits);
    std::memcpy(at(logits_part_), logits.data(), logits.size_bytes());
}

void SampleBench::set_history(std::span<const std::uint32_t> history) {
    control.loop.n_history = static_cast<std::uint32_t>(history.size());
    for (std::size_t i = 0; i < history.size(); ++i)
        control.history[i % SAMPLE_HISTORY] = history[i];
}

void SampleBench::set_step(std::uint64_t value) {
    control.loop.step_low = static_cast<std::uint32_t>(value);
    control.loop.step_high = static_cast<std::uint32_t>(value >> 32);
}

CommandRecorder SampleBench::record(bool greedy,
                                    const std::function<void(CommandRecorder&)>& before) {
    CommandRecorder recorder = must(CommandRecorder::create(*device_));
    SampleParams params = layout_.params;
    params.greedy = greedy ? 1 : 0;
    Status status = recorder.begin();
    if (before) before(recorder);
    record_sample(recorder, kernels_, set_, params);
    recorder.host_read_barrier();
    if (status.ok()) status = recorder.end();
    EXPECT_TRUE(status.ok()) << status.message();
    return recorder;
}

void SampleBench::run(CommandRecorder& recorder, std::uint32_t n_times) {
    upload();
    const std::vector<CommandRecorder*> all(n_times, &recorder);
    auto submission = device_->submit(all);
    ASSERT_TRUE(submission.ok()) << submission.status().message();
    const Status status = submission->wait();
    ASSERT_TRUE(status.ok()) << status.message();
    download();
    expect_canaries();
}

void SampleBench::run(bool greedy, std::uint32_t n_times) {
    run(recorders_[greedy ? 1 : 0], n_times);
}

void SampleBench::upload() {
    std::memcpy(at(control_part_), &control, sizeof(control));
    std::memcpy(at(step_part_), &step, sizeof(step));
    std::memcpy(at(tokens_part_), tokens.data(), tokens.size() * 4);
    const Status status = shared_.flush(0, shared_.size());
    ASSERT_TRUE(status.ok()) << status.message();
}

void SampleBench::download() {
    const Status status = shared_.invalidate(0, shared_.size());
    ASSERT_TRUE(status.ok()) << status.message();
    std::memcpy(&control, at(control_part_), sizeof(control));
    std::memcpy(&step, at(step_part_), sizeof(step));
    std::memcpy(tokens.data(), at(tokens_part_), tokens.size() * 4);
}

void SampleBench::expect_canaries() const {
    const auto* words = static_cast<const std::uint32_t*>(shared_.mapped());
    std::uint64_t byte = 0;
    for (const Part& part : {control_part_, step_part_, tokens_part_, logits_part_}) {
        for (; byte < part.offset; byte += 4)
            ASSERT_EQ(words[byte / 4], kCanary) << "byte " << byte << " of the shared buffer";
        byte = part.offset + part.bytes;
    }
    for (; byte < shared_.size(); byte += 4)
        ASSERT_EQ(words[byte / 4], kCanary) << "byte " << byte << " of the shared buffer";
}

std::vector<std::uint32_t> SampleBench::results() const {
    const std::uint32_t end = control.loop.n_results;
    std::vector<std::uint32_t> found;
    for (std::uint32_t i = end - std::min<std::uint32_t>(end, SAMPLE_RESULTS); i < end; ++i)
        found.push_back(control.results[i % SAMPLE_RESULTS]);
    return found;
}

}  // namespace gyre::test
