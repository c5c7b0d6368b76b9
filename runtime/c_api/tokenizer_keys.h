// The keys under tokenizer.ggml. that a tokenizer is made of.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/model/gguf_reading.h"
#include "runtime/text/tokenizer.h"

namespace gyre::c_api {

// Reads what the tokenizer of this model has a use for; refuse_unread() judges the rest.
// kUnsupported: tokenizer.ggml.model is another one than those of TokenizerModel, or not there.
Result<TokenizerData> read_tokenizer_data(GgufReading& file);

}  // namespace gyre::c_api
