// Conversations: messages become the text and the tokens of a prompt by the file's template.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/platform.h"
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/copy_out.h"
#include "runtime/c_api/model_handle.h"
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

Result<MarkedText> prompt_of(const OpenModel& model, const gyre_chat_message* messages,
                             std::size_t count, const gyre_chat_options* given) {
    constexpr gyre_chat_options kDefaults = GYRE_CHAT_OPTIONS_INIT;
    GYRE_ASSIGN(const gyre_chat_options options, read_options(given, kDefaults, "options"));
    if (options.reserved != 0) return Status::invalid_argument("options.reserved is not 0");
    if (messages == nullptr && count > 0) return null_argument("messages");
    ChatRequest request;
    request.add_generation_prompt = options.no_generation_prompt == 0;
    request.tokens = token_texts(model);
    request.now = local_time();
    for (std::size_t i = 0; i < count; ++i) {
        const gyre_chat_message& message = messages[i];
        if (message.role == nullptr) return null_argument("a message's role");
        if (message.content == nullptr && message.n_content > 0)
            return null_argument("a message's content");
        request.messages.push_back(
            {message.role,
             message.n_content == 0 ? "" : std::string(message.content, message.n_content)});
    }
    GYRE_ASSIGN(const std::string_view source, template_of(model, options));
    GYRE_ASSIGN(const ChatTemplate parsed, ChatTemplate::parse(source));
    return parsed.render(request);
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
        GYRE_ASSIGN(const gyre::MarkedText prompt,
                    gyre::c_api::prompt_of(*model->open, messages, count, options));
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
        GYRE_ASSIGN(const gyre::MarkedText prompt,
                    gyre::c_api::prompt_of(*model->open, messages, count, options));
        return copy_out(tokenizer->encode(prompt.bytes(), {.parse = true, .plain = prompt.spans()}),
                        tokens, capacity, n_tokens, "tokens");
    });
}
