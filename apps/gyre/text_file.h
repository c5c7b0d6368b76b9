// Texts that a command reads whole: a file's, or what comes by stdin.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gyre::app {

// Both throw Failure.
std::string read_stdin();
std::string read_text_file(const std::string& path);

}  // namespace gyre::app
