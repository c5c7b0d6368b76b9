// The table of compiled shaders; its rows are generated from shaders/*.comp at build time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gyre {

struct ShaderModuleRow {
    // "norm"; "qkv_q8_0": the file, then the weight format; "qkv_q8_0_8x1": and the tile it is for
    const char* name;
    std::span<const std::uint8_t> gzip;  // of SPIR-V for vulkan1.1, as packed_spirv.h has it
    std::uint32_t n_packed;              // bytes before gzip
    std::uint32_t n_words;               // of the SPIR-V
};

std::span<const ShaderModuleRow> shader_modules();

// A module's SPIR-V; empty if its row is damaged.
std::vector<std::uint32_t> module_words(const ShaderModuleRow& row);

}  // namespace gyre
