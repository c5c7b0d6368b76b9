// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/boundary.h"

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

}  // namespace

gyre_status fail(StatusCode code, const char* message) noexcept {
    std::size_t n = 0;
    for (; message[n] != '\0' && n + 1 < sizeof last_error; ++n) {
        // One line, whatever a driver or a file put into the text.
        const bool control = static_cast<unsigned char>(message[n]) < 0x20;
        last_error[n] = control ? ' ' : message[n];
    }
    last_error[n] = '\0';
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
