// linear.comp: [norm,] weight rows times x, bias, and an epilogue: logits, residual sum [and its norm],
// activation, nothing, or the product with what out holds already.
// SPDX-License-Identifier: Apache-2.0
//
//   state   x [n_tokens, n_in]              f32  read
//   weights slice [n_rows, n_in]            WEIGHT_*  read; COMPLEX_WEIGHTS: real and imaginary
//           parts [n_rows/2, n_in/2]
//   params  norm gain and bias [n_in], bias [n_rows]  f32  read
//   state   out [n_tokens, n_out]           f32  written (RESIDUAL, RESIDUAL_NORM, MULTIPLY: read too)
//   state   normed [n_out]                  f32  written (RESIDUAL_NORM)
//   cache   logits [n_tokens, n_vocab]      f32  written (LOGITS instead of out)
//   session SessionParams, interface/bindings.h
//   pc      LinearParams, interface/linear.h
//   grid    (ceil(n_rows / rows per workgroup), ceil(n_tokens / TOKENS)) workgroups
//
// An invocation holds ROWS rows, spread as lib/rows.glsl says. With COOPERATIVE ROWS are a workgroup's, and
// there is no norm: lib/product_cooperative.glsl.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "cooperative.h"
#include "linear.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;
#ifdef FIXED_ROWS
#include "fixed_tile.glsl"
const uint ROWS = FIXED_ROWS;
#else
layout(constant_id = SPEC_LINEAR_ROWS) const uint ROWS = 4;
layout(constant_id = SPEC_LINEAR_TOKENS) const uint TOKENS = 1;
layout(constant_id = SPEC_LINEAR_TEXELS) const uint TEXELS = 0;
#ifdef COOPERATIVE
layout(constant_id = SPEC_COOPERATIVE_COMPLEX) const uint COMPLEX = 0;
#else
layout(constant_id = SPEC_LINEAR_K_LANES) const uint K_LANES = 1;
layout(constant_id = SPEC_LINEAR_NORM_QUADS) const uint NORM_QUADS = 0;
layout(constant_id = SPEC_LINEAR_STAGED) const uint STAGED = 0;
layout(constant_id = SPEC_LINEAR_ROLLED) const uint ROLLED = 0;
#endif
#endif
layout(constant_id = SPEC_LINEAR_EPILOGUE) const uint EPILOGUE = 0;
layout(constant_id = SPEC_LINEAR_ACTIVATION) const uint ACTIVATION = 0;
layout(constant_id = SPEC_LINEAR_SCALE) const uint SCALE = 0;
layout(constant_id = SPEC_LINEAR_CAP) const uint CAP = 0;

layout(set = 0, binding = BINDING_STATE, std430) buffer State { float state[]; };
layout(set = 0, binding = BINDING_STATE, std430) readonly buffer StateQuads { vec4 state4[]; };
layout(set = 0, binding = BINDING_PARAMS, std430) readonly buffer Params { float params[]; };
layout(set = 0, binding = BINDING_CACHE, std430) writeonly buffer Logits { float logits[]; };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; SessionParams session; };

#define N_IN pc.n_in
#include "quads.glsl"
#include "activation.glsl"
#include "soft_cap.glsl"
#ifndef COOPERATIVE
#include "norm_after.glsl"

// What is normalised: x in front of the product, or the sum after it, of which other workgroups stored parts.
vec4 load_row4(uint at) {
    return EPILOGUE == LINEAR_EPILOGUE_RESIDUAL_NORM ? sum_row4[at] : load_state4(at);
}
#include "normed_row.glsl"
#define LIST_ROWS (ROWS / OUTPUTS)
#define LIST_STEP ROW_STRIDE
#ifdef COMPLEX_WEIGHTS
const uint OUTPUTS = 2u;  // of a weight row
#include "product_complex.glsl"
#else
const uint OUTPUTS = 1u;
#include "product.glsl"
#endif
#endif

