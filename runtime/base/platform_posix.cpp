// Linux, Android, macOS and other POSIX systems.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/platform.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace gyre {
namespace {

// A relative path counts as not set, as the XDG Base Directory Specification 0.8 asks for.
std::optional<std::string> absolute(const char* name) {
    std::optional<std::string> value = environment_variable(name);
    if (value && !value->starts_with('/')) value.reset();
    return value;
}

}  // namespace

std::filesystem::path path_of(const std::string& utf8) {
    return utf8;
}

std::string text_of(const std::filesystem::path& path) {
    return path.native();
}

std::optional<std::string> environment_variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string user_cache_folder() {
    if (const auto folder = absolute("XDG_CACHE_HOME")) return *folder;
    const auto home = absolute("HOME");
    if (!home) return {};
#ifdef __APPLE__
    return *home + "/Library/Caches";
#else
    return *home + "/.cache";
#endif
}

std::FILE* open_to_read(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return nullptr;
    std::FILE* file = ::fdopen(fd, "rb");
    if (file == nullptr) ::close(fd);
    return file;
}

std::string replace_file(const std::string& from, const std::string& to) {
    return std::rename(from.c_str(), to.c_str()) == 0 ? "" : std::strerror(errno);
}

void* open_library(const std::string& path, std::string& error) {
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    const char* reason = library == nullptr ? ::dlerror() : nullptr;
    if (reason != nullptr) error = reason;
    return library;
}

LibraryFunction find_function(void* library, const char* name) {
    return reinterpret_cast<LibraryFunction>(::dlsym(library, name));
}

void close_library(void* library) {
    ::dlclose(library);
}

std::tm local_time() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    return ::localtime_r(&now, &local) == nullptr ? std::tm{} : local;
}

unsigned long process_id() {
    return static_cast<unsigned long>(::getpid());
}

}  // namespace gyre
