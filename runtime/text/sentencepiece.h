// SentencePiece's BPE: characters are joined to the tokens with the highest scores.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/text/byte_bpe.h"
#include "runtime/text/token_table.h"

namespace gyre {

// Kudo and Richardson, arXiv:1808.06226, with model_type bpe. The symbol for spaces in the model's
// tokens, U+2581, is a space here, in tokens as in text; so U+2581 in a text is a space too.
// Immutable when it has been filled (tokenizer_builder.cpp).
class SentencePiece {
  public:
    // Appends the ids of text, in which no special token is looked for.
    //
    // A character that is in no token becomes the tokens of its bytes, or, where the vocabulary has
    // none, unknown_id, which stands for any number of such characters in a row.
    void encode(const TokenTexts& texts, std::string_view text, EncodeScratch& scratch,
                std::vector<std::uint32_t>& out) const;

    // Two characters that stand beside each other in no token are never joined: text may be cut
    // between them, which keeps merging as short as words are. add_neighbours() notes those of a
    // token; may_join() is true for them, and by chance for a few others.
    void add_neighbours(std::string_view token);
    bool may_join(std::uint32_t left, std::uint32_t right) const;

    std::size_t memory_bytes() const {
        return joined.memory_bytes() + ranks.size() * sizeof(ranks[0]) + neighbours.size() / 8;
    }

    bool add_space_prefix = true;
    TokenTable joined{0};              // tokens that characters join to
    std::vector<std::uint32_t> ranks;  // [n_vocab] 0: the highest score; equal scores, equal ranks
    std::vector<bool> is_unused;       // [n_vocab], or empty: none is
    std::vector<bool> neighbours = std::vector<bool>(std::size_t{1} << 20);
    std::array<std::uint32_t, 256> byte_ids{};  // all kNoToken: the model has no byte tokens
    std::uint32_t unknown_id = kNoToken;

  private:
    void encode_piece(const TokenTexts& texts, std::string_view piece, EncodeScratch& scratch,
                      std::vector<std::uint32_t>& out) const;
    void append(const TokenTexts& texts, std::uint32_t id, const EncodeScratch& scratch,
                std::vector<std::uint32_t>& out) const;
    void append_bytes(std::string_view character, std::vector<std::uint32_t>& out) const;
};

}  // namespace gyre
