// The facts of a SPIR-V module that reflect() does not give, and a second opinion on some that it
// does. SPDX-License-Identifier: Apache-2.0
//
// Numbers of instructions, decorations and storage classes: Khronos, SPIR-V Specification 1.3,
// section 3. Only for modules that spirv-val accepts.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace gyre::test {

inline constexpr std::uint32_t kStorageClassUniform = 2;
inline constexpr std::uint32_t kStorageClassPrivate = 6;
inline constexpr std::uint32_t kStorageClassFunction = 7;
inline constexpr std::uint32_t kStorageClassPushConstant = 9;
inline constexpr std::uint32_t kStorageClassStorageBuffer = 12;

// A block that the module declares: push constants, or one buffer at one binding.
struct Block {
    std::uint32_t storage_class = 0;
    std::uint32_t set = 0;
    std::uint32_t binding = 0;
    bool writable = false;                      // some member is not NonWritable
    std::vector<std::uint32_t> member_offsets;  // bytes, structs inside laid flat
    std::uint32_t array_stride = 0;             // of the last member if that is an array
};

struct ModuleFacts {
    std::set<std::uint32_t> capabilities;
    std::set<std::string> extensions;
    std::set<std::uint32_t> opcodes;
    std::set<std::uint32_t> extended_instructions;  // of GLSL.std.450
    std::set<std::uint32_t> spec_ids;
    std::vector<std::uint32_t> own_arrays;  // lengths of those in memory of an invocation's own
    std::vector<Block> blocks;
    std::vector<std::string> entry_points;
};

ModuleFacts module_facts(std::span<const std::uint32_t> words);

}  // namespace gyre::test
