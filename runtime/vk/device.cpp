// Creates the logical device and what all kernels share: layouts, pipeline cache, dummy buffer.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/device.h"

#include <algorithm>
#include <array>

#include "runtime/base/log.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/device_query.h"
#include "runtime/vk/device_state.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

namespace {

DeviceFeatures both(const DeviceFeatures& a, const DeviceFeatures& b) {
    DeviceFeatures out;
    out.float16 = a.float16 && b.float16;
    out.int8 = a.int8 && b.int8;
    out.storage16 = a.storage16 && b.storage16;
    out.storage8 = a.storage8 && b.storage8;
    out.integer_dot_product = a.integer_dot_product && b.integer_dot_product;
    out.subgroup_size_control = a.subgroup_size_control && b.subgroup_size_control;
    out.cooperative_matrix = a.cooperative_matrix && b.cooperative_matrix;
    // A kernel counts on the size of its subgroups, and multiplies float16.
    out.float16 = out.float16 || out.cooperative_matrix;
    out.subgroup_size_control = out.subgroup_size_control || out.cooperative_matrix;
    return out;
}

Status create_device(DeviceState& state) {
    const InstanceTable& fn = state.instance->fn;
    const DeviceExtensions extensions(fn, state.physical);
    GYRE_TRY(extensions.status());
    const auto compute = compute_queue(fn, state.physical);
    if (!compute) return Status::no_device(state.info.name + " has no queue that computes");
    state.queue_family = compute->family;
    state.timestamp_bits = compute->timestamp_bits;
    state.has_memory_budget = extensions.has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);

    const std::vector<const char*> names = device_extension_names(extensions, state.caps.features);
    FeatureChain features(extensions);
    features.set(state.caps.features);
    const float priority = 1.0f;
    auto queue_info =
        vk_struct<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
    queue_info.queueFamilyIndex = state.queue_family;
    queue_info.queueCount = 1;
    queue_info.pQueuePriorities = &priority;
    auto info = vk_struct<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
    if (state.caps.features.any()) info.pNext = &features.head;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue_info;
    info.enabledExtensionCount = static_cast<std::uint32_t>(names.size());
    info.ppEnabledExtensionNames = names.data();
    VK_MAKE(state.device, fn.vkCreateDevice(state.physical, &info, nullptr, &state.device));
    volkLoadDeviceTable(&state.fn, state.device);
    state.fn.vkGetDeviceQueue(state.device, state.queue_family, 0, &state.queue);
    state.set_name(VK_OBJECT_TYPE_QUEUE, state.queue, "compute");
    return {};
}

Status create_layouts(DeviceState& state) {
    std::array<VkDescriptorSetLayoutBinding, kBindings + kTexelBindings> bindings{};
    for (std::uint32_t b = 0; b < bindings.size(); ++b) {
        bindings[b].binding = b;
        bindings[b].descriptorType = b < kStorageBindings ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
                                     : b == kUniformBinding
                                         ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
                                         : VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
        bindings[b].descriptorCount = 1;
        bindings[b].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    }
    auto set_info = vk_struct<VkDescriptorSetLayoutCreateInfo>(
        VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
    set_info.bindingCount = static_cast<std::uint32_t>(bindings.size());
    set_info.pBindings = bindings.data();
    VK_MAKE(state.set_layout, state.fn.vkCreateDescriptorSetLayout(state.device, &set_info, nullptr,
                                                                   &state.set_layout));
    state.set_name(VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, state.set_layout, "every kernel");

    const VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, kMaxPushBytes};
    auto layout_info =
        vk_struct<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
    layout_info.setLayoutCount = 1;
    layout_info.pSetLayouts = &state.set_layout;
    layout_info.pushConstantRangeCount = 1;
    layout_info.pPushConstantRanges = &push;
    VK_MAKE(state.pipeline_layout,
            state.fn.vkCreatePipelineLayout(state.device, &layout_info, nullptr,
                                            &state.pipeline_layout));
    state.set_name(VK_OBJECT_TYPE_PIPELINE_LAYOUT, state.pipeline_layout, "every kernel");
    return {};
}

Status create_pipeline_cache(DeviceState& state) {
    VkPhysicalDeviceProperties properties{};
    state.instance->fn.vkGetPhysicalDeviceProperties(state.physical, &properties);
    PipelineCacheIdentity& identity = state.cache_identity;
    identity.vendor_id = properties.vendorID;
    identity.device_id = properties.deviceID;
    identity.driver_version = properties.driverVersion;
    identity.driver_id = state.info.driver_id;
    std::copy_n(properties.pipelineCacheUUID, identity.cache_uuid.size(),
                identity.cache_uuid.begin());

    if (!state.cache_path.empty()) {
        state.saved_cache = read_pipeline_cache(state.cache_path, identity);
    }
    auto info = vk_struct<VkPipelineCacheCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);
    info.initialDataSize = state.saved_cache.size();
    info.pInitialData = state.saved_cache.data();
    VkResult result =
        state.fn.vkCreatePipelineCache(state.device, &info, nullptr, &state.pipeline_cache);
    if (result != VK_SUCCESS &&
        info.initialDataSize != 0) {  // the driver does not like its own data
        state.saved_cache.clear();
        info.initialDataSize = 0;
        info.pInitialData = nullptr;
        result =
            state.fn.vkCreatePipelineCache(state.device, &info, nullptr, &state.pipeline_cache);
    }
    if (result != VK_SUCCESS) {
        state.pipeline_cache = VK_NULL_HANDLE;
        return status_of(result, "vkCreatePipelineCache");
    }
    state.set_name(VK_OBJECT_TYPE_PIPELINE_CACHE, state.pipeline_cache, "pipelines");
    return {};
}

}  // namespace

