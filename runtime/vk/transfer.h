// Moves bytes between host and buffers wherever the buffers lie.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/vk/buffer.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/device.h"

namespace gyre {

// Fills buffers: straight into them where the host sees them, otherwise through a small ring of
// staging buffers. Used by one thread at a time.
class Uploader {
  public:
    static constexpr std::uint64_t kStagingBytes = std::uint64_t{4} << 20;  // one of two

    static Result<Uploader> create(Device& device, std::uint64_t staging_bytes = kStagingBytes);

    Uploader(Uploader&&) noexcept = default;
    Uploader& operator=(Uploader&&) noexcept = default;
    ~Uploader() = default;

    // Copies bytes.size() bytes (multiple of 4) to the start of `to`.
    Status write(const BufferRange& to, std::span<const std::byte> bytes);

    // For data that is made on the way (repacking): returns to.size bytes to write to, in the
    // buffer itself or in host memory; commit() sends them. May be write-combined: write forwards,
    // do not read. Contents are undefined at first.
    Result<std::byte*> stage(const BufferRange& to);
    Status commit();

    // Waits until everything is in place. Call before the buffers are used.
    Status finish();

  private:
    struct Slot {
        Buffer staging;
        CommandRecorder recorder;
        std::optional<Submission> submission;  // destroyed first: waits
    };
    Uploader(DeviceState& device, std::uint64_t staging_bytes)
        : device_(&device), staging_bytes_(staging_bytes) {}
    Status ensure_slots();
    Status copy_piece(const BufferRange& to, const std::byte* bytes);

    DeviceState* device_;
    std::uint64_t staging_bytes_;
    std::vector<Slot> slots_;
    std::size_t next_slot_ = 0;
    BufferRange staged_;
    std::vector<std::byte> scratch_;  // host side of stage(), where the buffer is not mapped
};

// Reads from.size bytes (multiple of 4) into `to`, after everything submitted before; waits.
Status download(Device& device, const BufferRange& from, void* to);

}  // namespace gyre
