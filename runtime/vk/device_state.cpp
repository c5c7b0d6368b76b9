// Submission, waiting, loss and accounting of a Device.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/device_state.h"

#include <algorithm>
#include <cassert>
#include <thread>

#include "runtime/base/log.h"
#include "runtime/base/unwinding.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/device_query.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

namespace {
// A wait is cut into slices: some drivers spin or misbehave on long timeouts.
constexpr std::uint64_t kWaitSliceNs = 200'000'000;
// A fence whose state cannot be had is asked again after a pause, for so long.
constexpr std::chrono::milliseconds kAskAgain{1};
constexpr std::chrono::seconds kPatience{5};

Status is_paused() {
    return Status::paused("the model is paused: resume it (gyre_model_resume) and call again");
}

// The work after a fence has ended: it is done, or the device is lost, which ends all work. Any
// other error says only that the fence could not be asked.
bool has_ended(VkResult fence_status) {
    return fence_status == VK_SUCCESS || fence_status == VK_ERROR_DEVICE_LOST;
}
}  // namespace

DeviceState::~DeviceState() {
    if (device == VK_NULL_HANDLE) return;
    if (!at_rest() || left_behind) {
        best_effort([this] {
            log(LogLevel::kWarning,
                info.name +
                    " did not finish its work in time; its objects stay until the process ends");
        });
        instance->keep = true;
        dummy.reset();  // it asks may_destroy(), whose list would be gone before it
        return;
    }
    {
        const std::lock_guard lock(queue_mutex);
        fn.vkDeviceWaitIdle(device);
    }
    if (pipeline_cache != VK_NULL_HANDLE) {
        save_pipeline_cache();
        fn.vkDestroyPipelineCache(device, pipeline_cache, nullptr);
    }
    for (VkBufferView view : dummy_views)
        fn.vkDestroyBufferView(device, view, nullptr);
    dummy.reset();
    for (const DescriptorPool& pool : descriptor_pools) {
        fn.vkDestroyDescriptorPool(device, pool.pool, nullptr);
    }
    for (VkFence fence : free_fences)
        fn.vkDestroyFence(device, fence, nullptr);
    fn.vkDestroyPipelineLayout(device, pipeline_layout, nullptr);
    fn.vkDestroyDescriptorSetLayout(device, set_layout, nullptr);
    fn.vkDestroyDevice(device, nullptr);
}

Result<VkBufferView> DeviceState::create_view(std::uint32_t texel, VkBuffer buffer,
                                              std::uint64_t offset, std::uint64_t size) {
    constexpr VkFormat kFormats[kTexelBindings] = {
        VK_FORMAT_R32G32B32A32_UINT, VK_FORMAT_R32G32B32A32_SFLOAT, VK_FORMAT_R32G32B32A32_UINT,
        VK_FORMAT_R32G32B32A32_SFLOAT};
    auto view_info = vk_struct<VkBufferViewCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO);
    view_info.buffer = buffer;
    view_info.format = kFormats[texel];
    view_info.offset = offset;
    view_info.range = size;
    VkBufferView view = VK_NULL_HANDLE;
    GYRE_TRY(
        check(fn.vkCreateBufferView(device, &view_info, nullptr, &view), "vkCreateBufferView"));
    return view;
}

Status DeviceState::lost_status() const {
    if (!lost) return {};
    const std::lock_guard lock(lost_mutex);
    return Status::device_lost(info.name + " was lost (" + lost_reason +
                               "): create the device and its sessions anew");
}

void DeviceState::mark_lost(std::string_view reason) noexcept {
    const std::lock_guard lock(lost_mutex);
    if (lost) return;
    lost = true;
    best_effort([&] {
        lost_reason = reason;
        log(LogLevel::kError, info.name + " was lost: " + lost_reason);
    });
}

Status DeviceState::check(VkResult result, const char* call) {
    if (result != VK_ERROR_DEVICE_LOST) return status_of(result, call);
    // Also where there is no memory for the words.
    const OnExit remember([this] { mark_lost("the driver says so"); });
    mark_lost(status_of(result, call).message());
    return lost_status();
}

bool DeviceState::may_destroy() noexcept {
    if (at_rest()) return true;
    left_behind = true;
    return false;
}

