// A life of a model and its sessions in phases, each of which can be tried again after an error.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gyre/gyre.h"

namespace gyre::faults {

// Of one run of the scenario, in order.
enum class Phase {
    kEstimate,  // gyre_model_estimate, of a file without a device
    kOpen,      // gyre_model_open: instance, device, weights
    kTune,      // the same, and kernels are timed
    kCreate,    // gyre_session_create
    kPrompt,    // gyre_session_feed, several chunks
    kDecode,    // gyre_session_generate: tokens drawn on the device
    kLogits,    // gyre_session_feed_logits
    kShift,     // gyre_session_shift
    kHost,      // tokens one by one: gyre_session_sample and gyre_session_feed
    kFork,      // gyre_session_fork, and the fork writes on
    kSlide,     // gyre_session_generate beyond n_ctx
    kCancel,    // a text that is cancelled, and goes on
    kProfile,   // gyre_session_profile
    kPause,     // gyre_model_pause, what is refused then, and a text after gyre_model_resume
    kSave,      // gyre_session_save, gyre_session_load, and a text from there
    kEnd,       // gyre_session_destroy
    kClose,     // gyre_model_destroy
};
inline constexpr std::array<std::string_view, 17> kPhaseNames = {
    "estimate", "open",  "tune",   "create",  "prompt", "decode", "logits", "shift", "host",
    "fork",     "slide", "cancel", "profile", "pause",  "save",   "end",    "close"};

struct ScenarioOptions {
    std::string model;
    std::string device;     // as gyre_model_options.device
    std::string cache_dir;  // of pipelines
    bool tune = false;      // phase kTune in place of kOpen, with a new cache folder
    std::uint32_t submit_ms = 0;
};

class Scenario {
  public:
    // Runs a phase. Called anew after it failed with anything but GYRE_ERROR_DEVICE_LOST, it goes
    // on where it was.
    using Around = std::function<bool(Phase phase, const std::function<gyre_status()>& run)>;

    explicit Scenario(ScenarioOptions options) : options_(std::move(options)) {}
    ~Scenario();
    Scenario(const Scenario&) = delete;
    Scenario& operator=(const Scenario&) = delete;

    // All phases that are missing: of the model if it is not open, of the sessions, and with
    // `close` the model's end. around() runs each; false: nothing more, all is closed.
    void run(const Around& around, bool close);

    // After an error that left the session as the phase found it: two tokens more, which are
    // forgotten again. The last token before them is computed anew afterwards. Nothing where the
    // session is nearly full.
    gyre_status write_and_forget();

    bool is_open() const { return model_ != nullptr; }
    // What came out: all tokens, and the bits of logits where they have to be those of an
    // unbroken run.
    const std::vector<std::uint32_t>& transcript() const { return transcript_; }
    // A broken promise of the API, such as another position than before after an error; "": none.
    const std::string& broken() const { return broken_; }

  private:
    struct Writing {  // a text of which a part may have been told
        std::uint32_t told = 0;
        std::uint32_t cancel_at = 0;  // token; 0: never
        bool cancelled = false;
    };
    gyre_status open(bool tune);
    gyre_status estimate();
    gyre_status create();
    gyre_status prompt();
    gyre_status generate(gyre_session* session, Writing& writing, std::uint32_t n);
    gyre_status logits();
    gyre_status shift();
    gyre_status host();
    gyre_status fork();
    gyre_status cancel();
    gyre_status profile();
    gyre_status pause();
    gyre_status save_and_load();
    void end_sessions();
    void close_model();
    void tell(std::uint32_t token) { transcript_.push_back(token); }

    ScenarioOptions options_;
    gyre_model* model_ = nullptr;
    gyre_session* session_ = nullptr;
    gyre_session* fork_ = nullptr;
    std::vector<std::uint32_t> transcript_;
    std::string broken_;
    std::uint32_t start_ = 0;  // position where a phase began
    Writing writing_;
    std::uint32_t host_told_ = 0;
    bool host_pending_ = false;
    std::uint32_t host_token_ = 0;
    std::string saved_;
};

}  // namespace gyre::faults
