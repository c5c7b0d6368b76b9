// Memory types of real devices and which one each intent takes.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/memory_type.h"

#include <gtest/gtest.h>

namespace gyre {
namespace {

constexpr std::uint32_t L = 1;     // DEVICE_LOCAL
constexpr std::uint32_t V = 2;     // HOST_VISIBLE
constexpr std::uint32_t C = 4;     // HOST_COHERENT
constexpr std::uint32_t H = 8;     // HOST_CACHED
constexpr std::uint32_t A = 0xc0;  // DEVICE_COHERENT and DEVICE_UNCACHED of AMD

struct Case {
    const char* name;
    bool unified;
    std::vector<std::uint32_t> flags;
    std::uint32_t device, upload, readback, shared;  // expected types
};

TEST(MemoryType, TableOfDevices) {
    const Case cases[] = {
        // Types as vulkan.gpuinfo.org shows them, without duplicates.
        {"NVIDIA with a window", false, {0, L, V | C, V | C | H, L | V | C}, 1, 2, 3, 4},
        {"RADV discrete", false, {L, V | C, L | V | C, V | C | H, L | A, V | C | A}, 0, 1, 3, 2},
        {"Intel integrated", true, {L, L | V | C, L | V | C | H}, 1, 1, 2, 2},
        {"Adreno", true, {L, L | V | H, L | V | C, L | V | C | H}, 2, 2, 3, 3},
        {"V3D: one type, uncached", true, {L | V | C}, 0, 0, 0, 0},
        {"no coherent and cached", true, {L | V | C, L | V | H}, 0, 0, 1, 0},
        {"llvmpipe", true, {L | V | C | H}, 0, 0, 0, 0},
        {"lazy and protected", true, {L | 16, L | 32, L | V | C}, 2, 2, 2, 2},
    };
    for (const Case& c : cases) {
        const auto best = [&c](Memory memory) {
            const auto order = rank_memory_types(c.flags, ~0u, memory, c.unified);
            return order.empty() ? ~0u : order.front();
        };
        EXPECT_EQ(best(Memory::kDevice), c.device) << c.name;
        EXPECT_EQ(best(Memory::kUpload), c.upload) << c.name;
        EXPECT_EQ(best(Memory::kReadback), c.readback) << c.name;
        EXPECT_EQ(best(Memory::kShared), c.shared) << c.name;
    }
}

TEST(MemoryType, ObeysTheBufferAndListsFallbacks) {
    const std::vector<std::uint32_t> flags = {L, V | C, L | V | C, V | C | H};
    EXPECT_EQ(rank_memory_types(flags, 0b0100, Memory::kDevice, false),
              (std::vector<std::uint32_t>{2}));
    EXPECT_EQ(rank_memory_types(flags, 0b1111, Memory::kReadback, false),
              (std::vector<std::uint32_t>{3, 1, 2}));
    EXPECT_EQ(rank_memory_types(flags, 0b1010, Memory::kDevice, false),
              (std::vector<std::uint32_t>{}))
        << "system memory never stands in for device memory";
}

TEST(MemoryType, FlushesCoverWholeAtoms) {
    const struct {
        std::uint64_t offset, size, atom, allocation, expected_offset, expected_size;
    } cases[] = {
        {0, 4, 64, 256, 0, 64},         {60, 8, 64, 256, 0, 128}, {64, 64, 64, 256, 64, 64},
        {250, 6, 256, 256, 0, 256},     {1, 1, 1, 256, 1, 1},     {255, 1, 64, 256, 192, 64},
        {300, 100, 256, 512, 256, 256},
    };
    for (const auto& c : cases) {
        const AtomRange range = round_to_atoms(c.offset, c.size, c.atom, c.allocation);
        EXPECT_EQ(range.offset, c.expected_offset) << c.offset;
        EXPECT_EQ(range.size, c.expected_size) << c.offset;
    }
}

}  // namespace
}  // namespace gyre
