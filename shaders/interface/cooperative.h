// Modules that multiply by cooperative matrices: lib/product_cooperative.glsl.
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_COOPERATIVE_H
#define GYRE_INTERFACE_COOPERATIVE_H

// One of the device's shapes for float16 products with float32 sums, M x K times K x N.
#define SPEC_COOPERATIVE_M 20  // even
#define SPEC_COOPERATIVE_N 21
#define SPEC_COOPERATIVE_K 22  // a divisor of COOPERATIVE_STAGE

#define SPEC_COOPERATIVE_COMPLEX 23  // 1: weights as real and imaginary parts

// Subgroups of a workgroup, all of the size that makes up SPEC_LOCAL_SIZE: a grid over its tile of
// ROWS x TOKENS, whose parts are whole fragments of M x N.
#define COOPERATIVE_ROW_PARTS   2
#define COOPERATIVE_TOKEN_PARTS 2
#define COOPERATIVE_SUBGROUPS   4

#define COOPERATIVE_STAGE 64  // elements of x that are in shared memory at a time
#define COOPERATIVE_PAD    8  // float16 between two rows there, so that they begin in other banks

#endif
