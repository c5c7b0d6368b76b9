// Which buffer ranges a dispatch sees: five bindings, and texels of four, fixed with the set.
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

// Whether a range of this size can be shown as texels: whole ones, not too many.
inline bool texels_fit(const DeviceCaps& caps, std::uint64_t size_bytes) {
    return size_bytes > 0 && size_bytes % 16 == 0 && size_bytes <= caps.max_texel_range;
}

// Storage bindings that a set shows as texels too: bits, by kTexelSource.
using TexelViews = std::uint32_t;

class DescriptorSet {
  public:
    // Sizes and offsets are checked: kOutOfDeviceMemory when a range is larger than the device's
    // limit for one binding. The buffers must outlive the set's use, not the set. views: bit b for
    // storage binding b, whose range must fit (texels_fit); the shader may load no other texels.
    // state_texels: the part of binding 0 that its texels show; all of it without a buffer.
    static Result<DescriptorSet> create(Device& device, const BindingRanges& ranges,
                                        const char* debug_name, TexelViews views = 0,
                                        const BufferRange& state_texels = {});

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
    std::array<VkBufferView, kTexelBindings> views_{};  // null: the device's dummy is bound
};

}  // namespace gyre
