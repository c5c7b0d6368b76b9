// gyre detokenize: token ids to bytes, as they are.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/gyre/model_option.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

struct DetokenizeOptions {
    ModelOption model;
    std::vector<std::string> ids;
};

void detokenize(const DetokenizeOptions& options) {
    std::vector<std::uint32_t> tokens;
    for (const std::string& id : options.ids)
        tokens.push_back(parse_token(id, "ID"));
    const Model model = options.model.open_file();
    std::size_t n = 0;
    check(gyre_model_detokenize(model.get(), tokens.data(), tokens.size(), nullptr, 0, &n));
    std::string bytes(n, '\0');
    check(gyre_model_detokenize(model.get(), tokens.data(), tokens.size(), bytes.data(), n, &n));
    std::fwrite(bytes.data(), 1, n, stdout);
}

}  // namespace

Command add_detokenize(CLI::App& program) {
    CLI::App* parser = program.add_subcommand("detokenize", "Turn token ids into bytes");
    const auto options = std::make_shared<DetokenizeOptions>();
    options->model.add_to(*parser, false);
    parser->add_option("ID", options->ids, "Token ids")->required();
    return {parser, [options] { detokenize(*options); }};
}

}  // namespace gyre::app
