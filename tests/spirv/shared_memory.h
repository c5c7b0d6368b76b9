// Shared memory of a shader module: is there a barrier between writing and reading it, on every
// path?
// SPDX-License-Identifier: Apache-2.0
//
// A driver that runs the invocations of a workgroup in order, or in step, gives right results
// without some barriers; another device does not. So this looks at the code instead of at results.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gyre::test {

// One line for every shared variable that some path reads after a write, or writes after a read,
// without a barrier() between them. An invocation's own element counts as well: keep such a value
// in a register. Only for modules that spirv-val accepts.
std::vector<std::string> shared_memory_races(std::span<const std::uint32_t> words);

}  // namespace gyre::test
