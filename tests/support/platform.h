// What operating systems do differently for tests: environment, processes, folders of their own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef _WIN32
#include <windows.h>
#else
#include <unistd.h>
#endif

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace gyre::test {

// For this process and those that it starts.
inline void set_environment(const char* name, const char* value) {
#ifdef _WIN32
    _putenv_s(name, value);
#else
    ::setenv(name, value, 1);
#endif
}

inline void unset_environment(const char* name) {
#ifdef _WIN32
    _putenv_s(name, "");  // as documented: an empty value removes it
#else
    ::unsetenv(name);
#endif
}

inline std::string process_id_text() {
#ifdef _WIN32
    return std::to_string(::GetCurrentProcessId());
#else
    return std::to_string(::getpid());
#endif
}

// A new, empty folder that nobody else uses; the caller removes it.
inline std::filesystem::path make_temporary_folder(const std::string& prefix) {
    const std::filesystem::path all = std::filesystem::temp_directory_path();
    for (int i = 0; i < 10000; ++i) {
        const auto folder = all / (prefix + "-" + process_id_text() + "-" + std::to_string(i));
        if (std::filesystem::create_directory(folder)) return folder;
    }
    throw std::runtime_error("cannot make a folder " + prefix + " in " + all.string());
}

}  // namespace gyre::test
