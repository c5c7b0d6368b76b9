// The shaders of this folder, compiled.
// SPDX-License-Identifier: Apache-2.0
//
// glslang's arrays have internal linkage, so what refers to them must have it too.
#pragma once

#include <cstdint>

#include "runtime/vk/pipeline.h"
#include "shaders/reduce.h"
#include "shaders/scale_add.h"

namespace gyre::test {

// shaders/scale_add.comp: binding 0 to, 1 from, 4 step.
struct ScaleAddParams {
    std::uint32_t n;
    std::uint32_t multiply;
    std::uint32_t add;
};
const ShaderCode kScaleAdd{
    "scale_add", scale_add_spv, {sizeof(ScaleAddParams), 1u << 0 | 1u << 1 | 1u << 4, 1u << 0}};
inline constexpr std::uint32_t kScaleAddLocalSize = 0;  // spec id

// shaders/reduce.comp: binding 0 sums, 1 values.
struct ReduceParams {
    std::uint32_t rounds;
};
const ShaderCode kReduce{"reduce", reduce_spv, {sizeof(ReduceParams), 1u << 0 | 1u << 1, 1u << 0}};
inline constexpr std::uint32_t kReduceLocalSize = 7;
inline constexpr std::uint32_t kReducePadding = 8;
inline constexpr std::uint32_t kReduceNegate = 9;

}  // namespace gyre::test
