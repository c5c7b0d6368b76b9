// Which rows of a product an invocation takes.
// SPDX-License-Identifier: Apache-2.0
//
// Needs LOCAL_SIZE and K_LANES. Neighbours take neighbouring rows, eight invocations at a time (128 bytes,
// a cache line, in every load); those eight then take the next eight rows, so that the rows of a group of
// eight lie together in memory.

const uint ROW_LANES = LOCAL_SIZE / K_LANES;  // invocations across rows
const uint ROW_STRIDE = ROW_LANES < 8u ? ROW_LANES : 8u;  // between two rows of an invocation

// The first of the n rows of a row lane, counted from the workgroup's.
uint first_of_lane(uint row_lane, uint n) {
    return row_lane / ROW_STRIDE * ROW_STRIDE * n + row_lane % ROW_STRIDE;
}
