// A dry run's memory, buffers and descriptors: host memory, and objects that are only numbers.
// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <cstring>
#include <map>

#include "dry.h"
#include "tables.h"

namespace compilers {

namespace {

constexpr VkDeviceSize kAlignment = 256;
constexpr VkDeviceSize kHeapBytes = VkDeviceSize{16} << 30;

struct Memory {
    void* address = nullptr;
    VkDeviceSize size = 0;
};

std::mutex mutex;
std::map<VkDeviceMemory, Memory> memories;
std::map<VkBuffer, VkDeviceSize> buffer_sizes;

// Pages that nobody touches cost nothing, so that a large model fits.
VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice, const VkMemoryAllocateInfo* info,
                                        const VkAllocationCallbacks*, VkDeviceMemory* out) {
    void* const address = mmap(nullptr, info->allocationSize, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    *out = dry_handle<VkDeviceMemory>();
    const std::lock_guard lock(mutex);
    memories[*out] = {address, info->allocationSize};
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL release(VkDevice, VkDeviceMemory memory, const VkAllocationCallbacks*) {
    const std::lock_guard lock(mutex);
    const auto found = memories.find(memory);
    if (found == memories.end()) return;
    munmap(found->second.address, found->second.size);
    memories.erase(found);
}

VKAPI_ATTR VkResult VKAPI_CALL map(VkDevice, VkDeviceMemory memory, VkDeviceSize offset,
                                   VkDeviceSize, VkMemoryMapFlags, void** out) {
    const std::lock_guard lock(mutex);
    *out = static_cast<char*>(memories.at(memory).address) + offset;
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL unmap(VkDevice, VkDeviceMemory) {}
VKAPI_ATTR VkResult VKAPI_CALL flush(VkDevice, std::uint32_t, const VkMappedMemoryRange*) {
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice, const VkBufferCreateInfo* info,
                                             const VkAllocationCallbacks*, VkBuffer* out) {
    *out = dry_handle<VkBuffer>();
    const std::lock_guard lock(mutex);
    buffer_sizes[*out] = info->size;
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL destroy_buffer(VkDevice, VkBuffer buffer, const VkAllocationCallbacks*) {
    const std::lock_guard lock(mutex);
    buffer_sizes.erase(buffer);
}

VKAPI_ATTR void VKAPI_CALL requirements(VkDevice, VkBuffer buffer, VkMemoryRequirements* out) {
    const std::lock_guard lock(mutex);
    out->size = (buffer_sizes[buffer] + kAlignment - 1) / kAlignment * kAlignment;
    out->alignment = kAlignment;
    out->memoryTypeBits = 1;
}

VKAPI_ATTR void VKAPI_CALL requirements2(VkDevice device,
                                         const VkBufferMemoryRequirementsInfo2* info,
                                         VkMemoryRequirements2* out) {
    requirements(device, info->buffer, &out->memoryRequirements);
}

VKAPI_ATTR VkResult VKAPI_CALL bind(VkDevice, VkBuffer, VkDeviceMemory, VkDeviceSize) {
    return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL bind2(VkDevice, std::uint32_t, const VkBindBufferMemoryInfo*) {
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL create_view(VkDevice, const VkBufferViewCreateInfo*,
                                           const VkAllocationCallbacks*, VkBufferView* out) {
    *out = dry_handle<VkBufferView>();
    return VK_SUCCESS;
}
VKAPI_ATTR void VKAPI_CALL destroy_view(VkDevice, VkBufferView, const VkAllocationCallbacks*) {}

VKAPI_ATTR VkResult VKAPI_CALL create_descriptor_pool(VkDevice, const VkDescriptorPoolCreateInfo*,
                                                      const VkAllocationCallbacks*,
                                                      VkDescriptorPool* out) {
    *out = dry_handle<VkDescriptorPool>();
    return VK_SUCCESS;
}
VKAPI_ATTR void VKAPI_CALL destroy_descriptor_pool(VkDevice, VkDescriptorPool,
                                                   const VkAllocationCallbacks*) {}
VKAPI_ATTR VkResult VKAPI_CALL reset_descriptor_pool(VkDevice, VkDescriptorPool,
                                                     VkDescriptorPoolResetFlags) {
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL allocate_sets(VkDevice, const VkDescriptorSetAllocateInfo* info,
                                             VkDescriptorSet* out) {
    for (std::uint32_t i = 0; i < info->descriptorSetCount; ++i) {
        out[i] = dry_handle<VkDescriptorSet>();
    }
    return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL free_sets(VkDevice, VkDescriptorPool, std::uint32_t,
                                         const VkDescriptorSet*) {
    return VK_SUCCESS;
}
VKAPI_ATTR void VKAPI_CALL update_sets(VkDevice, std::uint32_t, const VkWriteDescriptorSet*,
                                       std::uint32_t, const VkCopyDescriptorSet*) {}

VKAPI_ATTR void VKAPI_CALL memory_properties(VkPhysicalDevice,
                                             VkPhysicalDeviceMemoryProperties* out) {
    *out = {};
    out->memoryHeapCount = 1;
    out->memoryHeaps[0] = {kHeapBytes, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
    out->memoryTypeCount = 1;
    out->memoryTypes[0] = {
        VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
            VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
        0};
}

VKAPI_ATTR void VKAPI_CALL memory_properties2(VkPhysicalDevice physical,
                                              VkPhysicalDeviceMemoryProperties2* out) {
    memory_properties(physical, &out->memoryProperties);
}

}  // namespace

PFN_vkVoidFunction dry_memory_hook(const char* name) {
    static const Hook hooks[] = {
        GYRE_HOOK("AllocateMemory", allocate),
        GYRE_HOOK("FreeMemory", release),
        GYRE_HOOK("MapMemory", map),
        GYRE_HOOK("UnmapMemory", unmap),
        GYRE_HOOK("FlushMappedMemoryRanges", flush),
        GYRE_HOOK("InvalidateMappedMemoryRanges", flush),
        GYRE_HOOK("CreateBuffer", create_buffer),
        GYRE_HOOK("DestroyBuffer", destroy_buffer),
        GYRE_HOOK("GetBufferMemoryRequirements", requirements),
        GYRE_HOOK("GetBufferMemoryRequirements2", requirements2),
        GYRE_HOOK("GetBufferMemoryRequirements2KHR", requirements2),
        GYRE_HOOK("BindBufferMemory", bind),
        GYRE_HOOK("BindBufferMemory2", bind2),
        GYRE_HOOK("BindBufferMemory2KHR", bind2),
        GYRE_HOOK("CreateBufferView", create_view),
        GYRE_HOOK("DestroyBufferView", destroy_view),
        GYRE_HOOK("CreateDescriptorPool", create_descriptor_pool),
        GYRE_HOOK("DestroyDescriptorPool", destroy_descriptor_pool),
        GYRE_HOOK("ResetDescriptorPool", reset_descriptor_pool),
        GYRE_HOOK("AllocateDescriptorSets", allocate_sets),
        GYRE_HOOK("FreeDescriptorSets", free_sets),
        GYRE_HOOK("UpdateDescriptorSets", update_sets),
        GYRE_HOOK("GetPhysicalDeviceMemoryProperties", memory_properties),
        GYRE_HOOK("GetPhysicalDeviceMemoryProperties2", memory_properties2),
        GYRE_HOOK("GetPhysicalDeviceMemoryProperties2KHR", memory_properties2),
    };
    for (const Hook& hook : hooks) {
        if (std::strcmp(name, hook.name) == 0) return hook.function;
    }
    return nullptr;
}

}  // namespace compilers
