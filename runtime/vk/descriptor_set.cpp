// Allocation and writing of descriptor sets.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/descriptor_set.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "runtime/vk/device_state.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

namespace {

constexpr std::uint32_t kSetsInPool = 64;

Status check_range(const DeviceState& device, std::uint32_t binding, const BufferRange& range,
                   const char* debug_name) {
    const DeviceCaps& caps = device.caps;
    const bool uniform = binding == kUniformBinding;
    const std::uint64_t alignment = uniform ? caps.uniform_alignment : caps.storage_alignment;
    const std::uint64_t limit = uniform ? caps.max_uniform_range : caps.max_storage_range;
    assert(range.size > 0 && range.offset + range.size <= range.buffer->size());
    assert(range.offset % alignment == 0 && "unaligned binding");
    (void)alignment;
    if (range.size <= limit) return {};
    return Status::out_of_device_memory(std::string(debug_name) + ": binding " +
                                        std::to_string(binding) + " of " + bytes_text(range.size) +
                                        " is more than " + device.info.name + " can bind, " +
                                        bytes_text(limit));
}

Result<VkDescriptorPool> create_pool(DeviceState& device) {
    const VkDescriptorPoolSize sizes[] = {
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, kSetsInPool * kStorageBindings},
        {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, kSetsInPool},
        {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, kSetsInPool * kTexelBindings}};
    auto info =
        vk_struct<VkDescriptorPoolCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
    info.flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT;
    info.maxSets = kSetsInPool;
    info.poolSizeCount = 3;
    info.pPoolSizes = sizes;
    VkDescriptorPool pool = VK_NULL_HANDLE;
    VK_TRY(device.fn.vkCreateDescriptorPool(device.device, &info, nullptr, &pool));
    device.set_name(VK_OBJECT_TYPE_DESCRIPTOR_POOL, pool, "sets");
    return pool;
}

// A pool and a set out of it. Called with pool_mutex held. All sets are equal, so a pool with a
// free set cannot be fragmented.
Result<std::pair<VkDescriptorPool, VkDescriptorSet>> allocate_set(DeviceState& device) {
    auto entry = std::find_if(device.descriptor_pools.begin(), device.descriptor_pools.end(),
                              [](const DescriptorPool& pool) { return pool.free_sets > 0; });
    if (entry == device.descriptor_pools.end()) {
        device.descriptor_pools.reserve(device.descriptor_pools.size() + 1);
        GYRE_ASSIGN(const VkDescriptorPool pool, create_pool(device));
        device.descriptor_pools.push_back({pool, kSetsInPool});
        entry = std::prev(device.descriptor_pools.end());
    }
    auto info =
        vk_struct<VkDescriptorSetAllocateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
    info.descriptorPool = entry->pool;
    info.descriptorSetCount = 1;
    info.pSetLayouts = &device.set_layout;
    VkDescriptorSet set = VK_NULL_HANDLE;
    VK_TRY(device.fn.vkAllocateDescriptorSets(device.device, &info, &set));
    --entry->free_sets;
    return std::pair(entry->pool, set);
}

}  // namespace

Result<DescriptorSet> DescriptorSet::create(Device& owner, const BindingRanges& ranges,
                                            const char* debug_name, TexelViews views,
                                            const BufferRange& state_texels) {
    DeviceState& device = owner.state();
    GYRE_TRY(device.lost_status());
    DescriptorSet set;
    std::array<VkDescriptorBufferInfo, kBindings> buffers{};
    for (std::uint32_t b = 0; b < kBindings; ++b) {
        const BufferRange& range = ranges[b];
        if (range.buffer == nullptr) {
            buffers[b] = {device.dummy->handle(), 0, device.dummy->size()};
            continue;
        }
        GYRE_TRY(check_range(device, b, range, debug_name));
        buffers[b] = {range.buffer->handle(), range.offset, range.size};
        set.bound_[b] = {range.buffer->handle(), range.offset, range.offset + range.size};
    }
    {
        const std::lock_guard lock(device.pool_mutex);
        GYRE_ASSIGN(const auto allocated, allocate_set(device));
        set.device_ = &device;
        set.pool_ = allocated.first;
        set.handle_ = allocated.second;
    }
    device.set_name(VK_OBJECT_TYPE_DESCRIPTOR_SET, set.handle_, debug_name);
    std::array<VkBufferView, kTexelBindings> shown = device.dummy_views;
    for (std::uint32_t t = 0; t < kTexelBindings; ++t) {
        if ((views >> kTexelSource[t] & 1u) == 0) continue;
        const bool is_part = kTexelSource[t] == 0 && state_texels.buffer != nullptr;
        const BufferRange& range = is_part ? state_texels : ranges[kTexelSource[t]];
        assert(range.buffer != nullptr && texels_fit(device.caps, range.size));
        GYRE_ASSIGN(set.views_[t],
                    device.create_view(t, range.buffer->handle(), range.offset, range.size));
        shown[t] = set.views_[t];
    }
    std::array<VkWriteDescriptorSet, 3> writes{};
    for (VkWriteDescriptorSet& write : writes) {
        write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
        write.dstSet = set.handle_;
    }
    // Consecutive bindings of one type are one write.
    writes[0].descriptorCount = kStorageBindings;
    writes[0].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    writes[0].pBufferInfo = buffers.data();
    writes[1].dstBinding = kUniformBinding;
    writes[1].descriptorCount = 1;
    writes[1].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
    writes[1].pBufferInfo = &buffers[kUniformBinding];
    writes[2].dstBinding = kFirstTexelBinding;
    writes[2].descriptorCount = kTexelBindings;
    writes[2].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
    writes[2].pTexelBufferView = shown.data();
    device.fn.vkUpdateDescriptorSets(device.device, 3, writes.data(), 0, nullptr);
    return set;
}

DescriptorSet::DescriptorSet(DescriptorSet&& other) noexcept {
    *this = std::move(other);
}

DescriptorSet& DescriptorSet::operator=(DescriptorSet&& other) noexcept {
    if (this == &other) return *this;
    release();
    device_ = other.device_;
    pool_ = other.pool_;
    handle_ = std::exchange(other.handle_, {});
    bound_ = other.bound_;
    views_ = std::exchange(other.views_, {});
    return *this;
}

DescriptorSet::~DescriptorSet() {
    release();
}

void DescriptorSet::release() noexcept {
    if (device_ == nullptr || handle_ == VkDescriptorSet{} || !device_->may_destroy()) return;
    for (VkBufferView view : views_)
        device_->fn.vkDestroyBufferView(device_->device, view, nullptr);
    const std::lock_guard lock(device_->pool_mutex);
    device_->fn.vkFreeDescriptorSets(device_->device, pool_, 1, &handle_);
    for (DescriptorPool& pool : device_->descriptor_pools) {
        if (pool.pool == pool_) ++pool.free_sets;
    }
}

}  // namespace gyre
