// Creation, mapping and coherence of buffers.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/buffer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "runtime/vk/device_state.h"
#include "runtime/vk/memory_type.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

namespace {

VkMappedMemoryRange mapped_range(VkDeviceMemory memory, const AtomRange& atoms) {
    auto range = vk_struct<VkMappedMemoryRange>(VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE);
    range.memory = memory;
    range.offset = atoms.offset;
    range.size = atoms.size;
    return range;
}

}  // namespace

Result<Buffer> Buffer::create(Device& device, std::uint64_t size, Memory memory,
                              const char* debug_name) {
    return create(device.state(), size, memory, debug_name);
}

Result<Buffer> Buffer::create(DeviceState& device, std::uint64_t size, Memory memory,
                              const char* debug_name) {
    assert(size > 0 && size % 4 == 0);
    GYRE_TRY(device.lost_status());
    GYRE_TRY(check_buffer_bytes(device.info, device.caps, size, debug_name));
    Buffer buffer;
    buffer.device_ = &device;
    buffer.size_ = size;
    buffer.memory_ = memory;
    auto info = vk_struct<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
    info.size = size;
    info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
                 VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
    VK_MAKE(buffer.handle_,
            device.fn.vkCreateBuffer(device.device, &info, nullptr, &buffer.handle_));
    device.set_name(VK_OBJECT_TYPE_BUFFER, buffer.handle_, debug_name);
    GYRE_TRY(buffer.allocate(debug_name));
    return buffer;
}

Status Buffer::allocate(const char* debug_name) {
    const DeviceState& device = *device_;
    VkMemoryRequirements needs{};
    device.fn.vkGetBufferMemoryRequirements(device.device, handle_, &needs);
    std::array<std::uint32_t, VK_MAX_MEMORY_TYPES> flags{};
    for (std::uint32_t t = 0; t < device.memory.memoryTypeCount; ++t) {
        flags[t] = device.memory.memoryTypes[t].propertyFlags;
    }
    const std::vector<std::uint32_t> types =
        rank_memory_types(std::span(flags.data(), device.memory.memoryTypeCount),
                          needs.memoryTypeBits, memory_, device.caps.unified_memory);
    const std::uint64_t bytes = round_up(needs.size, device.caps.non_coherent_atom);
    std::uint64_t available = 0;
    bool refused = false;  // by the driver, although there seemed to be room
    for (const std::uint32_t type : types) {
        const std::uint64_t room = device.heap_available(device.memory.memoryTypes[type].heapIndex);
        available = std::max(available, room);
        if (bytes > room) continue;
        const Status status = allocate_from(type, bytes);
        if (status.ok()) {
            device.set_name(VK_OBJECT_TYPE_DEVICE_MEMORY, allocation_, debug_name);
            return bind_and_map(device.memory.memoryTypes[type].propertyFlags);
        }
        if (status.code() != StatusCode::kOutOfDeviceMemory) return status;
        refused = true;
    }
    return Status::out_of_device_memory(std::string("buffer ") + debug_name + " needs " +
                                        bytes_text(bytes) + ", " + bytes_text(available) +
                                        " are available on " + device.info.name +
                                        (refused ? " (refused by the driver)" : ""));
}

Status Buffer::allocate_from(std::uint32_t type, std::uint64_t bytes) {
    DeviceState& device = *device_;
    const VkMemoryType& memory_type = device.memory.memoryTypes[type];
    {
        const std::lock_guard lock(device.memory_mutex);
        if (device.allocations >= device.caps.max_allocations) {
            return Status::out_of_device_memory(device.info.name + " allows " +
                                                std::to_string(device.caps.max_allocations) +
                                                " allocations and all are taken");
        }
        ++device.allocations;
        device.allocated_bytes += bytes;
        device.heap_bytes[memory_type.heapIndex] += bytes;
        device.peak_bytes = std::max(device.peak_bytes, device.allocated_bytes);
    }
    heap_ = memory_type.heapIndex;
    allocation_size_ = bytes;  // from here on release() undoes the accounting
    auto info = vk_struct<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
    info.allocationSize = bytes;
    info.memoryTypeIndex = type;
    const VkResult result = device.fn.vkAllocateMemory(device.device, &info, nullptr, &allocation_);
    if (result != VK_SUCCESS) {
        allocation_ = {};
        release_memory();
    }
    return status_of(result, "vkAllocateMemory");
}

Status Buffer::bind_and_map(std::uint32_t property_flags) {
    const DeviceState& device = *device_;
    VK_TRY(device.fn.vkBindBufferMemory(device.device, handle_, allocation_, 0));
    coherent_ = (property_flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0;
    const bool visible = (property_flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0;
    if (visible && (memory_ != Memory::kDevice || device.caps.unified_memory)) {
        VK_MAKE(mapped_,
                device.fn.vkMapMemory(device.device, allocation_, 0, VK_WHOLE_SIZE, 0, &mapped_));
    }
    return {};
}

void Buffer::release_memory() noexcept {
    if (allocation_size_ == 0) return;
    if (allocation_ != VkDeviceMemory{}) {
        device_->fn.vkFreeMemory(device_->device, allocation_, nullptr);  // unmaps as well
    }
    const std::lock_guard lock(device_->memory_mutex);
    --device_->allocations;
    device_->allocated_bytes -= allocation_size_;
    device_->heap_bytes[heap_] -= allocation_size_;
    allocation_size_ = 0;
}

void Buffer::release() noexcept {
    if (device_ == nullptr || handle_ == VkBuffer{} || !device_->may_destroy()) return;
    device_->fn.vkDestroyBuffer(device_->device, handle_, nullptr);
    release_memory();
}

Buffer::Buffer(Buffer&& other) noexcept {
    *this = std::move(other);
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    device_ = other.device_;
    handle_ = std::exchange(other.handle_, {});
    allocation_ = std::exchange(other.allocation_, {});
    size_ = other.size_;
    allocation_size_ = std::exchange(other.allocation_size_, 0);
    mapped_ = std::exchange(other.mapped_, nullptr);
    memory_ = other.memory_;
    heap_ = other.heap_;
    coherent_ = other.coherent_;
    return *this;
}

Buffer::~Buffer() {
    release();
}

Status Buffer::flush(std::uint64_t offset, std::uint64_t size) const {
    assert(offset + size <= size_);
    if (coherent_ || mapped_ == nullptr || size == 0) return {};
    const VkMappedMemoryRange range = mapped_range(
        allocation_,
        round_to_atoms(offset, size, device_->caps.non_coherent_atom, allocation_size_));
    VK_TRY(device_->fn.vkFlushMappedMemoryRanges(device_->device, 1, &range));
    return {};
}

Status Buffer::invalidate(std::uint64_t offset, std::uint64_t size) const {
    assert(offset + size <= size_);
    if (coherent_ || mapped_ == nullptr || size == 0) return {};
    const VkMappedMemoryRange range = mapped_range(
        allocation_,
        round_to_atoms(offset, size, device_->caps.non_coherent_atom, allocation_size_));
    VK_TRY(device_->fn.vkInvalidateMappedMemoryRanges(device_->device, 1, &range));
    return {};
}

}  // namespace gyre
