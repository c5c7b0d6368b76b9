// LayerNorm of one row by a whole workgroup: Ba et al., arXiv:1607.06450, eq. 4 with gain and bias.
// SPDX-License-Identifier: Apache-2.0
//
// Needs state[] and params[], LOCAL_SIZE, and norm_partial[LOCAL_SIZE] in shared memory. The sums run
// in a fixed order that depends on LOCAL_SIZE alone, so that every kernel that normalises a row with
// the same local size gets the same bits.

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

// (mean, 1 / standard deviation) of state[x, x + n). Two passes: subtracting the mean first keeps the
// variance exact where the mean is large against it.
vec2 norm_statistics(uint x, uint n, float epsilon) {
    float sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < n; i += LOCAL_SIZE) {
        sum += state[x + i];
    }
    float mean = workgroup_sum(sum) / float(n);
    float squares = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < n; i += LOCAL_SIZE) {
        float d = state[x + i] - mean;
        squares += d * d;
    }
    float variance = workgroup_sum(squares) / float(n);
    // sqrt and division are exact enough everywhere; inversesqrt is allowed 2 ULP.
    return vec2(mean, 1.0 / sqrt(variance + epsilon));
}

float norm_apply(float x, vec2 statistics, uint weight, uint bias, uint i) {
    float y = (x - statistics.x) * statistics.y * params[weight + i];
    return bias == NO_OFFSET ? y : y + params[bias + i];
}
