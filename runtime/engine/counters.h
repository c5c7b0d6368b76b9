// What a session has asked of its device, counted where it asks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "runtime/vk/command_recorder.h"

namespace gyre {

struct EngineCounters {
    std::uint64_t dispatches = 0;
    std::uint64_t barriers = 0;
    std::uint64_t submits = 0;
    std::uint64_t host_waits = 0;        // times that the host waited for the device
    std::uint64_t descriptor_binds = 0;  // descriptor sets bound

    // One run of the recording.
    void add_commands(const CommandRecorder& recorder) {
        dispatches += recorder.dispatch_count();
        barriers += recorder.barrier_count();
        descriptor_binds += recorder.descriptor_bind_count();
    }
    // A submit that the host waits for.
    void add_submit() {
        ++submits;
        ++host_waits;
    }
};

}  // namespace gyre
