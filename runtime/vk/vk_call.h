// Vulkan's results as Statuses, for the source files of this folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <volk.h>

#include <cstdint>
#include <string>

#include "runtime/base/status.h"

namespace gyre {

const char* result_name(VkResult result);  // "VK_ERROR_DEVICE_LOST"

// OK for VK_SUCCESS; otherwise the code that fits and "<function> returned <result>". call: the
// function's name, or the expression that calls it.
Status status_of(VkResult result, const char* call);

// "1610612736 bytes (1536 MiB)"
std::string bytes_text(std::uint64_t bytes);

// A Vulkan structure with its type set and everything else zero.
template <typename Struct>
Struct vk_struct(VkStructureType type) {
    Struct value{};
    value.sType = type;
    return value;
}

inline std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

}  // namespace gyre

// Returns from the calling function with an error that carries the call's text.
#define VK_TRY(call) GYRE_TRY(::gyre::status_of((call), #call))

// The same for a call that writes to `out`, which is undefined after an error: it is reset first,
// so that nobody destroys what was never made.
#define VK_MAKE(out, call)                                   \
    do {                                                     \
        const VkResult gyre_vk_result = (call);              \
        if (gyre_vk_result != VK_SUCCESS) {                  \
            (out) = {};                                      \
            return ::gyre::status_of(gyre_vk_result, #call); \
        }                                                    \
    } while (0)
