// gyre info: what is in a model file. Needs no device.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/gyre/model_option.h"

namespace gyre::app {
namespace {

struct InfoOptions {
    ModelOption model;
    bool json = false;
};

nlohmann::ordered_json token_or_null(std::uint32_t token) {
    return token == GYRE_TOKEN_NONE ? nlohmann::ordered_json() : nlohmann::ordered_json(token);
}

void print_json(const std::string& path, const gyre_model_info& info) {
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
    // A name out of a file need not be UTF-8.
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    std::printf("%s\n", json.dump(-1, ' ', false, replace).c_str());
}

void print_text(const std::string& path, const gyre_model_info& info) {
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
}

void print_info(const InfoOptions& options) {
    const Model model = options.model.open_file();
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    check(gyre_model_get_info(model.get(), &info));
    const std::string path = options.model.path();
    options.json ? print_json(path, info) : print_text(path, info);
}

}  // namespace

Command add_info(CLI::App& program) {
    CLI::App* parser = program.add_subcommand("info", "Describe a model file");
    const auto options = std::make_shared<InfoOptions>();
    parser
        ->add_option("file,-m,--model", options->model.given_path,
                     "GGUF file (default: $GYRE_MODEL, or the shipped model)")
        ->type_name("FILE");
    parser->add_flag("--json", options->json, "One JSON object");
    return {parser, [options] { print_info(*options); }};
}

}  // namespace gyre::app
