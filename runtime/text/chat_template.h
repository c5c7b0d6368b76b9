// The chat template of a model file: from messages to the prompt that the model was trained on.
// SPDX-License-Identifier: Apache-2.0
//
// A template is a program in a part of Jinja, and comes from a file that nobody vouches for. What
// runs here is the part that published templates use, as transformers runs it: jinja2's immutable
// sandbox with trim_blocks, lstrip_blocks, break, continue and {% generation %}. What is not known
// is refused by name; time, memory and depth are bounded. docs/chat.md has the list.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/chat_template_value.h"
#include "runtime/text/marked_text.h"

namespace gyre {

// A message as templates see it, of no budget: made once, it may be in the prompts of several
// requests. role: 1 to 64 letters, digits, '_', '-' and '.', else kInvalidArgument, because
// templates build tokens of it; content: any text, no special token is made of it.
Result<chat::Value> chat_message(std::string role, std::string content);

struct ChatRequest {
    std::vector<chat::Value> messages;  // each of chat_message
    bool add_generation_prompt = true;  // end with what begins an answer
    // Texts of the model's tokens by the names that templates know: bos_token, eos_token ...
    std::vector<std::pair<std::string, std::string>> tokens;
    std::tm now{};  // what strftime_now writes
};

// Immutable after parse(); may be used by several threads at once.
class ChatTemplate {
  public:
    static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;  // of a source

    // kBadFile: no template; kUnsupported: something that is not known here, with its name. The
    // text has the line.
    static Result<ChatTemplate> parse(std::string_view source);
    ChatTemplate(ChatTemplate&&) noexcept;
    ChatTemplate& operator=(ChatTemplate&&) noexcept;
    ~ChatTemplate();

    // The text, and which bytes of it came from the messages' contents. kInvalidArgument: the
    // template refuses the messages, or does with them what cannot be done; kUnsupported: more time
    // or memory than limits allow.
    Result<MarkedText> render(const ChatRequest& request, const chat::Limits& limits = {}) const;

    // The same with any variables.
    Result<MarkedText> render(const std::vector<std::pair<std::string, chat::Value>>& variables,
                              const std::tm& now, const chat::Limits& limits = {}) const;

  private:
    struct Tree;
    explicit ChatTemplate(std::unique_ptr<Tree> tree);
    std::unique_ptr<Tree> tree_;
};

}  // namespace gyre
