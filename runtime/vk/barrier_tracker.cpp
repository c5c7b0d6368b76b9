// Overlap of ranges and what is still unordered.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/barrier_tracker.h"

namespace gyre {

namespace {

constexpr std::uint32_t kAllStages = (1u << kStages) - 1;

bool conflict(const BarrierTracker::Touch& a, const BarrierTracker::Touch& b) {
    return (a.write || b.write) && a.buffer == b.buffer && a.begin < b.end && b.begin < a.end;
}

}  // namespace

void BarrierTracker::reset() {
    for (auto& pending : pending_)
        pending.clear();
    unknown_.fill(true);
}

std::uint32_t BarrierTracker::stages_to_wait_for(Stage stage,
                                                 std::span<const Touch> touches) const {
    const auto s = static_cast<std::size_t>(stage);
    if (unknown_[s]) return kAllStages;
    for (const Pending& pending : pending_[s]) {
        for (const Touch& touch : touches) {
            if (!conflict(pending.touch, touch)) continue;
            // One barrier clears the whole list, so it waits for everything in the list.
            std::uint32_t stages = 0;
            for (const Pending& each : pending_[s])
                stages |= 1u << static_cast<std::uint32_t>(each.stage);
            return stages;
        }
    }
    return 0;
}

void BarrierTracker::barrier(Stage stage) {
    const auto s = static_cast<std::size_t>(stage);
    pending_[s].clear();
    unknown_[s] = false;
}

void BarrierTracker::add(Stage stage, std::span<const Touch> touches) {
    for (auto& pending : pending_) {
        for (const Touch& touch : touches)
            pending.push_back({touch, stage});
    }
}

}  // namespace gyre
