// The table of compiled shaders; its rows are generated from shaders/*.comp at build time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace gyre {

struct ShaderModuleRow {
    const char* name;                      // "norm", "qkv_q8_0": the file, then the weight format
    std::span<const std::uint32_t> words;  // SPIR-V for vulkan1.1
};

std::span<const ShaderModuleRow> shader_modules();

}  // namespace gyre
