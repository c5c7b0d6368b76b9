// Every Vulkan function that the runtime calls, and the results with which it may fail.
// SPDX-License-Identifier: Apache-2.0
//
// Results as the Vulkan specification lists them for 1.1 and VK_EXT_debug_utils ("Return Codes" of
// each function; errorcodes and successcodes in vk.xml). Left out:
// VK_ERROR_INVALID_EXTERNAL_HANDLE, VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS and
// VK_PIPELINE_COMPILE_REQUIRED, which need structures and flags that the runtime does not use.
// VK_ERROR_UNKNOWN is allowed everywhere.
#pragma once

#include <vulkan/vulkan_core.h>

#include <string_view>
#include <vector>

namespace gyre::faults {

// X(function, results...): functions that return a VkResult.
#define GYRE_FAULT_LIST(X)                                                                       \
    X(vkCreateInstance, kHost, kDevice, VK_ERROR_INITIALIZATION_FAILED,                          \
      VK_ERROR_LAYER_NOT_PRESENT, VK_ERROR_EXTENSION_NOT_PRESENT, VK_ERROR_INCOMPATIBLE_DRIVER)  \
    X(vkEnumerateInstanceExtensionProperties, kHost, kDevice, VK_ERROR_LAYER_NOT_PRESENT,        \
      VK_INCOMPLETE)                                                                             \
    X(vkEnumeratePhysicalDevices, kHost, kDevice, VK_ERROR_INITIALIZATION_FAILED, VK_INCOMPLETE) \
    X(vkEnumerateDeviceExtensionProperties, kHost, kDevice, VK_ERROR_LAYER_NOT_PRESENT,          \
      VK_INCOMPLETE)                                                                             \
    X(vkCreateDebugUtilsMessengerEXT, kHost)                                                     \
    X(vkSetDebugUtilsObjectNameEXT, kHost, kDevice)                                              \
    X(vkCreateDevice, kHost, kDevice, VK_ERROR_INITIALIZATION_FAILED,                            \
      VK_ERROR_EXTENSION_NOT_PRESENT, VK_ERROR_FEATURE_NOT_PRESENT, VK_ERROR_TOO_MANY_OBJECTS,   \
      kLost)                                                                                     \
    X(vkQueueSubmit, kHost, kDevice, kLost)                                                      \
    X(vkDeviceWaitIdle, kHost, kDevice, kLost)                                                   \
    X(vkAllocateMemory, kHost, kDevice, VK_ERROR_TOO_MANY_OBJECTS)                               \
    X(vkMapMemory, kHost, kDevice, VK_ERROR_MEMORY_MAP_FAILED)                                   \
    X(vkFlushMappedMemoryRanges, kHost, kDevice)                                                 \
    X(vkInvalidateMappedMemoryRanges, kHost, kDevice)                                            \
    X(vkBindBufferMemory, kHost, kDevice)                                                        \
    X(vkCreateFence, kHost, kDevice)                                                             \
    X(vkResetFences, kDevice)                                                                    \
    X(vkGetFenceStatus, kHost, kDevice, kLost, VK_NOT_READY)                                     \
    X(vkWaitForFences, kHost, kDevice, kLost, VK_TIMEOUT)                                        \
    X(vkCreateQueryPool, kHost, kDevice)                                                         \
    X(vkGetQueryPoolResults, kHost, kDevice, kLost, VK_NOT_READY)                                \
    X(vkCreateBuffer, kHost, kDevice)                                                            \
    X(vkCreateBufferView, kHost, kDevice)                                                        \
    X(vkCreateShaderModule, kHost, kDevice, VK_ERROR_INVALID_SHADER_NV)                          \
    X(vkCreatePipelineCache, kHost, kDevice)                                                     \
    X(vkGetPipelineCacheData, kHost, kDevice, VK_INCOMPLETE)                                     \
    X(vkCreateComputePipelines, kHost, kDevice, VK_ERROR_INVALID_SHADER_NV)                      \
    X(vkCreatePipelineLayout, kHost, kDevice)                                                    \
    X(vkCreateDescriptorSetLayout, kHost, kDevice)                                               \
    X(vkCreateDescriptorPool, kHost, kDevice, VK_ERROR_FRAGMENTATION)                            \
    X(vkAllocateDescriptorSets, kHost, kDevice, VK_ERROR_FRAGMENTED_POOL,                        \
      VK_ERROR_OUT_OF_POOL_MEMORY)                                                               \
    X(vkFreeDescriptorSets)                                                                      \
    X(vkCreateCommandPool, kHost, kDevice)                                                       \
    X(vkResetCommandPool, kDevice)                                                               \
    X(vkAllocateCommandBuffers, kHost, kDevice)                                                  \
    X(vkBeginCommandBuffer, kHost, kDevice)                                                      \
    X(vkEndCommandBuffer, kHost, kDevice)

// Those that return nothing, and are watched or changed.
#define GYRE_WATCH_LIST(X)                  \
    X(vkDestroyInstance)                    \
    X(vkDestroyDebugUtilsMessengerEXT)      \
    X(vkDestroyDevice)                      \
    X(vkDestroyFence)                       \
    X(vkDestroyQueryPool)                   \
    X(vkDestroyBuffer)                      \
    X(vkDestroyBufferView)                  \
    X(vkDestroyShaderModule)                \
    X(vkDestroyPipelineCache)               \
    X(vkDestroyPipeline)                    \
    X(vkDestroyPipelineLayout)              \
    X(vkDestroyDescriptorSetLayout)         \
    X(vkDestroyDescriptorPool)              \
    X(vkDestroyCommandPool)                 \
    X(vkFreeMemory)                         \
    X(vkUpdateDescriptorSets)               \
    X(vkGetPhysicalDeviceMemoryProperties)  \
    X(vkGetPhysicalDeviceMemoryProperties2) \
    X(vkGetBufferMemoryRequirements)        \
    X(vkCmdBindPipeline)                    \
    X(vkCmdBindDescriptorSets)              \
    X(vkCmdCopyBuffer)                      \
    X(vkCmdFillBuffer)                      \
    X(vkCmdResetQueryPool)                  \
    X(vkCmdWriteTimestamp)                  \
    X(vkCmdDispatch)                        \
    X(vkCmdDispatchBase)

inline constexpr VkResult kHost = VK_ERROR_OUT_OF_HOST_MEMORY;
inline constexpr VkResult kDevice = VK_ERROR_OUT_OF_DEVICE_MEMORY;
inline constexpr VkResult kLost = VK_ERROR_DEVICE_LOST;

enum Function : int {
#define GYRE_FAULT_ID(name, ...) k_##name,
    GYRE_FAULT_LIST(GYRE_FAULT_ID) GYRE_WATCH_LIST(GYRE_FAULT_ID)
#undef GYRE_FAULT_ID
        kFunctions,
};

struct FaultRow {
    std::string_view name;
    std::vector<VkResult> results;  // VK_ERROR_UNKNOWN among them
};

inline const std::vector<FaultRow>& fault_rows() {
    static const std::vector<FaultRow> rows = [] {
        std::vector<FaultRow> list = {
#define GYRE_FAULT_ROW(name, ...) {#name, {__VA_ARGS__}},
            GYRE_FAULT_LIST(GYRE_FAULT_ROW)
#undef GYRE_FAULT_ROW
        };
        for (FaultRow& row : list) {
            if (!row.results.empty()) row.results.push_back(VK_ERROR_UNKNOWN);
        }
        return list;
    }();
    return rows;
}

}  // namespace gyre::faults
