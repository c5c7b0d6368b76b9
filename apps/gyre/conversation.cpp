// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/conversation.h"

#include <cstddef>
#include <cstdio>

#include "apps/gyre/interrupt.h"

namespace gyre::app {
namespace {

std::vector<gyre_chat_message> as_c(const Messages& messages) {
    std::vector<gyre_chat_message> c;
    for (const Message& message : messages)
        c.push_back({message.role.c_str(), message.content.data(), message.content.size()});
    return c;
}

gyre_chat_options as_c(const ChatSettings& settings) {
    gyre_chat_options options = GYRE_CHAT_OPTIONS_INIT;
    if (settings.has_template_text) {
        options.template_text = settings.template_text.data();
        options.n_template = settings.template_text.size();
    }
    return options;
}

// The answer as it comes: printed, and collected.
struct Answer {
    std::string text = {};
    bool stdout_failed = false;

    static int on_token(const gyre_token_event* event, void* user) {
        auto* self = static_cast<Answer*>(user);
        if (event->n_text == 0) return 1;
        self->text.append(event->text, event->n_text);
        std::fwrite(event->text, 1, event->n_text, stdout);
        self->stdout_failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
        return self->stdout_failed ? 0 : 1;
    }
};

}  // namespace

std::string chat_text(const gyre_model* model, const Messages& messages,
                      const ChatSettings& settings) {
    const auto c = as_c(messages);
    const gyre_chat_options options = as_c(settings);
    std::string text(16384, '\0');  // room for most
    std::size_t n = 0;
    gyre_status status =
        gyre_chat_text(model, c.data(), c.size(), &options, text.data(), text.size(), &n);
    if (status != GYRE_OK && n > text.size()) {
        text.resize(n + 64);  // with some room for a template that writes the time
        status = gyre_chat_text(model, c.data(), c.size(), &options, text.data(), text.size(), &n);
    }
    check(status);
    text.resize(n);
    return text;
}

Conversation::Conversation(const gyre_model* model, gyre_session* session,
                           const ChatSettings& settings)
    : model_(model), session_(session), settings_(settings) {}

void Conversation::set_system(const std::string& text) {
    if (has_system()) messages_.erase(messages_.begin());
    if (!text.empty()) messages_.insert(messages_.begin(), {"system", text});
}

void Conversation::reset() {
    messages_.resize(has_system() ? 1 : 0);
}

std::vector<std::uint32_t> Conversation::fitting_prompt() {
    const std::uint32_t n_ctx = gyre_session_n_ctx(session_);
    const auto c = as_c(messages_);
    const gyre_chat_options options = as_c(settings_);
    std::vector<std::uint32_t> tokens(n_ctx);
    std::size_t n = 0, n_forgotten = 0;
    check(gyre_chat_fit(model_, c.data(), c.size(), &options, n_ctx, settings_.max_tokens,
                        tokens.data(), tokens.size(), &n, &n_forgotten));
    tokens.resize(n);
    if (n_forgotten == 0) return tokens;
    const auto first = messages_.begin() + (has_system() ? 1 : 0);
    messages_.erase(first, first + static_cast<std::ptrdiff_t>(n_forgotten));
    std::fprintf(
        stderr, "gyre: the context of %u tokens is full: the oldest %s forgotten\n", n_ctx,
        n_forgotten == 1 ? "message is" : (std::to_string(n_forgotten) + " messages are").c_str());
    return tokens;
}

bool Conversation::set_prompt() {
    const std::vector<std::uint32_t> tokens = fitting_prompt();
    std::size_t n_kept = 0;
    const InterruptCancels cancels(session_);
    const gyre_status status =
        gyre_session_set_tokens(session_, tokens.data(), tokens.size(), &n_kept);
    if (status == GYRE_ERROR_CANCELLED && interrupted()) return false;
    check(status);
    n_prompt_ = static_cast<std::uint32_t>(tokens.size());
    n_kept_ = static_cast<std::uint32_t>(n_kept);
    return true;
}

Conversation::End Conversation::generate() {
    Answer answer;
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    options.sampling = &settings_.sampling;
    options.on_token = Answer::on_token;
    options.user = &answer;
    options.max_tokens = settings_.max_tokens;
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    gyre_status status = GYRE_OK;
    {
        const InterruptCancels cancels(session_);
        status = gyre_session_generate(session_, nullptr, 0, &options, &result);
    }
    const bool stopped = status == GYRE_ERROR_CANCELLED && interrupted();
    std::printf("\n");
    if (answer.stdout_failed || std::fflush(stdout) != 0) throw Failure("cannot write to stdout");
    if (!stopped) check(status);
    messages_.push_back({"assistant", answer.text});
    if (stopped) return End::kInterrupted;
    if (result.stop_reason == GYRE_STOP_CONTEXT_FULL) return End::kContextFull;
    return result.stop_reason == GYRE_STOP_MAX_TOKENS ? End::kMaxTokens : End::kDone;
}

Conversation::End Conversation::answer() {
    const Messages before(messages_.begin(), messages_.end() - (messages_.empty() ? 0 : 1));
    try {
        if (set_prompt()) return generate();
    } catch (...) {
        messages_ = before;
        throw;
    }
    messages_ = before;
    return End::kInterrupted;
}

}  // namespace gyre::app
