// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/boundary.h"

#include <string_view>

#include "runtime/text/terminal_text.h"
#include "runtime/text/utf8.h"

namespace gyre::c_api {
namespace {

// A fixed buffer: an error about memory must not need memory, and a thread's end frees nothing.
thread_local char last_error[1024] = "";

static_assert(static_cast<int>(StatusCode::kOk) == GYRE_OK);
static_assert(static_cast<int>(StatusCode::kInvalidArgument) == GYRE_ERROR_INVALID_ARGUMENT);
static_assert(static_cast<int>(StatusCode::kOutOfHostMemory) == GYRE_ERROR_OUT_OF_HOST_MEMORY);
static_assert(static_cast<int>(StatusCode::kOutOfDeviceMemory) == GYRE_ERROR_OUT_OF_DEVICE_MEMORY);
static_assert(static_cast<int>(StatusCode::kDeviceLost) == GYRE_ERROR_DEVICE_LOST);
static_assert(static_cast<int>(StatusCode::kNoDevice) == GYRE_ERROR_NO_DEVICE);
static_assert(static_cast<int>(StatusCode::kBadFile) == GYRE_ERROR_BAD_FILE);
static_assert(static_cast<int>(StatusCode::kUnsupported) == GYRE_ERROR_UNSUPPORTED);
static_assert(static_cast<int>(StatusCode::kContextFull) == GYRE_ERROR_CONTEXT_FULL);
static_assert(static_cast<int>(StatusCode::kCancelled) == GYRE_ERROR_CANCELLED);
static_assert(static_cast<int>(StatusCode::kInternal) == GYRE_ERROR_INTERNAL);
static_assert(static_cast<int>(StatusCode::kPaused) == GYRE_ERROR_PAUSED);

}  // namespace

void write_line(const char* message, char* to, std::size_t capacity) noexcept {
    const std::string_view text = message;
    std::size_t n = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = shown_length(text, at);
        const std::size_t written = std::max<std::size_t>(length, 1);
        if (n + written >= capacity) break;
        if (length > 0) {
            std::memcpy(to + n, text.data() + at, length);
        } else {
            to[n] = ' ';
        }
        n += written;
        at += length > 0 ? length : decode_utf8(text, at).length;
    }
    to[n] = '\0';
}

gyre_status fail(StatusCode code, const char* message) noexcept {
    write_line(message, last_error, sizeof last_error);
    return static_cast<gyre_status>(code);
}

Status check_struct_size(std::size_t struct_size, std::size_t alignment, const char* type) {
    if (struct_size >= sizeof(std::size_t) && struct_size <= kMaxStructBytes &&
        struct_size % alignment == 0) {
        return {};
    }
    return Status::invalid_argument(std::string(type) + ".struct_size is " +
                                    std::to_string(struct_size) +
                                    ": initialise the struct with its _INIT macro");
}

}  // namespace gyre::c_api

const char* gyre_last_error(void) {
    return gyre::c_api::last_error;
}
