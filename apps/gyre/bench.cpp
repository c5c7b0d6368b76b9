// gyre bench: how fast a model runs on a device, what a token costs, and what the device could do.
// SPDX-License-Identifier: Apache-2.0
//
// What each figure means is said in docs/performance.md.
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "apps/gyre/bench.h"
#include "apps/gyre/interrupt.h"
#include "apps/gyre/output_file.h"
#include "apps/gyre/platform.h"
#include "apps/gyre/progress.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Everything has its place in the context, or one line says which option to change. Needs no
// device.
void check_context(const BenchOptions& options) {
    std::uint64_t n_ctx = options.n_ctx;
    if (n_ctx == 0) {
        const Model file = options.model.open_file();
        gyre_model_info info = GYRE_MODEL_INFO_INIT;
        check(gyre_model_get_info(file.get(), &info));
        n_ctx = info.n_ctx;
    }
    const auto need = [&](std::uint64_t positions, const std::string& what,
                          const std::string& options_to_change) {
        if (positions <= n_ctx) return;
        throw Failure(what + " need " + std::to_string(positions) +
                          " positions, but the context has " + std::to_string(n_ctx) +
                          ": use a larger --ctx or a smaller " + options_to_change,
                      Failure::kUsage);
    };
    need(std::uint64_t{options.prompt} + 1,
         "a prompt of " + std::to_string(options.prompt) + " tokens and its first token",
         "--prompt");
    for (const std::uint32_t depth : options.depths) {
        need(std::uint64_t{first_depth(depth)} + options.gen + 1,
             "a depth of " + std::to_string(depth) + " and " + std::to_string(options.gen) +
                 " generated tokens",
             "--depth or --gen");
    }
}

void bench(BenchOptions& options) {
    options.depths = parse_numbers(options.depth_list, "--depth");
    check_context(options);
    std::optional<OutputFile> picture;
    if (!options.profile_file.empty()) picture.emplace(options.profile_file);

    BenchReport report;
    report.path = options.model.path();
    auto start = std::chrono::steady_clock::now();
    const Model model = options.model.open();
    report.model_seconds = seconds_since(start);
    check(gyre_model_get_info(model.get(), &report.model));
    check(gyre_model_get_device(model.get(), &report.device));

    Progress bar;
    const BenchProgress progress = [&](const char* stage, double fraction) {
        bar.update(stage, fraction);
    };
    start = std::chrono::steady_clock::now();
    BenchSession session(model.get(), options);
    report.session_seconds = seconds_since(start);
    report.n_ctx = session.n_ctx();
    {
        const InterruptCancels cancels(session.get());
        measure(session, options, progress, report);
        check(gyre_session_get_memory(session.get(), &report.memory));
        report.peak_host_bytes = peak_host_bytes();
        progress("device", 0.0);
        check(gyre_model_measure_device(model.get(), &report.rates));
        if (options.minutes > 0.0) report.sustained = measure_sustained(session, options, progress);
        if (options.profile) report.profile = measure_profile(session, options, progress);
    }
    bar.clear();
    if (picture && report.profile) {
        const std::string svg = profile_svg(report);
        picture->write(svg.data(), svg.size());
        picture->commit();
    }
    note_software_fallback(model.get());
    options.json ? print_bench_json(options, report) : print_bench_text(options, report);
}

void add_figures(CLI::App& parser, BenchOptions& options) {
    parser
        .add_option("--prompt", options.prompt,
                    with_default("Tokens of the prompt", options.prompt))
        ->check(whole_number(0xffffffffu, 1));
    parser.add_option("--gen", options.gen, with_default("Tokens to decode", options.gen))
        ->check(whole_number(0xffffffffu, 1));
    parser.add_option("--depth", options.depth_list,
                      with_default("Tokens in the cache when decoding begins; several as 0,512,900",
                                   options.depth_list));
    parser
        .add_option("--repeat", options.repeat,
                    with_default("Times that each is measured", options.repeat))
        ->check(whole_number(1000, 1));
    parser
        .add_option("--minutes", options.minutes,
                    "At last decode for so many minutes, and show the rate over time")
        ->check(number_in(0.01, 10000));
}

}  // namespace

Command add_bench(CLI::App& program) {
    CLI::App* parser =
        program.add_subcommand("bench", "Measure speed, memory and what a token costs");
    const auto options = std::make_shared<BenchOptions>();
    options->model.add_to(*parser, true);
    add_figures(*parser, *options);
    add_cache_options(*parser, options->n_ctx, options->kv);
    const CLI::Option* profile =
        parser
            ->add_option("--profile", options->profile_file,
                         "Time by operation; with a file also as a picture there, an SVG")
            ->type_name("[FILE]")
            ->expected(0, 1);
    parser->add_flag("--json", options->json, "One JSON object");
    return {parser, [options, profile] {
                options->profile = profile->count() > 0;
                bench(*options);
            }};
}

}  // namespace gyre::app
