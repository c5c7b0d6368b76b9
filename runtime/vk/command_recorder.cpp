// Recording of command buffers.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/command_recorder.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "runtime/vk/device_state.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

namespace {

constexpr VkAccessFlags kWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;

VkPipelineStageFlags pipeline_stages(std::uint32_t stages) {
    VkPipelineStageFlags flags = 0;
    if ((stages & 1u << static_cast<std::uint32_t>(Stage::kCompute)) != 0) {
        flags |= VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
    }
    if ((stages & 1u << static_cast<std::uint32_t>(Stage::kTransfer)) != 0) {
        flags |= VK_PIPELINE_STAGE_TRANSFER_BIT;
    }
    return flags;
}

VkAccessFlags write_access(VkPipelineStageFlags stages) {
    VkAccessFlags flags = 0;
    if ((stages & VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT) != 0) flags |= VK_ACCESS_SHADER_WRITE_BIT;
    if ((stages & VK_PIPELINE_STAGE_TRANSFER_BIT) != 0) flags |= VK_ACCESS_TRANSFER_WRITE_BIT;
    return flags;
}

VkAccessFlags any_access(VkPipelineStageFlags stages) {
    VkAccessFlags flags = write_access(stages);
    if ((stages & VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT) != 0) {
        flags |= VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_UNIFORM_READ_BIT;
    }
    if ((stages & VK_PIPELINE_STAGE_TRANSFER_BIT) != 0) flags |= VK_ACCESS_TRANSFER_READ_BIT;
    return flags;
}

BarrierTracker::Touch touch(const BufferRange& range, bool write) {
    assert(range.buffer != nullptr && range.offset + range.size <= range.buffer->size());
    return {range.buffer->handle(), range.offset, range.offset + range.size, write};
}

}  // namespace

Groups fold_groups(std::uint64_t n, const std::uint32_t (&max_groups)[3]) {
    if (n <= max_groups[0]) return {static_cast<std::uint32_t>(n), 1, 1};
    const std::uint64_t y = (n + max_groups[0] - 1) / max_groups[0];
    assert(y <= max_groups[1] && "more workgroups than two dimensions hold");
    return {static_cast<std::uint32_t>((n + y - 1) / y), static_cast<std::uint32_t>(y), 1};
}

Result<CommandRecorder> CommandRecorder::create(Device& device, const RecorderOptions& options) {
    return create(device.state(), options);
}

Result<CommandRecorder> CommandRecorder::create(DeviceState& device,
                                                const RecorderOptions& options) {
    GYRE_TRY(device.lost_status());
    CommandRecorder recorder;
    recorder.device_ = &device;
    recorder.max_timestamps_ = device.caps.timestamp_period_ns > 0 ? options.max_timestamps : 0;
    recorder.simultaneous_use_ = options.simultaneous_use;
    recorder.warm_up_ = options.warm_up;

    auto pool_info = vk_struct<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
    pool_info.queueFamilyIndex = device.queue_family;
    VK_MAKE(recorder.pool_,
            device.fn.vkCreateCommandPool(device.device, &pool_info, nullptr, &recorder.pool_));
    device.set_name(VK_OBJECT_TYPE_COMMAND_POOL, recorder.pool_, options.debug_name);
    auto info =
        vk_struct<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
    info.commandPool = recorder.pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    VK_TRY(device.fn.vkAllocateCommandBuffers(device.device, &info, &recorder.commands_));
    device.set_name(VK_OBJECT_TYPE_COMMAND_BUFFER, recorder.commands_, options.debug_name);
    if (recorder.max_timestamps_ > 0) {
        auto query_info =
            vk_struct<VkQueryPoolCreateInfo>(VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO);
        query_info.queryType = VK_QUERY_TYPE_TIMESTAMP;
        query_info.queryCount = recorder.max_timestamps_;
        VK_MAKE(recorder.queries_, device.fn.vkCreateQueryPool(device.device, &query_info, nullptr,
                                                               &recorder.queries_));
        device.set_name(VK_OBJECT_TYPE_QUERY_POOL, recorder.queries_, options.debug_name);
    }
    return recorder;
}

CommandRecorder::CommandRecorder(CommandRecorder&& other) noexcept {
    *this = std::move(other);
}

