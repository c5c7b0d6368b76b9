// One normalised row of x in shared memory, for kernels that normalise before they multiply.
// SPDX-License-Identifier: Apache-2.0
//
// Needs quads.glsl, LOCAL_SIZE, NORM_QUADS, K_LANES, ROWS, TOKENS and N_IN, pc.{norm_*}. Shared memory: LOCAL_SIZE
// floats (with K_LANES > 1: for every sum of an invocation) and NORM_QUADS vec4. NORM_QUADS covers the padding of x,
// which must stay zero.

shared float norm_partial[LOCAL_SIZE * (K_LANES > 1u ? ROWS * TOKENS : 1u)];
#define lane_sums norm_partial  // product_loop.glsl's partial sums come after the norm is done
shared vec4 normed[NORM_QUADS > 0u ? NORM_QUADS : 1u];

#include "norm.glsl"

void normalise_row(uint x) {
    vec2 statistics = norm_statistics(x, N_IN, session.norm_epsilon);
    for (uint q = gl_LocalInvocationIndex; q < NORM_QUADS; q += LOCAL_SIZE) {
        normed[q] = vec4(0.0);
        if (4u * q < N_IN) {
            normed[q] = normalised_quad(x, statistics, pc.norm_weight_offset, pc.norm_bias_offset, q,
                                        N_IN);
        }
    }
    barrier();
}
