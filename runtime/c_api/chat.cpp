// Conversations: messages become the text and the tokens of a prompt by the file's template; the
// oldest turns are left out where there is no room for them.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/platform.h"
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/copy_out.h"
#include "runtime/c_api/model_handle.h"
#include "runtime/text/chat_fit.h"
#include "runtime/text/chat_template.h"

namespace gyre::c_api {
namespace {

constexpr const char* kTemplateKey = "tokenizer.chat_template";

Result<std::string_view> template_of(const OpenModel& model, const gyre_chat_options& options) {
    if (options.template_text != nullptr)
        return std::string_view(options.template_text, options.n_template);
    const Gguf& gguf = model.file.gguf;
    if (gguf.has(kTemplateKey)) return gguf.get_string(kTemplateKey);
    return Status::unsupported(std::string("the model file has no chat template (") + kTemplateKey +
                               "): give one, or write the prompt as the model's card says");
}

// What templates call the file's special tokens.
std::vector<std::pair<std::string, std::string>> token_texts(const OpenModel& model) {
    std::vector<std::pair<std::string, std::string>> texts;
    if (!model.card.tokenizer) return texts;
    const Tokenizer& tokenizer = *model.card.tokenizer;
    const auto add = [&](const char* name, std::optional<std::uint32_t> id) {
        if (!id || *id >= tokenizer.n_vocab()) return;
        const auto bytes = tokenizer.token_bytes(*id);
        if (bytes.ok()) texts.emplace_back(name, std::string(bytes.value()));
    };
    add("bos_token", tokenizer.bos_id());
    add("eos_token", tokenizer.eos_id());
    constexpr std::pair<const char*, const char*> kOthers[] = {
        {"unk_token", "tokenizer.ggml.unknown_token_id"},
        {"pad_token", "tokenizer.ggml.padding_token_id"},
        {"sep_token", "tokenizer.ggml.seperator_token_id"},  // as converters spell it
        {"cls_token", "tokenizer.ggml.cls_token_id"},
        {"mask_token", "tokenizer.ggml.mask_token_id"},
    };
    for (const auto& [name, key] : kOthers) {
        if (!model.file.gguf.has(key)) continue;
        const auto id = model.file.gguf.get_u32(key);
        if (id.ok()) add(name, id.value());
    }
    return texts;
}

// What a call is about: prompts are made of all of its messages, or of some.
struct Chat {
    ChatTemplate parsed;
    ChatRequest request;
};

Result<std::vector<chat::Value>> read_messages(const gyre_chat_message* messages,
                                               std::size_t count) {
    if (messages == nullptr && count > 0) return null_argument("messages");
    std::vector<chat::Value> read;
    for (std::size_t i = 0; i < count; ++i) {
        const gyre_chat_message& message = messages[i];
        if (message.role == nullptr) return null_argument("a message's role");
        if (message.content == nullptr && message.n_content > 0)
            return null_argument("a message's content");
        const char* content = message.content == nullptr ? "" : message.content;
        auto made = chat_message(message.role, std::string(content, message.n_content));
        if (!made.ok()) return made.status().with_context("message " + std::to_string(i));
        read.push_back(std::move(made).value());
    }
    return read;
}

Result<Chat> read_chat(const OpenModel& model, const gyre_chat_message* messages, std::size_t count,
                       const gyre_chat_options* given) {
    constexpr gyre_chat_options kDefaults = GYRE_CHAT_OPTIONS_INIT;
    GYRE_ASSIGN(const gyre_chat_options options, read_options(given, kDefaults, "options"));
    if (options.reserved != 0) return Status::invalid_argument("options.reserved is not 0");
    ChatRequest request;
    GYRE_ASSIGN(request.messages, read_messages(messages, count));
    request.add_generation_prompt = options.no_generation_prompt == 0;
    request.tokens = token_texts(model);
    request.now = local_time();
    GYRE_ASSIGN(const std::string_view source, template_of(model, options));
    GYRE_ASSIGN(ChatTemplate parsed, ChatTemplate::parse(source));
    return Chat{std::move(parsed), std::move(request)};
}

Result<std::vector<std::uint32_t>> tokens_of(const Tokenizer& tokenizer, const Chat& chat) {
    GYRE_ASSIGN(const MarkedText prompt, chat.parsed.render(chat.request));
    return tokenizer.encode(prompt.bytes(), {.parse = true, .plain = prompt.spans()});
}

// The messages are read once, and shared by the prompts.
Result<FittedPrompt> fitted_prompt(const Tokenizer& tokenizer, Chat chat,
                                   std::span<const gyre_chat_message> given, std::uint32_t n_ctx,
                                   std::uint32_t max_tokens) {
    std::vector<std::string_view> roles;
    for (const gyre_chat_message& message : given)
        roles.emplace_back(message.role);
    const auto all = chat.request.messages;
    return fit_prompt(roles, n_ctx, max_tokens, [&](std::size_t begin, std::size_t end) {
        chat.request.messages.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(begin));
        chat.request.messages.insert(chat.request.messages.end(),
                                     all.begin() + static_cast<std::ptrdiff_t>(end), all.end());
        return tokens_of(tokenizer, chat);
    });
}

}  // namespace
}  // namespace gyre::c_api

