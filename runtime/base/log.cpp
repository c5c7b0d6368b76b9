// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/log.h"

#include <mutex>

namespace gyre {
namespace {

struct LogSink {
    std::mutex mutex;  // a line is delivered whole, and never to a callback that was just replaced
    LogCallback callback = nullptr;
    void* user = nullptr;
    LogLevel max_level = LogLevel::kError;
};

LogSink& sink() {
    static LogSink instance;
    return instance;
}

}  // namespace

void set_log_callback(LogCallback callback, void* user, LogLevel max_level) {
    LogSink& s = sink();
    const std::lock_guard lock(s.mutex);
    s.callback = callback;
    s.user = user;
    s.max_level = max_level;
}

void log(LogLevel level, const std::string& message) {
    LogSink& s = sink();
    const std::lock_guard lock(s.mutex);
    if (s.callback != nullptr && level <= s.max_level) s.callback(level, message.c_str(), s.user);
}

}  // namespace gyre
