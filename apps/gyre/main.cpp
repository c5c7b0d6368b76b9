// The gyre program: text from a model file, by a Vulkan device. Uses gyre.h and nothing else.
// SPDX-License-Identifier: Apache-2.0
//
// Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed (also when Ctrl-C
// stopped it: what was written until then stays), 2 wrong usage. A failure is one line; the
// library's log lines are shown only where GYRE_LOG asks for them.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "apps/gyre/command.h"
#include "apps/gyre/interrupt.h"
#include "apps/gyre/platform.h"
#include "gyre/gyre.h"

namespace {

using gyre::app::Command;
using gyre::app::Failure;

constexpr const char* kLevels[] = {"error", "warning", "info", "debug"};  // by gyre_log_level

void print_log(gyre_log_level level, const char* message, void*) {
    std::fprintf(stderr, "gyre: %s: %s\n", kLevels[level], message);
}

// GYRE_LOG=error, warning, info or debug; any other value is none of them.
void turn_log_on() {
    const auto wanted = gyre::app::environment_variable("GYRE_LOG");
    for (int level = GYRE_LOG_ERROR; level <= GYRE_LOG_DEBUG; ++level) {
        if (wanted != kLevels[level]) continue;
        gyre_set_log_callback(print_log, nullptr, static_cast<gyre_log_level>(level));
    }
}

int fail(std::string text, int exit_code) {
    for (char& c : text)
        c = c == '\n' ? ' ' : c;  // one line, whatever the text holds
    std::fprintf(stderr, "gyre: %s\n", text.c_str());
    return exit_code;
}

std::string version_line() {
    const uint32_t v = gyre_version();
    return "gyre " + std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." +
           std::to_string(v % 100);
}

int run_program(const std::vector<std::string>& arguments) {
    CLI::App program("Runs transformer language models with rotary attention on Vulkan devices.",
                     "gyre");
    program.footer(
        "Environment: GYRE_MODEL, the model without -m; GYRE_LOG=error|warning|info|debug, log "
        "lines on stderr.\nWhat is compiled and timed for a device is kept in " +
        std::string(gyre::app::kCacheFolder) + ".");
    program.set_version_flag("--version", version_line());
    program.require_subcommand(1);
    program.allow_windows_style_options(false);  // "/a/b" is the name of a file
    const std::vector<Command> commands = {
        gyre::app::add_run(program),      gyre::app::add_chat(program),
        gyre::app::add_bench(program),    gyre::app::add_logits(program),
        gyre::app::add_tokenize(program), gyre::app::add_detokenize(program),
        gyre::app::add_info(program),     gyre::app::add_devices(program),
        gyre::app::add_plan(program)};
    try {
        std::vector<std::string> last_first(arguments.rbegin(), arguments.rend());
        if (!last_first.empty()) last_first.pop_back();  // the program's name
        program.parse(last_first);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return program.exit(error);  // --help, --version
        const auto commands_given = program.get_subcommands();
        const bool unknown =
            arguments.size() > 1 && !arguments[1].starts_with('-') && commands_given.empty();
        const std::string text =
            unknown ? "unknown command '" + arguments[1] + "'" : std::string(error.what());
        const std::string of =
            commands_given.empty() ? "gyre" : "gyre " + commands_given.front()->get_name();
        return fail(text + " (see " + of + " --help)", Failure::kUsage);
    }
    gyre::app::install_interrupt_handler();
    turn_log_on();
    for (const Command& command : commands) {
        if (*command.parser) command.execute();
    }
    if (std::fflush(stdout) != 0) return fail("cannot write to stdout", Failure::kFailed);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        gyre::app::prepare_streams();
        return run_program(gyre::app::arguments(argc, argv));
    } catch (const Failure& failure) {
        return fail(failure.what(), failure.exit_code());
    } catch (const std::exception& error) {
        return fail(error.what(), Failure::kFailed);
    }
}
