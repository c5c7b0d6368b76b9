// Weight formats: one row of data each, from which the decoders of shaders and host and both layouts follow.
// SPDX-License-Identifier: Apache-2.0
//
// A format is planes of bits, a map from a quant to a number, and scales:
//   quant    the planes' bits, low plane first
//   number   scale * map(quant), less the block's minimum if the format has one
// In the file (ggml's blocks, in GGUF) a row is a sequence of blocks of `elements` elements in `bytes` bytes. A plane
// of `bits` bits per quant that begins at byte `at` of a block is cut into segments of `run` bytes: of the
// run * 8 / bits elements of a segment, element r has its bits in byte r % run, from bit r / run * bits on.
//
// On the device a matrix [n_rows][n_in] lies in blocks of WEIGHT_BLOCK_ROWS rows; fewer rows in all: their number
// rounded up to a multiple of 4, which is block_rows. n_in is padded with zeros to whole steps. A block of rows has
//   uvec4 W[n_chunks][vecs of a chunk][block_rows] neighbouring rows beside each other, so that neighbouring
//                                                  invocations load neighbouring 16 bytes
//   uint  H[n_chunks][block_rows][chunk / 32]      a high plane of one bit, in formats that have one
//   uint  S[words][WEIGHT_BLOCK_ROWS]              scales, in the order of SCALE_PLACE: WEIGHT_SCALES_LIST has their
//                                                  words
// A chunk is the elements that a row stores together. Its planes follow the file's rule. Where there is one, run = 1:
// the bits of neighbours follow each other, and the constants that cut them apart are small. Where there are two,
// run = 4: a word holds neighbours, four by four, each four in the same bits of its bytes, so that the bits of both
// planes are put together four at a time. F32, F16 and BF16 are chunks of 16 bytes of the file, and so is Q8_0; they
// have no planes to cut.
#ifndef GYRE_INTERFACE_WEIGHT_FORMATS_H
#define GYRE_INTERFACE_WEIGHT_FORMATS_H

#define WEIGHT_BLOCK_ROWS 32

// A uvec4 has words of scales of four rows: rows r, r + 8, r + 16 and r + 24 of a block, which one invocation multiplies
// (lib/rows.glsl), so that one load brings their scales. There are WEIGHT_BLOCK_ROWS places, however few the rows.
#define SCALE_PLACE(row) ((row) % 8u * 4u + (row) / 8u)

// How a quant becomes a number.  X(Name, NAME, offset)
#define WEIGHT_MAP_LIST(X)                                                                                    \
    X(Float, FLOAT, 0)         /* the bits are a float32, float16 or bfloat16 */                              \
    X(Bfloat, BFLOAT, 0)                                                                                      \
    X(Plain, PLAIN, 0)         /* q; the format's scales have a minimum */                                    \
    X(Offset1, OFFSET1, 1)     /* q - 1, and so on */                                                         \
    X(Offset4, OFFSET4, 4)                                                                                    \
    X(Offset8, OFFSET8, 8)                                                                                    \
    X(Offset16, OFFSET16, 16)                                                                                 \
    X(Signed, SIGNED, 0)       /* two's complement, in the file too */                                        \
    X(Signed32, SIGNED32, 32)  /* q - 32; on the device two's complement: the high bit is flipped at load */  \
    X(Table, TABLE, 0)         /* WEIGHT_TABLE_NL[q] */                                                       \
    X(Fp4, FP4, 0)             /* WEIGHT_TABLE_FP4[q] */

// IQ4_NL's levels (ggml, kvalues_iq4nl), and twice the numbers of E2M1 (OCP Microscaling Formats 1.0, 5.3.3).
#define WEIGHT_TABLE_NL -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
#define WEIGHT_TABLE_FP4 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12

// Scales.  X(Name, NAME, elements that share one, words of a group, steps of a group)
// A group's words are consecutive words of S; what is in them:
//   Half     float16 d of block 0 (low) and of block 1
//   Half256  float16 d of superblock 0 (low) and of superblock 1, each for all of its 256 elements
//   HalfMin  a word for each block: d, and what is added, m (high): the minimum is -m
//   E8m0     a byte for each block of two steps: 2^(byte - 128)
//   Six16    words 0, 1: the low nibbles of 16 scales s, 2: their two high bits, 3: d; scale = d (s - 32)
//   Four16   four words with a byte for each 16 elements, scale s low and minimum m high; then d, dmin: d s and dmin m
//   Byte16   four words with an int8 s for each 16 elements, then d: d s
//   Six32    word 0: the low nibbles of 8 scales s, word 1: their two high bits, then d; scale = d (s - 32)
//   K6       on the device uvec4 S[n_groups][block_rows]: bits 0 to 23 of word i are s, m, s, m (six bits each) of the
//            two blocks of step i; the high bytes of the four words are d and dmin, lowest byte first: d s and dmin m
#define WEIGHT_SCALES_LIST(X)         \
    X(None, NONE, 0, 0, 1)            \
    X(Half, HALF, 32, 1, 1)           \
    X(Half256, HALF256, 32, 1, 8)     \
    X(HalfMin, HALF_MIN, 32, 2, 1)    \
    X(E8m0, E8M0, 32, 1, 2)           \
    X(Six16, SIX16, 16, 4, 4)         \
    X(Four16, FOUR16, 16, 5, 4)       \
    X(Byte16, BYTE16, 16, 5, 4)       \
    X(Six32, SIX32, 32, 2, 4)         \
    X(K6, K6, 32, 4, 4)

