// What the scenarios share: a model and a session at a known place, calls of gyre.h that are made
// inside the library, and the transcript of what came out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gyre/gyre.h"

namespace gyre::alloc {

struct LifeOptions {
    std::string model;      // of all scenarios
    std::string large;      // of those whose work is cut into submissions
    std::string device;     // as gyre_model_options.device
    std::string cache_dir;  // of pipelines
};

// What stands before a scenario begins.
enum class Ground {
    kNothing,     // no model
    kFile,        // a model that was opened with "none"
    kNewModel,    // a model on the device, without a session so far
    kOldModel,    // the same, whose kernels were made by other sessions
    kSession,     // a session with a text, that slides
    kNewSession,  // the same, made anew for every case
    kCutWork,     // a session of the large model with submissions of 1 ms
};

class Life {
  public:
    explicit Life(LifeOptions options) : options_(std::move(options)) {}
    ~Life() { close(); }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

    // Nothing fails here. "": all stands; else what went wrong.
    std::string stand_on(Ground ground);
    void close();

    // Calls of one scenario -------------------------------------------------------------------

    const LifeOptions& options() const { return options_; }
    gyre_model* model = nullptr;
    gyre_session* session = nullptr;
    gyre_model* new_model = nullptr;      // of the scenario itself
    gyre_session* new_session = nullptr;  // the same

    // Where the scenario is: acts that are called again after an error go on there.
    unsigned step = 0;
    std::uint32_t start = 0;  // position at the beginning
    std::uint32_t told = 0;   // tokens by on_token
    std::string blob;         // a saved session
    void begin();             // all of it anew, and the transcript

    void note(std::uint32_t value) { transcript_.push_back(value); }
    void note_bits(const float* values, std::size_t n);
    void note_text(const std::string& text);
    const std::vector<std::uint32_t>& transcript() const { return transcript_; }

    // A broken promise of gyre.h; the first is kept.
    void blame(const std::string& text) {
        if (broken_.empty()) broken_ = text;
    }
    const std::string& broken() const { return broken_; }

    // Feeds what is missing of tokens.
    gyre_status feed(const std::vector<std::uint32_t>& tokens);

    struct Writing {
        std::uint32_t n = 0;   // tokens in all
        std::string prompt{};  // of the first call
        bool on_host = false;  // bias, allow and log-probabilities
        std::vector<std::string> stop{};
        bool greedy = false;
        std::uint32_t pause_at = 0;  // token; 0: never
    };
    gyre_status write(gyre_session* to, const Writing& writing);
    // A pause has left text to tell, or a part of a prompt to feed.
    bool is_interrupted() const { return interrupted_; }

    // The session holds what was fed and told; after a slide the first and last of it.
    void expect_held(gyre_session* of);
    bool holds(gyre_session* of);
    std::vector<std::uint32_t> held;         // what was fed and told
    std::vector<std::uint32_t> held_by_new;  // of new_session, if that is a fork

    // Goes on from where the scenario ended, with logits at the end.
    void write_tail();

    gyre_status save(gyre_session* from, std::string& to);
    gyre_status load(gyre_session* to, const std::string& from);

  private:
    std::string build(Ground ground);
    std::string open(const std::string& path, bool with_device);
    std::string create(Ground ground);
    void check_text(const std::string& bytes, const std::string& text, gyre_status status,
                    bool stopped);

    LifeOptions options_;
    Ground ground_ = Ground::kNothing;
    std::string beginning_;  // the session of kSession and kCutWork, saved
    std::vector<std::uint32_t> held_at_beginning_;
    std::vector<std::uint32_t> transcript_;
    std::string broken_;
    std::string untold_bytes_;  // of tokens that were told before a pause
    bool interrupted_ = false;
};

// n tokens from `first` on, of which neighbours differ.
std::vector<std::uint32_t> some_tokens(std::uint32_t first, std::uint32_t n);

}  // namespace gyre::alloc
