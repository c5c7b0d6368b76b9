// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>

#include "apps/gyre/interrupt.h"
#include "apps/gyre/line_editor.h"
#include "apps/gyre/platform.h"

namespace gyre::app {

struct LineEditor::State {
    bool terminal = is_terminal(stdin);
};

LineEditor::LineEditor() : state_(std::make_unique<State>()) {}
LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::read(const char* prompt) {
    if (state_->terminal) std::fputs(prompt, stderr);
    std::string line;
    int c = std::getc(stdin);
    for (; c != EOF && c != '\n'; c = std::getc(stdin))
        line += static_cast<char>(c);
    if (c == EOF && (line.empty() || interrupted())) {
        if (interrupted()) std::clearerr(stdin);
        if (state_->terminal) std::fputs("\n", stderr);
        return std::nullopt;
    }
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

}  // namespace gyre::app
