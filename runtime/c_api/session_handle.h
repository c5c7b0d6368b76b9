// What is behind a gyre_session.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "runtime/c_api/boundary.h"
#include "runtime/c_api/text_session.h"

struct gyre_session {
    std::unique_ptr<gyre::c_api::TextSession> text;
    std::atomic<bool> in_use = false;  // by a call; two at once are a mistake that must not corrupt
};

namespace gyre::c_api {

// options may be NULL.
Result<SessionOptions> read_session_options(const gyre_session_options* options);

// guarded(body) while no other call can use the session.
template <typename Body>
gyre_status with_session(gyre_session* session, Body&& body) noexcept {
    return guarded([&]() -> Status {
        if (session == nullptr) return null_argument("session");
        if (session->in_use.exchange(true)) {
            return Status::invalid_argument(
                "the session is in use: by another thread, or by the call whose callback this is");
        }
        struct Release {
            std::atomic<bool>& in_use;
            ~Release() { in_use = false; }
        } release{session->in_use};
        return std::forward<Body>(body)(*session->text);
    });
}

}  // namespace gyre::c_api
