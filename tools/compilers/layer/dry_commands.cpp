// A dry run's commands, queue, fences and queries: recorded by nobody, done at once.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <cstring>

#include "dry.h"
#include "tables.h"

namespace compilers {

namespace {

#define GYRE_DRY(type, name) VKAPI_ATTR type VKAPI_CALL name
using Allocator = const VkAllocationCallbacks*;
using u32 = std::uint32_t;

GYRE_DRY(VkResult, create_fence)
(VkDevice, const VkFenceCreateInfo*, Allocator, VkFence* out) {
    *out = dry_handle<VkFence>();
    return VK_SUCCESS;
}
GYRE_DRY(void, destroy_fence)(VkDevice, VkFence, Allocator) {}
GYRE_DRY(VkResult, reset_fences)(VkDevice, u32, const VkFence*) {
    return VK_SUCCESS;
}
GYRE_DRY(VkResult, fence_status)(VkDevice, VkFence) {
    return VK_SUCCESS;
}
GYRE_DRY(VkResult, wait_fences)(VkDevice, u32, const VkFence*, VkBool32, std::uint64_t) {
    return VK_SUCCESS;
}

GYRE_DRY(VkResult, create_semaphore)
(VkDevice, const VkSemaphoreCreateInfo*, Allocator, VkSemaphore* out) {
    *out = dry_handle<VkSemaphore>();
    return VK_SUCCESS;
}
GYRE_DRY(void, destroy_semaphore)(VkDevice, VkSemaphore, Allocator) {}

GYRE_DRY(VkResult, create_query_pool)
(VkDevice, const VkQueryPoolCreateInfo*, Allocator, VkQueryPool* out) {
    *out = dry_handle<VkQueryPool>();
    return VK_SUCCESS;
}
GYRE_DRY(void, destroy_query_pool)(VkDevice, VkQueryPool, Allocator) {}
// No time passes, and every result is there.
GYRE_DRY(VkResult, query_results)
(VkDevice, VkQueryPool, u32, u32 count, std::size_t size, void* data, VkDeviceSize stride,
 VkQueryResultFlags flags) {
    std::memset(data, 0, size);
    if ((flags & VK_QUERY_RESULT_WITH_AVAILABILITY_BIT) == 0) return VK_SUCCESS;
    const std::size_t word = (flags & VK_QUERY_RESULT_64_BIT) != 0 ? 8 : 4;
    for (u32 i = 0; i < count; ++i) {
        static_cast<char*>(data)[i * stride + word] = 1;  // the lowest byte of the second word
    }
    return VK_SUCCESS;
}

GYRE_DRY(VkResult, create_command_pool)
(VkDevice, const VkCommandPoolCreateInfo*, Allocator, VkCommandPool* out) {
    *out = dry_handle<VkCommandPool>();
    return VK_SUCCESS;
}
GYRE_DRY(void, destroy_command_pool)(VkDevice, VkCommandPool, Allocator) {}
GYRE_DRY(VkResult, reset_command_pool)(VkDevice, VkCommandPool, VkCommandPoolResetFlags) {
    return VK_SUCCESS;
}

// The loader reads and writes the first word of what it dispatches on. They are not given back:
// the program that is looked at frees them with their pool, and makes few.
GYRE_DRY(VkResult, allocate_command_buffers)
(VkDevice device, const VkCommandBufferAllocateInfo* info, VkCommandBuffer* out) {
    for (u32 i = 0; i < info->commandBufferCount; ++i) {
        auto* const words = static_cast<void**>(std::calloc(2, sizeof(void*)));
        if (words == nullptr) return VK_ERROR_OUT_OF_HOST_MEMORY;
        words[0] = dispatch_key(device);
        out[i] = reinterpret_cast<VkCommandBuffer>(words);
    }
    return VK_SUCCESS;
}
GYRE_DRY(void, free_command_buffers)(VkDevice, VkCommandPool, u32, const VkCommandBuffer*) {}
GYRE_DRY(VkResult, begin)(VkCommandBuffer, const VkCommandBufferBeginInfo*) {
    return VK_SUCCESS;
}
GYRE_DRY(VkResult, end)(VkCommandBuffer) {
    return VK_SUCCESS;
}
GYRE_DRY(VkResult, reset)(VkCommandBuffer, VkCommandBufferResetFlags) {
    return VK_SUCCESS;
}

GYRE_DRY(VkResult, submit)(VkQueue, u32, const VkSubmitInfo*, VkFence) {
    return VK_SUCCESS;
}
GYRE_DRY(VkResult, wait_queue)(VkQueue) {
    return VK_SUCCESS;
}
GYRE_DRY(VkResult, wait_device)(VkDevice) {
    return VK_SUCCESS;
}

GYRE_DRY(void, bind_pipeline)(VkCommandBuffer, VkPipelineBindPoint, VkPipeline) {}
GYRE_DRY(void, bind_sets)
(VkCommandBuffer, VkPipelineBindPoint, VkPipelineLayout, u32, u32, const VkDescriptorSet*, u32,
 const u32*) {}
GYRE_DRY(void, push_constants)
(VkCommandBuffer, VkPipelineLayout, VkShaderStageFlags, u32, u32, const void*) {}
GYRE_DRY(void, dispatch)(VkCommandBuffer, u32, u32, u32) {}
GYRE_DRY(void, dispatch_base)(VkCommandBuffer, u32, u32, u32, u32, u32, u32) {}
GYRE_DRY(void, barrier)
(VkCommandBuffer, VkPipelineStageFlags, VkPipelineStageFlags, VkDependencyFlags, u32,
 const VkMemoryBarrier*, u32, const VkBufferMemoryBarrier*, u32, const VkImageMemoryBarrier*) {}
GYRE_DRY(void, copy_buffer)(VkCommandBuffer, VkBuffer, VkBuffer, u32, const VkBufferCopy*) {}
GYRE_DRY(void, fill_buffer)(VkCommandBuffer, VkBuffer, VkDeviceSize, VkDeviceSize, u32) {}
GYRE_DRY(void, update_buffer)
(VkCommandBuffer, VkBuffer, VkDeviceSize, VkDeviceSize, const void*) {}
GYRE_DRY(void, reset_queries)(VkCommandBuffer, VkQueryPool, u32, u32) {}
GYRE_DRY(void, write_timestamp)
(VkCommandBuffer, VkPipelineStageFlagBits, VkQueryPool, u32) {}
GYRE_DRY(void, begin_label)(VkCommandBuffer, const VkDebugUtilsLabelEXT*) {}
GYRE_DRY(void, end_label)(VkCommandBuffer) {}

}  // namespace

PFN_vkVoidFunction dry_command_hook(const char* name) {
    static const Hook hooks[] = {
        GYRE_HOOK("CreateFence", create_fence),
        GYRE_HOOK("DestroyFence", destroy_fence),
        GYRE_HOOK("ResetFences", reset_fences),
        GYRE_HOOK("GetFenceStatus", fence_status),
        GYRE_HOOK("WaitForFences", wait_fences),
        GYRE_HOOK("CreateSemaphore", create_semaphore),
        GYRE_HOOK("DestroySemaphore", destroy_semaphore),
        GYRE_HOOK("CreateQueryPool", create_query_pool),
        GYRE_HOOK("DestroyQueryPool", destroy_query_pool),
        GYRE_HOOK("GetQueryPoolResults", query_results),
        GYRE_HOOK("CreateCommandPool", create_command_pool),
        GYRE_HOOK("DestroyCommandPool", destroy_command_pool),
        GYRE_HOOK("ResetCommandPool", reset_command_pool),
        GYRE_HOOK("AllocateCommandBuffers", allocate_command_buffers),
        GYRE_HOOK("FreeCommandBuffers", free_command_buffers),
        GYRE_HOOK("BeginCommandBuffer", begin),
        GYRE_HOOK("EndCommandBuffer", end),
        GYRE_HOOK("ResetCommandBuffer", reset),
        GYRE_HOOK("QueueSubmit", submit),
        GYRE_HOOK("QueueWaitIdle", wait_queue),
        GYRE_HOOK("DeviceWaitIdle", wait_device),
        GYRE_HOOK("CmdBindPipeline", bind_pipeline),
        GYRE_HOOK("CmdBindDescriptorSets", bind_sets),
        GYRE_HOOK("CmdPushConstants", push_constants),
        GYRE_HOOK("CmdDispatch", dispatch),
        GYRE_HOOK("CmdDispatchBase", dispatch_base),
        GYRE_HOOK("CmdDispatchBaseKHR", dispatch_base),
        GYRE_HOOK("CmdPipelineBarrier", barrier),
        GYRE_HOOK("CmdCopyBuffer", copy_buffer),
        GYRE_HOOK("CmdFillBuffer", fill_buffer),
        GYRE_HOOK("CmdUpdateBuffer", update_buffer),
        GYRE_HOOK("CmdResetQueryPool", reset_queries),
        GYRE_HOOK("CmdWriteTimestamp", write_timestamp),
        GYRE_HOOK("CmdBeginDebugUtilsLabelEXT", begin_label),
        GYRE_HOOK("CmdEndDebugUtilsLabelEXT", end_label),
    };
    for (const Hook& hook : hooks) {
        if (std::strcmp(name, hook.name) == 0) return hook.function;
    }
    return nullptr;
}

}  // namespace compilers
