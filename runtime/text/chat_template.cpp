// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/chat_template.h"

#include <algorithm>

#include "runtime/text/chat_template_interpreter.h"
#include "runtime/text/chat_template_lexer.h"
#include "runtime/text/chat_template_parser.h"

namespace gyre {

struct ChatTemplate::Tree {
    chat::Body body;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

namespace {

Status of_template(const Status& status) {
    return status.with_context("chat template");
}

bool is_role(std::string_view role) {
    constexpr std::size_t kLongest = 64;
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    };
    return !role.empty() && role.size() <= kLongest && std::all_of(role.begin(), role.end(), fits);
}

}  // namespace

Result<chat::Value> chat_message(std::string role, std::string content) {
    if (!is_role(role)) {
        return Status::invalid_argument(
            "a role is 1 to 64 letters, digits, '_', '-' and '.', such as user");
    }
    return chat::make_dict({{"role", chat::make_text(std::move(role), false)},
                            {"content", chat::make_text(std::move(content), true)}});
}

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
    if (source.size() > kMaxBytes) {
        return of_template(Status::unsupported("it has " + std::to_string(source.size()) +
                                               " bytes; at most " + std::to_string(kMaxBytes) +
                                               " are read"));
    }
    auto tokens = chat::tokenize(source);
    if (!tokens.ok()) return of_template(tokens.status());
    auto body = chat::parse(std::move(tokens).value());
    if (!body.ok()) return of_template(body.status());
    return ChatTemplate(std::make_unique<Tree>(Tree{std::move(body).value()}));
}

Result<MarkedText> ChatTemplate::render(
    const std::vector<std::pair<std::string, chat::Value>>& variables, const std::tm& now,
    const chat::Limits& limits) const {
    std::map<std::string, chat::Value, std::less<>> globals(variables.begin(), variables.end());
    chat::Interpreter interpreter(std::move(globals), limits, now);
    Result<MarkedText> text = interpreter.run(tree_->body);
    if (!text.ok()) return of_template(text.status());
    return text;
}

Result<MarkedText> ChatTemplate::render(const ChatRequest& request,
                                        const chat::Limits& limits) const {
    GYRE_ASSIGN(chat::Value list, chat::make_list(request.messages));
    std::vector<std::pair<std::string, chat::Value>> variables = {
        {"messages", std::move(list)},
        {"add_generation_prompt", request.add_generation_prompt},
        {"tools", chat::None{}},
        {"documents", chat::None{}},
    };
    for (const auto& [name, text] : request.tokens)
        variables.emplace_back(name, chat::make_text(text, false));
    return render(variables, request.now, limits);
}

}  // namespace gyre
