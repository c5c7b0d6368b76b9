// Cuts work into submissions by time: each takes a budget, and two are under way.
// SPDX-License-Identifier: Apache-2.0
//
// A chunk of a prompt (or a token, on a very slow device) is dispatched into a SubmissionSplitter
// as into one recorder. What a submission holds of it is a part. Where the next dispatch would
// exceed the budget, what was recorded is submitted; a dispatch that alone exceeds it is cut by
// workgroups. Cuts change no bit: no workgroup knows which others its dispatch has. Every part
// begins with a barrier after all that was submitted before.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <span>

#include "runtime/base/status.h"
#include "runtime/engine/work_queue.h"
#include "runtime/engine/work_rates.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/dispatcher.h"

namespace gyre {

class SubmissionSplitter final : public Dispatcher {
  public:
    // Asked before every submission but the last; an error ends the work.
    using Interrupted = std::function<Status()>;

    // recorders: of the parts, alternating; nothing that was recorded there may be under way.
    SubmissionSplitter(WorkQueue& queue, WorkRates& rates, std::span<CommandRecorder, 2> recorders,
                       double budget_seconds, Interrupted interrupted);
    SubmissionSplitter(const SubmissionSplitter&) = delete;
    SubmissionSplitter& operator=(const SubmissionSplitter&) = delete;
    ~SubmissionSplitter();  // waits for what is under way

    // kind: a WorkKind.
    void next_costs(std::uint32_t kind, double amount) override;
    // After an error nothing more is recorded: finish() tells.
    using Dispatcher::dispatch;
    void dispatch(const Pipeline& pipeline, const DescriptorSet& set, const void* push,
                  std::uint32_t push_bytes, Groups groups,
                  std::span<const Access> accesses) override;

    // Submits the last part, and with it what was recorded before and comes after; waits for all.
    // What the parts wrote is visible to the host then.
    Status finish(std::span<CommandRecorder* const> after = {});

    // That the device was busy, from the first submission to the last wait.
    double seconds() const { return seconds_; }

  private:
    using Clock = std::chrono::steady_clock;
    struct UnderWay {
        Submission submission;
        Work work;
        Clock::time_point submitted;
    };

    CommandRecorder& recorder() { return recorders_[next_]; }
    double planned() const { return rates_.seconds(work_); }
    std::uint32_t groups_that_fit(std::uint32_t n_groups) const;
    Status open();
    Status submit(std::span<CommandRecorder* const> after);
    Status retire();
    Status cut();
    void stop(const Status& status);

    WorkQueue& queue_;
    WorkRates& rates_;
    std::span<CommandRecorder, 2> recorders_;
    double budget_;
    Interrupted interrupted_;
    Status status_;
    std::size_t next_ = 0;  // of recorders_: of the part that is being recorded
    bool open_ = false;     // it has begun
    Work work_;             // in it
    WorkKind kind_ = WorkKind::kPromptProduct;
    double amount_ = 0.0;  // of the next dispatch, or of what is left of it
    std::deque<UnderWay> under_way_;
    Clock::time_point first_submitted_{}, last_done_{};
    double seconds_ = 0.0;
};

}  // namespace gyre
