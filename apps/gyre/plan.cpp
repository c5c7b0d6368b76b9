// gyre plan: the operations by which a model computes a token and a prompt on a device.
// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/plan.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/gyre/model_option.h"
#include "apps/gyre/output_file.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

struct PlanOptions {
    ModelOption model;
    std::uint32_t n_ctx = 0;
    std::string kv = "f16";
    std::string picture;  // empty: none
    bool json = false;
};

// Folds layers as they come.
struct Folding {
    PlanPart part;

    static void receive(const gyre_plan_step* step, void* user) {
        std::vector<PlanBlock>& blocks = static_cast<Folding*>(user)->part.blocks;
        if (blocks.empty() || blocks.back().first_layer != step->layer) {
            fold(blocks);
            blocks.push_back({step->layer, 1, {}});
        }
        blocks.back().rows.push_back({step->operation, step->kernel, step->weight_types,
                                      step->input, step->output, step->bytes, step->n_rows,
                                      step->n_in, step->dispatches});
    }

    // The last block joins the one before where their layers are alike.
    static void fold(std::vector<PlanBlock>& blocks) {
        if (blocks.size() < 2) return;
        PlanBlock& before = blocks[blocks.size() - 2];
        const bool layers = before.first_layer != GYRE_LAYER_NONE &&
                            blocks.back().first_layer == before.first_layer + before.n_layers;
        if (!layers || before.rows != blocks.back().rows) return;
        before.n_layers += blocks.back().n_layers;
        blocks.pop_back();
    }
};

PlanPart plan_of(const gyre_session* session, std::uint32_t n_tokens, const std::string& title) {
    Folding folding;
    folding.part.title = title;
    check(gyre_session_get_plan(session, n_tokens, Folding::receive, &folding));
    Folding::fold(folding.part.blocks);
    return std::move(folding.part);
}

nlohmann::ordered_json to_json(const PlanPart& part) {
    nlohmann::ordered_json steps = nlohmann::ordered_json::array();
    for (const PlanBlock& block : part.blocks) {
        for (const PlanRow& row : block.rows) {
            nlohmann::ordered_json json;
            json["operation"] = row.operation;
            if (block.first_layer != GYRE_LAYER_NONE) {
                json["first_layer"] = block.first_layer;
                json["n_layers"] = block.n_layers;
            }
            json["kernel"] = row.kernel;
            json["input"] = row.input;
            json["output"] = row.output;
            json["weight_types"] = row.weight_types;
            json["n_rows"] = row.n_rows;
            json["n_in"] = row.n_in;
            json["bytes"] = row.bytes;
            json["dispatches"] = row.dispatches;
            steps.push_back(std::move(json));
        }
    }
    return {{"dispatches", part.dispatches()}, {"bytes", part.bytes()}, {"steps", steps}};
}

void print_part(const PlanPart& part) {
    std::printf("\n%s: %llu dispatches, %s\n", part.title.c_str(),
                static_cast<unsigned long long>(part.dispatches()),
                bytes_text(part.bytes()).c_str());
    std::printf("  %-17s %-22s %-16s %-13s %10s %10s\n", "operation", "kernel", "rows x columns",
                "weights", "bytes", "dispatches");
    for (const PlanBlock& block : part.blocks) {
        if (&block != &part.blocks.front()) {
            const std::string name = block.name();
            std::printf("%s\n", name.empty() ? "after the layers" : name.c_str());
        }
        for (const PlanRow& row : block.rows) {
            std::printf("  %-17s %-22s %-16s %-13s %10s %10u\n", row.operation.c_str(),
                        row.kernel.c_str(), shape_text(row).c_str(), row.weight_types.c_str(),
                        row.bytes == 0 ? "" : bytes_text(row.bytes).c_str(), row.dispatches);
        }
    }
}

void plan(const PlanOptions& options) {
    std::optional<OutputFile> picture;
    if (!options.picture.empty()) picture.emplace(options.picture);
    const Model model = options.model.open();
    gyre_session_options session_options = GYRE_SESSION_OPTIONS_INIT;
    session_options.n_ctx = options.n_ctx;
    session_options.kv_type = kv_types().at(options.kv);
    const Session session = open_session(model.get(), session_options);
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    check(gyre_model_get_info(model.get(), &info));
    check(gyre_model_get_device(model.get(), &device));

    const std::uint32_t n_ctx = gyre_session_n_ctx(session.get());
    std::vector<PlanPart> parts = {plan_of(session.get(), 1, "one decoded token")};
    if (n_ctx > 1) parts.push_back(plan_of(session.get(), 2, "a prompt of two tokens"));

    const std::string name = *info.name != '\0' ? info.name : options.model.path();
    const std::string note = std::string(device.name) + "; weights " + info.weight_types + "; " +
                             std::to_string(n_ctx) + " positions, cache " + options.kv;
    if (picture) {
        const std::string svg = plan_svg("The plan of " + name, note, parts);
        picture->write(svg.data(), svg.size());
        picture->commit();
    }
    note_software_fallback(model.get());
    if (options.json) {
        nlohmann::ordered_json json;
        json["model"] = options.model.path();
        json["device"] = device.name;
        json["n_ctx"] = n_ctx;
        json["kv"] = options.kv;
        json["decode"] = to_json(parts[0]);
        if (parts.size() > 1) json["prompt"] = to_json(parts[1]);
        const auto replace = nlohmann::ordered_json::error_handler_t::replace;
        std::printf("%s\n", json.dump(-1, ' ', false, replace).c_str());
        return;
    }
    std::printf("%s\non %s\n", name.c_str(), note.c_str());
    for (const PlanPart& part : parts)
        print_part(part);
}

}  // namespace

std::string PlanBlock::name() const {
    if (first_layer == GYRE_LAYER_NONE) return "";
    if (n_layers == 1) return "layer " + std::to_string(first_layer);
    return "layers " + std::to_string(first_layer) + " to " +
           std::to_string(first_layer + n_layers - 1);
}

std::uint64_t PlanPart::dispatches() const {
    std::uint64_t sum = 0;
    for (const PlanBlock& block : blocks) {
        for (const PlanRow& row : block.rows)
            sum += std::uint64_t{row.dispatches} * block.n_layers;
    }
    return sum;
}

std::uint64_t PlanPart::bytes() const {
    std::uint64_t sum = 0;
    for (const PlanBlock& block : blocks) {
        for (const PlanRow& row : block.rows)
            sum += row.bytes * block.n_layers;
    }
    return sum;
}

std::string shape_text(const PlanRow& row) {
    return row.n_rows == 0 ? "" : std::to_string(row.n_rows) + " x " + std::to_string(row.n_in);
}

std::string bytes_text(std::uint64_t bytes) {
    char text[32];
    const auto n = static_cast<double>(bytes);
    if (n >= 1e6) {
        std::snprintf(text, sizeof text, "%.1f MB", n / 1e6);
    } else {
        std::snprintf(text, sizeof text, "%.1f kB", n / 1e3);
    }
    return text;
}

Command add_plan(CLI::App& program) {
    CLI::App* parser =
        program.add_subcommand("plan", "Show the operations and kernels by which a model computes");
    const auto options = std::make_shared<PlanOptions>();
    options->model.add_to(*parser, true);
    add_cache_options(*parser, options->n_ctx, options->kv);
    parser->add_option("--svg", options->picture, "Draw it there too, as an SVG picture")
        ->type_name("FILE");
    parser->add_flag("--json", options->json, "One JSON object");
    return {parser, [options] { plan(*options); }};
}

}  // namespace gyre::app
