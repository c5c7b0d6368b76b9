// The tokens of a session: told, and set to others with what they have in common kept.
// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "runtime/c_api/boundary.h"
#include "runtime/c_api/copy_out.h"
#include "runtime/c_api/session_handle.h"

using gyre::Status;
using gyre::c_api::null_argument;
using gyre::c_api::TextSession;

gyre_status gyre_session_tokens(const gyre_session* session, uint32_t* tokens, size_t capacity,
                                size_t* n_tokens) {
    return gyre::c_api::with_session_as_it_is(session, [&](const TextSession& text) -> Status {
        if (n_tokens == nullptr) return null_argument("n_tokens");
        return gyre::c_api::copy_out(text.tokens(), tokens, capacity, n_tokens, "tokens");
    });
}

gyre_status gyre_session_set_tokens(gyre_session* session, const uint32_t* tokens, size_t count,
                                    size_t* n_kept) {
    return gyre::c_api::with_session(session, [&](TextSession& text) -> Status {
        if (tokens == nullptr && count > 0) return null_argument("tokens");
        GYRE_ASSIGN(const size_t kept, text.set_tokens(std::span(tokens, count)));
        if (n_kept != nullptr) *n_kept = kept;
        return {};
    });
}
