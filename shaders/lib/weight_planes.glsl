// Quants in planes of bits: loads a chunk's planes, and finds the words that hold a quad's bits.
// SPDX-License-Identifier: Apache-2.0
//
// Part of weights.glsl. The layout is that of interface/weight_formats.h: in formats of one plane the elements of a word
// follow each other, in formats of two planes four neighbours are the same bits of the four bytes of a word.

#define BLOCK_QUADS (FORMAT_SHARED / 4)
#define CHUNK_QUADS (FORMAT_CHUNK / 4)

#define STEP_QUADS 16
#define STEP_CHUNKS (STEP_QUADS / CHUNK_QUADS)

#if FORMAT_LOW < 8
#define LOW_VECS (FORMAT_LOW * FORMAT_CHUNK / 128)
#if FORMAT_HIGH == 2
#define CHUNK_VECS (LOW_VECS + FORMAT_CHUNK / 64)
#else
#define CHUNK_VECS LOW_VECS
#endif
#if FORMAT_HIGH == 1
#define HIGH_WORDS (FORMAT_CHUNK / 32)
#endif

#if CHUNK_VECS > 1 || FORMAT_HIGH != 0
#define PLANE_CHUNK
#if FORMAT_CHUNK == 32
#define HighWords uint
#else
#define HighWords uvec2
#endif
struct Chunk {
    uvec4 low[LOW_VECS];
#if FORMAT_HIGH == 2
    uvec4 high;
#elif FORMAT_HIGH == 1
    HighWords high;
#endif
};
#define LOW_VEC(chunk, i) chunk.low[i]
#else
#define Chunk uvec4
#define LOW_VEC(chunk, i) chunk
#endif

// The word that holds quad j of block b, its bits lowest. What depends on j alone is known when a block is unrolled, and
// the quads of a word follow each other, so that a word is done with soon.
#if FORMAT_LOW == 4 && FORMAT_HIGH == 0
#define LOW_BITS(chunk, b, j) (LOW_VEC(chunk, 0)[(j) >> 1u] >> (16u * ((j) & 1u)))
#elif FORMAT_HIGH == 0 && BLOCK_QUADS == 8
#define LOW_BITS(chunk, b, j) (LOW_VEC(chunk, 0)[2u * (b) + ((j) >> 2u)] >> (8u * ((j) & 3u)))
#elif FORMAT_HIGH == 0
#define LOW_BITS(chunk, b, j) (LOW_VEC(chunk, 0)[b] >> (8u * (j)))
#elif FORMAT_LOW == 4 && BLOCK_QUADS == 8
#define LOW_BITS(chunk, b, j) (LOW_VEC(chunk, 0)[(j) >> 1u] >> (4u * ((j) & 1u)))
#elif FORMAT_LOW == 4
#define LOW_BITS(chunk, b, j) (LOW_VEC(chunk, (b) >> 1u)[2u * ((b) & 1u) + ((j) >> 1u)] >> (4u * ((j) & 1u)))
#else
#define LOW_BITS(chunk, b, j) (LOW_VEC(chunk, 0)[b] >> (2u * (j)))
#endif
#if FORMAT_HIGH == 0
#define QUANT_STRIDE uint(FORMAT_LOW)  // bits from a quant to the next
#else
#define QUANT_STRIDE 8u
#endif
#if FORMAT_LOW == 4
#define LOW_MASK 0x0f0f0f0fu
#else
#define LOW_MASK 0x03030303u
#endif

#if FORMAT_HIGH == 2
#define HIGH_BITS(chunk, b, j) (chunk.high[b] >> (2u * (j)) & 0x03030303u)
#elif FORMAT_HIGH == 1 && FORMAT_CHUNK == 32
#define HIGH_BITS(chunk, b, j) (chunk.high >> (j) & 0x01010101u)
#elif FORMAT_HIGH == 1
#define HIGH_BITS(chunk, b, j) (chunk.high[(b) >> 1u] >> (4u * ((b) & 1u) + (j)) & 0x01010101u)
#endif

#ifdef PLANE_CHUNK
Chunk load_chunk(uint first, uint c, uint row) {
    Chunk chunk;
    uint at = first + row_vec(row) + c * CHUNK_VECS * pc.block_rows;
    // Written out: an array that a loop goes through is memory to some compilers, also where it is unrolled afterwards.
    chunk.low[0] = load_weights4(at);
#if LOW_VECS == 2
    chunk.low[1] = load_weights4(at + pc.block_rows);
#endif
#if FORMAT_HIGH == 2
    chunk.high = load_weights4(at + LOW_VECS * pc.block_rows);
#elif FORMAT_HIGH == 1
    uint in_block = (ROW_CHUNKS * CHUNK_VECS * 4u + c * HIGH_WORDS) * pc.block_rows;
    uint word = 4u * (first + row / WEIGHT_BLOCK_ROWS * pc.block_vecs) + in_block + row % WEIGHT_BLOCK_ROWS * HIGH_WORDS;
    // Out of its vec: where texels are quick, quicker than the words themselves.
    uvec4 vec = WEIGHT_TEXELS != 0u ? load_weights4(word / 4u) : uvec4(0u);
#if HIGH_WORDS == 1
    chunk.high = WEIGHT_TEXELS != 0u ? vec[word % 4u] : weights[word];
#else
    uvec2 of_vec = word % 4u == 0u ? vec.xy : vec.zw;
    chunk.high = WEIGHT_TEXELS != 0u ? of_vec : uvec2(weights[word], weights[word + 1u]);
#endif
#endif
    return chunk;
}
#endif
#endif
