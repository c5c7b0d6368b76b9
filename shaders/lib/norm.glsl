// LayerNorm or RMS norm of one row by a whole workgroup: Ba et al., arXiv:1607.06450, eq. 4 with gain and
// bias; Zhang and Sennrich, arXiv:1910.07467, which leaves the mean where it is.
// SPDX-License-Identifier: Apache-2.0
//
// Needs quads.glsl, LOCAL_SIZE, norm_partial[LOCAL_SIZE] in shared memory, and load_row4(quad of the state).
// Rows, gains and biases begin at multiples of four words, and a row is padded with zeros to whole quads.
// The sums run in a fixed order that depends on LOCAL_SIZE alone, so that every kernel that normalises a
// row with the same local size gets the same bits.

layout(constant_id = SPEC_NORM_RMS) const uint NORM_RMS = 0;

// Every invocation adds all partial sums itself, in order: one barrier instead of a tree of them, and
// the reads are uniform over the workgroup.
float workgroup_sum(float value) {
    barrier();  // the previous sum has been read
    norm_partial[gl_LocalInvocationIndex] = value;
    barrier();
    float sum = 0.0;
    for (uint i = 0u; i < LOCAL_SIZE; ++i) {
        sum += norm_partial[i];
    }
    return sum;
}

// v, with zeros for the elements of quad q that are beyond the row's n.
vec4 inside_row(vec4 v, uint q, uint n) {
    return mix(vec4(0.0), v, lessThan(4u * q + uvec4(0u, 1u, 2u, 3u), uvec4(n)));
}

float row_mean(uint x, uint n) {
    float sum = 0.0;
    for (uint q = gl_LocalInvocationIndex; q < (n + 3u) / 4u; q += LOCAL_SIZE) {
        sum += dot(load_row4(x / 4u + q), vec4(1.0));
    }
    return workgroup_sum(sum) / float(n);
}

// (mean, 1 / standard deviation) of the n elements from state word x on; of an RMS norm (0, 1 / root mean
// square). Two passes: subtracting the mean first keeps the variance exact where the mean is large against
// it.
vec2 norm_statistics(uint x, uint n, float epsilon) {
    uint n_quads = (n + 3u) / 4u;
    float mean = 0.0;
    if (NORM_RMS == 0u) mean = row_mean(x, n);
    float squares = 0.0;
    for (uint q = gl_LocalInvocationIndex; q < n_quads; q += LOCAL_SIZE) {
        vec4 d = inside_row(load_row4(x / 4u + q) - mean, q, n);
        squares += dot(d, d);
    }
    float variance = workgroup_sum(squares) / float(n);
    // sqrt and division are exact enough everywhere; inversesqrt is allowed 2 ULP.
    return vec2(mean, 1.0 / sqrt(variance + epsilon));
}

// Quad q of the normalised row; weight, bias: params words of the gain and the bias, or NO_OFFSET.
vec4 normalised_quad(uint x, vec2 statistics, uint weight, uint bias, uint q, uint n) {
    vec4 y = (load_row4(x / 4u + q) - statistics.x) * statistics.y * load_params4(weight / 4u + q);
    if (bias != NO_OFFSET) y += load_params4(bias / 4u + q);
    return inside_row(y, q, n);
}
