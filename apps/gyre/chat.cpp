// gyre chat: a conversation with a model that was trained for one.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "apps/gyre/chat_messages.h"
#include "apps/gyre/conversation.h"
#include "apps/gyre/interrupt.h"
#include "apps/gyre/line_editor.h"
#include "apps/gyre/model_option.h"
#include "apps/gyre/platform.h"
#include "apps/gyre/sampling_option.h"
#include "apps/gyre/text_file.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

struct ChatOptions {
    ModelOption model;
    ChatSettings settings;
    std::string messages_file;
    std::string template_file;
    std::string system;
    std::string kv = "f16";
    std::uint32_t n_ctx = 0;
    bool print_prompt = false;
};

constexpr const char* kHelp =
    "/reset        forget the conversation, but not the system text\n"
    "/system TEXT  what the model is told before the conversation; without TEXT: nothing\n"
    "/save FILE    the conversation as JSON, as --messages reads it\n"
    "/stats        tokens, and how fast they came\n"
    "/exit         end; so does the end of the input\n"
    "//TEXT        says /TEXT\n"
    "Ctrl-C stops an answer.\n";

void say(const char* text) {
    std::fprintf(stderr, "gyre: %s\n", text);
}

void check_template(const gyre_model* model, const ChatOptions& options) {
    if (options.settings.has_template_text || gyre_model_has_chat_template(model) != 0) return;
    throw Failure(options.model.path() +
                  ": no chat template, so it was not made for conversations, or the file lost it: "
                  "let it write on with gyre run, or give a template with --chat-template FILE");
}

void tell(Conversation::End end) {
    if (end == Conversation::End::kMaxTokens) say("the answer has as many tokens as -n allows");
    if (end == Conversation::End::kContextFull) say("the context is full: the answer ends here");
    if (end == Conversation::End::kInterrupted) say("stopped");
}

void print_stats(const Conversation& conversation, const gyre_session* session) {
    gyre_timings timings = GYRE_TIMINGS_INIT;
    check(gyre_session_get_timings(session, &timings));
    std::fprintf(stderr,
                 "gyre: %zu messages; %u of %u tokens of context; last prompt %u tokens, %u of "
                 "them kept; prompts %.1f "
                 "tokens/s, answers %.1f tokens/s\n",
                 conversation.messages().size(), gyre_session_position(session),
                 gyre_session_n_ctx(session), conversation.n_prompt(), conversation.n_kept(),
                 timings.prefill_tokens_per_second, timings.decode_tokens_per_second);
}

// A line that begins with "/". False: the conversation ends.
bool obey(const std::string& line, Conversation& conversation, gyre_session* session) {
    const std::size_t space = line.find(' ');
    const std::string command = line.substr(0, space);
    const std::size_t begin = line.find_first_not_of(' ', std::min(space, line.size()));
    const std::string argument = begin == line.npos ? "" : line.substr(begin);
    if (command == "/exit" || command == "/quit") return false;
    if (command == "/help") {
        std::fputs(kHelp, stderr);
    } else if (command == "/reset") {
        conversation.reset();
        check(gyre_session_reset(session));
        say("a new conversation");
    } else if (command == "/system") {
        conversation.set_system(argument);
        say(argument.empty() ? "no system text" : "system text set");
    } else if (command == "/stats") {
        print_stats(conversation, session);
    } else if (command == "/save" && !argument.empty()) {
        write_messages(argument, conversation.messages());
        std::fprintf(stderr, "gyre: %s: saved %zu messages\n", argument.c_str(),
                     conversation.messages().size());
    } else {
        say(command == "/save" ? "/save needs the name of a file"
                               : "no such command; /help lists them");
    }
    return true;
}

// One line: a command, or something to answer. A failure is told, and the conversation goes on.
bool turn(const std::string& line, Conversation& conversation, gyre_session* session) {
    try {
        if (line.starts_with('/') && !line.starts_with("//"))
            return obey(line, conversation, session);
        conversation.add({"user", line.starts_with("//") ? line.substr(1) : line});
        tell(conversation.answer());
    } catch (const Failure& failure) {
        if (end_requested()) throw;
        say(failure.what());
    }
    return true;
}

void converse(Conversation& conversation, gyre_session* session) {
    LineEditor editor;
    if (is_terminal(stdin)) say("/help lists what can be typed besides questions");
    while (true) {
        const auto line = editor.read("> ");
        if (end_requested()) throw Failure("interrupted");
        if (!line && !interrupted()) return;
        forget_interrupt();
        if (!line) {
            say("/exit ends the conversation");
        } else if (!line->empty() && !turn(*line, conversation, session)) {
            return;
        }
        if (end_requested()) throw Failure("interrupted");
        forget_interrupt();
    }
}

void answer_once(Conversation& conversation) {
    const Conversation::End end = conversation.answer();
    if (end == Conversation::End::kInterrupted) throw Failure("interrupted");
    tell(end);
}

void chat(ChatOptions& options) {
    ChatSettings& settings = options.settings;
    if (!options.template_file.empty()) {
        settings.template_text = read_text_file(options.template_file);
        settings.has_template_text = true;
    }
    Messages messages;
    if (!options.messages_file.empty()) messages = read_messages(options.messages_file);
    const bool has_system = !messages.empty() && messages[0].role == "system";
    if (!options.system.empty() && !has_system)
        messages.insert(messages.begin(), {"system", options.system});
    if (options.print_prompt) {
        const Model model = options.model.open_file();
        check_template(model.get(), options);
        const std::string text = chat_text(model.get(), messages, settings);
        std::fwrite(text.data(), 1, text.size(), stdout);
        return;
    }
    const Model model = options.model.open();
    check_template(model.get(), options);
    gyre_session_options session_options = GYRE_SESSION_OPTIONS_INIT;
    session_options.n_ctx = options.n_ctx;
    session_options.kv_type = kv_types().at(options.kv);
    const Session session = open_session(model.get(), session_options);
    note_software_fallback(model.get());
    Conversation conversation(model.get(), session.get(), settings);
    for (Message& message : messages)
        conversation.add(std::move(message));
    if (options.messages_file.empty()) {
        converse(conversation, session.get());
    } else {
        answer_once(conversation);
    }
}

}  // namespace

Command add_chat(CLI::App& program) {
    CLI::App* parser = program.add_subcommand("chat", "Have a conversation with a model");
    const auto options = std::make_shared<ChatOptions>();
    options->model.add_to(*parser, true);
    CLI::Option* messages =
        parser
            ->add_option(
                "--messages", options->messages_file,
                "Answer the messages of FILE once: JSON, a list of {\"role\", \"content\"}")
            ->type_name("FILE");
    parser
        ->add_flag("--print-prompt", options->print_prompt,
                   "Only print the prompt that the messages make")
        ->needs(messages);
    parser
        ->add_option("--system", options->system, "What the model is told before the conversation")
        ->type_name("TEXT");
    parser
        ->add_option("--chat-template", options->template_file,
                     "A chat template, in Jinja, in place of the model file's")
        ->type_name("FILE");
    parser
        ->add_option("-n,--max-tokens", options->settings.max_tokens,
                     with_default("Tokens of an answer; 0: until it ends or the context is full",
                                  options->settings.max_tokens))
        ->check(whole_number());
    add_sampling_options(*parser, options->settings.sampling);
    add_cache_options(*parser, options->n_ctx, options->kv);
    return {parser, [options] { chat(*options); }};
}

}  // namespace gyre::app
