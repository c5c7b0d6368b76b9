#version 450
// reduce.comp: sums[group] = sum of ROUNDS times the group's values, through shared memory.
// SPDX-License-Identifier: Apache-2.0
//
//   sums    [n_groups]               float  written
//   values  [n_groups * LOCAL_SIZE]  float  read
//   pc      rounds: how often the sum is made, to take long
//   grid    n_groups workgroups
layout(constant_id = 7) const uint LOCAL_SIZE = 64;
layout(constant_id = 8) const uint PADDING = 3;
layout(constant_id = 9) const bool NEGATE = false;
layout(local_size_x_id = 7) in;

layout(binding = 0) writeonly buffer Sums { float sums[]; };
layout(binding = 1) readonly buffer Values { float values[]; };
layout(push_constant) uniform Params { uint rounds; } pc;

shared float partial[LOCAL_SIZE * 2 + PADDING];
shared uvec4 extra[2];

void main() {
    const uint t = gl_LocalInvocationID.x;
    float value = 0.0;
    for (uint round = 0; round < pc.rounds; ++round) {
        partial[t] = values[gl_WorkGroupID.x * LOCAL_SIZE + t];
        if (t < 2) extra[t] = uvec4(round);
        barrier();
        for (uint half_size = LOCAL_SIZE / 2; half_size > 0; half_size /= 2) {
            if (t < half_size) partial[t] += partial[t + half_size];
            barrier();
        }
        value = partial[0] + float(extra[0].x - extra[1].x);
        barrier();
    }
    if (t == 0) sums[gl_WorkGroupID.x] = NEGATE ? -value : value;
}
