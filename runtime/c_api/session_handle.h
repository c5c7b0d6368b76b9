// What is behind a gyre_session.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include "runtime/base/unwinding.h"
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/text_session.h"

struct gyre_session {
    std::unique_ptr<gyre::c_api::TextSession> text;
    // By a call; two at once are a mistake that must not corrupt. Looks without a change use it,
    // too.
    mutable std::atomic<bool> in_use = false;
    mutable std::atomic<std::thread::id> user{};  // the thread of that call
};

namespace gyre::c_api {

// options may be NULL.
Result<SessionOptions> read_session_options(const gyre_session_options* options);

// A session that no other call can use while it lives.
class SessionInUse {
  public:
    explicit SessionInUse(const gyre_session& session) : session_(session) {
        mine_ = !session.in_use.exchange(true);
        if (mine_) session.user = std::this_thread::get_id();
    }
    ~SessionInUse() {
        if (!mine_) return;
        session_.user = std::thread::id();
        session_.in_use = false;
    }
    SessionInUse(const SessionInUse&) = delete;
    SessionInUse& operator=(const SessionInUse&) = delete;

    bool mine() const { return mine_; }
    // By this call, or by one of this thread, which then waits in a callback.
    bool of_this_thread() const { return session_.user.load() == std::this_thread::get_id(); }

    static Status refused() {
        return Status::invalid_argument(
            "the session is in use: by another thread, or by the call whose callback this is");
    }

  private:
    const gyre_session& session_;
    bool mine_ = false;
};

// guarded(body) while no other call can use the session, which holds what was told at the end of
// it, whatever that is.
template <typename Body>
gyre_status with_session(gyre_session* session, Body&& body) noexcept {
    return guarded([&]() -> Status {
        if (session == nullptr) return null_argument("session");
        const SessionInUse use(*session);
        if (!use.mine()) return SessionInUse::refused();
        const OnExit settle([session] { session->text->settle(); });
        return std::forward<Body>(body)(*session->text);
    });
}

// The same for a body that changes nothing: it may also run inside a callback of the session.
template <typename Body>
gyre_status with_session_as_it_is(const gyre_session* session, Body&& body) noexcept {
    return guarded([&]() -> Status {
        if (session == nullptr) return null_argument("session");
        const SessionInUse use(*session);
        if (!use.of_this_thread()) return SessionInUse::refused();
        return std::forward<Body>(body)(std::as_const(*session->text));
    });
}

}  // namespace gyre::c_api
