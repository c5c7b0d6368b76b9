// Byte-level BPE, GPT-2's kind of tokenizer: pieces of text, whose bytes are merged by rules.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/text/bpe.h"
#include "runtime/text/piece_cache.h"
#include "runtime/text/pre_split.h"
#include "runtime/text/token_table.h"

namespace gyre {

// What encoding keeps from piece to piece; one for each call.
struct EncodeScratch {
    explicit EncodeScratch(std::size_t n_text_bytes) : cache(n_text_bytes) {}

    WordMerger merger;
    PieceCache cache;
    std::vector<Symbol> symbols;
    std::unordered_map<std::uint32_t, std::uint32_t> unused_splits;  // see sentencepiece.cpp
};

// Immutable when it has been filled (tokenizer_builder.cpp).
class ByteBpe {
  public:
    // Appends the ids of text, in which no special token is looked for.
    void encode(const TokenTexts& texts, std::string_view text, EncodeScratch& scratch,
                std::vector<std::uint32_t>& out) const;

    std::size_t memory_bytes() const { return merges.memory_bytes() + whole_pieces.memory_bytes(); }

    const PreSplit* split = nullptr;
    bool ignore_merges = false;
    MergeTable merges{0};
    TokenTable whole_pieces{0};  // with ignore_merges: the normal tokens by their bytes
    // kNoToken: a byte that UTF-8 never contains becomes U+FFFD, and another is left out, as
    // Hugging Face's tokenizers leave it out.
    std::array<std::uint32_t, 256> byte_ids{};

  private:
    void encode_piece(const TokenTexts& texts, std::string_view piece, EncodeScratch& scratch,
                      std::vector<std::uint32_t>& out) const;
};

}  // namespace gyre
