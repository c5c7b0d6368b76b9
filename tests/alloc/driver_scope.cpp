// SPDX-License-Identifier: Apache-2.0
#include "tests/alloc/driver_scope.h"

#include <vulkan/vulkan_core.h>

#include <cstdlib>
#include <string_view>

#include "gyre/gyre.h"
#include "tests/alloc/failing_new.h"
#include "tests/faults/fault_list.h"

// Of the stand-in for the loader, which this program is linked with.
extern "C" VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance instance,
                                                                          const char* name);

namespace gyre::alloc {
namespace {

// What the runtime calls beside what tests/faults makes fail or watches.
#define GYRE_OTHER_LIST(X)                      \
    X(vkEnumerateInstanceVersion)               \
    X(vkEnumerateInstanceLayerProperties)       \
    X(vkGetPhysicalDeviceFeatures2)             \
    X(vkGetPhysicalDeviceProperties)            \
    X(vkGetPhysicalDeviceProperties2)           \
    X(vkGetPhysicalDeviceQueueFamilyProperties) \
    X(vkGetDeviceQueue)                         \
    X(vkCmdPipelineBarrier)                     \
    X(vkCmdPushConstants)                       \
    X(vkCmdBeginDebugUtilsLabelEXT)             \
    X(vkCmdEndDebugUtilsLabelEXT)

enum Id : int {
#define GYRE_ID(name, ...) kId_##name,
    GYRE_FAULT_LIST(GYRE_ID) GYRE_WATCH_LIST(GYRE_ID) GYRE_OTHER_LIST(GYRE_ID)
#undef GYRE_ID
};

template <Id id, typename Type>
struct Wrapper;
template <Id id, typename R, typename... A>
struct Wrapper<id, R(VKAPI_PTR*)(A...)> {
    static inline R(VKAPI_PTR* real)(A...) = nullptr;
    static VKAPI_ATTR R VKAPI_CALL call(A... a) {
        const Elsewhere driver;
        return real(a...);
    }
};

struct Entry {
    std::string_view name;
    PFN_vkVoidFunction wrapper;
    PFN_vkVoidFunction* real;
};
#define GYRE_ENTRY(name, ...)                                                                  \
    Entry{#name, reinterpret_cast<PFN_vkVoidFunction>(&Wrapper<kId_##name, PFN_##name>::call), \
          reinterpret_cast<PFN_vkVoidFunction*>(&Wrapper<kId_##name, PFN_##name>::real)},
const Entry kEntries[] = {GYRE_FAULT_LIST(GYRE_ENTRY) GYRE_WATCH_LIST(GYRE_ENTRY)
                              GYRE_OTHER_LIST(GYRE_ENTRY)};
#undef GYRE_ENTRY

// The lists above are complete, or the test ends here.
VKAPI_ATTR void VKAPI_CALL not_in_the_lists() {
    std::abort();
}

PFN_vkVoidFunction wrap(std::string_view name, PFN_vkVoidFunction real) {
    if (real == nullptr) return nullptr;
    for (const Entry& entry : kEntries) {
        if (entry.name != name) continue;
        *entry.real = real;
        return entry.wrapper;
    }
    return not_in_the_lists;
}

PFN_vkGetDeviceProcAddr real_device_proc = nullptr;

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_proc(VkDevice device, const char* name) {
    const Elsewhere driver;
    return wrap(name, real_device_proc(device, name));
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instance_proc(VkInstance instance, const char* name) {
    const Elsewhere driver;
    const PFN_vkVoidFunction real = ::vkGetInstanceProcAddr(instance, name);
    if (std::string_view(name) != "vkGetDeviceProcAddr") return wrap(name, real);
    real_device_proc = reinterpret_cast<PFN_vkGetDeviceProcAddr>(real);
    return reinterpret_cast<PFN_vkVoidFunction>(&device_proc);
}

}  // namespace

bool watch_driver_calls() {
    const auto get = reinterpret_cast<gyre_get_instance_proc_addr>(&instance_proc);
    return gyre_set_vulkan_loader(nullptr, get) == GYRE_OK;
}

}  // namespace gyre::alloc
