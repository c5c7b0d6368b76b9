// Which buffer ranges a dispatch sees: five bindings, fixed when the set is made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "runtime/base/status.h"
#include "runtime/vk/buffer.h"
#include "runtime/vk/device.h"
#include "runtime/vk/handles.h"

namespace gyre {

// Entry b is binding b; entries without a buffer are unused (a small dummy is bound there).
using BindingRanges = std::array<BufferRange, kBindings>;

class DescriptorSet {
  public:
    // Sizes and offsets are checked: kOutOfDeviceMemory when a range is larger than the device's
    // limit for one binding. The buffers must outlive the set's use, not the set.
    static Result<DescriptorSet> create(Device& device, const BindingRanges& ranges,
                                        const char* debug_name);

    DescriptorSet(DescriptorSet&& other) noexcept;
    DescriptorSet& operator=(DescriptorSet&& other) noexcept;
    ~DescriptorSet();  // the device must be done with it

    // A part of a buffer by handle, so that it survives a move of the Buffer.
    struct Bound {
        VkBuffer buffer{};
        std::uint64_t begin = 0;  // bytes
        std::uint64_t end = 0;    // bytes
    };
    const Bound& bound(std::uint32_t binding) const { return bound_[binding]; }  // null: unused
    VkDescriptorSet handle() const { return handle_; }

  private:
    DescriptorSet() = default;
    void release() noexcept;

    DeviceState* device_ = nullptr;
    VkDescriptorPool pool_{};
    VkDescriptorSet handle_{};
    std::array<Bound, kBindings> bound_{};
};

}  // namespace gyre
