// One logical device with one compute queue, which all sessions of a process share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "runtime/base/status.h"
#include "runtime/vk/handles.h"
#include "runtime/vk/instance.h"

namespace gyre {

class CommandRecorder;
class Device;
struct DeviceState;

// Every kernel has the same bindings: storage buffers 0 to 3 and the uniform buffer 4.
inline constexpr std::uint32_t kStorageBindings = 4;
inline constexpr std::uint32_t kUniformBinding = 4;
inline constexpr std::uint32_t kBindings = 5;

// Bindings 5 to 8 show storage bindings once more, as read-only texels of 16 bytes: some drivers
// load a whole texel in the time of one word of a storage buffer (docs/kernels.md).
inline constexpr std::uint32_t kFirstTexelBinding = 5;
inline constexpr std::uint32_t kTexelBindings = 4;
inline constexpr std::uint32_t kTexelSource[kTexelBindings] = {1, 0, 3, 2};  // storage bindings
inline constexpr std::uint32_t kMaxPushBytes = 128;

struct DeviceOptions {
    std::string pipeline_cache_path;  // file; empty: compiled pipelines are kept in memory only
    DeviceCapsLimit limit;            // for tests
    DeviceFeatures features;          // those wanted; enabled where supported, see caps().features
    // A submission that takes longer: device lost. Not set: 2 minutes, or 20 on a software driver,
    // which shares the processors with others and may compile meanwhile.
    std::optional<std::chrono::milliseconds> hang_timeout;
};

// What a Device of these options has as caps(): features that are wanted and supported, and limits.
DeviceCaps caps_of(const DeviceInfo& device, const DeviceOptions& options);

struct DeviceCounters {
    std::uint64_t submits = 0;          // vkQueueSubmit calls
    std::uint64_t waits = 0;            // times that the host had to wait for a fence
    std::uint64_t allocations = 0;      // live allocations of device memory
    std::uint64_t allocated_bytes = 0;  // live
    std::uint64_t peak_bytes = 0;       // the most that was live at once
    std::uint64_t pipelines = 0;        // live
};

// Work on its way through the queue. Used by one thread at a time.
class Submission {
  public:
    Submission(Submission&& other) noexcept;
    Submission& operator=(Submission&& other) noexcept;
    ~Submission();  // waits like wait(), and forgets the result

    // Returns when the work is done. kDeviceLost: the device is gone, or it needed longer than
    // DeviceOptions::hang_timeout; both are final for the Device.
    Status wait();

    // true: done (or the device is lost: wait() tells). Never blocks.
    bool done();

  private:
    friend struct DeviceState;
    Submission(DeviceState* device, VkFence fence) : device_(device), fence_(fence) {}
    void finish() noexcept;  // what the destructor does
    DeviceState* device_ = nullptr;
    VkFence fence_{};  // null: waited for
};

// May be used from several threads. Must outlive what is made from it.
class Device {
  public:
    // index: DeviceInfo::index. The Instance must outlive the Device.
    static Result<Device> create(const Instance& instance, std::uint32_t index,
                                 const DeviceOptions& options = {});

    Device(Device&&) noexcept;
    Device& operator=(Device&&) noexcept;
    ~Device();  // waits until the queue is idle and saves the pipeline cache

    const DeviceInfo& info() const;
    const DeviceCaps& caps() const;  // after DeviceOptions::limit
    DeviceCounters counters() const;

    // Bytes that kDevice buffers may still take: by VK_EXT_memory_budget where the driver has it,
    // otherwise the size of the heap less what this Device has allocated.
    std::uint64_t available_device_bytes() const;

    // Runs the recorders in order; each sees what those before it wrote. The same recorder may
    // appear several times. The recorders must have been ended, must live until the submission is
    // waited for, and must not be begun again before that.
    Result<Submission> submit(std::span<CommandRecorder* const> recorders);
    Result<Submission> submit(CommandRecorder& recorder);

    // submit and wait.
    Status run(CommandRecorder& recorder);

    // From pause() to resume() nothing is let to the queue: submit() returns kPaused and changes
    // nothing. pause() returns when all that was let there before is done, whoever waits for it;
    // twice is once. After an error of it all is as before. Both from any thread.
    Status pause();
    void resume();
    Status paused_status() const;  // OK, or kPaused

    // Device loss is sticky: from then on every call that needs the device returns this error. A
    // new Device of the same index is the way on.
    bool lost() const;
    Status lost_status() const;                 // OK while the device is well
    bool hung() const;                          // lost to a timeout, and still at work
    void mark_lost(const std::string& reason);  // tests and quirks: behave as if the driver said so

    // Writes the pipeline cache file now, if it has news. Errors are logged, never returned:
    // without the file the next start is slower and nothing else.
    void save_pipeline_cache();

    DeviceState& state() const { return *state_; }  // for runtime/vk only

  private:
    explicit Device(std::unique_ptr<DeviceState> state);
    std::unique_ptr<DeviceState> state_;
};

}  // namespace gyre
