// Submits one session's work to the device, and counts it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "runtime/base/status.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/device.h"

namespace gyre {

// What a session has asked of the device. Uploads through staging buffers are not counted.
struct EngineCounters {
    std::uint64_t dispatches = 0;
    std::uint64_t barriers = 0;
    std::uint64_t descriptor_binds = 0;
    std::uint64_t submits = 0;
    std::uint64_t host_waits = 0;      // times that the host stopped for the device
    std::uint64_t decoded_tokens = 0;  // by the kernels of generation, those run ahead included
};

// Used by one thread at a time; the Device takes work of several.
class WorkQueue {
  public:
    explicit WorkQueue(Device& device) : device_(&device) {}

    // As Device::submit.
    Result<Submission> submit(std::span<CommandRecorder* const> recorders);
    Status wait(Submission& submission);
    // submit and wait.
    Status run(std::span<CommandRecorder* const> recorders);
    Status run(CommandRecorder& recorder);

    void count_decoded(std::uint64_t n_tokens) { counters_.decoded_tokens += n_tokens; }
    const EngineCounters& counters() const { return counters_; }
    void reset_counters() { counters_ = {}; }

  private:
    Device* device_;
    EngineCounters counters_;
};

}  // namespace gyre
