// The first run of every kernel, before anybody waits for a token.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/work_queue.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/dispatcher.h"

namespace gyre {

// Which kernels are dispatched, and nothing else.
class KernelList final : public Dispatcher {
  public:
    using Dispatcher::dispatch;
    void dispatch(const Pipeline& pipeline, const DescriptorSet& set, const void* push,
                  std::uint32_t push_bytes, Groups groups,
                  std::span<const Access> accesses) override;

    bool add(const Pipeline& pipeline);  // false: it is there
    std::size_t size() const { return kernels_.size(); }

  private:
    std::vector<const Pipeline*> kernels_;
};

// Submits the first dispatch of every kernel, one workgroup of it, in a submission of its own:
// drivers that compile at the first dispatch do it now. What it computes is not used.
class WarmUp final : public Dispatcher {
  public:
    using Done = std::function<Status(std::size_t n_kernels)>;

    // recorder: with RecorderOptions::warm_up. done: called after every kernel; an error ends it.
    WarmUp(WorkQueue& queue, CommandRecorder& recorder, Done done)
        : queue_(queue), recorder_(recorder), done_(std::move(done)) {}

    using Dispatcher::dispatch;
    void dispatch(const Pipeline& pipeline, const DescriptorSet& set, const void* push,
                  std::uint32_t push_bytes, Groups groups,
                  std::span<const Access> accesses) override;

    const Status& status() const { return status_; }

  private:
    WorkQueue& queue_;
    CommandRecorder& recorder_;
    Done done_;
    KernelList warm_;
    Status status_;
};

}  // namespace gyre
