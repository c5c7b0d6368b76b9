// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/interrupt.h"

#include <atomic>
#include <thread>

#include "apps/gyre/platform.h"

namespace gyre::app {
namespace {

std::atomic<bool> was_interrupted{false};
std::atomic<bool> must_end{false};
std::atomic<gyre_session*> running_session{nullptr};
std::atomic<int> handlers_at_work{0};  // that may have read running_session
static_assert(std::atomic<bool>::is_always_lock_free);
static_assert(std::atomic<int>::is_always_lock_free);
static_assert(std::atomic<gyre_session*>::is_always_lock_free);

// Only lock-free atomics: gyre_session_cancel promises to be no more than that.
void on_interrupt(bool end) {
    ++handlers_at_work;
    was_interrupted = true;
    if (end) must_end = true;
    gyre_session_cancel(running_session);
    --handlers_at_work;
}

}  // namespace

void install_interrupt_handler() {
    call_at_interrupt(on_interrupt);
}

bool interrupted() {
    return was_interrupted;
}

void forget_interrupt() {
    was_interrupted = false;
    call_at_interrupt(on_interrupt);
}

bool end_requested() {
    return must_end;
}

InterruptCancels::InterruptCancels(gyre_session* session) {
    running_session = session;
    if (was_interrupted) gyre_session_cancel(session);  // it came before
}

InterruptCancels::~InterruptCancels() {
    running_session = nullptr;
    // In another thread it may just cancel the session, which its owner destroys next.
    while (handlers_at_work != 0)
        std::this_thread::yield();
}

}  // namespace gyre::app
