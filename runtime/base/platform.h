// What operating systems do differently below the runtime: names of files, the environment,
// processes. One source for each: platform_posix.cpp, platform_windows.cpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>

namespace gyre {

// Names of files are UTF-8 in the runtime and its API on every system; POSIX takes any bytes.
std::filesystem::path path_of(const std::string& utf8);
std::string text_of(const std::filesystem::path& path);

// An environment variable as UTF-8; nothing where it is not set.
std::optional<std::string> environment_variable(const char* name);

// The user's folder for files that may be removed at any time; empty where the system names none.
std::string user_cache_folder();

// A file for reading that others may replace meanwhile; null: it is not there, or may not be read.
std::FILE* open_to_read(const std::string& path);

// Renames one file to another's name, in its place where there is one. Empty, or what went wrong.
std::string replace_file(const std::string& from, const std::string& to);

// A library of the system's kind by its path, or by a name that the system looks for. Null: error
// says why. It stays loaded until it is closed.
void* open_library(const std::string& path, std::string& error);
using LibraryFunction = void (*)();
LibraryFunction find_function(void* library, const char* name);  // null: it has none
void close_library(void* library);

// The clock on the wall; all zero where the system does not tell.
std::tm local_time();

// Of this process; no two that run have the same.
unsigned long process_id();

}  // namespace gyre
