// Log lines to a callback of the host program; silent until one is set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gyre {

enum class LogLevel : int { kError = 0, kWarning = 1, kInfo = 2, kDebug = 3 };

// message: one line without a newline, valid during the call. May be called from any thread.
using LogCallback = void (*)(LogLevel level, const char* message, void* user);

// NULL turns logging off again. The callback and user must stay valid until it is replaced.
void set_log_callback(LogCallback callback, void* user, LogLevel max_level);

void log(LogLevel level, const std::string& message);

}  // namespace gyre
