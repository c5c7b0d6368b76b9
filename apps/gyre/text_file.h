// Texts that a command reads: a file's, or what comes by stdin, whole or by lines.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace gyre::app {

// Both throw Failure.
std::string read_stdin();
std::string read_text_file(const std::string& path);

// A line of stdin without its end; nothing where stdin ends, or is interrupted, before it begins.
std::optional<std::string> read_line();

}  // namespace gyre::app
