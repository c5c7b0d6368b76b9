// A session that knows text: the engine's session, its tokens, the sampler and the clock.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/c_api/model_handle.h"
#include "runtime/engine/session.h"
#include "runtime/text/sampler.h"

namespace gyre::c_api {

enum class StopReason { kEos, kMaxTokens, kContextFull, kCallback, kCancelled, kError };

// One generated token; the views are valid during the call.
struct TokenEvent {
    std::uint32_t token = 0;  // GYRE_TOKEN_NONE: only the rest of a torn character
    std::uint32_t index = 0;
    std::string_view bytes;
    std::string_view text;  // valid UTF-8
};

struct GenerateRequest {
    SamplerOptions sampling;
    std::uint32_t max_tokens = 0;  // 0: no limit
    bool parse_special = false;
    bool ignore_eos = false;
    std::function<bool(const TokenEvent&)> on_token;  // false: stop; may be empty
};

struct GenerateOutcome {
    StopReason stop_reason = StopReason::kError;
    std::uint32_t n_prompt_tokens = 0;
    std::uint32_t n_tokens = 0;
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

    // As Session's; logits() are computed anew where the last token's are gone.
    Status truncate(std::uint32_t n);
    Status shift(std::uint32_t first, std::uint32_t count);
    Result<std::unique_ptr<TextSession>> fork();

    // [n_vocab] behind the last token.
    Result<std::span<const float>> logits();
    Result<std::uint32_t> sample(const SamplerOptions& options);

    // Appends prompt and writes on. outcome is filled whatever the Status.
    Status generate(std::string_view prompt, const GenerateRequest& request,
                    GenerateOutcome& outcome);

    // As feed, and hands out what each operation took on the device; not in timings().
    Status profile(std::span<const std::uint32_t> tokens, const ProfileSink& sink);

    void reset();
    void cancel() { engine_->cancel(); }
    std::uint32_t position() const { return static_cast<std::uint32_t>(tokens_.size()); }
    std::uint32_t n_ctx() const { return engine_->n_ctx(); }
    std::uint32_t n_vocab() const { return model_->card.config.n_vocab; }
    const Timings& timings() const { return timings_; }
    const Session& engine() const { return *engine_; }

  private:
    TextSession(std::shared_ptr<const OpenModel> model, std::unique_ptr<Session> engine)
        : model_(std::move(model)), engine_(std::move(engine)) {}

    Status prefill(std::span<const std::uint32_t> tokens, const LogitsSink* sink,
                   Readback readback = Readback::kNow);
    bool has_pending() const { return engine_->position() != tokens_.size(); }
    Status feed_pending(Readback readback = Readback::kNow);
    Status decode(std::uint32_t token, Readback readback = Readback::kNow);
    Status compute_lost_logits();
    void follow_slides();
    // After the engine was given tokens: those that it took, fewer than all after an error, are the
    // text's. before: its position() + slid() before that. Returns how many.
    std::uint64_t append_cached(std::span<const std::uint32_t> tokens, std::uint64_t before);
    Result<std::vector<std::uint32_t>> prompt_tokens(std::string_view prompt,
                                                     bool parse_special) const;
    Result<std::uint32_t> choose(Sampler& sampler);
    class Writing;
    bool is_full() const;
    Status write_on_host(Sampler& sampler, Writing& writing);
    Status write_on_device(SampleSettings settings, Sampler& sampler, Writing& writing);
    Status why_broken(SampleStatus device_status, Sampler& sampler);

    std::shared_ptr<const OpenModel> model_;
    std::unique_ptr<Session> engine_;
    // All tokens of the text. Those from engine_->position() on, at most one, are chosen but not
    // yet in the cache: generate() does not compute logits that nobody may ask for.
    std::vector<std::uint32_t> tokens_;
    std::uint64_t slid_ = 0;  // of engine_->slid(): what tokens_ has followed
    Timings timings_;
};

}  // namespace gyre::c_api
