// Linux, macOS and other POSIX systems.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include <csignal>
#include <cstdlib>

#include "apps/gyre/platform.h"

namespace gyre::app {
namespace {

void (*interrupt_handler)(bool) = nullptr;

void on_signal(int signal) {
    interrupt_handler(signal == SIGTERM);
}

// A relative path counts as not set, as in the library.
std::optional<std::string> absolute(const char* name) {
    std::optional<std::string> value = environment_variable(name);
    if (value && !value->starts_with('/')) value.reset();
    return value;
}

}  // namespace

#ifdef __APPLE__
const char* const kCacheFolder = "~/Library/Caches/gyre ($XDG_CACHE_HOME/gyre where that is set)";
constexpr const char* kCachesOfHome = "Library/Caches";
#else
const char* const kCacheFolder = "$XDG_CACHE_HOME/gyre (default: ~/.cache/gyre)";
constexpr const char* kCachesOfHome = ".cache";
#endif

std::filesystem::path cache_folder() {
    if (const auto folder = absolute("XDG_CACHE_HOME")) return path_of(*folder) / "gyre";
    if (const auto home = absolute("HOME")) return path_of(*home) / kCachesOfHome / "gyre";
    return {};
}

std::filesystem::path path_of(const std::string& utf8) {
    return utf8;
}

std::string text_of(const std::filesystem::path& path) {
    return path.native();
}

std::vector<std::string> arguments(int argc, char** argv) {
    return {argv, argv + argc};
}

std::optional<std::string> environment_variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::filesystem::path program_file() {
    std::error_code error;  // then the path stays empty
#ifdef __APPLE__
    std::uint32_t size = 0;
    _NSGetExecutablePath(nullptr, &size);
    std::string path(size, '\0');
    if (_NSGetExecutablePath(path.data(), &size) != 0) return {};
    return std::filesystem::canonical(path.c_str(), error);
#else
    return std::filesystem::read_symlink("/proc/self/exe", error);
#endif
}

void prepare_streams() {}

bool is_terminal(std::FILE* stream) {
    return isatty(fileno(stream)) == 1;
}

void call_at_interrupt(void (*handler)(bool)) {
    interrupt_handler = handler;
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second signal has its usual effect
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

std::FILE* create_file(const std::string& path) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return nullptr;
    std::FILE* file = fdopen(fd, "wb");
    if (file == nullptr) close(fd);
    return file;
}

bool may_write_in(const std::string& folder) {
    return access(folder.c_str(), W_OK | X_OK) == 0;
}

std::uint64_t peak_host_bytes() {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    constexpr std::uint64_t kUnit = 1;
#else
    constexpr std::uint64_t kUnit = 1024;
#endif
    return static_cast<std::uint64_t>(usage.ru_maxrss) * kUnit;
}

unsigned long process_id() {
    return static_cast<unsigned long>(getpid());
}

}  // namespace gyre::app
