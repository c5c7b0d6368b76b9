// Vocabularies for the tests of the tokenizer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/text/tokenizer.h"

namespace gyre::test {

// The character of GPT-2's alphabet for a byte; written anew from bytes_to_unicode() of the
// published encoder, as a check of runtime/text/byte_alphabet.h.
std::string alphabet_char(std::uint8_t byte);

// The 256 bytes in rising order (id = byte) and nothing else.
TokenizerData byte_vocabulary();

// byte_vocabulary() and one token and rule for each "left right"; the result is left + right.
TokenizerData small_vocabulary(const std::vector<std::string>& merges);

// Appends a token with its type (the others become normal) and returns its id.
std::uint32_t add_token(TokenizerData& data, const std::string& text, TokenType type);

// Appends a token of SentencePiece's with its score and type, and returns its id.
std::uint32_t add_piece(TokenizerData& data, const std::string& text, float score,
                        TokenType type = TokenType::kNormal);

// Where scripts/fetch-gpt2-vocab has put the published files: the environment variable
// GYRE_GPT2_VOCAB_DIR, or else the folder the build was told.
std::string gpt2_vocab_dir();

// GPT-2's published vocabulary: 50,257 tokens, 50,000 merges, <|endoftext|> = 50256. Throws
// std::runtime_error, which fails the test, with the name of the script when a file is missing.
TokenizerData gpt2_vocabulary();

// A JSON file; throws like gpt2_vocabulary().
nlohmann::json read_json(const std::string& path);

// tests/text/NAME
std::string test_file(const std::string& name);

std::string from_hex(const std::string& hex);

}  // namespace gyre::test
