// The subcommands: each adds its options to the parser and says what it does once they are parsed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

namespace CLI {
class App;
}

namespace gyre::app {

struct Command {
    CLI::App* parser;
    std::function<void()> execute;  // throws Failure
};

// Ends the program: the text becomes the one line "gyre: text" on stderr.
class Failure : public std::runtime_error {
  public:
    static constexpr int kFailed = 1;
    static constexpr int kUsage = 2;
    explicit Failure(const std::string& text, int exit_code = kFailed)
        : std::runtime_error(text), exit_code_(exit_code) {}
    int exit_code() const { return exit_code_; }

  private:
    int exit_code_;
};

Command add_run(CLI::App& program);
Command add_chat(CLI::App& program);
Command add_bench(CLI::App& program);
Command add_logits(CLI::App& program);
Command add_tokenize(CLI::App& program);
Command add_detokenize(CLI::App& program);
Command add_info(CLI::App& program);
Command add_devices(CLI::App& program);
Command add_plan(CLI::App& program);

}  // namespace gyre::app
