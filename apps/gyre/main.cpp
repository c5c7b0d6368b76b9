// The gyre program: text from a GPT-2-style model on a Vulkan device. Uses gyre.h and nothing else.
// SPDX-License-Identifier: Apache-2.0
//
// Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed (also when Ctrl-C
// stopped it: what was written until then stays), 2 wrong usage.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "apps/gyre/command.h"
#include "apps/gyre/interrupt.h"
#include "gyre/gyre.h"

namespace {

using gyre::app::Command;
using gyre::app::Failure;

void print_log(gyre_log_level level, const char* message, void*) {
    std::fprintf(stderr, "gyre: %s%s\n", level == GYRE_LOG_WARNING ? "warning: " : "", message);
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

int run_program(int argc, char** argv) {
    CLI::App program("Runs GPT-2-style language models with rotary attention on Vulkan devices.",
                     "gyre");
    program.set_version_flag("--version", version_line());
    program.require_subcommand(1);
    const std::vector<Command> commands = {
        gyre::app::add_run(program),      gyre::app::add_logits(program),
        gyre::app::add_tokenize(program), gyre::app::add_detokenize(program),
        gyre::app::add_info(program),     gyre::app::add_devices(program)};
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return program.exit(error);  // --help, --version
        const bool unknown = argc > 1 && argv[1][0] != '-' && program.get_subcommands().empty();
        const std::string text =
            unknown ? std::string("unknown command '") + argv[1] + "'" : std::string(error.what());
        return fail(text + " (see gyre --help)", Failure::kUsage);
    }
    gyre::app::install_interrupt_handler();
    gyre_set_log_callback(print_log, nullptr, GYRE_LOG_WARNING);
    for (const Command& command : commands) {
        if (*command.parser) command.execute();
    }
    if (std::fflush(stdout) != 0) return fail("cannot write to stdout", Failure::kFailed);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run_program(argc, argv);
    } catch (const Failure& failure) {
        return fail(failure.what(), failure.exit_code());
    } catch (const std::exception& error) {
        return fail(error.what(), Failure::kFailed);
    }
}
