// SPDX-License-Identifier: Apache-2.0
#include <windows.h>
// After windows.h, whose types they use.
#include <psapi.h>
#include <shellapi.h>

#include <fcntl.h>
#include <io.h>
#include <share.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "apps/gyre/platform.h"

namespace gyre::app {
namespace {

// What is not well formed becomes U+FFFD, both ways.
std::wstring wide_of(std::string_view utf8) {
    const int n_bytes = static_cast<int>(utf8.size());
    const int n = MultiByteToWideChar(CP_UTF8, 0, utf8.data(), n_bytes, nullptr, 0);
    std::wstring wide(static_cast<std::size_t>(n), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, utf8.data(), n_bytes, wide.data(), n);
    return wide;
}

std::string utf8_of(std::wstring_view wide) {
    const int n_units = static_cast<int>(wide.size());
    const int n =
        WideCharToMultiByte(CP_UTF8, 0, wide.data(), n_units, nullptr, 0, nullptr, nullptr);
    std::string utf8(static_cast<std::size_t>(n), '\0');
    WideCharToMultiByte(CP_UTF8, 0, wide.data(), n_units, utf8.data(), n, nullptr, nullptr);
    return utf8;
}

HANDLE handle_of(std::FILE* stream) {
    return reinterpret_cast<HANDLE>(_get_osfhandle(_fileno(stream)));
}

// The code page belongs to the console, which outlives the program.
UINT code_page_before = 0;
void restore_code_page() {
    SetConsoleOutputCP(code_page_before);
}

std::atomic<void (*)(bool)> interrupt_handler{nullptr};

// In a thread of its own. FALSE: the next handler's turn, which ends the program.
BOOL WINAPI on_console_event(DWORD event) {
    void (*handler)(bool) = interrupt_handler.exchange(nullptr);
    if (handler == nullptr) return FALSE;
    handler(event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT);
    return TRUE;
}

}  // namespace

const char* const kCacheFolder = "%LOCALAPPDATA%\\gyre";

std::filesystem::path cache_folder() {
    const auto folder = environment_variable("LOCALAPPDATA");
    return folder && !folder->empty() ? path_of(*folder) / "gyre" : std::filesystem::path();
}

std::filesystem::path path_of(const std::string& utf8) {
    return wide_of(utf8);
}

std::string text_of(const std::filesystem::path& path) {
    return utf8_of(path.native());
}

std::vector<std::string> arguments(int argc, char** argv) {
    int n = 0;
    wchar_t** wide = CommandLineToArgvW(GetCommandLineW(), &n);
    if (wide == nullptr) return {argv, argv + argc};
    std::vector<std::string> texts;
    for (int i = 0; i < n; ++i)
        texts.push_back(utf8_of(wide[i]));
    LocalFree(wide);
    return texts;
}

std::optional<std::string> environment_variable(const char* name) {
    const wchar_t* value = _wgetenv(wide_of(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(utf8_of(value));
}

std::filesystem::path program_file() {
    std::wstring path(MAX_PATH, L'\0');
    while (true) {
        const DWORD n = GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
        if (n == 0) return {};
        if (n < path.size()) return path.substr(0, n);
        path.resize(path.size() * 2);
    }
}

void prepare_streams() {
    for (std::FILE* stream : {stdin, stdout, stderr})
        _setmode(_fileno(stream), _O_BINARY);
    if (is_terminal(stdout) || is_terminal(stderr)) {
        code_page_before = GetConsoleOutputCP();
        if (SetConsoleOutputCP(CP_UTF8) != 0) std::atexit(restore_code_page);
    }
    DWORD mode = 0;  // of the progress bar, which erases its line
    if (GetConsoleMode(handle_of(stderr), &mode) != 0) {
        SetConsoleMode(handle_of(stderr), mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
    }
}

bool is_terminal(std::FILE* stream) {
    DWORD mode = 0;  // _isatty() holds the device NUL for one
    return GetConsoleMode(handle_of(stream), &mode) != 0;
}

void call_at_interrupt(void (*handler)(bool)) {
    interrupt_handler = handler;
    SetConsoleCtrlHandler(on_console_event, TRUE);
}

std::FILE* create_file(const std::string& path) {
    int fd = -1;
    errno = _wsopen_s(&fd, wide_of(path).c_str(),
                      _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT, _SH_DENYWR,
                      _S_IREAD | _S_IWRITE);
    if (fd < 0) return nullptr;
    std::FILE* file = _fdopen(fd, "wb");
    if (file == nullptr) _close(fd);
    return file;
}

bool may_write_in(const std::string& folder) {
    std::error_code error;
    if (std::filesystem::is_directory(path_of(folder), error)) return true;
    errno = ENOENT;
    return false;
}

std::uint64_t peak_host_bytes() {
    PROCESS_MEMORY_COUNTERS counters = {};
    counters.cb = sizeof(counters);
    K32GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof(counters));
    return counters.PeakWorkingSetSize;
}

unsigned long process_id() {
    return GetCurrentProcessId();
}

}  // namespace gyre::app
