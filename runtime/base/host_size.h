// Sizes of 64 bits, as files and devices have them, as sizes of this process's memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

namespace gyre {

// On processors of 32 bits what they cannot address is memory that they do not have:
// std::bad_alloc, as from the allocation that follows.
inline std::size_t host_size(std::uint64_t n) {
    if constexpr (sizeof(std::size_t) < sizeof(std::uint64_t)) {
        if (n > std::numeric_limits<std::size_t>::max()) throw std::bad_alloc();
    }
    return static_cast<std::size_t>(n);
}

}  // namespace gyre
