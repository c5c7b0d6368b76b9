// Device memory by intent: what it is for decides where it lies.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/vk/arena_plan.h"
#include "runtime/vk/handles.h"

namespace gyre {

class Buffer;
class Device;
struct DeviceState;

enum class Memory {
    kDevice,    // fastest for the device; the host sees it only where caps().unified_memory
    kUpload,    // the host writes, the device reads once
    kReadback,  // the device writes, the host reads
    kShared,    // small, both read and write: step state
};

// A part of a Buffer. The Buffer must stay where it is while the range is in use.
struct BufferRange {
    const Buffer* buffer = nullptr;
    std::uint64_t offset = 0;  // bytes; for a binding a multiple of caps().storage_alignment
    std::uint64_t size = 0;    // bytes
};

// A VkBuffer with memory of its own. Contents are undefined at first. Used by one thread at a time,
// as far as the host writes to it.
class Buffer {
  public:
    // size: bytes, > 0, multiple of 4. Errors: kOutOfDeviceMemory with the bytes asked for and
    // available.
    static Result<Buffer> create(Device& device, std::uint64_t size, Memory memory,
                                 const char* debug_name);

    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();  // the device must be done with it

    std::uint64_t size() const { return size_; }  // bytes, as asked for
    Memory memory() const { return memory_; }

    // Where the host sees the buffer, for its whole life; nullptr only for Memory::kDevice, always
    // where the device has no unified memory. May be write-combined: write forwards, do not read
    // kDevice and kUpload.
    void* mapped() const { return mapped_; }

    // flush: after the host wrote and before submit. invalidate: after the wait and before the host
    // reads. Nothing happens where the memory is coherent. Any offset and size inside the buffer.
    // After an error the other side sees old bytes: do not submit, do not read.
    Status flush(std::uint64_t offset, std::uint64_t size) const;
    Status invalidate(std::uint64_t offset, std::uint64_t size) const;

    BufferRange range() const { return {this, 0, size_}; }
    BufferRange range(std::uint64_t offset, std::uint64_t size) const {
        return {this, offset, size};
    }

    VkBuffer handle() const { return handle_; }

  private:
    friend class Arena;
    friend class Device;
    friend class Uploader;
    static Result<Buffer> create(DeviceState& device, std::uint64_t size, Memory memory,
                                 const char* debug_name);
    Buffer() = default;
    Status allocate(const char* debug_name);
    Status allocate_from(std::uint32_t type, std::uint64_t bytes);
    Status bind_and_map(std::uint32_t property_flags);
    void release_memory() noexcept;
    void release() noexcept;

    DeviceState* device_ = nullptr;
    VkBuffer handle_{};
    VkDeviceMemory allocation_{};
    std::uint64_t size_ = 0;             // bytes asked for
    std::uint64_t allocation_size_ = 0;  // bytes, multiple of non_coherent_atom
    void* mapped_ = nullptr;
    std::uint32_t heap_ = 0;
    Memory memory_ = Memory::kDevice;
    bool coherent_ = true;
};

// Cuts ranges out of a few large buffers; they are given back all at once, with the Arena. Ranges
// stay valid when the Arena is moved.
class Arena {
  public:
    // expected: bytes that will be asked for in sum, a hint so that the last block is not too
    // large; 0: unknown, blocks grow with use.
    static Arena create(Device& device, Memory memory, const char* debug_name,
                        std::uint64_t expected = 0,
                        std::uint64_t block_bytes = ArenaPlan::kBlockBytes);

    // The range's offset is a multiple of caps().storage_alignment and of 16; its size is `size`
    // rounded up to 4. Errors: kOutOfDeviceMemory; more than caps().max_storage_range is refused,
    // because no kernel could bind it: cut it into slices.
    Result<BufferRange> allocate(std::uint64_t size);

    std::uint64_t allocated() const { return plan_.allocated(); }  // bytes in blocks
    std::uint64_t used() const { return plan_.used(); }  // bytes in ranges, with alignment

  private:
    Arena(DeviceState& device, Memory memory, const char* debug_name, const ArenaPlan& plan)
        : device_(&device), memory_(memory), debug_name_(debug_name), plan_(plan) {}

    DeviceState* device_;
    Memory memory_;
    const char* debug_name_;
    ArenaPlan plan_;
    std::vector<std::unique_ptr<Buffer>> blocks_;
};

}  // namespace gyre
