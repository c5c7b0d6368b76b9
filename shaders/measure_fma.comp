// measure_fma.comp: multiplies and adds without memory, to measure how fast the device computes.
// SPDX-License-Identifier: Apache-2.0
//
//   state  out [workgroups, LOCAL_SIZE]  f32  written: the sum of an invocation's chains
//   pc     MeasureFmaParams, interface/measure_fma.h
//   grid   workgroups
//
// x = x * factor + addend, n_rounds * MEASURE_FMA_UNROLL times, from x = i, i + 1, ... for the
// elements of the chains. Factor and addend come from the host, so that no compiler knows the result.
// Some devices fuse the two operations only where they are told to, others do fma() in software.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "measure_fma.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;
layout(constant_id = SPEC_MEASURE_FMA_FUSED) const uint FUSED = 1;

layout(set = 0, binding = BINDING_STATE, std430) writeonly buffer Out { float sums[]; };

vec4 link(vec4 x) {
    return FUSED != 0u ? fma(x, vec4(pc.factor), vec4(pc.addend)) : x * pc.factor + pc.addend;
}

// Written out: some drivers neither unroll loops nor keep an array that a loop runs over in registers.
#define LINK  a = link(a); b = link(b);
#define LINKS LINK LINK LINK LINK

void main() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    vec4 a = vec4(0, 1, 2, 3) + float(gl_LocalInvocationIndex);
    vec4 b = vec4(4, 5, 6, 7) + float(gl_LocalInvocationIndex);
    for (uint round = 0u; round < pc.n_rounds; ++round) {
        LINKS
    }
    vec4 sum = a + b;
    sums[group * LOCAL_SIZE + gl_LocalInvocationIndex] = sum.x + sum.y + sum.z + sum.w;
}