bool DeviceState::at_rest() noexcept {
    if (!hung) return true;
    const std::lock_guard lock(lost_mutex);
    std::erase_if(overdue, [this](VkFence fence) {
        if (!has_ended(fn.vkGetFenceStatus(device, fence))) return false;
        fn.vkDestroyFence(device, fence, nullptr);
        return true;
    });
    hung = !overdue.empty() || overdue_unknown;
    return !hung;
}

Result<VkFence> DeviceState::take_fence() {
    {
        const std::lock_guard lock(pool_mutex);
        if (!free_fences.empty()) {
            const VkFence fence = free_fences.back();
            free_fences.pop_back();
            return fence;
        }
    }
    {
        const std::lock_guard lock(pool_mutex);
        free_fences.reserve(++n_fences);  // for give_fence()
    }
    const auto create = vk_struct<VkFenceCreateInfo>(VK_STRUCTURE_TYPE_FENCE_CREATE_INFO);
    VkFence fence = VK_NULL_HANDLE;
    VK_TRY(fn.vkCreateFence(device, &create, nullptr, &fence));
    set_name(VK_OBJECT_TYPE_FENCE, fence, "submission");
    return fence;
}

void DeviceState::give_fence(VkFence fence) noexcept {
    if (fn.vkResetFences(device, 1, &fence) != VK_SUCCESS) {
        fn.vkDestroyFence(device, fence, nullptr);
        return;
    }
    const std::lock_guard lock(pool_mutex);
    assert(free_fences.size() < free_fences.capacity() && "reserved when it was made");
    free_fences.push_back(fence);
}

Result<Submission> DeviceState::submit(std::span<CommandRecorder* const> recorders) {
    GYRE_TRY(lost_status());
    GYRE_TRY(paused_status());
    std::vector<VkCommandBuffer> commands;
    commands.reserve(recorders.size());
    for (const CommandRecorder* recorder : recorders)
        commands.push_back(recorder->handle());
    auto submit_info = vk_struct<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
    submit_info.commandBufferCount = static_cast<std::uint32_t>(commands.size());
    submit_info.pCommandBuffers = commands.data();
    GYRE_ASSIGN(const VkFence fence, enqueue({&submit_info, 1}, false));
    return Submission(this, fence);
}

Result<VkFence> DeviceState::enqueue(std::span<const VkSubmitInfo> infos, bool past_pause) {
    GYRE_ASSIGN(const VkFence fence, take_fence());
    const auto n = static_cast<std::uint32_t>(infos.size());
    VkResult result = VK_SUCCESS;
    bool refused = false;
    {
        const std::lock_guard lock(queue_mutex);
        refused = paused && !past_pause;
        if (!refused) result = fn.vkQueueSubmit(queue, n, infos.data(), fence);
    }
    submits += refused ? 0 : 1;
    if (!refused && result == VK_SUCCESS) return fence;
    fn.vkDestroyFence(device, fence, nullptr);
    return refused ? is_paused() : check(result, "vkQueueSubmit");
}

Status DeviceState::paused_status() const {
    return paused ? is_paused() : Status();
}

// Once the flag is set nothing comes to the queue, so that the fence of an empty submission stands
// after all of it. Whoever waits for work of before goes on doing so.
Status DeviceState::pause() {
    GYRE_TRY(lost_status());
    bool before = false;
    {
        const std::lock_guard lock(queue_mutex);
        before = paused.exchange(true);
    }
    OnExit undo([this, before] {
        if (!before) resume();
    });
    GYRE_ASSIGN(const VkFence fence, enqueue({}, true));
    GYRE_TRY(wait_fence(fence));
    undo.dismiss();
    return {};
}

void DeviceState::resume() {
    const std::lock_guard lock(queue_mutex);
    paused = false;
}

void DeviceState::keep_overdue(VkFence fence) noexcept {
    const std::lock_guard lock(lost_mutex);
    // Without room for it the device is never at rest again.
    overdue_unknown = overdue_unknown || overdue.size() == overdue.capacity();
    if (!overdue_unknown) overdue.push_back(fence);
    hung = true;
}

template <typename Reason>
Status DeviceState::give_up(VkFence fence, Reason&& reason) {
    keep_overdue(fence);
    const OnExit remember([this] { mark_lost("work is overdue"); });  // without memory for words
    mark_lost(reason());
    return lost_status();
}

