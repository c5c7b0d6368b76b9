// The one place where volk's global state is touched.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/loader.h"

#include <memory>
#include <mutex>

#include "runtime/base/platform.h"
#include "runtime/vk/install_hints.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

namespace {

// Constant-initialized, and the path is never destroyed: nothing runs when the library is loaded or
// the process ends.
std::mutex loader_mutex;
bool loader_open = false;
const std::string* loader_path = nullptr;
GetInstanceProcAddr loader_function = nullptr;

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL call_loader_function(VkInstance instance,
                                                              const char* name) {
    return loader_function(instance, name);
}

// source: what get is, for messages.
Status load_from(PFN_vkGetInstanceProcAddr get, const std::string& source) {
    // Null before Vulkan 1.1, which is what everything here needs.
    if (get(VK_NULL_HANDLE, "vkEnumerateInstanceVersion") == nullptr) {
        return Status::no_device(source + " is of Vulkan 1.0; 1.1 or newer is needed");
    }
    volkInitializeCustom(get);
    return {};
}

Status load_library(const std::string& path) {
    std::string reason;
    void* library = open_library(path, reason);
    if (library == nullptr) {
        return Status::no_device("the Vulkan loader " + path + " cannot be loaded: " + reason);
    }
    const auto get = reinterpret_cast<PFN_vkGetInstanceProcAddr>(
        find_function(library, "vkGetInstanceProcAddr"));
    const Status status =
        get == nullptr
            ? Status::no_device(path + " has no vkGetInstanceProcAddr: it is no Vulkan loader")
            : load_from(get, "the Vulkan loader " + path);
    if (!status.ok()) close_library(library);
    return status;
}

Status load_system_library() {
    if (volkInitialize() != VK_SUCCESS) {
        return Status::no_device(kNoLoader);
    }
    if (vkEnumerateInstanceVersion == nullptr) {
        return Status::no_device("the Vulkan loader is of version 1.0; 1.1 or newer is needed");
    }
    return {};
}

}  // namespace

Status set_loader(const char* path, GetInstanceProcAddr get_instance_proc_addr) {
    assert((path == nullptr) != (get_instance_proc_addr == nullptr));
    auto own_path = path != nullptr ? std::make_unique<const std::string>(path) : nullptr;
    const std::lock_guard lock(loader_mutex);
    if (loader_open) {
        return Status::invalid_argument(
            "Vulkan is loaded already: its loader is chosen before the first call that needs it");
    }
    delete loader_path;
    loader_path = own_path.release();
    loader_function = get_instance_proc_addr;
    return {};
}

Status open_loader() {
    const std::lock_guard lock(loader_mutex);
    if (loader_open) return {};
    if (loader_function != nullptr) {
        GYRE_TRY(load_from(call_loader_function, "the given vkGetInstanceProcAddr"));
    } else if (loader_path != nullptr) {
        GYRE_TRY(load_library(*loader_path));
    } else {
        GYRE_TRY(load_system_library());
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
