// Small files that make a start faster and nothing else: read whole, replaced whole.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"

namespace gyre {

// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv): finds damage, not malice. Any change
// of one byte changes it, because every step is a bijection of the state. hash: of what came
// before.
std::uint64_t fnv1a(std::span<const std::byte> bytes, std::uint64_t hash = 0xcbf29ce484222325u);

// The file's bytes; none if there is no file. Errors: it is larger than max_bytes, or unreadable.
Result<std::vector<std::byte>> read_cache_file(const std::string& path, std::uint64_t max_bytes);

// Writes a new file beside `path` and renames it over; makes the folder. After an error the old
// file is as it was, and nothing else is left.
Status replace_cache_file(const std::string& path, std::span<const std::byte> bytes);

}  // namespace gyre
