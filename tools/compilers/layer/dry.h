// Handles of objects that exist in the layer alone, for a run in which nothing reaches a device.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace compilers {

// Odd numbers: a driver's handles are addresses.
inline std::uint64_t next_dry_number() {
    static std::atomic<std::uint64_t> next{1};
    return next += 2;
}

template <typename Handle>
Handle dry_handle() {
    return (Handle)next_dry_number();  // a pointer or an integer, as Vulkan defines
}

template <typename Handle>
bool is_dry_handle(Handle handle) {
    return ((std::uint64_t)handle & 1) != 0;
}

}  // namespace compilers
