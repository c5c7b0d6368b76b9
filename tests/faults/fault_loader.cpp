// The stand-in for the Vulkan loader: vkGetInstanceProcAddr, and a wrapper round each function.
// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <cstdlib>
#include <string_view>
#include <tuple>

#include "tests/faults/hooks_work.h"

namespace gyre::faults {
namespace {

bool ends_with_loss(Function function) {
    return function == k_vkQueueSubmit || function == k_vkDeviceWaitIdle ||
           function == k_vkGetFenceStatus || function == k_vkWaitForFences ||
           function == k_vkGetQueryPoolResults;
}

template <Function F, typename Type>
struct Wrapper;

template <Function F, typename... A>
struct Wrapper<F, VkResult(VKAPI_PTR*)(A...)> {
    static inline VkResult(VKAPI_PTR* real)(A...) = nullptr;

    static bool applies(VkResult result, const void* call) {
        return std::apply([&](A... a) { return Hook<F>::applies(result, a...); },
                          *static_cast<const std::tuple<A...>*>(call));
    }
    static VKAPI_ATTR VkResult VKAPI_CALL call(A... a) {
        World& world = faults::world();
        const std::lock_guard lock(world.mutex);
        const std::tuple<A...> arguments(a...);
        const VkResult fault = world.strike(F, &applies, &arguments);
        if (fault != VK_SUCCESS) {
            Hook<F>::failed(world, fault, a...);
            if (fault == VK_ERROR_DEVICE_LOST && ends_with_loss(F)) world.lose();
            return fault;
        }
        if (world.lost && ends_with_loss(F)) return VK_ERROR_DEVICE_LOST;
        if (!Hook<F>::before(world, a...)) return VK_ERROR_UNKNOWN;  // a violation
        const VkResult result = real(a...);
        Hook<F>::after(world, result, a...);
        return result;
    }
};

template <Function F, typename... A>
struct Wrapper<F, void(VKAPI_PTR*)(A...)> {
    static inline void(VKAPI_PTR* real)(A...) = nullptr;

    static VKAPI_ATTR void VKAPI_CALL call(A... a) {
        World& world = faults::world();
        const std::lock_guard lock(world.mutex);
        if (!Hook<F>::before(world, a...)) return;
        real(a...);
        Hook<F>::after(world, VK_SUCCESS, a...);
    }
};

struct Entry {
    std::string_view name;
    PFN_vkVoidFunction wrapper;
    PFN_vkVoidFunction* real;
};

#define GYRE_ENTRY(name, ...)                                                                \
    Entry{#name, reinterpret_cast<PFN_vkVoidFunction>(&Wrapper<k_##name, PFN_##name>::call), \
          reinterpret_cast<PFN_vkVoidFunction*>(&Wrapper<k_##name, PFN_##name>::real)},
const Entry kEntries[] = {GYRE_FAULT_LIST(GYRE_ENTRY) GYRE_WATCH_LIST(GYRE_ENTRY)};
#undef GYRE_ENTRY

PFN_vkVoidFunction wrap(const char* name, PFN_vkVoidFunction real) {
    if (real == nullptr) return nullptr;
    for (const Entry& entry : kEntries) {
        if (entry.name != name) continue;
        *entry.real = real;
        return entry.wrapper;
    }
    return real;
}

PFN_vkGetInstanceProcAddr real_instance_proc() {
    static const auto proc = [] {
        void* loader = dlopen(GYRE_REAL_LOADER, RTLD_NOW | RTLD_LOCAL);
        if (loader == nullptr) std::abort();
        return reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(loader, "vkGetInstanceProcAddr"));
    }();
    return proc;
}

PFN_vkGetDeviceProcAddr real_device_proc = nullptr;

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_proc(VkDevice device, const char* name) {
    const PFN_vkVoidFunction real = real_device_proc(device, name);
    if (std::string_view(name) == "vkDeviceWaitIdle") {  // of a driver that is loaded anew, too
        world().wait_idle = reinterpret_cast<PFN_vkDeviceWaitIdle>(real);
    }
    return wrap(name, real);
}

}  // namespace
}  // namespace gyre::faults

extern "C" GYRE_FAULTS_API VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vkGetInstanceProcAddr(VkInstance instance, const char* name) {
    using namespace gyre::faults;
    const PFN_vkVoidFunction real = real_instance_proc()(instance, name);
    if (std::string_view(name) == "vkGetDeviceProcAddr") {
        real_device_proc = reinterpret_cast<PFN_vkGetDeviceProcAddr>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(&device_proc);
    }
    return wrap(name, real);
}
