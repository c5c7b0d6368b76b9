// measure_matrix.comp: multiplies matrices without memory, to measure how fast the device's matrix units are.
// SPDX-License-Identifier: Apache-2.0
//
//   state  out [workgroups, COOPERATIVE_SUBGROUPS, M, N]  f32  written: the sum of a subgroup's chains
//   pc     MeasureMatrixParams, interface/measure_matrix.h
//   grid   workgroups
//
// sum = A B + sum, n_rounds * MEASURE_MATRIX_UNROLL times, from sums of 0, 1, ... for the chains: float16
// factors, float32 sums, as lib/product_cooperative.glsl has them. Rows of A are a, 2a, ..., columns of B
// b, 2b, ...: of equal ones some compilers compute only one.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "cooperative.h"
#include "measure_matrix.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;

layout(set = 0, binding = BINDING_STATE, std430) writeonly buffer Out { float sums[]; };

#include "cooperative_shape.glsl"

const uint STRIDE = K / 4u;
shared f16vec4 left[M * STRIDE];   // [M][K]
shared f16vec4 right[N * STRIDE];  // [N][K]

// Written out: some drivers neither unroll loops nor keep an array that a loop runs over in registers.
#define LINK                         \
    c0 = coopMatMulAdd(a, b, c0);    \
    c1 = coopMatMulAdd(a, b, c1);    \
    c2 = coopMatMulAdd(a, b, c2);    \
    c3 = coopMatMulAdd(a, b, c3);
#define LINKS LINK LINK LINK LINK

void main() {
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    for (uint i = gl_LocalInvocationIndex; i < M * STRIDE; i += LOCAL_SIZE) {
        left[i] = f16vec4(pc.a * float(1u + i / STRIDE));
    }
    for (uint i = gl_LocalInvocationIndex; i < N * STRIDE; i += LOCAL_SIZE) {
        right[i] = f16vec4(pc.b * float(1u + i / STRIDE));
    }
    barrier();
    LEFT_MATRIX a;
    RIGHT_MATRIX b;
    coopMatLoad(a, left, 0, STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    coopMatLoad(b, right, 0, STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
    SUM_MATRIX c0 = SUM_MATRIX(0.0);
    SUM_MATRIX c1 = SUM_MATRIX(1.0);
    SUM_MATRIX c2 = SUM_MATRIX(2.0);
    SUM_MATRIX c3 = SUM_MATRIX(3.0);
    for (uint round = 0u; round < pc.n_rounds; ++round) {
        LINKS
    }
    SUM_MATRIX sum = c0 + c1 + c2 + c3;
    uint first = (group * COOPERATIVE_SUBGROUPS + gl_SubgroupID) * M * N;
    coopMatStore(sum, sums, first, N, gl_CooperativeMatrixLayoutRowMajor);
}
