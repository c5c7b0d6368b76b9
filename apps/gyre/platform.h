// What operating systems do differently for the program: its arguments and streams, files, Ctrl-C,
// memory. One source for each: platform_posix.cpp, platform_windows.cpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gyre::app {

// Texts and names of files are UTF-8 in the program, as in gyre.h; on POSIX they may be any bytes.
std::filesystem::path path_of(const std::string& utf8);
std::string text_of(const std::filesystem::path& path);

// main's arguments, the program's name among them.
std::vector<std::string> arguments(int argc, char** argv);

// Nothing where it is not set.
std::optional<std::string> environment_variable(const char* name);

// The file that runs; empty where the system does not say.
std::filesystem::path program_file();

// From now on stdin, stdout and stderr carry bytes as they are, and a console shows them as UTF-8.
void prepare_streams();

bool is_terminal(std::FILE* stream);

// Calls handler once, at the first Ctrl-C (end: false) or request to end (true); the next one ends
// the program. It may be called in a signal handler or in a thread of its own, at any time.
void call_at_interrupt(void (*handler)(bool end));

// A new file for writing. Null: there is one already, or errno says what else is wrong.
std::FILE* create_file(const std::string& path);

// Whether files can be made in a folder; if not, errno says why. Windows says so only when one is
// made.
bool may_write_in(const std::string& folder);

// The most memory of the host that this process had at any time.
std::uint64_t peak_host_bytes();

// Of this process; no two that run have the same.
unsigned long process_id();

// Where the library keeps what it compiles and times, and where fetched models are: in words for
// the help, and as it is; empty where the system does not say.
extern const char* const kCacheFolder;
std::filesystem::path cache_folder();

}  // namespace gyre::app
