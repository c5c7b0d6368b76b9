// Runs work in a child process with a limit on its time, so that a compiler that hangs or crashes
// is a result and not the end of the program.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace compilers {

struct ChildResult {
    std::string answer;  // what the work returned; cut off if the child died
    std::string why;     // empty: it ended by itself; otherwise what ended it
    double cpu_seconds = 0;
};

// The limit is on processor time; a child that uses none for a while is ended too.
// The child's messages, on stdout and stderr alike, go to the file messages (empty: nowhere); a
// file in which there would be nothing is not left behind.
ChildResult run_in_child(unsigned cpu_seconds, const std::string& messages,
                         const std::function<std::string()>& work);

}  // namespace compilers
