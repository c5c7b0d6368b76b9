// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>

#include "apps/gyre/interrupt.h"
#include "apps/gyre/line_editor.h"
#include "apps/gyre/platform.h"
#include "apps/gyre/text_file.h"

namespace gyre::app {

struct LineEditor::State {
    bool terminal = is_terminal(stdin);
};

LineEditor::LineEditor() : state_(std::make_unique<State>()) {}
LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::read(const char* prompt) {
    if (state_->terminal) std::fputs(prompt, stderr);
    std::optional<std::string> line = read_line();
    const bool is_whole = std::feof(stdin) == 0 && std::ferror(stdin) == 0;
    if (!line || (!is_whole && interrupted())) {
        if (interrupted()) std::clearerr(stdin);
        if (state_->terminal) std::fputs("\n", stderr);
        return std::nullopt;
    }
    if (line->ends_with('\r')) line->pop_back();
    return line;
}

}  // namespace gyre::app
