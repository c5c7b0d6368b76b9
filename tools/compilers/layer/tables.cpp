// The layer's entry points, and the tables of what was created through it.
// SPDX-License-Identifier: Apache-2.0
#include "tables.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "settings.h"

namespace compilers {

namespace {

std::mutex tables_mutex;
std::map<void*, InstanceEntry> instances;
std::map<void*, DeviceEntry> devices;

PFN_vkVoidFunction device_hook(const char* name) {
    if (PFN_vkVoidFunction function = pipeline_hook(name)) return function;
    if (!settings().dry) return nullptr;
    if (PFN_vkVoidFunction function = dry_memory_hook(name)) return function;
    return dry_command_hook(name);
}

}  // namespace

void remember(const InstanceEntry& entry) {
    const std::lock_guard lock(tables_mutex);
    instances[dispatch_key(entry.handle)] = entry;
}

void remember(const DeviceEntry& entry) {
    const std::lock_guard lock(tables_mutex);
    devices[dispatch_key(entry.handle)] = entry;
}

void forget(void* key) {
    const std::lock_guard lock(tables_mutex);
    instances.erase(key);
    devices.erase(key);
}

InstanceEntry instance_of(const void* handle) {
    const std::lock_guard lock(tables_mutex);
    const auto found = instances.find(dispatch_key(handle));
    return found != instances.end() ? found->second : InstanceEntry{};
}

DeviceEntry device_of(const void* handle) {
    const std::lock_guard lock(tables_mutex);
    const auto found = devices.find(dispatch_key(handle));
    return found != devices.end() ? found->second : DeviceEntry{};
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_device_function(VkDevice device, const char* name) {
    if (std::strcmp(name, "vkGetDeviceProcAddr") == 0) {
        return reinterpret_cast<PFN_vkVoidFunction>(get_device_function);
    }
    if (std::strcmp(name, "vkDestroyDevice") == 0) return instance_hook(name);
    if (PFN_vkVoidFunction function = device_hook(name)) return function;
    const DeviceEntry entry = device_of(device);
    return entry.get != nullptr ? entry.get(device, name) : nullptr;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_instance_function(VkInstance instance,
                                                               const char* name) {
    if (std::strcmp(name, "vkGetInstanceProcAddr") == 0) {
        return reinterpret_cast<PFN_vkVoidFunction>(get_instance_function);
    }
    if (std::strcmp(name, "vkGetDeviceProcAddr") == 0) {
        return reinterpret_cast<PFN_vkVoidFunction>(get_device_function);
    }
    if (PFN_vkVoidFunction function = instance_hook(name)) return function;
    if (PFN_vkVoidFunction function = device_hook(name)) return function;
    if (instance == VK_NULL_HANDLE) return nullptr;
    const InstanceEntry entry = instance_of(instance);
    return entry.get != nullptr ? entry.get(instance, name) : nullptr;
}

}  // namespace compilers

extern "C" __attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface* version) {
    version->loaderLayerInterfaceVersion = std::min(version->loaderLayerInterfaceVersion, 2u);
    version->pfnGetInstanceProcAddr = compilers::get_instance_function;
    version->pfnGetDeviceProcAddr = compilers::get_device_function;
    version->pfnGetPhysicalDeviceProcAddr = nullptr;
    return VK_SUCCESS;
}
