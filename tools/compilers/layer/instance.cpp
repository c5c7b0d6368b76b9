// Instances and devices: what they report of themselves, and the line that describes a device.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "json.h"
#include "settings.h"
#include "tables.h"

namespace compilers {

namespace {

constexpr const char* kExecutables = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;

// The loader passes a chain of links down; each layer takes its own off.
template <typename Info>
Info* layer_link(const void* chain, VkStructureType type) {
    for (auto* at = static_cast<const VkBaseInStructure*>(chain); at != nullptr; at = at->pNext) {
        auto* info = reinterpret_cast<Info*>(const_cast<VkBaseInStructure*>(at));
        if (at->sType == type && info->function == VK_LAYER_LINK_INFO) return info;
    }
    return nullptr;
}

std::vector<VkExtensionProperties> extensions_below(VkPhysicalDevice physical) {
    const auto enumerate = instance_of(physical).extensions;
    std::uint32_t count = 0;
    enumerate(physical, nullptr, &count, nullptr);
    std::vector<VkExtensionProperties> list(count);
    enumerate(physical, nullptr, &count, list.data());
    list.resize(count);
    return list;
}

bool has_extension(VkPhysicalDevice physical, const char* name) {
    for (const VkExtensionProperties& entry : extensions_below(physical)) {
        if (std::strcmp(entry.extensionName, name) == 0) return true;
    }
    return false;
}

// Memory ends in the layer in a dry run, so that a budget of the device would say nothing. Drivers
// without a device crash when they are asked for it.
bool is_hidden(const char* extension) {
    return settings().dry && std::strcmp(extension, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME) == 0;
}

std::string version_text(std::uint32_t version) {
    return std::to_string(VK_API_VERSION_MAJOR(version)) + "." +
           std::to_string(VK_API_VERSION_MINOR(version)) + "." +
           std::to_string(VK_API_VERSION_PATCH(version));
}

// Returns the version that the program is told.
std::uint32_t raised(std::uint32_t version) {
    const auto least = settings().api_version;
    return least && version < *least ? *least : version;
}

JsonObject limits_of(const VkPhysicalDeviceLimits& limits) {
    JsonObject out;
    out.add("workgroup_invocations", limits.maxComputeWorkGroupInvocations)
        .add("shared_bytes", limits.maxComputeSharedMemorySize)
        .add("push_constant_bytes", limits.maxPushConstantsSize)
        .add("texel_elements", limits.maxTexelBufferElements)
        .add("storage_range", limits.maxStorageBufferRange)
        .add("storage_buffers", limits.maxPerStageDescriptorStorageBuffers)
        .add("timestamps", limits.timestampComputeAndGraphics == VK_TRUE);
    return out;
}

void describe_device(VkPhysicalDevice physical) {
    VkPhysicalDeviceDriverProperties driver{};
    driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
    VkPhysicalDeviceSubgroupSizeControlProperties sizes{};
    sizes.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES;
    sizes.pNext = &driver;
    VkPhysicalDeviceSubgroupProperties subgroup{};
    subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
    subgroup.pNext = &sizes;
    VkPhysicalDeviceProperties2 all{};
    all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    all.pNext = &subgroup;
    instance_of(physical).properties2(physical, &all);
    const VkPhysicalDeviceProperties& properties = all.properties;
    JsonObject subgroups;
    subgroups.add("size", subgroup.subgroupSize)
        .add("min", sizes.minSubgroupSize)
        .add("max", sizes.maxSubgroupSize)
        .add("operations", subgroup.supportedOperations);
    JsonObject line;
    line.add("event", "device")
        .add("name", properties.deviceName)
        .add("type", static_cast<int>(properties.deviceType))
        .add("driver", driver.driverName)
        .add("driver_info", driver.driverInfo)
        .add("api_version", version_text(properties.apiVersion));
    if (raised(properties.apiVersion) != properties.apiVersion) {
        line.add("api_version_told", version_text(raised(properties.apiVersion)));
    }
    line.raw("subgroup", subgroups.text())
        .raw("limits", limits_of(properties.limits).text())
        .add("executables", has_extension(physical, kExecutables))
        .add("matrix_units", has_extension(physical, "VK_KHR_cooperative_matrix"));
    write_line(line.text());
}

template <typename Function>
void load(Function& function, const InstanceEntry& entry, const char* name) {
    function = reinterpret_cast<Function>(entry.get(entry.handle, name));
}

VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo* info,
                                               const VkAllocationCallbacks* allocator,
                                               VkInstance* out) {
    auto* link = layer_link<VkLayerInstanceCreateInfo>(
        info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
    if (link == nullptr) return VK_ERROR_INITIALIZATION_FAILED;
    const PFN_vkGetInstanceProcAddr get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const auto create =
        reinterpret_cast<PFN_vkCreateInstance>(get(VK_NULL_HANDLE, "vkCreateInstance"));
    const VkResult result = create(info, allocator, out);
    if (result != VK_SUCCESS) return result;
    InstanceEntry entry;
    entry.handle = *out;
    entry.get = get;
    load(entry.destroy, entry, "vkDestroyInstance");
    load(entry.properties, entry, "vkGetPhysicalDeviceProperties");
    load(entry.properties2, entry, "vkGetPhysicalDeviceProperties2");
    load(entry.extensions, entry, "vkEnumerateDeviceExtensionProperties");
    remember(entry);
    return result;
}

VKAPI_ATTR void VKAPI_CALL destroy_instance(VkInstance instance,
                                            const VkAllocationCallbacks* allocator) {
    if (instance == VK_NULL_HANDLE || settings().dry) return;
    void* const key = dispatch_key(instance);
    instance_of(instance).destroy(instance, allocator);
    forget(key);
}

VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice physical,
                                          VkPhysicalDeviceProperties* out) {
    instance_of(physical).properties(physical, out);
    static std::mutex mutex;
    static std::set<VkPhysicalDevice> described;
    {
        const std::lock_guard lock(mutex);
        if (described.insert(physical).second) describe_device(physical);
    }
    out->apiVersion = raised(out->apiVersion);
}

VKAPI_ATTR void VKAPI_CALL get_properties2(VkPhysicalDevice physical,
                                           VkPhysicalDeviceProperties2* out) {
    instance_of(physical).properties2(physical, out);
    out->properties.apiVersion = raised(out->properties.apiVersion);
}

VKAPI_ATTR VkResult VKAPI_CALL enumerate_extensions(VkPhysicalDevice physical, const char* layer,
                                                    std::uint32_t* count,
                                                    VkExtensionProperties* out) {
    if (layer != nullptr) {
        return instance_of(physical).extensions(physical, layer, count, out);
    }
    std::vector<VkExtensionProperties> shown;
    for (const VkExtensionProperties& entry : extensions_below(physical)) {
        if (!is_hidden(entry.extensionName)) shown.push_back(entry);
    }
    const auto there = static_cast<std::uint32_t>(shown.size());
    if (out == nullptr) {
        *count = there;
        return VK_SUCCESS;
    }
    *count = *count < there ? *count : there;
    std::copy_n(shown.begin(), *count, out);
    return *count < there ? VK_INCOMPLETE : VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                             const VkDeviceCreateInfo* info,
                                             const VkAllocationCallbacks* allocator,
                                             VkDevice* out) {
    auto* link = layer_link<VkLayerDeviceCreateInfo>(info->pNext,
                                                     VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
    if (link == nullptr) return VK_ERROR_INITIALIZATION_FAILED;
    const PFN_vkGetInstanceProcAddr get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    const PFN_vkGetDeviceProcAddr get_device = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;

    VkDeviceCreateInfo wanted = *info;
    std::vector<const char*> names(info->ppEnabledExtensionNames,
                                   info->ppEnabledExtensionNames + info->enabledExtensionCount);
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executables{};
    executables.sType =
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR;
    executables.pNext = const_cast<void*>(wanted.pNext);
    executables.pipelineExecutableInfo = VK_TRUE;
    const bool shows = has_extension(physical, kExecutables);
    if (shows) {
        names.push_back(kExecutables);
        wanted.pNext = &executables;
        wanted.enabledExtensionCount = static_cast<std::uint32_t>(names.size());
        wanted.ppEnabledExtensionNames = names.data();
    }
    const auto create =
        reinterpret_cast<PFN_vkCreateDevice>(get(instance_of(physical).handle, "vkCreateDevice"));
    const VkResult result = create(physical, &wanted, allocator, out);
    if (result == VK_SUCCESS) remember(DeviceEntry{*out, get_device, shows});
    return result;
}

VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice device, const VkAllocationCallbacks* allocator) {
    // V3DV hands an empty job to its queue here, in a thread that does not survive without a
    // device; a dry run ends with its process.
    if (device == VK_NULL_HANDLE || settings().dry) return;
    void* const key = dispatch_key(device);
    below<PFN_vkDestroyDevice>(device_of(device), "vkDestroyDevice")(device, allocator);
    forget(key);
}

}  // namespace

PFN_vkVoidFunction instance_hook(const char* name) {
    static const Hook hooks[] = {
        GYRE_HOOK("CreateInstance", create_instance),
        GYRE_HOOK("DestroyInstance", destroy_instance),
        GYRE_HOOK("GetPhysicalDeviceProperties", get_properties),
        GYRE_HOOK("GetPhysicalDeviceProperties2", get_properties2),
        GYRE_HOOK("GetPhysicalDeviceProperties2KHR", get_properties2),
        GYRE_HOOK("EnumerateDeviceExtensionProperties", enumerate_extensions),
        GYRE_HOOK("CreateDevice", create_device),
        GYRE_HOOK("DestroyDevice", destroy_device),
    };
    for (const Hook& hook : hooks) {
        if (std::strcmp(name, hook.name) == 0) return hook.function;
    }
    return nullptr;
}

}  // namespace compilers
