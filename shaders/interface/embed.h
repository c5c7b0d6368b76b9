// embed.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_EMBED_H
#define GYRE_INTERFACE_EMBED_H

#include "bindings.h"

#define SPEC_EMBED_SCALE 1  // 1: the table's row is multiplied by scale

INTERFACE_BEGIN
struct EmbedParams {
    uint out_offset;       // state word of x, [n_tokens][row_stride]
    uint row_stride;       // words from one token's row to the next
    uint n_embd;           // elements of a row
    uint n_tokens;
    uint first_row;        // first token id of this slice of the table
    uint n_rows;           // token ids in this slice
    uint block_rows;       // rows of a block of this slice's layout
    uint block_vecs;       // uvec4 from one block of rows to the next
    uint n_chunks;         // chunks of a row, padding included
    uint position_offset;  // params word of [n_ctx][n_embd] absolute positions, or NO_OFFSET
    float scale;           // with SPEC_EMBED_SCALE
};
PUSH_CONSTANTS(EmbedParams);
INTERFACE_END

#endif