CommandRecorder& CommandRecorder::operator=(CommandRecorder&& other) noexcept {
    if (this == &other) return *this;
    release();
    device_ = other.device_;
    pool_ = std::exchange(other.pool_, {});
    commands_ = std::exchange(other.commands_, {});
    queries_ = std::exchange(other.queries_, {});
    max_timestamps_ = other.max_timestamps_;
    simultaneous_use_ = other.simultaneous_use_;
    warm_up_ = other.warm_up_;
    warm_ = std::move(other.warm_);
    tracker_ = std::move(other.tracker_);
    taken_ = std::move(other.taken_);
    bound_pipeline_ = other.bound_pipeline_;
    bound_set_ = other.bound_set_;
    dispatches_ = other.dispatches_;
    barriers_ = other.barriers_;
    descriptor_binds_ = other.descriptor_binds_;
    recording_ = std::exchange(other.recording_, false);
    return *this;
}

CommandRecorder::~CommandRecorder() {
    release();
}

void CommandRecorder::release() noexcept {
    if (device_ == nullptr || !device_->may_destroy()) return;
    if (queries_ != VkQueryPool{}) {
        device_->fn.vkDestroyQueryPool(device_->device, queries_, nullptr);
    }
    if (pool_ != VkCommandPool{}) {
        device_->fn.vkDestroyCommandPool(device_->device, pool_, nullptr);  // and its buffers
    }
}

Status CommandRecorder::begin() {
    GYRE_TRY(device_->lost_status());
    recording_ = false;
    VK_TRY(device_->fn.vkResetCommandPool(device_->device, pool_, 0));
    auto info = vk_struct<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
    if (simultaneous_use_) info.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
    VK_TRY(device_->fn.vkBeginCommandBuffer(commands_, &info));
    tracker_.reset();
    taken_.clear();
    bound_pipeline_ = {};
    bound_set_ = {};
    dispatches_ = barriers_ = descriptor_binds_ = 0;
    warm_.clear();
    recording_ = true;
    if (max_timestamps_ > 0) {
        device_->fn.vkCmdResetQueryPool(commands_, queries_, 0, max_timestamps_);
    }
    return {};
}

Status CommandRecorder::end() {
    assert(recording_);
    recording_ = false;
    VK_TRY(device_->fn.vkEndCommandBuffer(commands_));
    return {};
}

void CommandRecorder::before(Stage stage, std::span<const BarrierTracker::Touch> touches) {
    const std::uint32_t wait_for = tracker_.stages_to_wait_for(stage, touches);
    if (wait_for != 0) {
        const VkPipelineStageFlags from = pipeline_stages(wait_for);
        const VkPipelineStageFlags to = pipeline_stages(1u << static_cast<std::uint32_t>(stage));
        memory_barrier(from, write_access(from), to, any_access(to));
        tracker_.barrier(stage);
    }
    tracker_.add(stage, touches);
}

void CommandRecorder::memory_barrier(std::uint32_t from, std::uint32_t from_access,
                                     std::uint32_t to, std::uint32_t to_access) {
    // One global barrier: drivers turn buffer barriers into the same cache operations.
    auto barrier = vk_struct<VkMemoryBarrier>(VK_STRUCTURE_TYPE_MEMORY_BARRIER);
    barrier.srcAccessMask = from_access;
    barrier.dstAccessMask = to_access;
    device_->fn.vkCmdPipelineBarrier(commands_, from, to, 0, 1, &barrier, 0, nullptr, 0, nullptr);
    ++barriers_;
}

void CommandRecorder::dispatch(const Pipeline& pipeline, const DescriptorSet& set, const void* push,
                               std::uint32_t push_bytes, Groups groups,
                               std::span<const Access> accesses) {
    const DeviceCaps& caps = device_->caps;
    if (groups.x == 0 || groups.y == 0 || groups.z == 0) return;
    if (warm_up_) {
        if (std::find(warm_.begin(), warm_.end(), pipeline.handle()) != warm_.end()) return;
        warm_.push_back(pipeline.handle());
        groups = {};
    } else if (groups.x > caps.max_groups[0]) {
        assert(groups.y == 1 && "only a row of workgroups can be folded");
        const std::uint32_t z = groups.z;
        groups = fold_groups(groups.x, caps.max_groups);
        groups.z = z;
    }
    assert(groups.y <= caps.max_groups[1] && groups.z <= caps.max_groups[2]);
    bind(pipeline, set, push, push_bytes, accesses);
    device_->fn.vkCmdDispatch(commands_, groups.x, groups.y, groups.z);
    ++dispatches_;
}

