// A conversation with a model: its messages, and a session that holds their prompt.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/gyre/chat_messages.h"
#include "apps/gyre/handles.h"

namespace gyre::app {

struct ChatSettings {
    gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
    std::uint32_t max_tokens = 0;  // of an answer; 0: until it ends
    std::string template_text;     // in place of the file's; "": the file's
    bool has_template_text = false;
};

std::string chat_text(const gyre_model* model, const Messages& messages,
                      const ChatSettings& settings);

class Conversation {
  public:
    Conversation(const gyre_model* model, gyre_session* session, const ChatSettings& settings);

    // The first message, if its role is "system"; "" takes it away.
    void set_system(const std::string& text);
    std::string system() const { return has_system() ? messages_[0].content : ""; }
    void add(Message message) { messages_.push_back(std::move(message)); }
    void reset();  // all but the system text
    const Messages& messages() const { return messages_; }

    // What ended an answer.
    enum class End { kDone, kMaxTokens, kContextFull, kInterrupted };

    // Answers what was said last: prints the answer on stdout as it is made, and adds it. What the
    // session's text has in common with the prompt is not computed again. Where the prompt and an
    // answer do not fit into the context, the oldest turns go, and stderr says so. Throws Failure;
    // then the last message is taken back, as it is where Ctrl-C came before the answer began.
    End answer();

    std::uint32_t n_prompt() const { return n_prompt_; }  // tokens of the last prompt
    std::uint32_t n_kept() const { return n_kept_; }      // of those, how many were there already

  private:
    bool has_system() const { return !messages_.empty() && messages_[0].role == "system"; }
    std::vector<std::uint32_t> fitting_prompt();
    bool set_prompt();  // false: interrupted
    End generate();

    const gyre_model* model_;
    gyre_session* session_;
    const ChatSettings& settings_;
    Messages messages_;
    std::uint32_t n_prompt_ = 0;
    std::uint32_t n_kept_ = 0;
};

}  // namespace gyre::app
