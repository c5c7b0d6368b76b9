// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/arena_plan.h"

#include <algorithm>
#include <cassert>

#include "runtime/vk/vk_call.h"

namespace gyre {

Status check_buffer_bytes(const DeviceInfo& device, const DeviceCaps& caps, std::uint64_t size,
                          const char* debug_name) {
    if (size <= caps.max_allocation) return {};
    return Status::out_of_device_memory(std::string("buffer ") + debug_name + " needs " +
                                        bytes_text(size) + ", but one allocation of " +
                                        device.name + " has at most " +
                                        bytes_text(caps.max_allocation));
}

ArenaPlan::ArenaPlan(const DeviceInfo& device, const DeviceCaps& caps, const char* debug_name,
                     std::uint64_t expected, std::uint64_t block_bytes)
    : device_(&device),
      caps_(&caps),
      debug_name_(debug_name),
      expected_(expected),
      block_bytes_(std::min(block_bytes, caps.max_allocation)) {}

std::uint64_t ArenaPlan::next_block_bytes(std::uint64_t size) const {
    // Unknown sum: as much again as there is already, so that a small model stays small.
    constexpr std::uint64_t kFirstBlock = std::uint64_t{1} << 20;
    const std::uint64_t rest = expected_ > allocated_ ? expected_ - allocated_ : 0;
    const std::uint64_t wish = expected_ != 0 ? rest : std::max(allocated_, kFirstBlock);
    return round_up(std::max(size, std::min(wish, block_bytes_)), 4);
}

Result<ArenaPlan::Place> ArenaPlan::place(std::uint64_t size) {
    assert(size > 0);
    size = round_up(size, 4);
    if (size > caps_->max_storage_range) {
        return Status::out_of_device_memory(
            std::string(debug_name_) + ": a range of " + bytes_text(size) +
            " is more than one storage binding of " + device_->name + " covers, " +
            bytes_text(caps_->max_storage_range));
    }
    const std::uint64_t alignment = std::max<std::uint64_t>(caps_->storage_alignment, 16);
    std::uint64_t offset = round_up(cursor_, alignment);
    if (n_blocks_ == 0 || offset + size > last_block_bytes_) {
        const std::uint64_t bytes = next_block_bytes(size);
        GYRE_TRY(check_buffer_bytes(*device_, *caps_, bytes, debug_name_));
        ++n_blocks_;
        last_block_bytes_ = bytes;
        allocated_ += bytes;
        offset = cursor_ = 0;
    }
    used_ += offset - cursor_ + size;
    cursor_ = offset + size;
    return Place{n_blocks_ - 1, last_block_bytes_, offset, size};
}

}  // namespace gyre
