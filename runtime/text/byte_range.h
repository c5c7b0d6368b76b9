// A part of a text, in bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace gyre {

// Bytes [begin, end) of a text.
struct ByteRange {
    std::size_t begin = 0, end = 0;
    bool operator==(const ByteRange&) const = default;
};

}  // namespace gyre
