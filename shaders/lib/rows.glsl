// Which rows of a product an invocation takes.
// SPDX-License-Identifier: Apache-2.0
//
// Needs LOCAL_SIZE and K_LANES. Neighbours take neighbouring rows, LANE_GROUP invocations at a time (eight:
// 128 bytes, a cache line, in every load); those then take the next rows, so that the rows of such a group
// lie together in memory.
//
// weight_row[] is one list of LIST_ROWS rows, or several, LIST_STEP rows from one to the next (0: without
// a rule). Lists that cover whole groups of 32 rows can load scales by four: SCALE_PLACE.

#ifndef LANE_GROUP
#define LANE_GROUP 8u
#endif

#ifdef FIXED_ROWS
const uint ROW_LANES = FIXED_LANES;
#else
const uint ROW_LANES = LOCAL_SIZE / K_LANES;  // invocations across rows
#endif
const uint ROW_STRIDE = ROW_LANES < LANE_GROUP ? ROW_LANES : LANE_GROUP;  // between two rows of an invocation

const uint KNOWN_STEP = LIST_STEP == 0u ? 1u : LIST_STEP;
const uint FOUR_STRIDE = 8u / KNOWN_STEP;  // in a list, between rows that share a vec
// Without && and ||, which glslang does not take for constants here.
const uint LIST_SPAN = LIST_STEP == 0u ? 1u : LIST_ROWS * LIST_STEP;
const bool SCALES_BY_FOUR = LIST_SPAN % 32u + 8u % KNOWN_STEP == 0u;

// The first of the rows of weight_row[] that share vec i.
uint first_of_four(uint i) {
    return i / FOUR_STRIDE * 4u * FOUR_STRIDE + i % FOUR_STRIDE;
}

// The first of the n rows of a row lane, counted from the workgroup's.
uint first_of_lane(uint row_lane, uint n) {
    return row_lane / ROW_STRIDE * ROW_STRIDE * n + row_lane % ROW_STRIDE;
}
