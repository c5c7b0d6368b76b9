// Ranges out of a few large buffers.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cassert>

#include "runtime/vk/buffer.h"
#include "runtime/vk/device_state.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

Arena Arena::create(Device& device, Memory memory, const char* debug_name, std::uint64_t expected,
                    std::uint64_t block_bytes) {
    Arena arena;
    arena.device_ = &device.state();
    arena.memory_ = memory;
    arena.debug_name_ = debug_name;
    arena.expected_ = expected;
    arena.block_bytes_ = std::min(block_bytes, device.caps().max_allocation);
    return arena;
}

std::uint64_t Arena::next_block_bytes(std::uint64_t size) const {
    // Unknown sum: as much again as there is already, so that a small model stays small.
    constexpr std::uint64_t kFirstBlock = std::uint64_t{1} << 20;
    const std::uint64_t rest = expected_ > allocated_ ? expected_ - allocated_ : 0;
    const std::uint64_t wish = expected_ != 0 ? rest : std::max(allocated_, kFirstBlock);
    return round_up(std::max(size, std::min(wish, block_bytes_)), 4);
}

Result<BufferRange> Arena::allocate(std::uint64_t size) {
    assert(size > 0);
    size = round_up(size, 4);
    const DeviceCaps& caps = device_->caps;
    if (size > caps.max_storage_range) {
        return Status::out_of_device_memory(
            std::string(debug_name_) + ": a range of " + bytes_text(size) +
            " is more than one storage binding of " + device_->info.name + " covers, " +
            bytes_text(caps.max_storage_range));
    }
    const std::uint64_t alignment = std::max<std::uint64_t>(caps.storage_alignment, 16);
    std::uint64_t offset = round_up(cursor_, alignment);
    if (blocks_.empty() || offset + size > blocks_.back()->size()) {
        GYRE_ASSIGN(Buffer block,
                    Buffer::create(*device_, next_block_bytes(size), memory_, debug_name_));
        allocated_ += block.size();
        blocks_.push_back(std::make_unique<Buffer>(std::move(block)));
        offset = cursor_ = 0;
    }
    used_ += offset - cursor_ + size;
    cursor_ = offset + size;
    return blocks_.back()->range(offset, size);
}

}  // namespace gyre
