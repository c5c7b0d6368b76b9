// What belongs to the library as a whole: version, names of errors, log, Vulkan's loader.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/log.h"

#include <mutex>
#include <new>
#include <string>

#include "gyre/gyre.h"
#include "runtime/c_api/boundary.h"
#include "runtime/text/terminal_text.h"
#include "runtime/vk/set_loader.h"

namespace {

using gyre::LogLevel;

static_assert(static_cast<int>(LogLevel::kError) == GYRE_LOG_ERROR);
static_assert(static_cast<int>(LogLevel::kWarning) == GYRE_LOG_WARNING);
static_assert(static_cast<int>(LogLevel::kInfo) == GYRE_LOG_INFO);
static_assert(static_cast<int>(LogLevel::kDebug) == GYRE_LOG_DEBUG);

// The caller's callback, wrapped for the log's types. Changed only while the log has no callback.
struct LogTarget {
    std::mutex mutex;
    gyre_log_callback callback = nullptr;
    void* user = nullptr;
};

// Made by the first call: nothing runs when the library is loaded.
LogTarget& log_target() {
    static LogTarget target;
    return target;
}

void forward(LogLevel level, const char* message, void* user) {
    const auto* target = static_cast<const LogTarget*>(user);
    std::string line;
    char cut[256];  // where there is no memory for all of it
    const char* shown = nullptr;
    try {
        line = gyre::shown(message);
        shown = line.c_str();
    } catch (const std::bad_alloc&) {
        gyre::c_api::write_line(message, cut, sizeof cut);
        shown = cut;
    }
    target->callback(static_cast<gyre_log_level>(level), shown, target->user);
}

}  // namespace

uint32_t gyre_version(void) {
    return GYRE_VERSION;
}

const char* gyre_status_string(gyre_status status) {
    switch (status) {
        case GYRE_OK:
            return "ok";
        case GYRE_ERROR_INVALID_ARGUMENT:
            return "invalid argument";
        case GYRE_ERROR_OUT_OF_HOST_MEMORY:
            return "out of host memory";
        case GYRE_ERROR_OUT_OF_DEVICE_MEMORY:
            return "out of device memory";
        case GYRE_ERROR_DEVICE_LOST:
            return "device lost";
        case GYRE_ERROR_NO_DEVICE:
            return "no device";
        case GYRE_ERROR_BAD_FILE:
            return "bad file";
        case GYRE_ERROR_UNSUPPORTED:
            return "unsupported";
        case GYRE_ERROR_CONTEXT_FULL:
            return "context full";
        case GYRE_ERROR_CANCELLED:
            return "cancelled";
        case GYRE_ERROR_INTERNAL:
            return "internal error";
        case GYRE_ERROR_PAUSED:
            return "paused";
        case GYRE_STATUS_FORCE_32:
            break;
    }
    return "unknown status";
}

void gyre_set_log_callback(gyre_log_callback callback, void* user, gyre_log_level max_level) {
    LogTarget& target = log_target();
    const std::lock_guard lock(target.mutex);
    gyre::set_log_callback(nullptr, nullptr, LogLevel::kError);  // waits for a line on its way
    if (callback == nullptr) return;
    target.callback = callback;
    target.user = user;
    gyre::set_log_callback(forward, &target, static_cast<LogLevel>(max_level));
}

gyre_status gyre_set_vulkan_loader(const char* path,
                                   gyre_get_instance_proc_addr get_instance_proc_addr) {
    using gyre::Status;
    return gyre::c_api::guarded([&]() -> Status {
        if ((path == nullptr) == (get_instance_proc_addr == nullptr)) {
            return Status::invalid_argument(
                "give either path or get_instance_proc_addr, and NULL for the other");
        }
        if (path != nullptr && *path == '\0') return Status::invalid_argument("path is empty");
        return gyre::set_loader(path, get_instance_proc_addr);
    });
}
