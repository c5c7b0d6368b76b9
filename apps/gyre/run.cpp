// gyre run: writes on from a prompt.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/gyre/interrupt.h"
#include "apps/gyre/model_option.h"
#include "apps/gyre/platform.h"
#include "apps/gyre/sampling_option.h"
#include "apps/gyre/session_file.h"
#include "apps/gyre/text_file.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

struct RunOptions {
    ModelOption model;
    std::optional<std::string> prompt;
    std::string prompt_file;
    std::string kv = "f16";
    std::string when_full = "stop";
    gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
    std::uint32_t max_tokens = 128;
    std::uint32_t n_ctx = 0;
    std::uint32_t keep_tokens = 0;
    std::vector<std::string> stop;
    std::optional<std::uint32_t> n_top;  // --logprobs
    std::string session_file;
    bool json = false;
};

const char* to_string(gyre_stop_reason reason) {
    switch (reason) {
        case GYRE_STOP_EOS:
            return "eos";
        case GYRE_STOP_MAX_TOKENS:
            return "max_tokens";
        case GYRE_STOP_CONTEXT_FULL:
            return "context_full";
        case GYRE_STOP_CALLBACK:
            return "output_closed";
        case GYRE_STOP_CANCELLED:
            return "cancelled";
        case GYRE_STOP_STRING:
            return "stop_string";
        case GYRE_STOP_PAUSED:
            return "paused";
        case GYRE_STOP_ERROR:
        case GYRE_STOP_REASON_FORCE_32:
            break;
    }
    return "error";
}

// Prints the text as it comes, or collects it for --json.
struct Output {
    const gyre_model* model;
    bool json;
    std::string echo;  // printed to stderr before the text
    bool begun = false;
    bool stdout_failed = false;
    std::string text = {};
    std::vector<std::uint32_t> tokens = {};
    nlohmann::ordered_json logprobs = nlohmann::ordered_json::array();  // where wanted

    void begin() {
        if (begun) return;
        begun = true;
        note_software_fallback(model);
        std::fwrite(echo.data(), 1, echo.size(), stderr);
    }

    static nlohmann::ordered_json logprob_of(const gyre_token_event& event) {
        nlohmann::ordered_json json = {{"token", event.token}, {"logprob", event.logprob}};
        json["top"] = nlohmann::ordered_json::array();
        for (std::size_t i = 0; i < event.n_top; ++i) {
            const gyre_token_logprob& each = event.top[i];
            json["top"].push_back({{"token", each.token}, {"logprob", each.logprob}});
        }
        return json;
    }

    static int on_token(const gyre_token_event* event, void* user) {
        auto* self = static_cast<Output*>(user);
        self->begin();
        if (event->token != GYRE_TOKEN_NONE) {
            self->tokens.push_back(event->token);
            self->logprobs.push_back(logprob_of(*event));
        }
        if (self->json) {
            self->text.append(event->text, event->n_text);
        } else if (event->n_text > 0) {
            std::fwrite(event->text, 1, event->n_text, stdout);
            self->stdout_failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
        }
        return self->stdout_failed ? 0 : 1;
    }
};

// What a run has to tell besides the text.
struct Report {
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    gyre_timings timings = GYRE_TIMINGS_INIT;
};

void print_json(const RunOptions& options, const Output& output, const Report& report) {
    nlohmann::ordered_json json;
    json["text"] = output.text;
    json["tokens"] = output.tokens;
    json["prompt_tokens"] = report.result.n_prompt_tokens;
    json["stop_reason"] = to_string(report.result.stop_reason);
    if (report.result.stop_reason == GYRE_STOP_STRING)
        json["stop"] = options.stop.at(report.result.stop_index);
    if (options.n_top) json["logprobs"] = output.logprobs;
    json["decode"]["tokens_per_second"] = report.timings.decode_tokens_per_second;
    json["prefill"]["tokens_per_second"] = report.timings.prefill_tokens_per_second;
    json["time_to_first_token_seconds"] = report.timings.time_to_first_token_seconds;
    json["device"] = report.device.name;
    json["driver"] = report.device.driver_info;
    json["model"] = options.model.path();
    json["seed"] = options.sampling.seed;
    // A path need not be UTF-8.
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    std::printf("%s\n", json.dump(-1, ' ', false, replace).c_str());
}

void print_summary(const Report& report) {
    std::fprintf(stderr, "gyre: %s, %.1f tokens/s, time to first token %.2f s\n",
                 report.device.name, report.timings.decode_tokens_per_second,
                 report.timings.time_to_first_token_seconds);
}

// The last of stdout: the object, or the end of the last line.
void print_end(const RunOptions& options, const Output& output, const Report& report) {
    if (!output.stdout_failed) {
        if (options.json) {
            print_json(options, output, report);
        } else {
            std::printf("\n");
        }
    }
    if (output.stdout_failed || std::fflush(stdout) != 0) throw Failure("cannot write to stdout");
}

