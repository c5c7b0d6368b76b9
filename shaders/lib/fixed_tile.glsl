// What a module for one tile fixes besides the tile, FIXED_ROWS x FIXED_TOKENS.
// SPDX-License-Identifier: Apache-2.0
//
// For drivers that compile SPIR-V almost as it is (docs/kernels.md): there, a loop whose bounds are
// specialization constants stays a loop, an array stays in memory, and both sides of a branch run. Such a
// module holds the tile as plain numbers, and spirv-opt unrolls its loops at build time. The sums run in
// the same order as in the module with constants: the same bits.
//
// Weights are loaded as texels, and x of one token too, as a view that begins at x (DescriptorSet). Nothing
// waits at a barrier: norms are dispatches of their own. The invocations are of one subgroup and load x
// together (x_rows.glsl).

#define FIXED_LANES 4  // invocations of a workgroup: kFixedDecode and kFixedPrefill of runtime/kernels/kernel_variants.h
const uint TOKENS = FIXED_TOKENS;
const uint K_LANES = 1u;
const uint NORM_QUADS = 0u;
const uint TEXELS = FIXED_TOKENS == 1 ? 1u : 0u;
#define WEIGHT_TEXELS 1u

// state4 index of quad 0 of a row of x.
uint x_quad_of(uint x_offset, uint row, uint stride) {
    return TEXELS != 0u ? 0u : (x_offset + row * stride) / 4u;
}
