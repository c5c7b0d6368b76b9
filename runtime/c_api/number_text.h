// Numbers as text that reads back as the same number, with a point whatever the host's locale.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <string>

namespace gyre::c_api {

// The shortest such text of a float or a double ("0.1", "1e-05", "inf"), all digits of an integer.
template <typename T>
std::string number_text(T value) {
    std::array<char, 64> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

}  // namespace gyre::c_api
