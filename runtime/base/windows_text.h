// UTF-8 to and from the UTF-16 of Windows' functions, and its errors in words. Only for sources
// named *_windows.cpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace gyre {

// What is not well formed becomes U+FFFD.
std::wstring wide_of(std::string_view utf8);
std::string utf8_of(std::wstring_view wide);

// The system's words for GetLastError()'s value, one line without a full stop.
std::string windows_error_text(unsigned long error);

}  // namespace gyre