// X(id, NAME, Name, ggml's number, elements, bytes, low plane: bits, at, run, high plane: bits, at, run, map, scales,
//   chunk, tiles). tiles: 2 if there are modules for one tile (lib/fixed_tile.glsl) for complex weights too, else 1.
#define WEIGHT_FORMAT_LIST(X)                                                               \
    X(0, F32, F32, 0, 1, 4, 32, 0, 4, 0, 0, 1, FLOAT, NONE, 4, 2)                           \
    X(1, F16, F16, 1, 1, 2, 16, 0, 2, 0, 0, 1, FLOAT, NONE, 8, 2)                           \
    X(2, BF16, Bf16, 30, 1, 2, 16, 0, 2, 0, 0, 1, BFLOAT, NONE, 8, 1)                       \
    X(3, Q8_0, Q8_0, 8, 32, 34, 8, 2, 1, 0, 0, 1, SIGNED, HALF, 16, 2)                      \
    X(4, Q4_0, Q4_0, 2, 32, 18, 4, 2, 16, 0, 0, 1, OFFSET8, HALF, 32, 2)                    \
    X(5, Q4_K, Q4_K, 12, 256, 144, 4, 16, 32, 0, 0, 1, PLAIN, K6, 32, 1)                    \
    X(6, Q6_K, Q6_K, 14, 256, 210, 4, 0, 64, 2, 128, 32, SIGNED32, BYTE16, 64, 1)           \
    X(7, Q4_1, Q4_1, 3, 32, 20, 4, 4, 16, 0, 0, 1, PLAIN, HALF_MIN, 32, 1)                  \
    X(8, Q5_0, Q5_0, 6, 32, 22, 4, 6, 16, 1, 2, 1, OFFSET16, HALF, 32, 1)                   \
    X(9, Q5_1, Q5_1, 7, 32, 24, 4, 8, 16, 1, 4, 1, PLAIN, HALF_MIN, 32, 1)                  \
    X(10, Q2_K, Q2_K, 10, 256, 84, 2, 16, 32, 0, 0, 1, PLAIN, FOUR16, 64, 1)                \
    X(11, Q3_K, Q3_K, 11, 256, 110, 2, 32, 32, 1, 0, 32, OFFSET4, SIX16, 64, 1)             \
    X(12, Q5_K, Q5_K, 13, 256, 176, 4, 48, 32, 1, 16, 32, PLAIN, K6, 32, 1)                 \
    X(13, IQ4_NL, Iq4Nl, 20, 32, 18, 4, 2, 16, 0, 0, 1, TABLE, HALF, 32, 1)                 \
    X(14, IQ4_XS, Iq4Xs, 23, 256, 136, 4, 8, 16, 0, 0, 1, TABLE, SIX32, 32, 1)              \
    X(15, MXFP4, Mxfp4, 39, 32, 17, 4, 1, 16, 0, 0, 1, FP4, E8M0, 32, 1)                    \
    X(16, TQ2_0, Tq2_0, 35, 256, 66, 2, 0, 32, 0, 0, 1, OFFSET1, HALF256, 64, 1)

#include "interface_types.h"

INTERFACE_BEGIN
#ifdef __cplusplus
enum class WeightFormat : uint {
#define GYRE_ENUM_ENTRY(id, NAME, name, ...) k##name = id,
    WEIGHT_FORMAT_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
enum class WeightMap : uint {
#define GYRE_ENUM_ENTRY(name, NAME, offset) k##name,
    WEIGHT_MAP_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
enum class WeightScales : uint {
#define GYRE_ENUM_ENTRY(name, NAME, elements, words, steps) k##name,
    WEIGHT_SCALES_LIST(GYRE_ENUM_ENTRY)
#undef GYRE_ENUM_ENTRY
};
#endif
INTERFACE_END

#endif