void CommandRecorder::dispatch_from(Groups first, const Pipeline& pipeline,
                                    const DescriptorSet& set, const void* push,
                                    std::uint32_t push_bytes, Groups groups,
                                    std::span<const Access> accesses) {
    const std::uint32_t(&most)[3] = device_->caps.max_groups;
    assert(!warm_up_ && groups.x > 0 && groups.y > 0 && groups.z > 0);
    assert(groups.x <= most[0] && first.x <= most[0] - groups.x);
    assert(groups.y <= most[1] && first.y <= most[1] - groups.y);
    assert(groups.z <= most[2] && first.z <= most[2] - groups.z);
    static_cast<void>(most);
    bind(pipeline, set, push, push_bytes, accesses);
    device_->fn.vkCmdDispatchBase(commands_, first.x, first.y, first.z, groups.x, groups.y,
                                  groups.z);
    ++dispatches_;
}

// All that comes in front of the dispatch itself.
void CommandRecorder::bind(const Pipeline& pipeline, const DescriptorSet& set, const void* push,
                           std::uint32_t push_bytes, std::span<const Access> accesses) {
    assert(recording_);
    const ShaderInterface& declared = pipeline.declared();
    assert(push_bytes == declared.push_bytes && "parameters do not match the shader's");
    BarrierTracker::Touch bound[kBindings];
    std::size_t n_bound = 0;
    touches_.clear();
    for (std::uint32_t b = 0; b < kBindings; ++b) {
        if ((declared.uses >> b & 1u) == 0) continue;
        const DescriptorSet::Bound& range = set.bound(b);
        assert(range.buffer != VkBuffer{} && "the shader uses a binding that the set leaves open");
        bound[n_bound++] = {range.buffer, range.begin, range.end, (declared.writes >> b & 1u) != 0};
    }
    for (const Access& access : accesses)
        touches_.push_back(touch(access.range, access.write));
    before(Stage::kCompute, accesses.empty() ? std::span(bound, n_bound) : std::span(touches_));

    const VolkDeviceTable& fn = device_->fn;
    if (bound_pipeline_ != pipeline.handle()) {
        bound_pipeline_ = pipeline.handle();
        fn.vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, bound_pipeline_);
    }
    if (bound_set_ != set.handle()) {
        bound_set_ = set.handle();
        fn.vkCmdBindDescriptorSets(commands_, VK_PIPELINE_BIND_POINT_COMPUTE,
                                   device_->pipeline_layout, 0, 1, &bound_set_, 0, nullptr);
        ++descriptor_binds_;
    }
    if (push_bytes > 0) {
        fn.vkCmdPushConstants(commands_, device_->pipeline_layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                              push_bytes, push);
    }
}

void CommandRecorder::copy(const BufferRange& from, const BufferRange& to) {
    assert(recording_ && from.size == to.size && from.size % 4 == 0);
    const BarrierTracker::Touch touches[] = {touch(from, false), touch(to, true)};
    before(Stage::kTransfer, touches);
    const VkBufferCopy region{from.offset, to.offset, from.size};
    device_->fn.vkCmdCopyBuffer(commands_, from.buffer->handle(), to.buffer->handle(), 1, &region);
}

void CommandRecorder::copy(const BufferRange& from, const BufferRange& to,
                           std::span<const CopyRegion> regions) {
    assert(recording_ && !regions.empty());
    const BarrierTracker::Touch touches[] = {touch(from, false), touch(to, true)};
    before(Stage::kTransfer, touches);
    std::vector<VkBufferCopy> copies;
    copies.reserve(regions.size());
    for (const CopyRegion& region : regions) {
        assert(region.from + region.bytes <= from.size && region.to + region.bytes <= to.size);
        copies.push_back({from.offset + region.from, to.offset + region.to, region.bytes});
    }
    device_->fn.vkCmdCopyBuffer(commands_, from.buffer->handle(), to.buffer->handle(),
                                static_cast<std::uint32_t>(copies.size()), copies.data());
}

void CommandRecorder::fill(const BufferRange& range, std::uint32_t word) {
    assert(recording_ && range.offset % 4 == 0 && range.size % 4 == 0);
    const BarrierTracker::Touch touches[] = {touch(range, true)};
    before(Stage::kTransfer, touches);
    device_->fn.vkCmdFillBuffer(commands_, range.buffer->handle(), range.offset, range.size, word);
}

void CommandRecorder::host_read_barrier() {
    assert(recording_);
    memory_barrier(VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT, kWrites,
                   VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

void CommandRecorder::full_barrier() {
    assert(recording_);
    const VkPipelineStageFlags both =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    memory_barrier(both, kWrites, both, any_access(both));
    tracker_.barrier(Stage::kCompute);
    tracker_.barrier(Stage::kTransfer);
}

}  // namespace gyre
