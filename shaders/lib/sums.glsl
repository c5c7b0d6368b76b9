// The N_SUMS sums of an invocation: how a list of them is kept.
// SPDX-License-Identifier: Apache-2.0
//
// In vectors of four, because V3DV puts every array of more than two elements in memory before it unrolls the loops
// over it. In a module for one tile (fixed_tile.glsl) arrays are removed at build time.

const uint N_SUMS = ROWS * TOKENS;

#ifdef FIXED_ROWS
#define SUM_LIST(name) float name[N_SUMS]
#define SUM(list, i) list[i]
#else
#define SUM_LIST(name) vec4 name[(N_SUMS + 3u) / 4u]
#define SUM(list, i) list[(i) / 4u][(i) % 4u]
#endif
