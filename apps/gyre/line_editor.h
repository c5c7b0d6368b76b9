// Lines that somebody types: with editing and history where libedit was there when the program was
// built, else as the terminal gives them. One source for each: line_editor_libedit.cpp,
// line_editor_plain.cpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace gyre::app {

// One at a time. What it shows goes to stderr; where stdin is no terminal, it shows nothing.
class LineEditor {
  public:
    LineEditor();
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    // A line without its end; nothing at the end of the input, or where Ctrl-C came: interrupted()
    // tells which.
    std::optional<std::string> read(const char* prompt);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gyre::app
