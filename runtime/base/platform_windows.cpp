// SPDX-License-Identifier: Apache-2.0
#include <windows.h>

#include "runtime/base/platform.h"
#include "runtime/base/windows_text.h"

namespace gyre {

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

unsigned long process_id() {
    return ::GetCurrentProcessId();
}

}  // namespace gyre
