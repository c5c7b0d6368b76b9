// Ctrl-C: the first cancels what the library is doing, the second ends the program at once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gyre/gyre.h"

namespace gyre::app {

// Handles SIGINT and SIGTERM from now on.
void install_interrupt_handler();

bool interrupted();

// For a program that goes on after Ctrl-C: the next one is the first again.
void forget_interrupt();

// A request to end (SIGTERM, a console that is closed) has come; it is never forgotten.
bool end_requested();

// While it lives, an interrupt also cancels the session. One at a time.
class InterruptCancels {
  public:
    explicit InterruptCancels(gyre_session* session);
    ~InterruptCancels();
    InterruptCancels(const InterruptCancels&) = delete;
    InterruptCancels& operator=(const InterruptCancels&) = delete;
};

}  // namespace gyre::app
