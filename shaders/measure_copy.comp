// measure_copy.comp: copies a buffer, to measure how fast the device's memory is beyond its caches.
// SPDX-License-Identifier: Apache-2.0
//
//   weights  from [n_quads]  uvec4  read, as texels where TEXELS says so
//   state    to   [n_quads]  uvec4  written
//   pc       MeasureCopyParams, interface/measure_copy.h
//   grid     n_quads / (LOCAL_SIZE * QUADS) workgroups, folded; neighbours copy
//            neighbouring quads
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
#include "measure_copy.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;
layout(constant_id = SPEC_MEASURE_COPY_TEXELS) const uint TEXELS = 0;
layout(constant_id = SPEC_MEASURE_COPY_QUADS) const uint QUADS = 16;

layout(set = 0, binding = BINDING_WEIGHTS, std430) readonly buffer From { uvec4 from[]; };
layout(set = 0, binding = BINDING_WEIGHT_TEXELS) uniform utextureBuffer from_texels;
layout(set = 0, binding = BINDING_STATE, std430) writeonly buffer To { uvec4 to[]; };

void main() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint first = group * LOCAL_SIZE * QUADS + gl_LocalInvocationIndex;
    for (uint i = 0u; i < QUADS; ++i) {
        uint at = first + i * LOCAL_SIZE;
        if (at >= pc.n_quads) return;
        to[at] = TEXELS != 0u ? texelFetch(from_texels, int(at)) : from[at];
    }
}
