// What gyre bench found, as a table for people and as one JSON object.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/gyre/bench.h"
#include "apps/gyre/platform.h"

namespace gyre::app {
namespace {

using Json = nlohmann::ordered_json;

double percent(double part, double whole) {
    return whole > 0.0 ? 100.0 * part / whole : 0.0;
}

// Name and version, where the driver tells them.
std::string driver_text(const gyre_device_info& device) {
    const std::string name = device.driver_name, info = device.driver_info;
    return name.empty() || info.empty() ? name + info : name + " " + info;
}

// ---- JSON ----

Json to_json(const Spread& spread) {
    return {{"median", spread.median}, {"min", spread.min}, {"max", spread.max}};
}

Json to_json(const DecodeResult& result, const BenchOptions& options, const BenchReport& report) {
    Json json;
    json["depth"] = result.depth;
    json["tokens"] = options.gen;
    json["tokens_per_second"] = to_json(result.tokens_per_second);
    json["cache_bytes_per_token"] = result.traffic.cache_bytes_per_token;
    json["bytes_per_second"] = result.bytes_per_second();
    json["percent_of_copy_bandwidth"] =
        percent(result.bytes_per_second(), report.rates.copy_bytes_per_second);
    return json;
}

Json counted_json(const BenchReport& report) {
    const CountedPerToken& counted = report.counted;
    const gyre_traffic& traffic = report.decode.front().traffic;
    Json json;
    json["dispatches_per_token"] = counted.dispatches;
    json["barriers_per_token"] = counted.barriers;
    json["submits_per_token"] = counted.submits;
    json["host_waits_per_token"] = counted.host_waits;
    json["descriptor_binds_per_token"] = counted.descriptor_binds;
    json["weight_bytes_per_token"] = traffic.weight_bytes_per_token;
    json["minimum_weight_bytes_per_token"] = traffic.minimum_weight_bytes_per_token;
    json["cache_bytes_per_token"] = traffic.cache_bytes_per_token;
    json["flops_per_token"] = traffic.decode_flops_per_token;
    return json;
}

Json to_json(const ProfilePart& part) {
    Json json;
    const double total = part.seconds();
    json["seconds"] = total;
    json["operations"] = Json::array();
    for (const ProfileRow& row : part.by_operation()) {
        json["operations"].push_back({{"operation", row.operation},
                                      {"seconds", row.seconds},
                                      {"percent", percent(row.seconds, total)},
                                      {"dispatches", row.dispatches}});
    }
    json["events"] = Json::array();
    for (const ProfileRow& row : part.rows) {
        const Json layer = row.layer == GYRE_LAYER_NONE ? Json() : Json(row.layer);
        json["events"].push_back({{"operation", row.operation},
                                  {"layer", layer},
                                  {"seconds", row.seconds},
                                  {"dispatches", row.dispatches}});
    }
    return json;
}

Json settings_json(const BenchOptions& options, const BenchReport& report) {
    return {{"prompt", options.prompt},  {"gen", options.gen},    {"depth", options.depths},
            {"repeat", options.repeat},  {"n_ctx", report.n_ctx}, {"kv", options.kv},
            {"minutes", options.minutes}};
}

void add_rates(const BenchOptions& options, const BenchReport& report, Json& json) {
    const DecodeResult& first = report.decode.front();
    const double copy = report.rates.copy_bytes_per_second;
    json["bandwidth"] = {{"achieved_bytes_per_second", first.bytes_per_second()},
                         {"measured_copy_bytes_per_second", copy},
                         {"measured_copy_bytes", report.rates.copy_bytes},
                         {"percent", percent(first.bytes_per_second(), copy)}};
    const double flops = report.prompt_flops_per_second(options.prompt);
    const double best = report.rates.fma_flops_per_second;
    json["fma"] = {{"achieved_flops_per_second", flops},
                   {"measured_flops_per_second", best},
                   {"percent", percent(flops, best)}};
    const double matrix = report.rates.matrix_flops_per_second;
    if (matrix > 0) {
        json["matrix"] = {{"measured_flops_per_second", matrix},
                          {"percent", percent(flops, matrix)}};
    }
}

// ---- Text ----

constexpr double kMega = 1e6;
constexpr double kGiga = 1e9;

double mega(std::uint64_t bytes) {
    return static_cast<double>(bytes) / kMega;
}

// As many decimals as say something.
std::string short_number(double value) {
    char text[32];
    const int decimals = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 1 ? 2 : 3;
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return text;
}

void print_rate(const std::string& what, const Spread& rate, double part, const char* of) {
    std::printf("%-26s %10s %10s %10s   %5.1f %% of %s\n", what.c_str(),
                short_number(rate.median).c_str(), short_number(rate.min).c_str(),
                short_number(rate.max).c_str(), part, of);
}

void print_rates(const BenchOptions& options, const BenchReport& report) {
    std::printf("%-26s %10s %10s %10s   %s\n", "tokens per second", "median", "least", "most",
                "what this device can do");
    print_rate(
        "prompt of " + std::to_string(options.prompt), report.prompt_tokens_per_second,
        percent(report.prompt_flops_per_second(options.prompt), report.rates.fma_flops_per_second),
        "its multiply-add rate");
    for (const DecodeResult& result : report.decode) {
        print_rate("decode at depth " + std::to_string(result.depth), result.tokens_per_second,
                   percent(result.bytes_per_second(), report.rates.copy_bytes_per_second),
                   "its copy bandwidth");
    }
}

void print_counted(const BenchReport& report) {
    const CountedPerToken& counted = report.counted;
    const DecodeResult& first = report.decode.front();
    const gyre_traffic& traffic = first.traffic;
    std::printf(
        "a decoded token    %s dispatches, %s barriers, %s descriptor binds, %s submits, %s "
        "host waits\n",
        short_number(counted.dispatches).c_str(), short_number(counted.barriers).c_str(),
        short_number(counted.descriptor_binds).c_str(), short_number(counted.submits).c_str(),
        short_number(counted.host_waits).c_str());
    std::printf(
        "                   reads %.2f MB of weights (%.3f of what the file holds), %.2f MB "
        "of cache at depth %u\n",
        mega(traffic.weight_bytes_per_token),
        static_cast<double>(traffic.weight_bytes_per_token) /
            static_cast<double>(traffic.minimum_weight_bytes_per_token),
        mega(traffic.cache_bytes_per_token), first.depth);
    std::printf(
        "the device         copies %s GB/s (read plus written), multiplies and adds %s "
        "GFLOP/s (float32)\n",
        short_number(report.rates.copy_bytes_per_second / kGiga).c_str(),
        short_number(report.rates.fma_flops_per_second / kGiga).c_str());
    if (report.rates.matrix_flops_per_second > 0) {
        std::printf(
            "                   multiplies matrices at %s GFLOP/s (float16, sums in float32)\n",
            short_number(report.rates.matrix_flops_per_second / kGiga).c_str());
    }
}

void print_profile(const ProfilePart& part) {
    const double total = part.seconds();
    std::printf("\n%s: %.3f ms on the device\n", part.title.c_str(), total * 1e3);
    std::printf("  %-20s %10s %8s %12s\n", "operation", "ms", "%", "dispatches");
    for (const ProfileRow& row : part.by_operation()) {
        std::printf("  %-20s %10.3f %8.1f %12u\n", row.operation.c_str(), row.seconds * 1e3,
                    percent(row.seconds, total), row.dispatches);
    }
}

// One character of eight heights for each sample, from 0 to the largest.
std::string sparkline(const std::vector<SustainedSample>& samples, double largest) {
    static const char* const kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    std::string line;
    for (const SustainedSample& sample : samples) {
        const double part = largest > 0.0 ? sample.tokens_per_second / largest : 0.0;
        line += kBlocks[std::clamp(static_cast<int>(std::ceil(part * 8.0)) - 1, 0, 7)];
    }
    return line;
}

void print_sustained(const std::vector<SustainedSample>& samples) {
    double largest = 0.0;
    for (const SustainedSample& sample : samples)
        largest = std::max(largest, sample.tokens_per_second);
    std::printf("\nsustained\n  %10s %12s %16s\n", "seconds", "tokens/s", "% of the best");
    for (const SustainedSample& sample : samples) {
        std::printf("  %10.1f %12s %16.1f\n", sample.seconds,
                    short_number(sample.tokens_per_second).c_str(),
                    percent(sample.tokens_per_second, largest));
    }
    if (is_terminal(stdout)) std::printf("  %s\n", sparkline(samples, largest).c_str());
}

}  // namespace

void print_bench_json(const BenchOptions& options, const BenchReport& report) {
    Json json;
    json["device"] = report.device.name;
    json["driver"] = driver_text(report.device);
    json["model"] = report.path;
    json["weight_types"] = report.model.weight_types;
    json["settings"] = settings_json(options, report);
    json["prefill"]["tokens"] = options.prompt;
    json["prefill"]["tokens_per_second"] = to_json(report.prompt_tokens_per_second);
    json["decode"] = to_json(report.decode.front(), options, report);
    json["decode_at_depth"] = Json::array();
    for (const DecodeResult& result : report.decode)
        json["decode_at_depth"].push_back(to_json(result, options, report));
    json["time_to_first_token_seconds"] = report.first_token_seconds.median;
    json["time_to_first_token"] = {{"prompt_tokens", options.prompt},
                                   {"warm_seconds", to_json(report.first_token_seconds)},
                                   {"cold_seconds", report.cold_first_token_seconds}};
    json["load_seconds"] = report.load_seconds();
    json["load"] = {{"model_seconds", report.model_seconds},
                    {"session_seconds", report.session_seconds}};
    json["peak_host_bytes"] = report.peak_host_bytes;
    json["device_bytes"] = report.memory.device_bytes;
    json["device_memory"] = {{"peak_bytes", report.memory.peak_device_bytes},
                             {"weight_bytes", report.memory.weight_bytes},
                             {"cache_bytes", report.memory.cache_bytes}};
    json["counted"] = counted_json(report);
    add_rates(options, report, json);
    if (options.profile) json["profile"] = nullptr;
    if (report.profile) {
        json["profile"] = {{"decode", to_json(report.profile->decode)},
                           {"prompt", to_json(report.profile->prompt)}};
    }
    if (options.minutes > 0.0) {
        json["sustained"] = Json::array();
        for (const SustainedSample& sample : report.sustained) {
            json["sustained"].push_back(
                {{"seconds", sample.seconds}, {"tokens_per_second", sample.tokens_per_second}});
        }
    }
    // A path need not be UTF-8.
    std::printf("%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_bench_text(const BenchOptions& options, const BenchReport& report) {
    std::printf("device             %s, driver %s\n", report.device.name,
                driver_text(report.device).c_str());
    std::printf("model              %s, %.2f million parameters, %s\n", report.path.c_str(),
                static_cast<double>(report.model.n_parameters) / kMega, report.model.weight_types);
    std::printf("context            %u positions, keys and values in %s\n\n", report.n_ctx,
                options.kv.c_str());
    print_rates(options, report);
    std::printf(
        "\nfirst token        %.4f s after a prompt of %u; %.4f s the first time in this "
        "process\n",
        report.first_token_seconds.median, options.prompt, report.cold_first_token_seconds);
    std::printf("load               %.3f s: model %.3f, session %.3f\n", report.load_seconds(),
                report.model_seconds, report.session_seconds);
    std::printf(
        "memory             %.1f MB of the device: weights %.1f, cache %.1f; the process at "
        "most %.1f MB\n",
        mega(report.memory.device_bytes), mega(report.memory.weight_bytes),
        mega(report.memory.cache_bytes), mega(report.peak_host_bytes));
    print_counted(report);
    if (report.profile) {
        print_profile(report.profile->decode);
        print_profile(report.profile->prompt);
    }
    if (options.minutes > 0.0) print_sustained(report.sustained);
}

}  // namespace gyre::app