DeviceCaps caps_of(const DeviceInfo& device, const DeviceOptions& options) {
    DeviceCaps caps = device.caps;
    caps.features = both(caps.features, options.features);
    options.limit.apply(caps);
    return caps;
}

Result<Device> Device::create(const Instance& instance, std::uint32_t index,
                              const DeviceOptions& options) {
    const InstanceState& parent = instance.state();
    if (index >= parent.devices.size()) {
        return Status::no_device("there is no device " + std::to_string(index) + "; there are " +
                                 std::to_string(parent.devices.size()));
    }
    if (!parent.devices[index].usable()) {
        return Status::invalid_argument("device " + std::to_string(index) + " cannot be used: " +
                                        parent.devices[index].unusable_because);
    }
    auto state = std::make_unique<DeviceState>();
    state->overdue.reserve(64);
    state->instance = &parent;
    state->physical = parent.physical[index];
    state->info = parent.devices[index];
    state->caps = caps_of(state->info, options);
    state->hang_timeout =
        options.hang_timeout.value_or(std::chrono::minutes(state->info.caps.software ? 20 : 2));
    state->cache_path = options.pipeline_cache_path;
    parent.fn.vkGetPhysicalDeviceMemoryProperties(state->physical, &state->memory);

    GYRE_TRY(create_device(*state));
    GYRE_TRY(create_layouts(*state));
    GYRE_TRY(create_pipeline_cache(*state));
    GYRE_ASSIGN(Buffer dummy, Buffer::create(*state, 256, Memory::kDevice, "unused binding"));
    state->dummy.emplace(std::move(dummy));
    for (std::uint32_t t = 0; t < kTexelBindings; ++t) {
        GYRE_ASSIGN(state->dummy_views[t],
                    state->create_view(t, state->dummy->handle(), 0, state->dummy->size()));
    }
    log(LogLevel::kInfo, "device " + std::to_string(index) + ": " + state->info.name + ", driver " +
                             state->info.driver_name + " " + state->info.driver_info + ", Vulkan " +
                             api_version_text(state->info.api_version));
    return Device(std::move(state));
}

Device::Device(std::unique_ptr<DeviceState> state) : state_(std::move(state)) {}
Device::Device(Device&&) noexcept = default;
Device& Device::operator=(Device&&) noexcept = default;
Device::~Device() = default;

const DeviceInfo& Device::info() const {
    return state_->info;
}
const DeviceCaps& Device::caps() const {
    return state_->caps;
}

DeviceCounters Device::counters() const {
    DeviceCounters counters;
    counters.submits = state_->submits;
    counters.waits = state_->waits;
    counters.pipelines = state_->pipelines;
    const std::lock_guard lock(state_->memory_mutex);
    counters.allocations = state_->allocations;
    counters.allocated_bytes = state_->allocated_bytes;
    counters.peak_bytes = state_->peak_bytes;
    return counters;
}

std::uint64_t Device::available_device_bytes() const {
    std::uint64_t best = 0;
    for (std::uint32_t heap = 0; heap < state_->memory.memoryHeapCount; ++heap) {
        if ((state_->memory.memoryHeaps[heap].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0) {
            best = std::max(best, state_->heap_available(heap));
        }
    }
    return best;
}

Result<Submission> Device::submit(std::span<CommandRecorder* const> recorders) {
    return state_->submit(recorders);
}

Result<Submission> Device::submit(CommandRecorder& recorder) {
    CommandRecorder* const one = &recorder;
    return state_->submit({&one, 1});
}

Status Device::run(CommandRecorder& recorder) {
    GYRE_ASSIGN(Submission submission, submit(recorder));
    return submission.wait();
}

Status Device::pause() {
    return state_->pause();
}
void Device::resume() {
    state_->resume();
}
Status Device::paused_status() const {
    return state_->paused_status();
}

bool Device::lost() const {
    return state_->lost;
}
bool Device::hung() const {
    return !state_->at_rest();
}

Status Device::lost_status() const {
    return state_->lost_status();
}
void Device::mark_lost(const std::string& reason) {
    state_->mark_lost(reason);
}
void Device::save_pipeline_cache() {
    state_->save_pipeline_cache();
}

}  // namespace gyre
