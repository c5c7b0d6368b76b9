// A session that knows text: the engine's session, its tokens, the sampler and the clock.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/c_api/model_handle.h"
#include "runtime/c_api/session_file.h"
#include "runtime/engine/session.h"
#include "runtime/text/log_probabilities.h"
#include "runtime/text/sampler.h"
#include "runtime/text/stop_strings.h"
#include "runtime/text/utf8.h"

namespace gyre::c_api {

enum class StopReason {
    kEos,
    kMaxTokens,
    kContextFull,
    kCallback,
    kCancelled,
    kError,
    kStopString,
    kPaused,
};

// One generated token; the views are valid during the call.
struct TokenEvent {
    std::uint32_t token = 0;  // GYRE_TOKEN_NONE: only text that was held back
    std::uint32_t index = 0;
    std::string_view bytes;
    std::string_view text;  // valid UTF-8
    float log_probability = std::numeric_limits<float>::quiet_NaN();
    std::span<const gyre_token_logprob> top{};
};

struct GenerateRequest {
    SamplerOptions sampling;
    std::uint32_t max_tokens = 0;  // 0: no limit
    bool parse_special = false;
    bool ignore_eos = false;
    StopStrings stop{};
    bool log_probabilities = false;  // events have them, and the n_top most likely tokens
    std::uint32_t n_top = 0;
    std::function<bool(const TokenEvent&)> on_token;  // false: stop; may be empty
};

struct GenerateOutcome {
    StopReason stop_reason = StopReason::kError;
    std::uint32_t n_prompt_tokens = 0;
    std::uint32_t n_tokens = 0;
    std::uint32_t stop_index = 0xffffffffu;  // of kStopString: which one
};

struct Timings {
    double prefill_seconds = 0.0;
    double decode_seconds = 0.0;
    double time_to_first_token_seconds = 0.0;
    std::uint64_t n_prefill_tokens = 0;
    std::uint64_t n_decode_tokens = 0;
};

// Used by one thread at a time, except cancel().
class TextSession {
  public:
    static Result<std::unique_ptr<TextSession>> create(std::shared_ptr<const OpenModel> model,
                                                       const SessionOptions& options);

    Status feed(std::span<const std::uint32_t> tokens);
    Status feed(std::span<const std::uint32_t> tokens, const LogitsSink& sink);

    // Makes the text these tokens: keeps what both begin with, forgets what follows and feeds the
    // rest. Returns how many were kept. Nothing changes if they are refused (kInvalidArgument,
    // kContextFull); after another error the session holds what was kept and a part of the rest.
    Result<std::size_t> set_tokens(std::span<const std::uint32_t> tokens);

    // As Session's; logits() are computed anew where the last token's are gone.
    Status truncate(std::uint32_t n);
    Status shift(std::uint32_t first, std::uint32_t count);
    Result<std::unique_ptr<TextSession>> fork();

    // As docs/session-files.md has it. kCancelled: the sink failed.
    Status save(const ByteSink& sink);
    // The text becomes the saved one; whatever is wrong, nothing changes. kBadFile, kUnsupported,
    // kContextFull.
    Status load(const ByteSource& source);

    // [n_vocab] after the last token.
    Result<std::span<const float>> logits();
    Result<std::uint32_t> sample(const SamplerOptions& options);

    // Appends prompt and writes on. outcome is filled whatever the Status.
    Status generate(std::string_view prompt, const GenerateRequest& request,
                    GenerateOutcome& outcome);

    // As feed, and hands out what each operation took on the device; not in timings().
    Status profile(std::span<const std::uint32_t> tokens, const ProfileSink& sink);

    // Makes the state that of the last token that was told, or fed, where an exception broke a call
    // off. Otherwise it is that already.
    void settle() noexcept;

    void reset();
    void cancel() { engine_->cancel(); }
    std::uint32_t position() const { return static_cast<std::uint32_t>(tokens_.size()); }
    std::uint32_t n_ctx() const { return engine_->n_ctx(); }
    std::uint32_t n_vocab() const { return model_->card.config.n_vocab; }
    // Tokens that may be chosen. Rows of the logits beyond them are padding: they stand for no
    // text.
    std::uint32_t n_choices() const {
        const ModelConfig& config = model_->card.config;
        return config.n_tokens == 0 ? config.n_vocab : config.n_tokens;
    }
    const std::vector<std::uint32_t>& tokens() const { return tokens_; }
    const Timings& timings() const { return timings_; }
    const Session& engine() const { return *engine_; }

  private:
    TextSession(std::shared_ptr<const OpenModel> model, std::unique_ptr<Session> engine)
        : model_(std::move(model)), engine_(std::move(engine)) {
        tokens_.reserve(n_ctx());
    }

    SessionHeader header() const;  // without logits
    Status check_header(const SessionHeader& saved) const;
    Status prefill(std::span<const std::uint32_t> tokens, const LogitsSink* sink,
                   Readback readback = Readback::kNow);
    bool has_pending() const { return engine_->position() != tokens_.size(); }
    Status feed_pending(Readback readback = Readback::kNow);
    Status decode(std::uint32_t token, Readback readback = Readback::kNow);
    Status compute_lost_logits();
    void follow_slides() noexcept;
    void drop_slid(std::uint64_t n) noexcept;
    class Appending;
    Result<std::vector<std::uint32_t>> prompt_tokens(std::string_view prompt,
                                                     bool parse_special) const;
    // The logits of the tokens that may be chosen.
    Result<std::span<const float>> choices();
    Result<std::uint32_t> choose(Sampler& sampler, std::span<const float> from);
    class Writing;
    // What generate() has left to do where a pause ended it; the next one with an empty prompt does
    // it, if the text is still this one.
    struct Interrupted {
        std::vector<std::uint32_t> text;  // tokens_, with room for n_ctx() of them
        std::vector<std::uint32_t> rest;  // of the prompt
        std::string held;  // text that was not told, because it may begin a stop string
        Utf8Stream utf8;   // and the rest of a torn character
    };
    bool goes_on(std::string_view prompt) const;
    Status feed_prompt(std::span<const std::uint32_t> tokens);
    Status write(const GenerateRequest& request, Sampler& sampler, Writing& writing);
    Interrupted interrupt(std::span<const std::uint32_t> rest, const Writing& writing) const;
    bool is_full() const;
    Status write_on_host(const GenerateRequest& request, Sampler& sampler, Writing& writing);
    Status write_on_device(SampleSettings settings, Sampler& sampler, Writing& writing);
    Status why_broken(SampleStatus device_status, Sampler& sampler);

    std::shared_ptr<const OpenModel> model_;
    std::unique_ptr<Session> engine_;
    // All tokens of the text. Those from engine_->position() on, at most one, are chosen but not
    // yet in the cache: generate() does not compute logits that nobody may ask for. Has room for
    // n_ctx() of them, so that what was computed or told can be noted in any case.
    std::vector<std::uint32_t> tokens_;
    std::uint64_t slid_ = 0;  // of engine_->slid(): what tokens_ has followed
    std::optional<Interrupted> interrupted_;
    Timings timings_;
};

}  // namespace gyre::c_api
