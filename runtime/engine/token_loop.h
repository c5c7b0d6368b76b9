// Tokens that follow each other on the device: each is chosen from the logits after the one before
// and decoded without the host, which reads the chosen ids later.
// SPDX-License-Identifier: Apache-2.0
//
// A token is two recordings: the decode of the token before, and the sampler, which advances
// StepState and the token id for the next one. The two are submitted together, several times per
// submission, and the next submission is queued before the results of the last are read. A token
// that takes longer than a submission may take is decoded by itself, in parts.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "runtime/base/status.h"
#include "runtime/engine/submission_pacer.h"
#include "runtime/engine/work_queue.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kernels/sample_options.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/descriptor_set.h"

namespace gyre {

enum class LoopEnd {
    kCount,      // as many tokens as were asked for
    kStopToken,  // one of sampling's stop tokens was chosen; it is not delivered
    kSink,       // the caller wants no more
    kBroken,     // the device could choose no token: LoopResult::status
};

struct LoopResult {
    LoopEnd end = LoopEnd::kCount;
    SampleStatus status = SampleStatus::kRunning;  // of kBroken
    std::uint32_t n_decoded = 0;  // tokens decoded for the results that were looked at
    std::uint32_t n_run = 0;      // tokens decoded; more than n_decoded if the device ran ahead
    double seconds = 0.0;         // that the device needed for them, as far as the host can see
};

class TokenLoop {
  public:
    // Of one submission; a device that is fast enough for more would gain nothing.
    static constexpr std::uint32_t kMaxTokensASubmit = 16;
    // While the device is always done before the host waits, so that the host cannot see how long a
    // token takes, it waits for so many tokens.
    static constexpr std::uint32_t kTokensToMeasure = 6;

    // logits: of n_logits tokens and any padding; batch: StepState, and the token ids
    // SAMPLE_TOKENS_OFFSET bytes after it, as the schedule has them. Compiles the kernels.
    static Result<TokenLoop> create(Device& device, KernelTable& kernels, const BufferRange& logits,
                                    const BufferRange& batch, std::uint32_t n_logits,
                                    std::uint32_t n_ctx);

    // Bytes of the buffers that create() makes.
    struct Bytes {
        std::uint64_t control = 0, scratch = 0;
        static Bytes of(std::uint32_t n_logits, std::uint32_t n_ctx);
    };
    std::uint64_t bytes() const { return control_.size() + scratch_.size(); }

    // What tokens are chosen by, and the tokens so far. Nothing may be under way.
    Status start(const SampleSettings& settings, std::span<const std::uint32_t> history,
                 std::uint64_t step);

    // Takes one token; false: no more. Not called while the device may still change its cell.
    using Deliver = std::function<Result<bool>(std::uint32_t index, std::uint32_t token)>;

    struct Run {
        CommandRecorder* decode = nullptr;  // of the token at StepState
        bool decode_first = false;          // else the logits of the first token are there
        std::uint32_t n_tokens = 0;
        // Where one token exceeds the budget of a submission: asked before each, and what decodes
        // it in several, `after` with the last; returns when all is done, the seconds it took.
        std::function<bool()> in_parts{};
        std::function<Result<double>(std::span<CommandRecorder* const> after)> decode_parts{};
    };
    // Tokens until one of LoopEnd. Nothing is under way afterwards, whatever the Status.
    Status run(WorkQueue& queue, SubmissionPacer& pacer, const Run& run, const Deliver& deliver,
               LoopResult& result);

    // All kernels of the sampler.
    void record(Dispatcher& recorder) const;

  private:
    TokenLoop(Buffer control, Buffer scratch, const SampleParams& params, SampleKernels kernels,
              DescriptorSet set, CommandRecorder greedy, CommandRecorder drawn)
        : control_(std::move(control)),
          scratch_(std::move(scratch)),
          params_(params),
          kernels_(kernels),
          set_(std::move(set)),
          greedy_(std::move(greedy)),
          drawn_(std::move(drawn)) {}

    Result<LoopEnd> look_at(std::uint32_t index, std::uint32_t token, const Deliver& deliver) const;
    Status record_once(CommandRecorder& recorder, bool greedy) const;
    Result<std::uint32_t> result(std::uint32_t index) const;
    Result<SampleStatus> status() const;

    Buffer control_, scratch_;
    SampleParams params_;
    SampleKernels kernels_;
    DescriptorSet set_;
    CommandRecorder greedy_, drawn_;
    bool is_greedy_ = false;
    std::uint32_t stop_token_ = NO_TOKEN;
    std::span<const std::uint32_t> more_stop_tokens_;
};

}  // namespace gyre
