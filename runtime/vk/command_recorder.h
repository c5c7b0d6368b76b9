// Records dispatches and copies into a command buffer that can be submitted any number of times.
// SPDX-License-Identifier: Apache-2.0
//
// Nobody places barriers by hand: a dispatch reads and writes what its pipeline declares of the
// ranges that its set binds, and the recorder puts one global barrier where a dispatch meets a
// range that was written (or would overwrite one that was read) since the last barrier.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/vk/barrier_tracker.h"
#include "runtime/vk/dispatcher.h"
#include "runtime/vk/handles.h"

namespace gyre {

// n workgroups in a row as (x, y, 1) with x <= max_groups[0] and x * y >= n, as few over as
// possible. The shader's linear id is gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x, and
// it returns where that is >= n.
Groups fold_groups(std::uint64_t n, const std::uint32_t (&max_groups)[3]);

struct RecorderOptions {
    const char* debug_name = "commands";
    std::uint32_t max_timestamps = 0;
    // May be submitted again (or several times in one submit) before the last submission is done.
    bool simultaneous_use = true;
    // Of every pipeline the first dispatch only, and one workgroup of that: drivers that compile at
    // the first dispatch do it now. What it computes is of no use.
    bool warm_up = false;
};

// Bytes of two ranges, by their offsets in them.
struct CopyRegion {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::uint64_t bytes = 0;
};

struct TimestampValue {
    std::string label;
    std::uint32_t index = 0;       // as it was given to timestamp()
    std::uint32_t dispatches = 0;  // recorded before it, since begin()
    double ns = 0;                 // since the first timestamp of the recording
};

// Owns a command pool, so several recorders may record in several threads. Used by one thread at a
// time.
class CommandRecorder final : public Dispatcher {
  public:
    static Result<CommandRecorder> create(Device& device, const RecorderOptions& options = {});

    CommandRecorder(CommandRecorder&& other) noexcept;
    CommandRecorder& operator=(CommandRecorder&& other) noexcept;
    ~CommandRecorder();  // the device must be done with it

    // Forgets what was recorded, also what an error broke off before end(), and starts anew. The
    // first command of a recording waits for everything submitted to the queue before it. After an
    // error there is no recording, and nothing to submit.
    Status begin();
    Status end();

    using Dispatcher::dispatch;
    void dispatch(const Pipeline& pipeline, const DescriptorSet& set, const void* push,
                  std::uint32_t push_bytes, Groups groups,
                  std::span<const Access> accesses = {}) override;

    // The workgroups from first.x on, groups.x of them, and so in y and z: several such dispatches
    // do what one does, if the shader uses gl_WorkGroupID and not gl_NumWorkGroups. Not folded.
    void dispatch_from(Groups first, const Pipeline& pipeline, const DescriptorSet& set,
                       const void* push, std::uint32_t push_bytes, Groups groups,
                       std::span<const Access> accesses = {});

    // Sizes equal, offsets and sizes multiples of 4; no overlap inside one buffer.
    void copy(const BufferRange& from, const BufferRange& to);

    // Many parts of one range into another, as one command. All multiples of 4; not empty.
    void copy(const BufferRange& from, const BufferRange& to, std::span<const CopyRegion> regions);

    // Offset and size multiples of 4.
    void fill(const BufferRange& range, std::uint32_t word);

    // Makes what was recorded so far visible to the host after the wait. Once, before end().
    void host_read_barrier();

    // Waits for everything before it, for everything after it. Only for what the recorder cannot
    // see.
    void full_barrier();

    // A bracket in debuggers; nothing where VK_EXT_debug_utils is missing.
    void label_begin(const char* label);
    void label_end();

    // Takes the time when all before is done. Nothing where the device has no timestamps or
    // max_timestamps are taken. index: which of several of this label.
    void timestamp(const char* label, std::uint32_t index = 0) override;

    // After the wait for the last submission. Empty where the device has no timestamps.
    Result<std::vector<TimestampValue>> timestamps() const;

    std::uint32_t dispatch_count() const { return dispatches_; }  // since begin()
    std::uint32_t barrier_count() const { return barriers_; }     // since begin(), all kinds
    // Descriptor sets that were bound since begin(): consecutive dispatches may share one.
    std::uint32_t descriptor_bind_count() const { return descriptor_binds_; }

    VkCommandBuffer handle() const { return commands_; }

  private:
    friend class Uploader;
    static Result<CommandRecorder> create(DeviceState& device, const RecorderOptions& options);
    CommandRecorder() = default;
    void bind(const Pipeline& pipeline, const DescriptorSet& set, const void* push,
              std::uint32_t push_bytes, std::span<const Access> accesses);
    void before(Stage stage, std::span<const BarrierTracker::Touch> touches);
    void memory_barrier(std::uint32_t from_stages, std::uint32_t from_access,
                        std::uint32_t to_stages, std::uint32_t to_access);
    void release() noexcept;

    DeviceState* device_ = nullptr;
    VkCommandPool pool_{};
    VkCommandBuffer commands_{};
    VkQueryPool queries_{};
    std::uint32_t max_timestamps_ = 0;
    bool simultaneous_use_ = true;
    bool warm_up_ = false;
    std::vector<VkPipeline> warm_;  // dispatched since begin(), with warm_up_
    BarrierTracker tracker_;
    std::vector<BarrierTracker::Touch> touches_;
    struct Taken {
        std::string label;
        std::uint32_t index, dispatches;
    };
    std::vector<Taken> taken_;  // timestamps
    VkPipeline bound_pipeline_{};
    VkDescriptorSet bound_set_{};
    std::uint32_t dispatches_ = 0;
    std::uint32_t barriers_ = 0;
    std::uint32_t descriptor_binds_ = 0;
    bool recording_ = false;
};

}  // namespace gyre
