// SPDX-License-Identifier: Apache-2.0
#include <windows.h>
// After windows.h.
#include <fcntl.h>
#include <io.h>

#include "runtime/base/platform.h"
#include "runtime/base/windows_text.h"

namespace gyre {
namespace {

// Windows refuses to open what is being replaced, and to replace what is open. Files here are
// small: it passes soon, but others that wait too may come first.
template <typename Call>
bool again_while_in_use(Call call) {
    constexpr ULONGLONG kPatience = 1000;  // milliseconds
    const ULONGLONG begin = ::GetTickCount64();
    while (!call()) {
        const DWORD error = ::GetLastError();
        const bool in_use = error == ERROR_SHARING_VIOLATION || error == ERROR_ACCESS_DENIED;
        if (!in_use || ::GetTickCount64() - begin > kPatience) return false;
        ::Sleep(1);
        ::SetLastError(error);
    }
    return true;
}

// A folder is no file that is in use, but refused with the same error.
bool is_folder(const std::wstring& name) {
    const DWORD attributes = ::GetFileAttributesW(name.c_str());
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

}  // namespace

std::wstring wide_of(std::string_view utf8) {
    const int n_bytes = static_cast<int>(utf8.size());
    const int n = ::MultiByteToWideChar(CP_UTF8, 0, utf8.data(), n_bytes, nullptr, 0);
    std::wstring wide(static_cast<std::size_t>(n), L'\0');
    ::MultiByteToWideChar(CP_UTF8, 0, utf8.data(), n_bytes, wide.data(), n);
    return wide;
}

std::string utf8_of(std::wstring_view wide) {
    const int n_units = static_cast<int>(wide.size());
    const int n =
        ::WideCharToMultiByte(CP_UTF8, 0, wide.data(), n_units, nullptr, 0, nullptr, nullptr);
    std::string utf8(static_cast<std::size_t>(n), '\0');
    ::WideCharToMultiByte(CP_UTF8, 0, wide.data(), n_units, utf8.data(), n, nullptr, nullptr);
    return utf8;
}

std::string windows_error_text(unsigned long error) {
    wchar_t buffer[512] = {};
    const DWORD n = ::FormatMessageW(
        FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK,
        nullptr, error, 0, buffer, static_cast<DWORD>(std::size(buffer)), nullptr);
    std::string text = utf8_of({buffer, n});
    while (!text.empty() && (text.back() == ' ' || text.back() == '.'))
        text.pop_back();
    return text.empty() ? "error " + std::to_string(error) + " of Windows" : text;
}

std::filesystem::path path_of(const std::string& utf8) {
    return wide_of(utf8);
}

std::string text_of(const std::filesystem::path& path) {
    return utf8_of(path.native());
}

std::optional<std::string> environment_variable(const char* name) {
    const std::wstring wide_name = wide_of(name);
    std::wstring value(256, L'\0');
    while (true) {
        ::SetLastError(ERROR_SUCCESS);  // an empty value gives 0 without an error
        const DWORD n = ::GetEnvironmentVariableW(wide_name.c_str(), value.data(),
                                                  static_cast<DWORD>(value.size()));
        if (n == 0 && ::GetLastError() == ERROR_ENVVAR_NOT_FOUND) return std::nullopt;
        if (n < value.size()) return utf8_of(std::wstring_view(value).substr(0, n));
        value.resize(n);  // then it counts the zero at the end
    }
}

std::string user_cache_folder() {
    return environment_variable("LOCALAPPDATA").value_or("");
}

std::FILE* open_to_read(const std::string& path) {
    const std::wstring name = wide_of(path);
    if (is_folder(name)) return nullptr;
    HANDLE handle = INVALID_HANDLE_VALUE;
    again_while_in_use([&] {
        handle = ::CreateFileW(name.c_str(), GENERIC_READ,
                               FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                               OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
        return handle != INVALID_HANDLE_VALUE;
    });
    if (handle == INVALID_HANDLE_VALUE) return nullptr;
    const int fd =
        ::_open_osfhandle(reinterpret_cast<std::intptr_t>(handle), _O_RDONLY | _O_BINARY);
    if (fd < 0) {
        ::CloseHandle(handle);
        return nullptr;
    }
    std::FILE* file = ::_fdopen(fd, "rb");
    if (file == nullptr) ::_close(fd);
    return file;
}

std::string replace_file(const std::string& from, const std::string& to) {
    const std::wstring wide_from = wide_of(from);
    const std::wstring wide_to = wide_of(to);
    if (is_folder(wide_to)) return windows_error_text(ERROR_ACCESS_DENIED);
    const bool done = again_while_in_use([&] {
        return ::MoveFileExW(wide_from.c_str(), wide_to.c_str(), MOVEFILE_REPLACE_EXISTING) != 0;
    });
    return done ? "" : windows_error_text(::GetLastError());
}

void* open_library(const std::string& path, std::string& error) {
    HMODULE library = ::LoadLibraryW(wide_of(path).c_str());
    if (library == nullptr) error = windows_error_text(::GetLastError());
    return library;
}

LibraryFunction find_function(void* library, const char* name) {
    // By way of void*: the compiler warns of a direct cast, as of one to a function that is called.
    return reinterpret_cast<LibraryFunction>(
        reinterpret_cast<void*>(::GetProcAddress(static_cast<HMODULE>(library), name)));
}

void close_library(void* library) {
    ::FreeLibrary(static_cast<HMODULE>(library));
}

std::tm local_time() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    return ::localtime_s(&local, &now) != 0 ? std::tm{} : local;
}

unsigned long process_id() {
    return ::GetCurrentProcessId();
}

}  // namespace gyre
