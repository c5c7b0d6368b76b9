// What the stand-in does around calls of single functions: bookkeeping, and how each of them fails.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "tests/faults/world.h"

namespace gyre::faults {

inline constexpr Handle kGarbage = 0xdeadbeef0badf00dull;

// The default: nothing.
template <Function F>
struct Hook {
    // Whether a call with these arguments can end with this result.
    template <typename... A>
    static bool applies(VkResult, A...) {
        return true;
    }
    // In place of the call. May change the result.
    template <typename... A>
    static void failed(World&, VkResult, A...) {}
    // false: the call must not reach the driver.
    template <typename... A>
    static bool before(World&, A&...) {
        return true;
    }
    // After a call that reached the driver.
    template <typename... A>
    static void after(World&, VkResult, A...) {}
};

template <typename T>
void spoil(T* out) {
    std::memcpy(out, &kGarbage, sizeof(T) < sizeof(kGarbage) ? sizeof(T) : sizeof(kGarbage));
}

// vkCreateX(parent, info, allocator, &x) and vkDestroyX(parent, x, allocator).
#define GYRE_HOOK_CREATE(name, Type)                                                          \
    template <>                                                                               \
    struct Hook<k_##name> : Hook<kFunctions> {                                                \
        template <typename P, typename I>                                                     \
        static void failed(World&, VkResult, P, I, const VkAllocationCallbacks*, Type* out) { \
            spoil(out);                                                                       \
        }                                                                                     \
        template <typename P, typename I>                                                     \
        static void after(World& world, VkResult result, P, I, const VkAllocationCallbacks*,  \
                          Type* out) {                                                        \
            if (result == VK_SUCCESS) world.add(#Type, handle_of(*out));                      \
        }                                                                                     \
    };
#define GYRE_HOOK_DESTROY(name, Type)                                                       \
    template <>                                                                             \
    struct Hook<k_##name> : Hook<kFunctions> {                                              \
        template <typename P>                                                               \
        static bool before(World& world, P&, Type& object, const VkAllocationCallbacks*&) { \
            return world.remove(#name, handle_of(object));                                  \
        }                                                                                   \
    };
GYRE_HOOK_CREATE(vkCreateDebugUtilsMessengerEXT, VkDebugUtilsMessengerEXT)
GYRE_HOOK_DESTROY(vkDestroyDebugUtilsMessengerEXT, VkDebugUtilsMessengerEXT)
GYRE_HOOK_CREATE(vkCreateFence, VkFence)
GYRE_HOOK_DESTROY(vkDestroyFence, VkFence)
GYRE_HOOK_CREATE(vkCreateQueryPool, VkQueryPool)
GYRE_HOOK_DESTROY(vkDestroyQueryPool, VkQueryPool)
GYRE_HOOK_CREATE(vkCreateBuffer, VkBuffer)
GYRE_HOOK_DESTROY(vkDestroyBuffer, VkBuffer)
GYRE_HOOK_DESTROY(vkDestroyBufferView, VkBufferView)
GYRE_HOOK_CREATE(vkCreateShaderModule, VkShaderModule)
GYRE_HOOK_DESTROY(vkDestroyShaderModule, VkShaderModule)
GYRE_HOOK_CREATE(vkCreatePipelineCache, VkPipelineCache)
GYRE_HOOK_DESTROY(vkDestroyPipelineCache, VkPipelineCache)
GYRE_HOOK_DESTROY(vkDestroyPipeline, VkPipeline)
GYRE_HOOK_CREATE(vkCreatePipelineLayout, VkPipelineLayout)
GYRE_HOOK_DESTROY(vkDestroyPipelineLayout, VkPipelineLayout)
GYRE_HOOK_CREATE(vkCreateDescriptorSetLayout, VkDescriptorSetLayout)
GYRE_HOOK_DESTROY(vkDestroyDescriptorSetLayout, VkDescriptorSetLayout)
GYRE_HOOK_CREATE(vkCreateDescriptorPool, VkDescriptorPool)
GYRE_HOOK_CREATE(vkCreateCommandPool, VkCommandPool)
#undef GYRE_HOOK_CREATE
#undef GYRE_HOOK_DESTROY

#define GYRE_HOOK(name) \
    template <>         \
    struct Hook<k_##name> : Hook<kFunctions>

// ---- Instance and device

GYRE_HOOK(vkCreateInstance){static void failed(World&, VkResult, const VkInstanceCreateInfo*,
                                               const VkAllocationCallbacks*,
                                               VkInstance* out){spoil(out);
}  // namespace gyre::faults
static void after(World& world, VkResult result, const VkInstanceCreateInfo*,
                  const VkAllocationCallbacks*, VkInstance* out) {
    if (result == VK_SUCCESS) world.add("VkInstance", handle_of(*out));
}
}
;
GYRE_HOOK(vkDestroyInstance){
    static bool before(World & world, VkInstance& instance,
                       const VkAllocationCallbacks*&){for (const auto& [kind, n]
                                                           : world.alive()){
        if (kind != "VkInstance") world.violation("vkDestroyInstance: before a " + kind);
}
return world.remove("vkDestroyInstance", handle_of(instance));
}
}
;
GYRE_HOOK(vkCreateDevice){
    static void failed(World&, VkResult, VkPhysicalDevice, const VkDeviceCreateInfo*,
                       const VkAllocationCallbacks*, VkDevice* out){spoil(out);
}
static void after(World& world, VkResult result, VkPhysicalDevice, const VkDeviceCreateInfo*,
                  const VkAllocationCallbacks*, VkDevice* out) {
    if (result != VK_SUCCESS) return;
    world.add("VkDevice", handle_of(*out));
    world.device = *out;
    world.lost = false;
}
}
;
GYRE_HOOK(vkDestroyDevice){
    static bool before(World & world, VkDevice& device, const VkAllocationCallbacks*&){
        if (world.under_way() > 0) world.violation("vkDestroyDevice: with work under way");
for (const auto& [kind, n] : world.alive()) {
    if (kind != "VkInstance" && kind != "VkDevice" && kind != "VkDebugUtilsMessengerEXT")
        world.violation("vkDestroyDevice: before " + std::to_string(n) + " " + kind);
}
world.device = VK_NULL_HANDLE;
world.lost = false;
return world.remove("vkDestroyDevice", handle_of(device));
}
}
;

// A list that is cut short by one: the array's room is one less.
template <typename... A>
bool cuts_list(VkResult result, std::uint32_t* count, const void* array) {
    return result != VK_INCOMPLETE || (array != nullptr && *count > 0);
}
GYRE_HOOK(vkEnumerateInstanceExtensionProperties){
    static bool applies(VkResult result, const char*, std::uint32_t* n,
                        VkExtensionProperties* a){return cuts_list(result, n, a);
}
static void failed(World&, VkResult result, const char*, std::uint32_t* n, void*) {
    *n = result == VK_INCOMPLETE ? *n - 1 : ~0u;
}
}
;
GYRE_HOOK(vkEnumerateDeviceExtensionProperties){
    static bool applies(VkResult result, VkPhysicalDevice, const char*, std::uint32_t* n,
                        VkExtensionProperties* a){return cuts_list(result, n, a);
}
static void failed(World&, VkResult result, VkPhysicalDevice, const char*, std::uint32_t* n,
                   void*) {
    *n = result == VK_INCOMPLETE ? 0 : ~0u;
}
}
;
GYRE_HOOK(vkEnumeratePhysicalDevices){
    static bool applies(VkResult result, VkInstance, std::uint32_t* n,
                        VkPhysicalDevice* a){return cuts_list(result, n, a);
}
static void failed(World&, VkResult result, VkInstance, std::uint32_t* n, void*) {
    *n = result == VK_INCOMPLETE ? 0 : ~0u;
}
}
;

// ---- Memory

GYRE_HOOK(vkGetPhysicalDeviceMemoryProperties){
    static void after(World & world, VkResult, VkPhysicalDevice,
                      VkPhysicalDeviceMemoryProperties* out){if (!world.discrete) return;
const VkDeviceSize size = out->memoryHeaps[0].size;
out->memoryHeapCount = 2;
out->memoryHeaps[0] = {size / 2, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
out->memoryHeaps[1] = {size / 2, 0};
out->memoryTypeCount = 2;
out->memoryTypes[0] = {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0};
out->memoryTypes[1] = {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, 1};
}
}
;
GYRE_HOOK(vkGetPhysicalDeviceMemoryProperties2){
    static void after(World & world, VkResult, VkPhysicalDevice device,
                      VkPhysicalDeviceMemoryProperties2* out){
        Hook<k_vkGetPhysicalDeviceMemoryProperties>::after(world, VK_SUCCESS, device,
                                                           &out->memoryProperties);
}
}
;
GYRE_HOOK(vkGetBufferMemoryRequirements){
    static void after(World & world, VkResult, VkDevice, VkBuffer,
                      VkMemoryRequirements* out){if (world.discrete) out->memoryTypeBits = 3;
}
}
;
GYRE_HOOK(vkAllocateMemory) {
    static void failed(World&, VkResult, VkDevice, const VkMemoryAllocateInfo*,
                       const VkAllocationCallbacks*, VkDeviceMemory* out) {
        spoil(out);
    }
    static inline VkMemoryAllocateInfo asked, real;
    static bool before(World & world, VkDevice&, const VkMemoryAllocateInfo*& info,
                       const VkAllocationCallbacks*&, VkDeviceMemory*&) {
        asked = real = *info;
        if (world.discrete) real.memoryTypeIndex = 0;
        info = &real;
        return true;
    }
    static void after(World & world, VkResult result, VkDevice, const VkMemoryAllocateInfo*,
                      const VkAllocationCallbacks*, VkDeviceMemory* out) {
        if (result != VK_SUCCESS) return;
        world.add("VkDeviceMemory", handle_of(*out));
        Object* memory = world.find(handle_of(*out));
        memory->coherent = !world.discrete || asked.memoryTypeIndex == 0;
        memory->size = asked.allocationSize;
    }
};
GYRE_HOOK(vkFreeMemory){static bool before(World & world, VkDevice&, VkDeviceMemory& memory,
                                           const VkAllocationCallbacks*&){
    return world.remove("vkFreeMemory", handle_of(memory));
}
}
;
GYRE_HOOK(vkBindBufferMemory){static void after(World & world, VkResult result, VkDevice,
                                                VkBuffer buffer, VkDeviceMemory memory,
                                                VkDeviceSize){
    if (result == VK_SUCCESS) world.use(handle_of(buffer), 0, handle_of(memory));
}
}
;
GYRE_HOOK(vkMapMemory){static void failed(World&, VkResult, VkDevice, VkDeviceMemory, VkDeviceSize,
                                          VkDeviceSize, VkMemoryMapFlags, void** out){spoil(out);
}
static void after(World& world, VkResult result, VkDevice, VkDeviceMemory handle, VkDeviceSize,
                  VkDeviceSize, VkMemoryMapFlags, void** out) {
    Object* memory = world.find(handle_of(handle));
    if (result != VK_SUCCESS || memory == nullptr || memory->coherent) return;
    memory->real = static_cast<std::byte*>(*out);
    memory->shadow.resize(memory->size);
    *out = memory->shadow.data();
}
}
;
// Moves the bytes of the ranges between what the host sees and what the device has.
inline void move_ranges(World& world, std::uint32_t n, const VkMappedMemoryRange* ranges,
                        bool to_device) {
    for (std::uint32_t i = 0; i < n; ++i) {
        Object* memory = world.find(handle_of(ranges[i].memory));
        if (memory == nullptr || memory->shadow.empty()) continue;
        std::byte* host = memory->shadow.data() + ranges[i].offset;
        std::byte* device = memory->real + ranges[i].offset;
        const std::uint64_t size =
            ranges[i].size == VK_WHOLE_SIZE ? memory->size - ranges[i].offset : ranges[i].size;
        std::memcpy(to_device ? device : host, to_device ? host : device, size);
    }
}
GYRE_HOOK(vkFlushMappedMemoryRanges){
    static void after(World & world, VkResult, VkDevice, std::uint32_t n,
                      const VkMappedMemoryRange* ranges){move_ranges(world, n, ranges, true);
}
}
;
GYRE_HOOK(vkInvalidateMappedMemoryRanges){
    static void after(World & world, VkResult, VkDevice, std::uint32_t n,
                      const VkMappedMemoryRange* ranges){move_ranges(world, n, ranges, false);
}
}
;
GYRE_HOOK(vkCreateBufferView){
    static void failed(World&, VkResult, VkDevice, const VkBufferViewCreateInfo*,
                       const VkAllocationCallbacks*, VkBufferView* out){spoil(out);
}
static void after(World& world, VkResult result, VkDevice, const VkBufferViewCreateInfo* info,
                  const VkAllocationCallbacks*, VkBufferView* out) {
    if (result != VK_SUCCESS) return;
    world.add("VkBufferView", handle_of(*out));
    world.use(handle_of(*out), 0, handle_of(info->buffer));
}
}
;

}  // namespace gyre::faults
