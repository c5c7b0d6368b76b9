// embed.comp: the token's row of the embedding table, plus its absolute position's row if there is one.
// SPDX-License-Identifier: Apache-2.0
//
//   weights token_embd slice [n_rows, n_embd]  WEIGHT_*  read
//   params  positions [n_ctx, n_embd]          f32       read
//   cache   token ids [n_tokens]               u32       read
//   state   x [n_tokens, n_embd]               f32       written
//   step    first_position
//   pc      EmbedParams, interface/embed.h
//   grid    (n_chunks, n_tokens) invocations; one invocation writes one chunk of a row
//
// Radford et al., Language Models are Unsupervised Multitask Learners (GPT-2), 2019: x = wte + wpe.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "embed.h"

layout(local_size_x_id = SPEC_LOCAL_SIZE) in;
layout(constant_id = SPEC_LOCAL_SIZE) const uint LOCAL_SIZE = 64;

layout(constant_id = SPEC_EMBED_SCALE) const uint SCALE = 0;

const uint TEXELS = 0;  // a row is loaded once
#define ROW_CHUNKS pc.n_chunks
#include "weights.glsl"

layout(set = 0, binding = BINDING_STATE, std430) writeonly buffer State { float state[]; };
layout(set = 0, binding = BINDING_PARAMS, std430) readonly buffer Params { float params[]; };
layout(set = 0, binding = BINDING_CACHE, std430) readonly buffer Tokens { uint tokens[]; };
layout(set = 0, binding = BINDING_STEP, std140) uniform Step { StepState step_state; };

void main() {
    uint c = gl_GlobalInvocationID.x;
    uint t = gl_GlobalInvocationID.y;
    if (c >= pc.n_chunks || t >= pc.n_tokens) return;
    // Unsigned on purpose: an id before this slice becomes huge. Other slices write the other tokens.
    uint row = tokens[t] - pc.first_row;
    if (row >= pc.n_rows) return;

    Chunk chunk = load_chunk(0u, c, row);
#ifdef BLOCK_QUADS
    StepScales scales = load_scales(scale_vecs(pc.n_chunks), c / STEP_CHUNKS, row);
#endif
    uint position_row = pc.position_offset + (step_state.first_position + t) * pc.n_embd;
    [[unroll]] for (uint j = 0u; j < CHUNK_QUADS; ++j) {
        vec4 quad = at_places(weight_quad(chunk, j), j);
#ifdef BLOCK_QUADS
        quad = scaled(quad, scales, (c % STEP_CHUNKS * CHUNK_QUADS + j) / BLOCK_QUADS);
#endif
        [[unroll]] for (uint e = 0u; e < 4u; ++e) {
            uint i = (c * CHUNK_QUADS + j) * 4u + e;
            if (i < pc.n_embd) {
                float position = pc.position_offset == NO_OFFSET ? 0.0 : params[position_row + i];
                float row_scale = SCALE != 0u ? pc.scale : 1.0;
                state[pc.out_offset + t * pc.row_stride + i] = row_scale * quad[e] + position;
            }
        }
    }
}
