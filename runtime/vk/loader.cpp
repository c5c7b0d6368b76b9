// The one place where volk's global state is touched.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/loader.h"

#include <mutex>

#include "runtime/vk/install_hints.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

namespace {
std::mutex loader_mutex;  // constant-initialized: nothing runs when the library is loaded
bool loader_open = false;
}  // namespace

Status open_loader() {
    const std::lock_guard lock(loader_mutex);
    if (loader_open) return {};
    if (volkInitialize() != VK_SUCCESS) {
        return Status::no_device(kNoLoader);
    }
    // Null before Vulkan 1.1, which is what everything here needs.
    if (vkEnumerateInstanceVersion == nullptr) {
        return Status::no_device("the Vulkan loader is of version 1.0; 1.1 or newer is needed");
    }
    loader_open = true;
    return {};
}

Status InstanceTable::load(VkInstance instance, bool debug_utils) {
    {
        // The loader gives every instance the same function here; volkLoadDeviceTable reads it.
        const std::lock_guard lock(loader_mutex);
        if (vkGetDeviceProcAddr == nullptr) {
            vkGetDeviceProcAddr = reinterpret_cast<PFN_vkGetDeviceProcAddr>(
                vkGetInstanceProcAddr(instance, "vkGetDeviceProcAddr"));
        }
        if (vkGetDeviceProcAddr == nullptr) {
            return Status::no_device("the Vulkan loader has no vkGetDeviceProcAddr");
        }
    }
#define GYRE_LOAD(name) name = reinterpret_cast<PFN_##name>(vkGetInstanceProcAddr(instance, #name));
    GYRE_INSTANCE_FUNCTIONS(GYRE_LOAD)
    GYRE_COOPERATIVE_FUNCTIONS(GYRE_LOAD)
    if (debug_utils) {
        GYRE_DEBUG_FUNCTIONS(GYRE_LOAD)
    }
#undef GYRE_LOAD
#define GYRE_REQUIRE(name) \
    if (name == nullptr) return Status::no_device("the Vulkan loader has no " #name);
    GYRE_INSTANCE_FUNCTIONS(GYRE_REQUIRE)
#undef GYRE_REQUIRE
    return {};
}

InstanceState::~InstanceState() {
    if (messenger != VK_NULL_HANDLE) {  // it knows this object
        fn.vkDestroyDebugUtilsMessengerEXT(instance, messenger, nullptr);
    }
    if (keep) return;
    if (instance != VK_NULL_HANDLE && fn.vkDestroyInstance != nullptr) {
        fn.vkDestroyInstance(instance, nullptr);
    }
}

}  // namespace gyre
