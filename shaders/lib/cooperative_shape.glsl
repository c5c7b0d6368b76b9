// The matrices that the device's matrix units multiply: M x K times K x N.
// SPDX-License-Identifier: Apache-2.0
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require

// By default what lavapipe has: validation layers have looked at the defaults alone.
layout(constant_id = SPEC_COOPERATIVE_M) const uint M = 8;
layout(constant_id = SPEC_COOPERATIVE_N) const uint N = 8;
layout(constant_id = SPEC_COOPERATIVE_K) const uint K = 8;

#define SUM_MATRIX coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>
#define LEFT_MATRIX coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA>
#define RIGHT_MATRIX coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB>
