#version 450
// scale_add.comp: to[i] = from[i] * multiply + add + step, for tests of recording and barriers.
// SPDX-License-Identifier: Apache-2.0
//
//   to      [n]  uint  written (and read, when bound to the same range as from)
//   from    [n]  uint  read
//   step    uint       added
//   pc      n, multiply, add
//   grid    (n / LOCAL_SIZE) workgroups in a row, folded
layout(constant_id = 0) const uint LOCAL_SIZE = 64;
layout(local_size_x_id = 0) in;

layout(binding = 0) buffer To { uint to[]; };
layout(binding = 1) readonly buffer From { uint from[]; };
layout(binding = 3) readonly buffer Unused { uint unused[]; };
layout(binding = 4) uniform Step { uint step; };
layout(push_constant) uniform Params { uint n; uint multiply; uint add; } pc;

void main() {
    const uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    const uint i = group * LOCAL_SIZE + gl_LocalInvocationID.x;
    if (i >= pc.n) return;
    to[i] = from[i] * pc.multiply + pc.add + step;
}
