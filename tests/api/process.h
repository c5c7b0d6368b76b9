// Runs the gyre program as a user does, and says what came out of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace gyre::test {

struct ProcessResult {
    int exit_code = -1;  // -1: ended by a signal
    std::string out;
    std::string err;
};

struct ProcessOptions {
    std::string input;                     // stdin
    std::vector<std::string> environment;  // NAME=value, on top of this process's; NAME: unset
    // For a program that is still running: sends this signal once it has written to stdout. Windows
    // has none: there it is Ctrl-Break, whatever the number.
    int signal_after_output = 0;
};

// build/PRESET/bin/gyre with the arguments; waits for its end. One source a system:
// process_posix.cpp and process_windows.cpp.
ProcessResult run_gyre(const std::vector<std::string>& arguments,
                       const ProcessOptions& options = {});

}  // namespace gyre::test
