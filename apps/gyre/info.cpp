// gyre info: what is in a model file. Needs no device.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/gyre/model_option.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

struct InfoOptions {
    ModelOption model;
    bool json = false;
};

nlohmann::ordered_json token_or_null(std::uint32_t token) {
    return token == GYRE_TOKEN_NONE ? nlohmann::ordered_json() : nlohmann::ordered_json(token);
}

// What the file has and nothing reads: left out because of --ignore-key, or why it is refused.
struct Unread {
    std::vector<std::string> ignored, refused;  // a line each
};

void print_json(const std::string& path, const gyre_model_info& info, const Unread& unread) {
    nlohmann::ordered_json json;
    json["file"] = path;
    json["file_bytes"] = info.file_bytes;
    json["architecture"] = info.architecture;
    json["name"] = info.name;
    json["n_parameters"] = info.n_parameters;
    json["weight_types"] = info.weight_types;
    json["n_vocab"] = info.n_vocab;
    json["n_ctx"] = info.n_ctx;
    json["n_embd"] = info.n_embd;
    json["n_layer"] = info.n_layer;
    json["n_head"] = info.n_head;
    json["n_head_kv"] = info.n_head_kv;
    json["head_dim"] = info.head_dim;
    json["n_ff"] = info.n_ff;
    json["position"] = info.position;
    json["rotary"] = nlohmann::ordered_json::parse(info.rotary_json);
    json["has_tokenizer"] = info.has_tokenizer != 0;
    json["bos_token"] = token_or_null(info.bos_token);
    json["eos_token"] = token_or_null(info.eos_token);
    json["ignored"] = unread.ignored;
    json["refused"] = unread.refused;
    // A name out of a file need not be UTF-8.
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    std::printf("%s\n", json.dump(-1, ' ', false, replace).c_str());
}

void print_text(const std::string& path, const gyre_model_info& info, const Unread& unread) {
    std::printf("file          %s, %.1f MB\n", path.c_str(),
                static_cast<double>(info.file_bytes) / 1e6);
    std::printf("architecture  %s%s%s\n", info.architecture, *info.name != '\0' ? ", " : "",
                info.name);
    std::printf("parameters    %.2f million, %s\n", static_cast<double>(info.n_parameters) / 1e6,
                info.weight_types);
    std::printf("n_vocab       %u\nn_ctx         %u\nn_embd        %u\nn_layer       %u\n",
                info.n_vocab, info.n_ctx, info.n_embd, info.n_layer);
    std::printf("n_head        %u (n_head_kv %u, head_dim %u)\nn_ff          %u\n", info.n_head,
                info.n_head_kv, info.head_dim, info.n_ff);
    std::printf("position      %s\nrotary        %s\n", info.position, info.rotary_text);
    std::printf("tokenizer     %s\n", info.has_tokenizer != 0 ? "gpt2" : "none");
    for (const std::string& line : unread.ignored)
        std::printf("ignored       %s\n", line.c_str());
    for (const std::string& line : unread.refused)
        std::printf("refused       %s\n", line.c_str());
}

// A file that is refused for what nothing reads is described all the same.
Model open(const ModelOption& option, bool& refused) {
    try {
        return option.open_file();
    } catch (const Failure&) {
        Model model = option.open_refused_file();
        if (model == nullptr) throw;
        refused = true;
        return model;
    }
}

void print_info(const InfoOptions& options) {
    bool refused = false;
    const Model model = open(options.model, refused);
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    check(gyre_model_get_info(model.get(), &info));
    const std::string path = options.model.path();
    Unread unread;
    (refused ? unread.refused : unread.ignored) = lines_of(info.ignored);
    options.json ? print_json(path, info, unread) : print_text(path, info, unread);
}

}  // namespace

Command add_info(CLI::App& program) {
    CLI::App* parser = program.add_subcommand("info", "Describe a model file");
    const auto options = std::make_shared<InfoOptions>();
    parser
        ->add_option("file,-m,--model", options->model.given_path,
                     "GGUF file (default: $GYRE_MODEL, or the shipped model)")
        ->type_name("FILE");
    options->model.add_ignore_key(*parser);
    parser->add_flag("--json", options->json, "One JSON object");
    return {parser, [options] { print_info(*options); }};
}

}  // namespace gyre::app
