// SPDX-License-Identifier: Apache-2.0
#include <histedit.h>

#include <clocale>
#include <cstdio>

#include "apps/gyre/interrupt.h"
#include "apps/gyre/line_editor.h"
#include "apps/gyre/platform.h"
#include "apps/gyre/text_file.h"

namespace gyre::app {
namespace {

const char* prompt_now = "";  // el_set takes a function without a parameter of its own

char* show_prompt(EditLine*) {
    return const_cast<char*>(prompt_now);
}

struct End {
    void operator()(EditLine* editor) const { el_end(editor); }
    void operator()(History* lines) const { history_end(lines); }
};

}  // namespace

struct LineEditor::State {
    std::unique_ptr<History, End> lines;
    std::unique_ptr<EditLine, End> editor;  // null: stdin is no terminal
};

LineEditor::LineEditor() : state_(std::make_unique<State>()) {
    if (!is_terminal(stdin)) return;
    std::setlocale(LC_CTYPE, "");  // what a character is; numbers stay as they are
    state_->lines.reset(history_init());
    state_->editor.reset(el_init("gyre", stdin, stderr, stderr));
    if (state_->editor == nullptr || state_->lines == nullptr) return;
    EditLine* editor = state_->editor.get();
    HistEvent event{};
    history(state_->lines.get(), &event, H_SETSIZE, 1000);
    el_set(editor, EL_PROMPT, show_prompt);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, history, state_->lines.get());
    el_source(editor, nullptr);  // the user's .editrc, if there is one
}

LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::read(const char* prompt) {
    std::string line;
    if (state_->editor != nullptr) {
        prompt_now = prompt;
        int n = 0;
        const char* text = el_gets(state_->editor.get(), &n);
        if (text == nullptr || n <= 0 || interrupted()) {
            el_reset(state_->editor.get());
            std::fputs("\n", stderr);
            return std::nullopt;
        }
        line.assign(text, static_cast<std::size_t>(n));
        HistEvent event{};
        if (line != "\n") history(state_->lines.get(), &event, H_ENTER, text);
    } else {
        std::optional<std::string> read = read_line();
        if (!read) return std::nullopt;
        line = std::move(*read);
    }
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.pop_back();
    return line;
}

}  // namespace gyre::app
