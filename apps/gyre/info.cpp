// gyre info: what is in a model file, and what memory it would take. Only the latter needs a
// device.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/gyre/model_option.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

struct InfoOptions {
    ModelOption model;
    bool json = false;
    bool memory = false;
    std::string device = "auto";  // of memory, as the two below
    std::uint32_t n_ctx = 0;
    std::string kv = "f16";
};

nlohmann::ordered_json token_or_null(std::uint32_t token) {
    return token == GYRE_TOKEN_NONE ? nlohmann::ordered_json() : nlohmann::ordered_json(token);
}

// What the file has and nothing reads: left out because of --ignore-key, or why it is refused.
struct Unread {
    std::vector<std::string> ignored, refused;  // a line each
};

// What a model and a session would take, and on which device.
struct Memory {
    gyre_memory_need need = GYRE_MEMORY_NEED_INIT;
    std::string device;
};

Memory estimate(const InfoOptions& options, const gyre_model* model) {
    Memory memory;
    gyre_session_options session = GYRE_SESSION_OPTIONS_INIT;
    session.n_ctx = options.n_ctx;
    session.kv_type = kv_types().at(options.kv);
    check(gyre_model_estimate(model, options.device.c_str(), &session, &memory.need));
    gyre_device_list* created = nullptr;
    check(gyre_device_list_create(&created));
    const DeviceList list(created);
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    check(gyre_device_list_get(list.get(), memory.need.device_index, &device));
    memory.device = device.name;
    return memory;
}

nlohmann::ordered_json memory_json(const Memory& memory) {
    const gyre_memory_need& need = memory.need;
    nlohmann::ordered_json json;
    json["device"] = memory.device;
    json["weights_bytes"] = need.weights_bytes;
    json["cache_bytes"] = need.cache_bytes;
    json["work_bytes"] = need.work_bytes;
    json["total_bytes"] = need.total_bytes;
    json["host_bytes"] = need.host_bytes;
    json["available_bytes"] = need.available_bytes;
    json["fits"] = need.fits != 0;
    json["because"] = need.because;
    return json;
}

void print_memory(const Memory& memory) {
    const gyre_memory_need& need = memory.need;
    const auto row = [](const char* name, std::uint64_t bytes, const char* what) {
        std::printf("  %-11s %10.1f MB  %s\n", name, static_cast<double>(bytes) / 1e6, what);
    };
    std::printf("memory        on %s\n", memory.device.c_str());
    row("weights", need.weights_bytes, "as the kernels read them");
    row("cache", need.cache_bytes, "keys and values");
    row("work", need.work_bytes, "activations, tables, logits");
    row("total", need.total_bytes, "of the device's");
    row("available", need.available_bytes, need.fits != 0 ? "it fits" : need.because);
    row("host", need.host_bytes, "beside them: metadata, tokenizer, logits");
}

void print_json(const std::string& path, const gyre_model_info& info, const Unread& unread,
                const std::optional<Memory>& memory) {
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
    if (memory) json["memory"] = memory_json(*memory);
    // A name out of a file need not be UTF-8.
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    std::printf("%s\n", json.dump(-1, ' ', false, replace).c_str());
}

void print_text(const std::string& path, const gyre_model_info& info, const Unread& unread,
                const std::optional<Memory>& memory) {
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
    if (memory) print_memory(*memory);
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
    std::optional<Memory> memory;
    if (options.memory) memory = estimate(options, model.get());
    options.json ? print_json(path, info, unread, memory) : print_text(path, info, unread, memory);
}

}  // namespace

Command add_info(CLI::App& program) {
    CLI::App* parser = program.add_subcommand("info", "Describe a model file");
    const auto options = std::make_shared<InfoOptions>();
    parser
        ->add_option("file,-m,--model", options->model.given_path,
                     "GGUF file, or the name of a fetched model (default: $GYRE_MODEL, or the "
                     "shipped model)")
        ->type_name("FILE");
    options->model.add_ignore_key(*parser);
    CLI::Option* memory = parser->add_flag("--memory", options->memory,
                                           "What memory the model and a session on it would take");
    parser
        ->add_option("--device", options->device,
                     "Of --memory: auto, an index of 'gyre devices', or a part of a name "
                     "(default: auto)")
        ->needs(memory);
    parser
        ->add_option("--ctx", options->n_ctx,
                     "Of --memory: tokens that the context holds (default: as many as the model "
                     "has)")
        ->check(whole_number())
        ->needs(memory);
    parser
        ->add_option("--kv", options->kv,
                     with_default("Of --memory: type of the cache of keys and values", options->kv))
        ->check(CLI::IsMember(kv_types()))
        ->needs(memory);
    parser->add_flag("--json", options->json, "One JSON object");
    return {parser, [options] { print_info(*options); }};
}

}  // namespace gyre::app
