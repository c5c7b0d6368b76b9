// norm.comp: the norm of every row [, added to another].
// SPDX-License-Identifier: Apache-2.0
//
//   state   x     [n_tokens, n_embd]  f32  read
//   state   out   [n_tokens, n_embd]  f32  written (may be x); ADD: read too
//   params  gain, bias [n_embd]       f32  read
//   pc      NormParams, interface/norm.h
//   grid    n_tokens workgroups; one workgroup normalises one row
//
#version 450
#extension GL_GOOGLE_include_directive : require
#include "norm.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;
layout(constant_id = SPEC_NORM_TEXELS) const uint TEXELS = 0;
layout(constant_id = SPEC_NORM_ADD) const uint ADD = 0;

layout(set = 0, binding = BINDING_STATE, std430) buffer StateQuads { vec4 state4[]; };

shared float norm_partial[LOCAL_SIZE];
#include "quads.glsl"
#define load_row4 load_state4
#include "norm.glsl"

void main() {
    uint token = gl_WorkGroupID.x;
    uint x = pc.x_offset + token * pc.row_stride;
    uint out_row = pc.out_offset + token * pc.row_stride;
    vec2 statistics = norm_statistics(x, pc.n_embd, pc.epsilon);
    for (uint q = gl_LocalInvocationIndex; q < (pc.n_embd + 3u) / 4u; q += LOCAL_SIZE) {
        vec4 y = normalised_quad(x, statistics, pc.weight_offset, pc.bias_offset, q, pc.n_embd);
        if (ADD != 0u) y = state4[out_row / 4u + q] + pc.scale * y;
        state4[out_row / 4u + q] = y;
    }
}
