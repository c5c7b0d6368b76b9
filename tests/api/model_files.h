// Model files for the tests of the API: a small GPT-2 with a tokenizer, and golden models with one
// key more.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/model/gguf_builder.h"

namespace gyre::test {

// One layer, learned positions, a vocabulary of the 256 bytes and <|endoftext|>, one merge.
testing::GgufBuilder model_with_tokenizer();

void write_model(const std::string& path, const testing::GgufBuilder& builder);

// The bytes of a GGUF file with the key gpt2.logit_scale, which Gyre does not read.
std::string with_logit_scale(const std::string& file, float value);

// The bytes of a GGUF file with a chat template, and a comment at its end that fills up a unit of
// alignment.
std::string with_chat_template(const std::string& file, std::string text);

}  // namespace gyre::test
