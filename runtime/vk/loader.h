// Opens the Vulkan loader and holds the functions of one VkInstance.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <volk.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/vk/device_info.h"
#include "runtime/vk/set_loader.h"

namespace gyre {

// Opens the loader once in a process, from any thread; a failure may be tried again.
Status open_loader();

// volk's instance functions are global and would be overwritten by a second instance with other
// extensions, so each instance has its own.
#define GYRE_INSTANCE_FUNCTIONS(X)              \
    X(vkDestroyInstance)                        \
    X(vkEnumeratePhysicalDevices)               \
    X(vkEnumerateDeviceExtensionProperties)     \
    X(vkGetPhysicalDeviceProperties)            \
    X(vkGetPhysicalDeviceProperties2)           \
    X(vkGetPhysicalDeviceFeatures2)             \
    X(vkGetPhysicalDeviceMemoryProperties)      \
    X(vkGetPhysicalDeviceMemoryProperties2)     \
    X(vkGetPhysicalDeviceQueueFamilyProperties) \
    X(vkCreateDevice)

// Null where VK_EXT_debug_utils is missing.
#define GYRE_DEBUG_FUNCTIONS(X)        \
    X(vkCreateDebugUtilsMessengerEXT)  \
    X(vkDestroyDebugUtilsMessengerEXT) \
    X(vkSetDebugUtilsObjectNameEXT)    \
    X(vkCmdBeginDebugUtilsLabelEXT)    \
    X(vkCmdEndDebugUtilsLabelEXT)

// Null where no device has the extension; older headers do not know it.
#ifdef VK_KHR_cooperative_matrix
#define GYRE_COOPERATIVE_FUNCTIONS(X) X(vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)
#else
#define GYRE_COOPERATIVE_FUNCTIONS(X)
#endif

struct InstanceTable {
#define GYRE_DECLARE(name) PFN_##name name = nullptr;
    GYRE_INSTANCE_FUNCTIONS(GYRE_DECLARE)
    GYRE_DEBUG_FUNCTIONS(GYRE_DECLARE)
    GYRE_COOPERATIVE_FUNCTIONS(GYRE_DECLARE)
#undef GYRE_DECLARE

    // kNoDevice if the loader lacks a function of Vulkan 1.1.
    Status load(VkInstance instance, bool debug_utils);
};

struct InstanceState {
    VkInstance instance = VK_NULL_HANDLE;
    InstanceTable fn;
    VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
    std::function<void(const char*)> on_message;
    std::vector<VkPhysicalDevice> physical;
    std::vector<DeviceInfo> devices;  // same order as physical
    // A Device hangs and is never destroyed; then neither may the instance below it.
    mutable std::atomic<bool> keep{false};

    InstanceState() = default;
    InstanceState(const InstanceState&) = delete;
    InstanceState& operator=(const InstanceState&) = delete;
    ~InstanceState();
};

}  // namespace gyre
