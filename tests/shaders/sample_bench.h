// The sampling kernels on buffers of their own, beside the host's sampler that they must equal.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/kernels/kernels.h"
#include "runtime/kernels/sample_options.h"
#include "runtime/text/sampler.h"
#include "runtime/vk/buffer.h"
#include "runtime/vk/device.h"
#include "tests/reference/generator.h"
#include "tests/support/sampler_settings.h"
#include "tests/support/test_buffer.h"

namespace gyre::test {

// Options, as text for a failure.
std::string describe(const SamplerOptions& options);

// Kinds of logits that samplers get wrong; some_logits(kind, n) is the same vector every time.
inline constexpr std::uint32_t kLogitKinds = 11;
std::vector<float> some_logits(std::uint32_t kind, std::uint32_t n, std::uint64_t seed);

// What the host does: tokens follow each other, each from logits_of(token before, position of that
// token). `history`, the last of which is the token before the first, grows. Ends with NO_TOKEN
// where the sampler refuses.
using LogitsOf = std::function<std::vector<float>(std::uint32_t token, std::uint32_t position)>;
std::vector<std::uint32_t> host_tokens(const SamplerOptions& options, const LogitsOf& logits_of,
                                       std::vector<std::uint32_t> history, std::uint64_t step,
                                       std::uint32_t first_position, std::uint32_t n_tokens);

// Everything that the host writes lies in one mapped buffer, with canaries between the parts.
class SampleBench {
  public:
    static constexpr std::uint32_t kPadding = 37;   // logits after the last token: NaN
    static constexpr std::uint32_t kMaxBatch = 16;  // token ids

    SampleBench(Device& device, const SampleKernels& kernels, std::uint32_t n_logits,
                std::uint32_t n_ctx);

    SampleControl control{};
    StepState step{0, 1, 0, 0};
    std::vector<std::uint32_t> tokens = std::vector<std::uint32_t>(kMaxBatch, 0);

    void set_logits(std::span<const float> logits);
    void set_history(std::span<const std::uint32_t> history);
    void set_step(std::uint64_t step);

    // Records what `before` records, then the sampler.
    CommandRecorder record(bool greedy, const std::function<void(CommandRecorder&)>& before = {});

    // Uploads control, step and tokens, submits the recording n times at once, downloads. Fails the
    // test on any error and on any word beside the buffers that changed.
    void run(CommandRecorder& recorder, std::uint32_t n_times);
    void run(bool greedy, std::uint32_t n_times);

    // The results of this control block, oldest first; at most SAMPLE_RESULTS.
    std::vector<std::uint32_t> results() const;
    std::vector<std::uint32_t> scratch() const { return scratch_.words(); }

    const SampleParams& params() const { return layout_.params; }
    const SampleBuffers& buffers() const { return buffers_; }
    BufferRange step_range() const { return range(step_part_); }
    BufferRange tokens_range() const { return range(tokens_part_); }

  private:
    struct Part {
        std::uint64_t offset = 0, bytes = 0;
    };
    std::byte* at(const Part& part) const {
        return static_cast<std::byte*>(shared_.mapped()) + part.offset;
    }
    BufferRange range(const Part& part) const { return shared_.range(part.offset, part.bytes); }
    void upload();
    void download();
    void expect_canaries() const;

    Device* device_;
    SampleKernels kernels_;
    SampleScratch layout_;
    Part control_part_, step_part_, tokens_part_, logits_part_, batch_part_;
    Buffer shared_;
    TestBuffer scratch_;
    SampleBuffers buffers_;
    DescriptorSet set_;
    std::vector<CommandRecorder> recorders_;  // sampled, greedy
};

}  // namespace gyre::test
