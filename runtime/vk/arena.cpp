// Ranges out of a few large buffers.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/buffer.h"
#include "runtime/vk/device_state.h"

namespace gyre {

Arena Arena::create(Device& device, Memory memory, const char* debug_name, std::uint64_t expected,
                    std::uint64_t block_bytes) {
    DeviceState& state = device.state();
    return Arena(state, memory, debug_name,
                 ArenaPlan(state.info, state.caps, debug_name, expected, block_bytes));
}

Result<BufferRange> Arena::allocate(std::uint64_t size) {
    ArenaPlan next = plan_;  // the plan of before stands if there is no memory
    GYRE_ASSIGN(const ArenaPlan::Place place, next.place(size));
    if (place.block == blocks_.size()) {
        GYRE_ASSIGN(Buffer block,
                    Buffer::create(*device_, place.block_bytes, memory_, debug_name_));
        blocks_.push_back(std::make_unique<Buffer>(std::move(block)));
    }
    plan_ = next;
    return blocks_[place.block]->range(place.offset, place.size);
}

}  // namespace gyre