using gyre::Status;
using gyre::c_api::copy_out;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;

uint32_t gyre_model_has_chat_template(const gyre_model* model) {
    return model != nullptr && model->open->file.gguf.has(gyre::c_api::kTemplateKey) ? 1 : 0;
}

gyre_status gyre_chat_text(const gyre_model* model, const gyre_chat_message* messages, size_t count,
                           const gyre_chat_options* options, char* text, size_t capacity,
                           size_t* n_bytes) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        if (n_bytes == nullptr) return null_argument("n_bytes");
        GYRE_ASSIGN(const gyre::c_api::Chat chat,
                    gyre::c_api::read_chat(*model->open, messages, count, options));
        GYRE_ASSIGN(const gyre::MarkedText prompt, chat.parsed.render(chat.request));
        return copy_out(prompt.bytes(), text, capacity, n_bytes, "text");
    });
}

gyre_status gyre_chat_tokens(const gyre_model* model, const gyre_chat_message* messages,
                             size_t count, const gyre_chat_options* options, uint32_t* tokens,
                             size_t capacity, size_t* n_tokens) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        if (n_tokens == nullptr) return null_argument("n_tokens");
        GYRE_ASSIGN(const gyre::Tokenizer* tokenizer, model->open->card.need_tokenizer());
        GYRE_ASSIGN(const gyre::c_api::Chat chat,
                    gyre::c_api::read_chat(*model->open, messages, count, options));
        GYRE_ASSIGN(const std::vector<std::uint32_t> prompt,
                    gyre::c_api::tokens_of(*tokenizer, chat));
        return copy_out(prompt, tokens, capacity, n_tokens, "tokens");
    });
}

// NOLINTNEXTLINE(readability-function-size): the seven of gyre_chat_tokens and three
gyre_status gyre_chat_fit(const gyre_model* model, const gyre_chat_message* messages, size_t count,
                          const gyre_chat_options* options, uint32_t n_ctx, uint32_t max_tokens,
                          uint32_t* tokens, size_t capacity, size_t* n_tokens,
                          size_t* n_forgotten) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        if (n_tokens == nullptr) return null_argument("n_tokens");
        if (n_ctx == 0)
            return Status::invalid_argument("n_ctx is 0; give what gyre_session_n_ctx says");
        GYRE_ASSIGN(const gyre::Tokenizer* tokenizer, model->open->card.need_tokenizer());
        GYRE_ASSIGN(gyre::c_api::Chat chat,
                    gyre::c_api::read_chat(*model->open, messages, count, options));
        GYRE_ASSIGN(const gyre::FittedPrompt prompt,
                    gyre::c_api::fitted_prompt(*tokenizer, std::move(chat), {messages, count},
                                               n_ctx, max_tokens));
        GYRE_TRY(copy_out(prompt.tokens, tokens, capacity, n_tokens, "tokens"));
        if (n_forgotten != nullptr) *n_forgotten = prompt.n_forgotten;
        return {};
    });
}