void store(uint row, uint token, float y) {
    y += pc.bias_offset == NO_OFFSET ? 0.0 : params[pc.bias_offset + row];
    if (SCALE != 0u) y *= pc.scale;
    uint at = pc.out_offset + token * pc.out_stride + pc.first_row + row;
    if (EPILOGUE == LINEAR_EPILOGUE_LOGITS) {
        logits[at] = CAP != 0u ? soft_cap(y, session.logit_cap) : y;
    } else if (EPILOGUE == LINEAR_EPILOGUE_RESIDUAL) {
        state[at] += y;
#ifndef COOPERATIVE
    } else if (EPILOGUE == LINEAR_EPILOGUE_RESIDUAL_NORM) {
        sum_row[at] += y;
#endif
    } else if (EPILOGUE == LINEAR_EPILOGUE_KEEP) {
        state[at] = y;
    } else if (EPILOGUE == LINEAR_EPILOGUE_MULTIPLY) {
        state[at] *= y;
    } else {
        state[at] = activate(ACTIVATION, y);
    }
}

// Rows and tokens past the end repeat the last one: loads stay inside, only stores are guarded.
#ifdef COOPERATIVE
uint tile_weight_row(uint r) {
    const uint outputs = COMPLEX != 0u ? 2u : 1u;  // of a weight row
    return min(gl_WorkGroupID.x * (ROWS / outputs) + r, pc.n_rows / outputs - 1u);
}
uint tile_x_quad(uint t) {
    uint token = min(gl_WorkGroupID.y * TOKENS + t, pc.n_tokens - 1u);
    return (pc.x_offset + token * pc.x_stride) / 4u;
}
#include "product_cooperative.glsl"

void main() {
    multiply();
    [[unroll]] for (uint f = 0u; f < FRAGMENTS; ++f) {
        show_fragment(f);
        uint first_row = gl_WorkGroupID.x * ROWS + fragment_row(f);
        uint first_token = gl_WorkGroupID.y * TOKENS + fragment_token(f);
        for (uint i = gl_SubgroupInvocationID; i < M * N; i += gl_SubgroupSize) {
            uint row = first_row + i % M;
            uint token = first_token + i / M;
            if (row < pc.n_rows && token < pc.n_tokens) store(row, token, result(i % M, i / M));
        }
    }
}
#else
void normalise_sum() {
    vec2 statistics = norm_statistics(pc.out_offset, pc.n_rows, session.norm_epsilon);
    for (uint q = gl_LocalInvocationIndex; 4u * q < pc.n_rows; q += LOCAL_SIZE) {
        sum_row4[session.normed_offset / 4u + q] = normalised_quad(
            pc.out_offset, statistics, pc.norm_weight_offset, pc.norm_bias_offset, q, pc.n_rows);
    }
}

void main() {
    uint row_lane = gl_LocalInvocationIndex % ROW_LANES;
    uint k_lane = gl_LocalInvocationIndex / ROW_LANES;
    uint first_row = gl_WorkGroupID.x * ROW_LANES * (ROWS / OUTPUTS) + first_of_lane(row_lane, ROWS / OUTPUTS);
    uint first_token = gl_WorkGroupID.y * TOKENS;

    if (NORM_QUADS > 0u) normalise_row(pc.x_offset + first_token * pc.x_stride);
    [[unroll]] for (uint r = 0u; r < ROWS / OUTPUTS; ++r) {
        weight_row[r] = min(first_row + r * ROW_STRIDE, pc.n_rows / OUTPUTS - 1u);
    }
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
        x_quad[t] = x_quad_of(pc.x_offset, min(first_token + t, pc.n_tokens - 1u), pc.x_stride);
    }
    multiply(k_lane);
    if (k_lane == 0u) {
        STORE_LOOP for (uint r = 0u; r < ROWS; ++r) {
            uint row = (first_row + r / OUTPUTS * ROW_STRIDE) * OUTPUTS + r % OUTPUTS;
            STORE_LOOP for (uint t = 0u; t < TOKENS; ++t) {
                if (row < pc.n_rows && first_token + t < pc.n_tokens) {
                    store(row, first_token + t, SUM(results, r * TOKENS + t));
                }
            }
        }
    }
#ifndef FIXED_ROWS  // without barriers
    if (EPILOGUE == LINEAR_EPILOGUE_RESIDUAL_NORM) {
        if (is_last_workgroup(session.ticket, gl_NumWorkGroups.x * gl_NumWorkGroups.y)) normalise_sum();
    }
#endif
}
#endif
