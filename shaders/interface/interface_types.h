// What lets one header be read by GLSL and by C++.
// SPDX-License-Identifier: Apache-2.0
//
// Rules for every file of this folder: members are 4-byte scalars (uint, int, float), so that std430,
// std140 arrays aside, and C++ agree on each offset; layout is shared, maths never.
#ifndef GYRE_INTERFACE_TYPES_H
#define GYRE_INTERFACE_TYPES_H

#ifdef __cplusplus
#include <cstdint>
#define INTERFACE_BEGIN namespace gyre { using uint = std::uint32_t;
#define INTERFACE_END }
// 128 bytes is what every Vulkan device has for push constants; ours change by dispatch and take half of it.
#define PUSH_CONSTANTS(type) \
    static_assert(sizeof(type) % 4 == 0 && sizeof(type) <= 64, #type " exceeds 64 bytes")
#else
#define INTERFACE_BEGIN
#define INTERFACE_END
#define PUSH_CONSTANTS(type) layout(push_constant, std430) uniform type##Block { type pc; }
#endif

#endif
