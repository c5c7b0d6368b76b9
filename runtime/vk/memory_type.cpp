// Scores of memory types.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/memory_type.h"

#include <volk.h>

#include <algorithm>

namespace gyre {

namespace {

// Below zero: does not suit.
int score(std::uint32_t flags, Memory memory, bool unified) {
    // Lazily allocated and protected memory is not for buffers; AMD's device-coherent types bypass
    // the caches and need a feature.
    constexpr std::uint32_t kNever =
        VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT | VK_MEMORY_PROPERTY_PROTECTED_BIT |
        VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD | VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD;
    if ((flags & kNever) != 0) return -1;
    const bool local = (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0;
    const bool visible = (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0;
    const bool coherent = (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0;
    const bool cached = (flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) != 0;
    if (memory != Memory::kDevice && !visible) return -1;
    switch (memory) {
        case Memory::kDevice:
            // Never system memory of a discrete GPU: ten times slower, and nobody would know why.
            if (!local) return -1;
            // Unified: the host writes weights in place. Discrete: leave the small window alone.
            if (unified) return 10 + (visible ? 4 : 0) + (coherent ? 2 : 0);
            return 10 - (visible ? 4 : 0);
        case Memory::kUpload:
            return 10 + (coherent ? 4 : 0) - (local && !unified ? 2 : 0) - (cached ? 1 : 0);
        case Memory::kReadback:  // reading uncached memory is slow beyond measure
            return 10 + (cached ? 8 : 0) + (coherent ? 4 : 0) - (local && !unified ? 2 : 0);
        case Memory::kShared:
            return 10 + (coherent ? 4 : 0) + (local ? 2 : 0) + (cached ? 1 : 0);
    }
    return -1;
}

}  // namespace

std::vector<std::uint32_t> rank_memory_types(std::span<const std::uint32_t> property_flags,
                                             std::uint32_t type_bits, Memory memory,
                                             bool unified_memory) {
    std::vector<std::uint32_t> order;
    const auto points = [&](std::uint32_t t) {
        return score(property_flags[t], memory, unified_memory);
    };
    for (std::uint32_t t = 0; t < property_flags.size(); ++t) {
        if ((type_bits >> t & 1u) != 0 && points(t) >= 0) order.push_back(t);
    }
    // Stable: of equal types the driver lists the faster one first.
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return points(a) > points(b); });
    return order;
}

AtomRange round_to_atoms(std::uint64_t offset, std::uint64_t size, std::uint64_t atom,
                         std::uint64_t allocation_size) {
    const std::uint64_t begin = offset / atom * atom;
    const std::uint64_t end = (offset + size + atom - 1) / atom * atom;
    return {begin, std::min(end, allocation_size) - begin};
}

}  // namespace gyre
