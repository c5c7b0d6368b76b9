// The rows of x that a workgroup multiplies: read where they lie, normalised, or loaded in stages.
// SPDX-License-Identifier: Apache-2.0
//
// Needs TOKENS, LOCAL_SIZE, NORM_QUADS, STAGED (specialization constants), STEP_QUADS, load_state4() and
// normed[]. X_QUADS: quads of x for a quad of weights.
//
// STAGED loads STAGE_QUADS quads of every row into shared memory at a time, once for the workgroup and not
// once for each invocation. What is multiplied, and in which order, is the same.

#ifdef FIXED_ROWS
#extension GL_KHR_shader_subgroup_ballot : require
#endif

const uint STAGE_QUADS = 64u;
const uint STAGE_STEPS = STAGE_QUADS / (X_QUADS * STEP_QUADS);

uint x_quad[TOKENS];  // state4 index where each token's row begins

#ifdef FIXED_ROWS
// The workgroup is one subgroup: its invocations load a group of quads, one each, and hand them round.
#if CHUNK_QUADS * X_QUADS < FIXED_LANES
#define X_GROUP (CHUNK_QUADS * X_QUADS)
#else
#define X_GROUP FIXED_LANES
#endif
#define GROUP_QUADS (X_GROUP / X_QUADS)  // of weights
#if X_GROUP == 1
#define of_lane(x, lane) (x)
#else
#define of_lane(x, lane) subgroupBroadcast(x, lane)
#endif

vec4 x_group[TOKENS];
vec4 x_now[TOKENS * X_QUADS];

// Those of GROUP_QUADS quads of weights, beginning at weight_quad.
void load_x_group(uint weight_quad) {
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
        x_group[t] = load_state4(x_quad[t] + X_QUADS * weight_quad + gl_SubgroupInvocationID % X_GROUP);
    }
}

// Those of quad k of the group; k is a constant, as SPIR-V wants a lane to be.
#if X_QUADS == 1
#define TAKE_X(k)                                       \
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {     \
        x_now[t] = of_lane(x_group[t], k);              \
    }
#else
#define TAKE_X(k)                                                \
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {              \
        x_now[2u * t] = of_lane(x_group[t], 2u * k);             \
        x_now[2u * t + 1u] = of_lane(x_group[t], 2u * k + 1u);   \
    }
#endif

// Quad i of the X_QUADS that belong to a quad of weights.
vec4 load_x(uint token, uint weight_quad, uint i) {
    return x_now[token * X_QUADS + i];
}
#else
shared vec4 staged[STAGED != 0u ? TOKENS * STAGE_QUADS : 1u];

// Quad i of the X_QUADS that belong to a quad of weights.
vec4 load_x(uint token, uint weight_quad, uint i) {
    const uint quad = X_QUADS * weight_quad + i;
    if (STAGED != 0u) return staged[token * STAGE_QUADS + quad % STAGE_QUADS];
    return NORM_QUADS > 0u ? normed[quad] : load_state4(x_quad[token] + quad);
}

// In front of a step s that begins a stage. All invocations of the workgroup must call it.
void begin_stage(uint s) {
    const uint first = s * X_QUADS * STEP_QUADS;
    const uint n_quads = min(STAGE_QUADS, pc.n_steps * X_QUADS * STEP_QUADS - first);
    barrier();  // the stage before has been read
    [[unroll]] for (uint t = 0u; t < TOKENS; ++t) {
        for (uint q = gl_LocalInvocationIndex; q < n_quads; q += LOCAL_SIZE) {
            staged[t * STAGE_QUADS + q] = load_state4(x_quad[t] + first + q);
        }
    }
    barrier();
}
#endif
