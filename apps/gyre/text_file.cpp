// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/text_file.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "apps/gyre/command.h"
#include "apps/gyre/platform.h"

namespace gyre::app {

std::string read_stdin() {
    std::string text(std::istreambuf_iterator<char>(std::cin), {});
    if (std::cin.bad()) throw Failure("cannot read from stdin");
    return text;
}

std::optional<std::string> read_line() {
    std::string line;
    int c = std::getc(stdin);
    for (; c != EOF && c != '\n'; c = std::getc(stdin))
        line += static_cast<char>(c);
    if (c == EOF && line.empty()) return std::nullopt;
    return line;
}

std::string read_text_file(const std::string& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path_of(path), error)) throw Failure(path + ": is a folder");
    std::ifstream file(path_of(path), std::ios::binary);
    if (!file) throw Failure(path + ": cannot read");
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (file.bad()) throw Failure(path + ": cannot read");
    return text;
}

}  // namespace gyre::app
