// Names of the Vulkan handles that our headers carry, without including a Vulkan header.
// SPDX-License-Identifier: Apache-2.0
//
// The layers above runtime/vk pass these around and never call Vulkan with them. The typedefs
// repeat those of vulkan_core.h exactly; a source file under runtime/vk that includes both would
// not compile if they differed.
#pragma once

#include <cstdint>

#define GYRE_VK_DISPATCHABLE(type) typedef struct type##_T* type
#if UINTPTR_MAX == UINT64_MAX
#define GYRE_VK_NON_DISPATCHABLE(type) typedef struct type##_T* type
#else
#define GYRE_VK_NON_DISPATCHABLE(type) typedef std::uint64_t type
#endif

GYRE_VK_DISPATCHABLE(VkInstance);
GYRE_VK_DISPATCHABLE(VkPhysicalDevice);
GYRE_VK_DISPATCHABLE(VkDevice);
GYRE_VK_DISPATCHABLE(VkCommandBuffer);
GYRE_VK_NON_DISPATCHABLE(VkBuffer);
GYRE_VK_NON_DISPATCHABLE(VkBufferView);
GYRE_VK_NON_DISPATCHABLE(VkCommandPool);
GYRE_VK_NON_DISPATCHABLE(VkDescriptorPool);
GYRE_VK_NON_DISPATCHABLE(VkDescriptorSet);
GYRE_VK_NON_DISPATCHABLE(VkDeviceMemory);
GYRE_VK_NON_DISPATCHABLE(VkFence);
GYRE_VK_NON_DISPATCHABLE(VkPipeline);
GYRE_VK_NON_DISPATCHABLE(VkPipelineCache);
GYRE_VK_NON_DISPATCHABLE(VkQueryPool);

#undef GYRE_VK_DISPATCHABLE
#undef GYRE_VK_NON_DISPATCHABLE
