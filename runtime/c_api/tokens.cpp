// Text to token ids and back, and what a token is.
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

namespace {

// What a caller is told: a file may leave a kind undefined, which is as good as normal.
gyre_token_kind to_c(gyre::TokenType type) {
    static_assert(static_cast<int>(gyre::TokenType::kNormal) == GYRE_TOKEN_KIND_NORMAL);
    static_assert(static_cast<int>(gyre::TokenType::kUnknown) == GYRE_TOKEN_KIND_UNKNOWN);
    static_assert(static_cast<int>(gyre::TokenType::kControl) == GYRE_TOKEN_KIND_CONTROL);
    static_assert(static_cast<int>(gyre::TokenType::kUserDefined) == GYRE_TOKEN_KIND_USER_DEFINED);
    static_assert(static_cast<int>(gyre::TokenType::kUnused) == GYRE_TOKEN_KIND_UNUSED);
    static_assert(static_cast<int>(gyre::TokenType::kByte) == GYRE_TOKEN_KIND_BYTE);
    if (type == gyre::TokenType::kUndefined) return GYRE_TOKEN_KIND_NORMAL;
    return static_cast<gyre_token_kind>(type);
}

}  // namespace

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

gyre_status gyre_model_get_token(const gyre_model* model, uint32_t token, gyre_token_info* info) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        GYRE_ASSIGN(const gyre::Tokenizer* tokenizer, model->open->card.need_tokenizer());
        GYRE_ASSIGN(const std::string_view bytes, tokenizer->token_bytes(token));
        gyre_token_info c = GYRE_TOKEN_INFO_INIT;
        c.bytes = bytes.data();
        c.n_bytes = bytes.size();
        c.kind = to_c(tokenizer->type(token));
        c.ends_text = tokenizer->is_end(token) ? 1 : 0;
        return gyre::c_api::write_struct(c, info, "info");
    });
}
