// How ranges are cut out of large buffers: sizes and places, without a device.
// SPDX-License-Identifier: Apache-2.0
//
// An Arena carries out an ArenaPlan; who only wants to know what memory it would take uses the
// plan.
#pragma once

#include <cstdint>

#include "runtime/base/status.h"
#include "runtime/vk/device_info.h"

namespace gyre {

// kOutOfDeviceMemory if no buffer of this device may be so large.
Status check_buffer_bytes(const DeviceInfo& device, const DeviceCaps& caps, std::uint64_t size,
                          const char* debug_name);

class ArenaPlan {
  public:
    static constexpr std::uint64_t kBlockBytes = std::uint64_t{256} << 20;

    // Parameters as Arena::create; caps: of device, or fewer. Both must outlive the plan.
    ArenaPlan(const DeviceInfo& device, const DeviceCaps& caps, const char* debug_name,
              std::uint64_t expected = 0, std::uint64_t block_bytes = kBlockBytes);

    struct Place {
        std::uint32_t block = 0;  // counted from 0: a number for the first time is a new block
        std::uint64_t block_bytes = 0;  // of the whole block
        std::uint64_t offset = 0;       // bytes, in the block
        std::uint64_t size = 0;         // bytes
    };
    // Errors as Arena::allocate; the plan is unchanged then.
    Result<Place> place(std::uint64_t size);

    std::uint64_t allocated() const { return allocated_; }  // bytes in blocks
    std::uint64_t used() const { return used_; }            // bytes in ranges, with alignment
    std::uint32_t n_blocks() const { return n_blocks_; }

  private:
    std::uint64_t next_block_bytes(std::uint64_t size) const;

    const DeviceInfo* device_;
    const DeviceCaps* caps_;
    const char* debug_name_;
    std::uint64_t expected_;
    std::uint64_t block_bytes_;
    std::uint64_t allocated_ = 0;
    std::uint64_t used_ = 0;
    std::uint32_t n_blocks_ = 0;
    std::uint64_t last_block_bytes_ = 0;
    std::uint64_t cursor_ = 0;  // bytes used of the last block
};

}  // namespace gyre
