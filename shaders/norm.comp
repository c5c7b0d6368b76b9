// norm.comp: LayerNorm of every row.
//
//   state   x     [n_tokens, n_embd]  f32  read
//   state   out   [n_tokens, n_embd]  f32  written (may be x)
//   params  gain, bias [n_embd]       f32  read
//   pc      NormParams, interface/norm.h
//   grid    n_tokens workgroups; one workgroup normalises one row
//
// Ba et al., Layer Normalization, arXiv:1607.06450.
// SPDX-License-Identifier: Apache-2.0
#version 450
#extension GL_GOOGLE_include_directive : require
#include "norm.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;

layout(set = 0, binding = BINDING_STATE, std430) buffer State { float state[]; };
layout(set = 0, binding = BINDING_PARAMS, std430) readonly buffer Params { float params[]; };

shared float norm_partial[LOCAL_SIZE];
#include "norm.glsl"

void main() {
    uint token = gl_WorkGroupID.x;
    uint x = pc.x_offset + token * pc.row_stride;
    uint out_row = pc.out_offset + token * pc.row_stride;
    vec2 statistics = norm_statistics(x, pc.n_embd, pc.epsilon);
    for (uint i = gl_LocalInvocationIndex; i < pc.n_embd; i += LOCAL_SIZE) {
        state[out_row + i] = norm_apply(state[x + i], statistics, pc.weight_offset, pc.bias_offset, i);
    }
}
