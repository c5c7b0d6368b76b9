// What a Device owns, at an address that does not move, for the source files of this folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <volk.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/vk/buffer.h"
#include "runtime/vk/device.h"
#include "runtime/vk/loader.h"
#include "runtime/vk/pipeline_cache.h"

namespace gyre {

struct DescriptorPool {
    VkDescriptorPool pool = VK_NULL_HANDLE;
    std::uint32_t free_sets = 0;
};

struct DeviceState {
    const InstanceState* instance = nullptr;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    std::uint32_t queue_family = 0;
    std::uint32_t timestamp_bits = 0;
    VolkDeviceTable fn{};
    DeviceInfo info;
    DeviceCaps caps;
    VkPhysicalDeviceMemoryProperties memory{};
    bool has_memory_budget = false;
    std::chrono::milliseconds hang_timeout{0};

    VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
    VkPipelineLayout pipeline_layout = VK_NULL_HANDLE;
    std::optional<Buffer> dummy;  // bound where a DescriptorSet has nothing
    std::array<VkBufferView, kTexelBindings> dummy_views{};

    std::string cache_path;
    PipelineCacheIdentity cache_identity;
    VkPipelineCache pipeline_cache = VK_NULL_HANDLE;
    std::vector<std::byte> saved_cache;  // what the file holds; under cache_mutex
    std::mutex cache_mutex;

    std::mutex queue_mutex;           // held during vkQueueSubmit and vkDeviceWaitIdle
    std::atomic<bool> paused{false};  // nothing goes to the queue; changed under queue_mutex
    std::mutex pool_mutex;            // the next three
    std::vector<DescriptorPool> descriptor_pools;
    std::vector<VkFence> free_fences;  // with room for all that were made
    std::size_t n_fences = 0;

    mutable std::mutex memory_mutex;  // the next three and allocations
    std::uint64_t allocated_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::uint32_t allocations = 0;
    std::uint64_t heap_bytes[VK_MAX_MEMORY_HEAPS] = {};  // live, of this Device

    std::atomic<std::uint64_t> submits{0};
    std::atomic<std::uint64_t> waits{0};
    std::atomic<std::uint64_t> pipelines{0};

    // lost: no further work. While a fence is overdue the device still uses objects: then nothing
    // is destroyed, and what is overdue for ever stays until the process ends.
    std::atomic<bool> lost{false};
    std::atomic<bool> hung{false};  // overdue is not empty
    // Something was to be destroyed while work was overdue. It is left as it is, and so is the
    // VkDevice, which may not go before its objects.
    std::atomic<bool> left_behind{false};
    mutable std::mutex lost_mutex;  // lost_reason, overdue
    std::string lost_reason;
    std::vector<VkFence> overdue;  // with room for some: there may be no memory when it is needed
    bool overdue_unknown = false;  // more of them than there was room for

    DeviceState() = default;
    DeviceState(const DeviceState&) = delete;
    DeviceState& operator=(const DeviceState&) = delete;
    ~DeviceState();

    Status lost_status() const;
    void mark_lost(std::string_view reason) noexcept;
    // false while work is overdue, and the device may still use any object.
    bool at_rest() noexcept;
    // Whether the caller may destroy its object now; if not, it never will be.
    bool may_destroy() noexcept;
    // Like status_of, and remembers a loss.
    Status check(VkResult result, const char* call);

    Result<Submission> submit(std::span<CommandRecorder* const> recorders);
    Status pause();
    void resume();
    Status paused_status() const;
    // vkQueueSubmit of infos with a fence, which is done after all that was submitted before.
    // past_pause: also while paused.
    Result<VkFence> enqueue(std::span<const VkSubmitInfo> infos, bool past_pause);
    Result<VkFence> take_fence();
    void give_fence(VkFence fence) noexcept;
    // Returns when the work is done, or gives the device up. An error of the wait itself, such as
    // VK_ERROR_OUT_OF_HOST_MEMORY, ends no work: the fence is asked again.
    Status wait_fence(VkFence fence);

    // A view of the range for texel binding kFirstTexelBinding + texel.
    Result<VkBufferView> create_view(std::uint32_t texel, VkBuffer buffer, std::uint64_t offset,
                                     std::uint64_t size);

    // Bytes that heap may still give this process.
    std::uint64_t heap_available(std::uint32_t heap) const;

    // For debuggers and messages; nothing without VK_EXT_debug_utils.
    template <typename Handle>
    void set_name(VkObjectType type, Handle handle, const char* name) const {
        set_object_name(type, (std::uint64_t)handle,
                        name);  // pointer or integer, as Vulkan defines
    }

    void save_pipeline_cache() noexcept;

  private:
    void write_pipeline_cache_file();
    void keep_overdue(VkFence fence) noexcept;
    template <typename Reason>
    Status give_up(VkFence fence, Reason&& reason);
    void set_object_name(VkObjectType type, std::uint64_t handle, const char* name) const;
};

}  // namespace gyre
