// Which memory types suit an intent, best first, and what a flush covers. No Vulkan call, so every
// mix can be tested.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/vk/buffer.h"

namespace gyre {

// property_flags: VkMemoryPropertyFlags by memory type. type_bits: bit t, type t is allowed for the
// buffer. Returns indices of types; empty if none suits, which the specification excludes.
std::vector<std::uint32_t> rank_memory_types(std::span<const std::uint32_t> property_flags,
                                             std::uint32_t type_bits, Memory memory,
                                             bool unified_memory);

// Bytes [offset, offset + size) widened to whole atoms (nonCoherentAtomSize), inside an allocation
// whose size is a multiple of the atom.
struct AtomRange {
    std::uint64_t offset;
    std::uint64_t size;
};
AtomRange round_to_atoms(std::uint64_t offset, std::uint64_t size, std::uint64_t atom,
                         std::uint64_t allocation_size);

}  // namespace gyre
