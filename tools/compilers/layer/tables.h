// The instances and devices that the layer sits on, and how a call is passed on to what lies below.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#include <mutex>

namespace compilers {

// The functions are asked for when the instance is made: later some loaders answer with the top of
// their chain, which would be the layer again.
struct InstanceEntry {
    VkInstance handle = VK_NULL_HANDLE;
    PFN_vkGetInstanceProcAddr get = nullptr;
    PFN_vkDestroyInstance destroy = nullptr;
    PFN_vkGetPhysicalDeviceProperties properties = nullptr;
    PFN_vkGetPhysicalDeviceProperties2 properties2 = nullptr;
    PFN_vkEnumerateDeviceExtensionProperties extensions = nullptr;
};

struct DeviceEntry {
    VkDevice handle = VK_NULL_HANDLE;
    PFN_vkGetDeviceProcAddr get = nullptr;
    bool shows_executables = false;  // VK_KHR_pipeline_executable_properties is enabled
};

// Handles that are dispatched on begin with a pointer of the loader, the same for a device, its
// queues and its command buffers; and for an instance and its physical devices.
inline void* dispatch_key(const void* handle) {
    return *static_cast<void* const*>(handle);
}

void remember(const InstanceEntry& entry);
void remember(const DeviceEntry& entry);
void forget(void* key);
InstanceEntry instance_of(const void* handle);  // an empty entry if it is unknown
DeviceEntry device_of(const void* handle);

template <typename Function>
Function below(const DeviceEntry& entry, const char* name) {
    return reinterpret_cast<Function>(entry.get(entry.handle, name));
}

struct Hook {
    const char* name;
    PFN_vkVoidFunction function;
};
#define GYRE_HOOK(name, function)                                 \
    Hook {                                                        \
        "vk" name, reinterpret_cast<PFN_vkVoidFunction>(function) \
    }

// Null where the layer leaves a function alone.
PFN_vkVoidFunction instance_hook(const char* name);
PFN_vkVoidFunction pipeline_hook(const char* name);
PFN_vkVoidFunction dry_memory_hook(const char* name);
PFN_vkVoidFunction dry_command_hook(const char* name);

}  // namespace compilers
