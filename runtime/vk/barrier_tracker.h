// Decides where a barrier is needed, from the ranges that commands read and write.
// SPDX-License-Identifier: Apache-2.0
//
// Knows no Vulkan command, so that the schedule's barriers can be tested without a device.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/vk/handles.h"

namespace gyre {

enum class Stage : std::uint32_t { kCompute = 0, kTransfer = 1 };
inline constexpr std::uint32_t kStages = 2;

class BarrierTracker {
  public:
    struct Touch {
        VkBuffer buffer{};
        std::uint64_t begin = 0;  // bytes
        std::uint64_t end = 0;    // bytes
        bool write = false;
    };

    // Nothing is known about what ran before: the first command of each stage needs a barrier.
    void reset();

    // Bit s: commands of stage s must be waited for before a command of `stage` with these touches
    // may run; 0: no barrier. Read after write, write after write and write after read.
    std::uint32_t stages_to_wait_for(Stage stage, std::span<const Touch> touches) const;

    // A barrier from those stages to `stage` was recorded.
    void barrier(Stage stage);

    // The command was recorded.
    void add(Stage stage, std::span<const Touch> touches);

  private:
    struct Pending {
        Touch touch;
        Stage stage;
    };
    // pending_[s]: what a later command of stage s does not yet wait for.
    std::array<std::vector<Pending>, kStages> pending_;
    std::array<bool, kStages> unknown_{true, true};
};

}  // namespace gyre
