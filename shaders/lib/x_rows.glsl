// The rows of x that a workgroup multiplies: read where they lie, normalised, or brought in stages.
// SPDX-License-Identifier: Apache-2.0
//
// Needs TOKENS, LOCAL_SIZE, NORM_QUADS, STAGED (specialization constants), STEP_QUADS, load_state4() and
// normed[]. X_QUADS: quads of x for a quad of weights.
//
// STAGED brings STAGE_QUADS quads of every row into shared memory at a time: there they are loaded once for
// the workgroup, not once an invocation. What is multiplied, and in which order, is the same.

const uint STAGE_QUADS = 64u;
const uint STAGE_STEPS = STAGE_QUADS / (X_QUADS * STEP_QUADS);

uint x_quad[TOKENS];  // state4 index where each token's row begins

#ifdef FIXED_ROWS
vec4 load_x(uint token, uint quad) {
    return load_state4(x_quad[token] + quad);
}
#else
shared vec4 staged[STAGED != 0u ? TOKENS * STAGE_QUADS : 1u];

vec4 load_x(uint token, uint quad) {
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
