// What gyre bench is asked for and what it finds; one source measures each part, one prints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/gyre/model_option.h"

namespace gyre::app {

struct BenchOptions {
    ModelOption model;
    std::uint32_t prompt = 128;  // tokens
    std::uint32_t gen = 64;      // tokens
    std::uint32_t repeat = 5;
    std::uint32_t n_ctx = 0;  // 0: the model's
    std::string depth_list = "0";
    std::vector<std::uint32_t> depths;  // depth_list, read
    std::string kv = "f16";
    double minutes = 0.0;  // 0: not sustained
    bool profile = false;
    std::string profile_file;  // empty: no picture
    bool json = false;
};

struct Spread {
    double median = 0.0;
    double min = 0.0;
    double max = 0.0;

    static Spread of(std::vector<double> values);  // at least one
};

struct DecodeResult {
    std::uint32_t depth = 0;
    Spread tokens_per_second;
    gyre_traffic traffic = GYRE_TRAFFIC_INIT;

    // Bytes that the median rate reads: weights once per token, and the cache.
    double bytes_per_second() const;
};

// Of one decoded token, at the first depth.
struct CountedPerToken {
    double dispatches = 0.0;
    double barriers = 0.0;
    double submits = 0.0;
    double host_waits = 0.0;
    double descriptor_binds = 0.0;
};

struct ProfileRow {
    std::string operation;
    std::uint32_t layer = GYRE_LAYER_NONE;
    std::uint32_t dispatches = 0;
    double seconds = 0.0;  // median
};

struct ProfilePart {
    std::string title;             // "One decoded token at depth 0"
    std::vector<ProfileRow> rows;  // in the order of the schedule

    double seconds() const;
    std::vector<ProfileRow> by_operation() const;  // summed over the layers, largest first
};

struct Profile {
    ProfilePart decode, prompt;
};

struct SustainedSample {
    double seconds = 0.0;  // since the beginning, at the window's end
    double tokens_per_second = 0.0;
};

struct BenchReport {
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;  // its strings are the model's
    gyre_model_info model = GYRE_MODEL_INFO_INIT;
    gyre_memory memory = GYRE_MEMORY_INIT;
    gyre_device_rates rates = GYRE_DEVICE_RATES_INIT;
    std::string path;
    std::uint32_t n_ctx = 0;
    std::uint64_t peak_host_bytes = 0;
    double model_seconds = 0.0;
    double session_seconds = 0.0;
    Spread prompt_tokens_per_second;
    Spread first_token_seconds;  // warm
    double cold_first_token_seconds = 0.0;
    std::vector<DecodeResult> decode;  // by depth, as asked for
    CountedPerToken counted;
    std::optional<Profile> profile;
    std::vector<SustainedSample> sustained;

    double load_seconds() const { return model_seconds + session_seconds; }
    double prompt_flops_per_second(std::uint32_t n_prompt) const;
};

// A session and the token ids that it is fed: random, but the same for every run.
class BenchSession {
  public:
    BenchSession(const gyre_model* model, const BenchOptions& options);

    // Empties the session and feeds n tokens.
    void feed(std::uint32_t n);
    // Writes n tokens on, the most likely ones, whatever they are. on_token (may be empty): after
    // each; false stops.
    void generate(std::uint32_t n, const std::function<bool()>& on_token = {});
    // Back to the first n tokens, n at least 1.
    void truncate(std::uint32_t n);

    gyre_session* get() const { return session_.get(); }
    std::uint32_t n_ctx() const { return gyre_session_n_ctx(session_.get()); }
    const std::uint32_t* tokens(std::uint32_t n);  // n of them

  private:
    void generate_by_hand(std::uint32_t n, const std::function<bool()>& on_token);

    Session session_;
    std::uint32_t n_vocab_;
    bool has_tokenizer_;  // gyre_session_generate needs one
    std::vector<std::uint32_t> tokens_;
    std::optional<std::uint32_t> pending_;  // by hand: chosen, not yet fed
};

// As check; an interrupt's GYRE_ERROR_CANCELLED is "interrupted".
void check_run(gyre_status status);

// The token count that a decode measurement begins with: an empty session has no next token.
inline std::uint32_t first_depth(std::uint32_t depth) {
    return depth == 0 ? 1 : depth;
}

// progress: called with what is being done and how much of it is done.
using BenchProgress = std::function<void(const char* stage, double fraction)>;

void measure(BenchSession& session, const BenchOptions& options, const BenchProgress& progress,
             BenchReport& report);

// Empty, with a line on stderr, where the device has no timestamps.
std::optional<Profile> measure_profile(BenchSession& session, const BenchOptions& options,
                                       const BenchProgress& progress);

// Decodes for options.minutes; a sample every few seconds.
std::vector<SustainedSample> measure_sustained(BenchSession& session, const BenchOptions& options,
                                               const BenchProgress& progress);

void print_bench_json(const BenchOptions& options, const BenchReport& report);
void print_bench_text(const BenchOptions& options, const BenchReport& report);

// The profile as a picture: a bar for each layer, its operations by colour, their time as width.
std::string profile_svg(const BenchReport& report);

}  // namespace gyre::app