std::string read_prompt(const RunOptions& options) {
    if (!options.prompt_file.empty()) return read_text_file(options.prompt_file);
    if (options.prompt && *options.prompt != "-") return *options.prompt;
    std::string text;
    if (options.prompt || !is_terminal(stdin)) text = read_stdin();
    if (text.empty() && !options.prompt) {
        throw Failure(
            "--prompt or --file is required where stdin has no text (see gyre run --help)",
            Failure::kUsage);
    }
    return text;
}

Session create_session(const RunOptions& options, const gyre_model* model) {
    gyre_session_options session_options = GYRE_SESSION_OPTIONS_INIT;
    session_options.n_ctx = options.n_ctx;
    session_options.kv_type = kv_types().at(options.kv);
    session_options.when_full =
        options.when_full == "slide" ? GYRE_WHEN_FULL_SLIDE : GYRE_WHEN_FULL_STOP;
    session_options.keep_tokens = options.keep_tokens;
    return open_session(model, session_options);
}

void run(const RunOptions& options) {
    const std::string prompt = read_prompt(options);
    const Model model = options.model.open();
    SessionFile file(options.session_file);
    const Session session = create_session(options, model.get());
    file.load(session.get());
    Report report;
    check(gyre_model_get_device(model.get(), &report.device));

    // On a terminal the text reads on from the prompt; elsewhere stdout is the result alone.
    const bool terminal = is_terminal(stdout) && is_terminal(stderr);
    Output output{model.get(), options.json, terminal && !options.json ? prompt : ""};
    gyre_generate_options generate = GYRE_GENERATE_OPTIONS_INIT;
    generate.sampling = &options.sampling;
    generate.on_token = Output::on_token;
    generate.user = &output;
    generate.max_tokens = options.max_tokens;
    generate.logprobs = options.n_top ? 1 : 0;
    generate.n_top = options.n_top.value_or(0);
    std::vector<const char*> stop;
    for (const std::string& each : options.stop)
        stop.push_back(each.c_str());
    generate.stop = stop.data();
    generate.n_stop = stop.size();
    gyre_status status = GYRE_OK;
    {
        const InterruptCancels cancels(session.get());
        status = gyre_session_generate(session.get(), prompt.data(), prompt.size(), &generate,
                                       &report.result);
    }
    const std::string error = status == GYRE_OK ? "" : gyre_last_error();
    check(gyre_session_get_timings(session.get(), &report.timings));
    if (status == GYRE_OK) output.begin();  // nothing to write is a result, too
    if (output.begun) print_end(options, output, report);
    // What was printed before Ctrl-C stands, too.
    if (status == GYRE_OK || interrupted()) file.save(session.get());
    if (status == GYRE_ERROR_CANCELLED && interrupted()) throw Failure("interrupted");
    if (status != GYRE_OK) throw Failure(error);
    print_summary(report);
}

}  // namespace

Command add_run(CLI::App& program) {
    CLI::App* parser = program.add_subcommand("run", "Write on from a prompt");
    const auto options = std::make_shared<RunOptions>();
    options->model.add_to(*parser, true);
    CLI::Option* prompt =
        parser->add_option("-p,--prompt", options->prompt,
                           "The text to go on from; -, or neither -p nor -f: from stdin");
    parser->add_option("-f,--file", options->prompt_file, "A file with the text to go on from")
        ->type_name("FILE")
        ->excludes(prompt);
    parser
        ->add_option("-n,--max-tokens", options->max_tokens,
                     with_default("Tokens to write; 0: until the text ends or the context is full",
                                  options->max_tokens))
        ->check(whole_number());
    add_sampling_options(*parser, options->sampling);
    add_cache_options(*parser, options->n_ctx, options->kv);
    parser
        ->add_option(
            "--when-full", options->when_full,
            with_default("When the context is full: end, or forget the oldest half and go on",
                         options->when_full))
        ->check(CLI::IsMember({"stop", "slide"}));
    parser
        ->add_option("--keep", options->keep_tokens,
                     with_default("First tokens that a slide keeps", options->keep_tokens))
        ->check(whole_number());
    parser
        ->add_option("--stop", options->stop,
                     "End the text where TEXT comes up, without it; may be given again")
        ->type_name("TEXT")
        ->allow_extra_args(false);
    parser
        ->add_option("--session", options->session_file,
                     "Go on with the text that is kept in FILE, if it is there, and keep it there")
        ->type_name("FILE");
    CLI::Option* json =
        parser->add_flag("--json", options->json, "One JSON object when it is done");
    parser
        ->add_option("--logprobs", options->n_top,
                     "In the object: each token's log-probability, and the N most likely ones")
        ->check(whole_number(128))
        ->needs(json);
    return {parser, [options] { run(*options); }};
}

}  // namespace gyre::app
