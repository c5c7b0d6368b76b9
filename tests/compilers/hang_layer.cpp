// A layer below the one under test, which plays a driver whose compiler never ends, crashes, or
// refuses.
// SPDX-License-Identifier: Apache-2.0
//
//   GYRE_TEST_HANG=spin:3    the pipeline of the third shader module is computed for ever; sleep:
//   waited for for ever;
//                            crash: the compiler aborts; refuse: it returns an error
//   GYRE_TEST_HANG=end:0     the driver aborts where its device is destroyed
#include <unistd.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

PFN_vkGetInstanceProcAddr next_instance;
PFN_vkGetDeviceProcAddr next_device;
VkInstance the_instance;
std::atomic<int> modules{0};

std::string what() {
    const char* const text = std::getenv("GYRE_TEST_HANG");
    return text != nullptr ? text : ":0";
}

template <typename Info>
Info* layer_link(const void* chain, VkStructureType type) {
    auto* at = static_cast<const VkBaseInStructure*>(chain);
    while (at != nullptr) {
        auto* info = reinterpret_cast<Info*>(const_cast<VkBaseInStructure*>(at));
        if (at->sType == type && info->function == VK_LAYER_LINK_INFO) return info;
        at = at->pNext;
    }
    return nullptr;
}

VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo* info,
                                               const VkAllocationCallbacks* allocator,
                                               VkInstance* out) {
    auto* link = layer_link<VkLayerInstanceCreateInfo>(
        info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
    next_instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const VkResult result = reinterpret_cast<PFN_vkCreateInstance>(
        next_instance(VK_NULL_HANDLE, "vkCreateInstance"))(info, allocator, out);
    the_instance = *out;
    return result;
}

VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                             const VkDeviceCreateInfo* info,
                                             const VkAllocationCallbacks* allocator,
                                             VkDevice* out) {
    auto* link = layer_link<VkLayerDeviceCreateInfo>(info->pNext,
                                                     VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
    next_device = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    return reinterpret_cast<PFN_vkCreateDevice>(next_instance(the_instance, "vkCreateDevice"))(
        physical, info, allocator, out);
}

VKAPI_ATTR VkResult VKAPI_CALL create_module(VkDevice device, const VkShaderModuleCreateInfo* info,
                                             const VkAllocationCallbacks* allocator,
                                             VkShaderModule* out) {
    ++modules;
    return reinterpret_cast<PFN_vkCreateShaderModule>(next_device(device, "vkCreateShaderModule"))(
        device, info, allocator, out);
}

VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice device, VkPipelineCache cache,
                                                std::uint32_t count,
                                                const VkComputePipelineCreateInfo* infos,
                                                const VkAllocationCallbacks* allocator,
                                                VkPipeline* out) {
    const std::string text = what();
    const std::size_t colon = text.find(':');
    if (std::atoi(text.c_str() + colon + 1) == modules) {
        const std::string how = text.substr(0, colon);
        if (how == "crash") std::abort();
        if (how == "refuse") return VK_ERROR_OUT_OF_HOST_MEMORY;
        for (volatile bool for_ever = true; for_ever;) {
            if (how == "sleep") sleep(1);
        }
    }
    return reinterpret_cast<PFN_vkCreateComputePipelines>(next_device(
        device, "vkCreateComputePipelines"))(device, cache, count, infos, allocator, out);
}

VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice device, const VkAllocationCallbacks* allocator) {
    if (what() == "end:0") std::abort();
    reinterpret_cast<PFN_vkDestroyDevice>(next_device(device, "vkDestroyDevice"))(device,
                                                                                  allocator);
}

PFN_vkVoidFunction hook(const char* name) {
#define HOOK(hooked, function) \
    if (std::strcmp(name, "vk" hooked) == 0) return reinterpret_cast<PFN_vkVoidFunction>(function)
    HOOK("CreateInstance", create_instance);
    HOOK("CreateDevice", create_device);
    HOOK("DestroyDevice", destroy_device);
    HOOK("CreateShaderModule", create_module);
    HOOK("CreateComputePipelines", create_pipelines);
#undef HOOK
    return nullptr;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_device_function(VkDevice device, const char* name) {
    if (PFN_vkVoidFunction function = hook(name)) return function;
    return next_device(device, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_instance_function(VkInstance instance,
                                                               const char* name) {
    if (PFN_vkVoidFunction function = hook(name)) return function;
    return next_instance != nullptr ? next_instance(instance, name) : nullptr;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface* version) {
    version->loaderLayerInterfaceVersion = 2;
    version->pfnGetInstanceProcAddr = get_instance_function;
    version->pfnGetDeviceProcAddr = get_device_function;
    version->pfnGetPhysicalDeviceProcAddr = nullptr;
    return VK_SUCCESS;
}
