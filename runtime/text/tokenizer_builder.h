// Tokenizer::create: checks what a model file says and makes the tables of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer.h"

namespace gyre {

class TokenizerBuilder {
  public:
    explicit TokenizerBuilder(const TokenizerData& data) : data_(data) {}

    Result<Tokenizer> build();

  private:
    Status check_counts() const;
    Status add_types();
    Status add_begin_and_end();
    Status add_tokens();
    void add_specials();
    void add_ends();
    // Of an id that a key gives, or the model; nothing if there is no such key.
    Status role(const char* key, std::optional<std::uint32_t> id) const;
    void make_control(std::uint32_t id);
    // The bytes that a token stands for: text in the file's spelling.
    std::string bytes_of(std::size_t id) const;

    // tokenizer_builder_bpe.cpp
    Status add_byte_bpe();
    Status add_bytes_of_alphabet(ByteBpe& bpe) const;
    Status add_merges(ByteBpe& bpe) const;
    Result<std::uint32_t> part(std::size_t rank, std::string_view text, const char* role) const;
    bool is_made_by_merges(std::uint32_t id) const;

    // tokenizer_builder_sentencepiece.cpp
    Status add_sentencepiece();
    Status add_byte_tokens(SentencePiece& pieces) const;
    Status add_ranks(SentencePiece& pieces) const;

    bool is_text_type(std::size_t id) const;

    const TokenizerData& data_;
    Tokenizer tokenizer_;
    TokenTexts spellings_;       // the tokens as the file has them
    TokenTable text_ids_{0};     // normal tokens by their spelling
    TokenTable special_ids_{0};  // control and user-defined tokens by theirs
};

// For error texts: a name from a file, short and fit for a terminal.
std::string quoted_token(std::string_view text);
std::string token_name(std::size_t id, std::string_view text);

}  // namespace gyre
