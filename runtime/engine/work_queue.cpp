// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/work_queue.h"

namespace gyre {

Result<Submission> WorkQueue::submit(std::span<CommandRecorder* const> recorders) {
    auto submission = device_->submit(recorders);
    if (!submission.ok()) return submission;
    ++counters_.submits;
    for (const CommandRecorder* recorder : recorders) {
        counters_.dispatches += recorder->dispatch_count();
        counters_.barriers += recorder->barrier_count();
        counters_.descriptor_binds += recorder->descriptor_bind_count();
    }
    return submission;
}

Status WorkQueue::wait(Submission& submission) {
    ++counters_.host_waits;
    return submission.wait();
}

Status WorkQueue::run(std::span<CommandRecorder* const> recorders) {
    GYRE_ASSIGN(Submission submission, submit(recorders));
    return wait(submission);
}

Status WorkQueue::run(CommandRecorder& recorder) {
    CommandRecorder* const one[] = {&recorder};
    return run(one);
}

}  // namespace gyre
