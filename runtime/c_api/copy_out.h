// The convention of functions that fill a caller's array: the need is told, also where it is more.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "runtime/c_api/boundary.h"

namespace gyre::c_api {

// *n is the need; capacity 0 only asks for it. name: of `to`, for the error.
template <typename From, typename To>
Status copy_out(const From& from, To* to, std::size_t capacity, std::size_t* n, const char* name) {
    *n = from.size();
    if (capacity == 0) return {};
    if (to == nullptr) return null_argument(name);
    if (capacity < from.size()) {
        return Status::invalid_argument("capacity is " + std::to_string(capacity) + ", but " +
                                        std::to_string(from.size()) + " are needed");
    }
    std::copy(from.begin(), from.end(), to);
    return {};
}

}  // namespace gyre::c_api
