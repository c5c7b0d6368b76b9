// Errors as values: Status says what went wrong and what to do, Result<T> is a Status or a T.
// SPDX-License-Identifier: Apache-2.0
//
// A caller's mistake inside the runtime is an assert; a mistake in data, or a device's, is a
// Status. Nothing here throws, and nothing may be thrown across a layer.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace gyre {

// The values are those of gyre_status in include/gyre/gyre.h (checked by static_assert there).
enum class StatusCode : int {
    kOk = 0,
    kInvalidArgument = 1,    // the caller's value is wrong: the text names it
    kOutOfHostMemory = 2,    // malloc or the host heap of a driver
    kOutOfDeviceMemory = 3,  // device heap, or more than a limit of the device
    kDeviceLost = 4,         // the session is gone; the process is not
    kNoDevice = 5,           // no Vulkan loader, no driver, or no device that fits
    kBadFile = 6,            // unreadable, truncated or inconsistent: the text names key or tensor
    kUnsupported = 7,        // well formed, but something this build does not do
    kContextFull = 8,        // the tokens do not fit into n_ctx
    kCancelled = 9,          // the caller asked for it
    kInternal = 10,          // a bug here, or a driver's answer that the specification excludes
    kPaused = 11,            // the caller has paused the device
};

class [[nodiscard]] Status {
  public:
    Status() = default;
    Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

    static Status invalid_argument(std::string m) {
        return {StatusCode::kInvalidArgument, std::move(m)};
    }
    static Status out_of_host_memory(std::string m) {
        return {StatusCode::kOutOfHostMemory, std::move(m)};
    }
    static Status out_of_device_memory(std::string m) {
        return {StatusCode::kOutOfDeviceMemory, std::move(m)};
    }
    static Status device_lost(std::string m) { return {StatusCode::kDeviceLost, std::move(m)}; }
    static Status no_device(std::string m) { return {StatusCode::kNoDevice, std::move(m)}; }
    static Status bad_file(std::string m) { return {StatusCode::kBadFile, std::move(m)}; }
    static Status unsupported(std::string m) { return {StatusCode::kUnsupported, std::move(m)}; }
    static Status context_full(std::string m) { return {StatusCode::kContextFull, std::move(m)}; }
    static Status cancelled(std::string m) { return {StatusCode::kCancelled, std::move(m)}; }
    static Status internal(std::string m) { return {StatusCode::kInternal, std::move(m)}; }
    static Status paused(std::string m) { return {StatusCode::kPaused, std::move(m)}; }

    bool ok() const { return code_ == StatusCode::kOk; }
    StatusCode code() const { return code_; }
    const std::string& message() const { return message_; }

    // The same error with where it happened in front: "models/a.gguf: <message>".
    Status with_context(const std::string& where) const {
        return ok() ? *this : Status(code_, where + ": " + message_);
    }

  private:
    StatusCode code_ = StatusCode::kOk;
    std::string message_;  // one line, no full stop at the end
};

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)) {}         // NOLINT: implicit on purpose
    Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit on purpose
        assert(!status_.ok() && "a Result without a value needs an error");
    }

    bool ok() const { return value_.has_value(); }
    const Status& status() const { return status_; }
    T& value() & {
        assert(ok());
        return *value_;
    }
    const T& value() const& {
        assert(ok());
        return *value_;
    }
    T&& value() && {
        assert(ok());
        return std::move(*value_);
    }
    T* operator->() {
        assert(ok());
        return &*value_;
    }
    const T* operator->() const {
        assert(ok());
        return &*value_;
    }

  private:
    Status status_;
    std::optional<T> value_;
};

#define GYRE_CONCAT_INNER(a, b) a##b
#define GYRE_CONCAT(a, b) GYRE_CONCAT_INNER(a, b)

// Returns from the calling function with the error, if there is one.
#define GYRE_TRY(expr)                                     \
    do {                                                   \
        ::gyre::Status gyre_try_status = (expr);           \
        if (!gyre_try_status.ok()) return gyre_try_status; \
    } while (0)

// GYRE_ASSIGN(auto file, MappedFile::open(path)); declares or assigns the value, or returns the
// error.
#define GYRE_ASSIGN(target, expr) \
    GYRE_ASSIGN_INNER(GYRE_CONCAT(gyre_result_, __LINE__), target, expr)
#define GYRE_ASSIGN_INNER(result, target, expr) \
    auto result = (expr);                       \
    if (!result.ok()) return result.status();   \
    target = std::move(result).value()

}  // namespace gyre
