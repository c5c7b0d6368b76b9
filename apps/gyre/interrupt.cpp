// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/interrupt.h"

#include <atomic>
#include <csignal>

namespace gyre::app {
namespace {

std::atomic<bool> was_interrupted{false};
std::atomic<gyre_session*> running_session{nullptr};
static_assert(std::atomic<bool>::is_always_lock_free);
static_assert(std::atomic<gyre_session*>::is_always_lock_free);

// Only lock-free atomics: gyre_session_cancel promises to be no more than that.
void on_signal(int) {
    was_interrupted = true;
    gyre_session_cancel(running_session);
}

}  // namespace

void install_interrupt_handler() {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second signal has its usual effect
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() {
    return was_interrupted;
}

InterruptCancels::InterruptCancels(gyre_session* session) {
    running_session = session;
    if (was_interrupted) gyre_session_cancel(session);  // it came before
}

InterruptCancels::~InterruptCancels() {
    running_session = nullptr;
}

}  // namespace gyre::app
