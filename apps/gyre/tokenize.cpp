// gyre tokenize: text to token ids.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/gyre/model_option.h"

namespace gyre::app {
namespace {

struct TokenizeOptions {
    ModelOption model;
    std::string text;
    bool special = false;
};

void tokenize(const TokenizeOptions& options) {
    const Model model = options.model.open_file();
    const int special = options.special ? 1 : 0;
    const std::string& text = options.text;
    std::size_t n = 0;
    check(gyre_model_tokenize(model.get(), text.data(), text.size(), special, nullptr, 0, &n));
    std::vector<std::uint32_t> tokens(n);
    check(
        gyre_model_tokenize(model.get(), text.data(), text.size(), special, tokens.data(), n, &n));
    std::string line;
    for (const std::uint32_t token : tokens) {
        if (!line.empty()) line += ' ';
        line += std::to_string(token);
    }
    std::printf("%s\n", line.c_str());
}

}  // namespace

Command add_tokenize(CLI::App& program) {
    CLI::App* parser = program.add_subcommand("tokenize", "Turn text into token ids");
    const auto options = std::make_shared<TokenizeOptions>();
    options->model.add_to(*parser, false);
    parser->add_flag("--special", options->special,
                     "Names of special tokens in the text become these tokens");
    parser->add_option("TEXT", options->text, "The text; after -- if it begins with a dash")
        ->required();
    return {parser, [options] { tokenize(*options); }};
}

}  // namespace gyre::app