Status DeviceState::wait_fence(VkFence fence) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    // Where other work is overdue already, nobody waits for this as well.
    const auto deadline = begin + (hung ? std::chrono::milliseconds(0) : hang_timeout);
    auto last_answer = begin;
    VkResult result = fn.vkGetFenceStatus(device, fence);
    if (!has_ended(result)) ++waits;
    while (!has_ended(result)) {
        const auto left = std::chrono::nanoseconds(deadline - Clock::now());
        const auto left_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(left.count(), 0));
        result = fn.vkWaitForFences(device, 1, &fence, VK_TRUE, std::min(kWaitSliceNs, left_ns));
        if (result < 0 && !has_ended(result)) {
            std::this_thread::sleep_for(kAskAgain);
            result = fn.vkGetFenceStatus(device, fence);
        }
        if (has_ended(result)) break;
        const auto now = Clock::now();
        if (result >= 0) last_answer = now;
        if (now >= deadline) {
            return give_up(fence, [&] {
                return "work took longer than " + std::to_string(hang_timeout.count()) + " ms";
            });
        }
        if (now - last_answer >= kPatience) {
            return give_up(fence, [&] {
                return std::string("vkWaitForFences returned ") + result_name(result) + " for " +
                       std::to_string(kPatience.count()) + " s";
            });
        }
    }
    if (result == VK_SUCCESS) {
        give_fence(fence);
    } else {
        fn.vkDestroyFence(device, fence, nullptr);
    }
    GYRE_TRY(check(result, "vkWaitForFences"));
    // The work is done even if the device was given up meanwhile; its results are not to be
    // trusted.
    return lost_status();
}

std::uint64_t DeviceState::heap_available(std::uint32_t heap) const {
    if (has_memory_budget) {
        const auto left = heap_budget_left(instance->fn, physical, heap);
        if (left) return *left;
    }
    const std::lock_guard lock(memory_mutex);
    const std::uint64_t size = memory.memoryHeaps[heap].size;
    return size - std::min<std::uint64_t>(size, heap_bytes[heap]);
}

void DeviceState::set_object_name(VkObjectType type, std::uint64_t handle, const char* name) const {
    if (instance->fn.vkSetDebugUtilsObjectNameEXT == nullptr) return;
    auto name_info = vk_struct<VkDebugUtilsObjectNameInfoEXT>(
        VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT);
    name_info.objectType = type;
    name_info.objectHandle = handle;
    name_info.pObjectName = name;
    instance->fn.vkSetDebugUtilsObjectNameEXT(device, &name_info);
}

// Also at the device's end, and where there is no memory for it.
void DeviceState::save_pipeline_cache() noexcept {
    best_effort([this] { write_pipeline_cache_file(); });
}

void DeviceState::write_pipeline_cache_file() {
    if (cache_path.empty() || pipeline_cache == VK_NULL_HANDLE || lost) return;
    const std::lock_guard lock(cache_mutex);
    std::size_t size = 0;
    std::vector<std::byte> data;
    VkResult result = fn.vkGetPipelineCacheData(device, pipeline_cache, &size, nullptr);
    if (result == VK_SUCCESS) {
        data.resize(size);
        result = fn.vkGetPipelineCacheData(device, pipeline_cache, &size, data.data());
        if (result == VK_SUCCESS) data.resize(size);
    }
    if (result != VK_SUCCESS || data.empty()) {
        log(LogLevel::kWarning,
            std::string("the pipeline cache is not saved: vkGetPipelineCacheData returned ") +
                result_name(result));
        return;
    }
    if (data == saved_cache) return;
    if (write_pipeline_cache(cache_path, cache_identity, data)) saved_cache = std::move(data);
}

Submission::Submission(Submission&& other) noexcept
    : device_(other.device_), fence_(std::exchange(other.fence_, {})) {}

Submission& Submission::operator=(Submission&& other) noexcept {
    if (this != &other) {
        finish();
        device_ = other.device_;
        fence_ = std::exchange(other.fence_, {});
    }
    return *this;
}

Submission::~Submission() {
    finish();
}

void Submission::finish() noexcept {
    if (fence_ != VkFence{}) best_effort([this] { (void)wait(); });
}

Status Submission::wait() {
    if (fence_ == VkFence{}) return device_->lost_status();
    return device_->wait_fence(std::exchange(fence_, {}));
}

bool Submission::done() {
    if (fence_ == VkFence{} || device_->lost) return true;
    return has_ended(device_->fn.vkGetFenceStatus(device_->device, fence_));
}

}  // namespace gyre
