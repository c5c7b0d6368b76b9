// Names and meanings of VkResult.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/vk_call.h"

#include <string_view>

namespace gyre {

#define GYRE_RESULT_LIST(X)           \
    X(VK_SUCCESS)                     \
    X(VK_NOT_READY)                   \
    X(VK_TIMEOUT)                     \
    X(VK_INCOMPLETE)                  \
    X(VK_ERROR_OUT_OF_HOST_MEMORY)    \
    X(VK_ERROR_OUT_OF_DEVICE_MEMORY)  \
    X(VK_ERROR_INITIALIZATION_FAILED) \
    X(VK_ERROR_DEVICE_LOST)           \
    X(VK_ERROR_MEMORY_MAP_FAILED)     \
    X(VK_ERROR_LAYER_NOT_PRESENT)     \
    X(VK_ERROR_EXTENSION_NOT_PRESENT) \
    X(VK_ERROR_FEATURE_NOT_PRESENT)   \
    X(VK_ERROR_INCOMPATIBLE_DRIVER)   \
    X(VK_ERROR_TOO_MANY_OBJECTS)      \
    X(VK_ERROR_FRAGMENTED_POOL)       \
    X(VK_ERROR_OUT_OF_POOL_MEMORY)    \
    X(VK_ERROR_FRAGMENTATION)         \
    X(VK_ERROR_INVALID_SHADER_NV)     \
    X(VK_ERROR_UNKNOWN)

const char* result_name(VkResult result) {
    switch (result) {
#define GYRE_RESULT_CASE(name) \
    case name:                 \
        return #name;
        GYRE_RESULT_LIST(GYRE_RESULT_CASE)
#undef GYRE_RESULT_CASE
        default:
            return "an unknown VkResult";
    }
}

namespace {
// "vkMapMemory" of "device.fn.vkMapMemory(device.device, ...)".
std::string_view function_of(std::string_view call) {
    call = call.substr(0, call.find('('));
    return call.substr(call.find_last_of(".>") + 1);  // npos + 1 is the beginning
}
}  // namespace

Status status_of(VkResult result, const char* call) {
    if (result == VK_SUCCESS) return {};
    std::string message = std::string(function_of(call)) + " returned " + result_name(result);
    switch (result) {
        case VK_ERROR_OUT_OF_HOST_MEMORY:
            return Status::out_of_host_memory(std::move(message));
        case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        case VK_ERROR_TOO_MANY_OBJECTS:
        case VK_ERROR_MEMORY_MAP_FAILED:
        case VK_ERROR_OUT_OF_POOL_MEMORY:
        case VK_ERROR_FRAGMENTED_POOL:
        case VK_ERROR_FRAGMENTATION:
            return Status::out_of_device_memory(std::move(message));
        case VK_ERROR_DEVICE_LOST:
            return Status::device_lost(std::move(message));
        case VK_ERROR_INCOMPATIBLE_DRIVER:
            return Status::no_device(std::move(message));
        case VK_ERROR_LAYER_NOT_PRESENT:
        case VK_ERROR_EXTENSION_NOT_PRESENT:
        case VK_ERROR_FEATURE_NOT_PRESENT:
            return Status::unsupported(std::move(message));
        default:
            message += " (" + std::to_string(static_cast<int>(result)) + ")";
            return Status::internal(std::move(message));
    }
}

std::string bytes_text(std::uint64_t bytes) {
    std::string text = std::to_string(bytes) + " bytes";
    constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
    if (bytes >= kMiB) text += " (" + std::to_string(bytes / kMiB) + " MiB)";
    return text;
}

}  // namespace gyre
