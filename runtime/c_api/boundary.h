// The edge between C and C++: Status and exceptions become gyre_status, structs of any age are read
// and written by their struct_size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "gyre/gyre.h"
#include "runtime/base/status.h"

namespace gyre::c_api {

// Writes message as one line that a terminal shows as it is, whatever a driver or a file put into
// it; cut to capacity, with its NUL. Never allocates.
void write_line(const char* message, char* to, std::size_t capacity) noexcept;

// Keeps message for gyre_last_error in this thread, cut to 1,023 bytes. Never allocates.
gyre_status fail(StatusCode code, const char* message) noexcept;

inline gyre_status finish(const Status& status) noexcept {
    return status.ok() ? GYRE_OK : fail(status.code(), status.message().c_str());
}

// Runs body, a function without parameters that returns a Status. Every function of gyre.h that can
// fail has its whole body in here, so nothing is thrown across.
template <typename Body>
gyre_status guarded(Body&& body) noexcept {
    try {
        return finish(std::forward<Body>(body)());
    } catch (const std::bad_alloc&) {
        return fail(StatusCode::kOutOfHostMemory, "out of host memory");
    } catch (const std::exception& error) {
        return fail(StatusCode::kInternal, error.what());
    } catch (...) {
        return fail(StatusCode::kInternal, "an exception of an unknown type");
    }
}

inline Status null_argument(const char* name) {
    return Status::invalid_argument(std::string(name) + " is NULL");
}

// More than any struct of gyre.h will have: a larger struct_size is a struct without its _INIT.
inline constexpr std::size_t kMaxStructBytes = 4096;

// Checks a caller's struct_size: nothing below reads past it, or writes.
Status check_struct_size(std::size_t struct_size, std::size_t alignment, const char* type);

// The caller's options over the defaults. A shorter struct (older header) leaves the defaults of
// the fields that it lacks; of a longer one (newer header) the unknown rest must be zero.
template <typename T>
Result<T> read_options(const T* from, const T& defaults, const char* type) {
    static_assert(std::is_trivially_copyable_v<T> && offsetof(T, struct_size) == 0);
    T options = defaults;
    if (from == nullptr) return options;
    std::size_t size = 0;
    std::memcpy(&size, from, sizeof size);
    GYRE_TRY(check_struct_size(size, alignof(T), type));
    std::memcpy(&options, from, std::min(size, sizeof(T)));
    options.struct_size = sizeof(T);
    const auto* bytes = reinterpret_cast<const unsigned char*>(from);
    for (std::size_t i = sizeof(T); i < size; ++i) {
        if (bytes[i] != 0) {
            return Status::invalid_argument(std::string(type) +
                                            " sets a field that this library is too old for");
        }
    }
    return options;
}

// Writes as many of value's bytes as the caller's struct has; a longer struct's rest becomes zero.
template <typename T>
Status write_struct(const T& value, T* to, const char* type) {
    static_assert(std::is_trivially_copyable_v<T> && offsetof(T, struct_size) == 0);
    if (to == nullptr) return null_argument(type);
    std::size_t size = 0;
    std::memcpy(&size, to, sizeof size);
    GYRE_TRY(check_struct_size(size, alignof(T), type));
    auto* bytes = reinterpret_cast<unsigned char*>(to);
    std::memset(bytes + sizeof size, 0, size - sizeof size);
    std::memcpy(bytes + sizeof size, reinterpret_cast<const unsigned char*>(&value) + sizeof size,
                std::min(size, sizeof(T)) - sizeof size);
    return {};
}

}  // namespace gyre::c_api
