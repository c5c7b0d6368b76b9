// Text to token ids and back.
// SPDX-License-Identifier: Apache-2.0
#include <span>
#include <string>
#include <string_view>

#include "runtime/c_api/boundary.h"
#include "runtime/c_api/copy_out.h"
#include "runtime/c_api/model_handle.h"

using gyre::Status;
using gyre::c_api::copy_out;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;

gyre_status gyre_model_tokenize(const gyre_model* model, const char* text, size_t n_bytes,
                                int parse_special, uint32_t* tokens, size_t capacity,
                                size_t* n_tokens) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        if (n_tokens == nullptr) return null_argument("n_tokens");
        if (text == nullptr && n_bytes > 0) return null_argument("text");
        GYRE_ASSIGN(const gyre::Tokenizer* tokenizer, model->open->card.need_tokenizer());
        const std::string_view view = n_bytes == 0 ? "" : std::string_view(text, n_bytes);
        return copy_out(tokenizer->encode(view, parse_special != 0), tokens, capacity, n_tokens,
                        "tokens");
    });
}

gyre_status gyre_model_detokenize(const gyre_model* model, const uint32_t* tokens, size_t count,
                                  char* bytes, size_t capacity, size_t* n_bytes) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        if (n_bytes == nullptr) return null_argument("n_bytes");
        if (tokens == nullptr && count > 0) return null_argument("tokens");
        GYRE_ASSIGN(const gyre::Tokenizer* tokenizer, model->open->card.need_tokenizer());
        GYRE_ASSIGN(const std::string text, tokenizer->decode(std::span(tokens, count)));
        return copy_out(text, bytes, capacity, n_bytes, "bytes");
    });
}
