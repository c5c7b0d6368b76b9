// One text of a model: KV cache, position, prompt processing and decoding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/cache_cells.h"
#include "runtime/engine/kv_cache.h"
#include "runtime/engine/model.h"
#include "runtime/engine/schedule.h"
#include "runtime/engine/submission_pacer.h"
#include "runtime/engine/submission_splitter.h"
#include "runtime/engine/token_loop.h"
#include "runtime/engine/work_queue.h"
#include "runtime/engine/work_rates.h"

namespace gyre {

struct SessionPlan;

// Positions are rows added to the embeddings: as many as the file has, and part of what is cached.
bool has_position_rows(const ModelConfig& config);

// What happens when a token is added and every position is taken.
enum class WhenFull {
    kStop,   // kContextFull
    kSlide,  // the oldest half is dropped, except the first keep_tokens; the rest moves there
};

inline constexpr double kMaxSubmitBudgetMs = 10'000;

struct SessionOptions {
    std::uint32_t n_ctx = 0;  // positions; 0: the model's
    WhenFull when_full = WhenFull::kStop;
    std::uint32_t keep_tokens = 0;  // kSlide: first positions that stay; at least the model's sinks
    CacheFormat cache = CacheFormat::kF16;
    // Position of the first token: computed positions only (rotary, temperature). The cache begins
    // here.
    std::uint32_t first_position = 0;
    std::uint32_t chunk = 0;  // prompt tokens processed at once; 0: 128, or what the context allows
    double submit_budget_ms = 50;  // for the device, of one submission; above 0
    LoadProgress progress{};       // stage "compile"
    // For tests: called before every submission of a chunk but the last.
    std::function<void()> between_parts{};
};

// first: index of the first token of these rows among those fed by this call; logits: [n][n_vocab].
using LogitsSink = std::function<Status(std::uint32_t first, std::uint32_t n, const float* logits)>;

// Whether logits that were computed are brought to the host.
enum class Readback { kNow, kLater };

// Tokens that follow each other on the device.
struct LoopRequest {
    SampleSettings sampling;  // max_tokens: of this call
    // The tokens so far, for the repetition penalty; never empty, and read before the first new
    // one.
    std::span<const std::uint32_t> history;
    bool pending = false;    // the last of them is not in the cache yet
    std::uint64_t step = 0;  // of the first draw
};

// Takes a token that is chosen and not yet in the cache, whereas all before it are. false: no more.
using TokenSink = std::function<bool(std::uint32_t token)>;

// What one operation of the schedule took on the device.
struct OperationTime {
    const char* operation = "";  // as in schedule.h; valid during the call that gives it
    std::uint32_t layer = 0;     // or kNoLayer
    std::uint32_t dispatches = 0;
    double seconds = 0.0;
};
using ProfileSink = std::function<void(const OperationTime&)>;

// Used by one thread at a time, except cancel(). Sessions of one model may run in parallel threads.
class Session {
  public:
    // Allocates the cache and compiles the kernels. Errors: kInvalidArgument (n_ctx beyond the
    // model's, unless its positions are computed), kOutOfDeviceMemory, kCancelled (by progress).
    static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model,
                                                   const SessionOptions& options);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Processes the tokens of a prompt, appending them to the cache; then logits() are those of the
    // last. Nothing changes if they are refused: kInvalidArgument (an id outside the vocabulary),
    // kContextFull (kStop: more than the free positions). kCancelled, kPaused, kDeviceLost: the
    // chunks before stay, and nothing of the one that was interrupted. kSlide: the cache slides as
    // often as it must; the last tokens of a long prompt stay.
    Status feed(std::span<const std::uint32_t> tokens, Readback readback = Readback::kNow);
    // The same, and passes the logits of every token to sink, chunk by chunk.
    Status feed(std::span<const std::uint32_t> tokens, const LogitsSink& sink);

    // Whether an empty session would take all of these tokens: the errors of feed() that change
    // nothing.
    Status check_whole_text(std::span<const std::uint32_t> tokens) const;

    // Appends one generated token; then logits() follow it. Errors as feed.
    Status decode(std::uint32_t token, Readback readback = Readback::kNow);

    // Chooses tokens and appends all but the last, until sampling.max_tokens are chosen or no cell
    // is free for one more (kCount; with kSlide the cache slides for that one), or another end. A
    // pending token is appended before: it must have a cell. Whatever the Status, what sink was
    // given is in the cache, without the last: that one, or else the pending one, is pending then.
    // kCancelled: within what is under way; other errors as decode.
    Status write_on(const LoopRequest& request, const TokenSink& sink, LoopResult& result);

    // [n_vocab] of the last token; empty before the first, and where fetch_logits() has to be
    // called: after Readback::kLater and write_on(). Valid until the next call.
    std::span<const float> logits() const { return logits_; }
    // The logits of the last token are here or on the device: not after truncate(), nor where the
    // device ran ahead.
    bool has_logits() const { return on_device_ || !logits_.empty(); }
    Status fetch_logits();

    std::uint32_t position() const { return position_; }  // tokens in the cache
    std::uint32_t n_ctx() const { return cache_.shape().n_ctx; }
    std::uint32_t chunk() const { return layout_.chunk; }
    const Model& model() const { return *model_; }
    const RotarySpec& rotary() const { return rotary_[0]; }  // of the first kind of layers
    std::uint64_t cache_bytes() const { return cache_.bytes(); }
    std::uint64_t work_bytes() const;  // of all other buffers; more after the first LogitsSink
    const CacheShape& cache_shape() const { return cache_.shape(); }

    // As decode (one token) or feed, and hands out what each operation took, in order, chunk by
    // chunk. Recorded anew, with timestamps: what decode and feed submit has none. Not counted,
    // but for the logits' way to the host.
    // Errors: also kUnsupported where the device has no timestamps.
    Status profile(std::span<const std::uint32_t> tokens, const ProfileSink& sink);

    // The steps by which one token, or a chunk of a prompt of several, is computed; n_tokens is at
    // most chunk().
    void describe_plan(std::uint32_t n_tokens,
                       const std::function<void(const StepDescription&)>& sink) const {
        schedule_->describe(n_tokens, sink);
    }

    // Forgets all tokens.
    void reset();

    // Keeps the first n tokens. logits() are gone. kInvalidArgument: n > position().
    Status truncate(std::uint32_t n);

    // Drops positions [first, first + count) and closes the gap: what follows moves up and is
    // rotated to its new positions, keys and, where they were rotated, values. Exact for a cache of
    // float32; float16 and Q8_0 round once more a shift. logits() stay, unless the last token is
    // among the dropped. The cache is untouched by an error:
    // kInvalidArgument (an empty range, one past the end, one that touches the model's sink
    // tokens), kUnsupported (absolute positions cannot be moved: they are part of what was cached).
    Status shift(std::uint32_t first, std::uint32_t count);

    // The error of a model whose positions are rows added to the embeddings.
    static Status cannot_move(const ModelConfig& config);

    // kSlide: slides now if n_tokens, at most chunk(), do not fit. decode() and feed() do so
    // themselves. Does nothing with kStop.
    Status make_room(std::uint32_t n_tokens);
    // A slide drops positions from kept_tokens() on; slid() tokens in all since the session began.
    std::uint32_t kept_tokens() const;
    std::uint64_t slid() const { return slid_; }
    WhenFull when_full() const { return options_.when_full; }

    // What was asked of the device since creation or reset().
    const EngineCounters& counters() const { return queue_.counters(); }

    // A new session with a copy of this one's tokens, cache and logits.
    Result<std::unique_ptr<Session>> fork();

    // What a session needs to continue, apart from the cells of its cache and its tokens.
    struct Snapshot {
        std::uint32_t n_cells = 0;  // position()
        std::uint64_t slid = 0;
        std::vector<float> logits{};  // [n_vocab] of the last token; empty: it has none
    };
    // Hands out the cells of all tokens, as cache_cells.h has them.
    Status save_cells(const CellSink& sink) const;
    // For 1 to n_ctx() cells. kOutOfDeviceMemory.
    Result<CellImage> make_cell_image(std::uint32_t n_cells) const;
    // Goes on from there. cells: of n_cells, which may be 0, complete. Nothing changes after an
    // error.
    Status restore(Snapshot snapshot, const CellImage* cells);
    // A cache of this model that was made for n_ctx positions has the same cells as this one's: not
    // where frequencies, or xPos's decay, depend on it.
    bool has_cells_of(std::uint32_t n_ctx) const;

    // From any thread: the running call, or else the next one, returns kCancelled after the
    // submissions that are under way, two at most in a prompt.
    void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  private:
    struct Buffers {
        Buffer state;
        Buffer batch;     // StepBlock, and the token ids SAMPLE_TOKENS_OFFSET bytes after its begin
        Buffer logits;    // of the last token, where the sampler reads them
        Buffer readback;  // the same, for the host
        std::optional<Buffer> all_logits;
    };
    struct Recorders {
        CommandRecorder decode;  // recorded once, submitted for every token
        std::array<CommandRecorder, 2>
            parts;                    // recorded for every submission of a chunk, alternating
        CommandRecorder read_logits;  // recorded once
    };
    Session(std::shared_ptr<const Model> model, std::vector<RotarySpec> rotary,
            ActivationLayout layout, KvCache cache, Buffers buffers, TokenLoop loop,
            Recorders recorders, const SessionOptions& options);

    static Result<Buffers> make_buffers(Device& device, const SessionPlan& plan);
    static Result<Recorders> make_recorders(Device& device);
    // After an error the schedule and the decode of before stand.
    Status build_schedule(const Schedule::Progress& progress = {});
    Status record_read_logits();
    Status fill_state();
    Status warm_up(const Schedule::Progress& progress);
    Status compile();
    double decay_origin() const { return options_.first_position + n_ctx() / 2.0; }
    // taken: positions that are not free.
    Status check(std::span<const std::uint32_t> tokens, std::uint32_t taken) const;
    Status check(std::span<const std::uint32_t> tokens) const { return check(tokens, position_); }
    Status check_interrupted();  // kCancelled, kPaused
    Status write_step(std::uint32_t position, std::span<const std::uint32_t> tokens);
    Result<std::span<const std::uint32_t>> next_chunk(std::span<const std::uint32_t> tokens,
                                                      std::size_t first, std::size_t chunk);
    Status run_chunk(std::span<const std::uint32_t> tokens, LogitsOf logits, Readback readback);
    SubmissionSplitter make_splitter();
    bool token_in_parts() const;
    Result<double> run_token(std::span<CommandRecorder* const> after);
    Result<double> run_token_in_parts(std::span<CommandRecorder* const> after);
    std::span<CommandRecorder* const> after(Readback readback);
    Status profile_piece(CommandRecorder& recorder, std::span<const std::uint32_t> tokens,
                         bool decode, LogitsOf logits, const ProfileSink& sink);
    Status ensure_all_logits();
    Status take_logits();
    Status take_all_logits(std::uint32_t n_rows);
    Status put_logits();
    Status write_rotations(std::uint32_t count);

    std::shared_ptr<const Model> model_;
    SessionOptions options_;
    std::vector<RotarySpec> rotary_;  // ModelSpec::rotary_specs()
    ActivationLayout layout_;
    KvCache cache_;
    Buffers buffers_;
    TokenLoop loop_;
    Recorders recorders_;
    CommandRecorder* const read_after_ = &recorders_.read_logits;
    WorkQueue queue_;
    SubmissionPacer token_pacer_;
    WorkRates rates_;
    std::optional<Schedule> schedule_;
    std::vector<float> logits_;
    bool on_device_ = false;  // buffers_.logits are the last token's
    std::uint32_t position_ = 0;
    std::uint64_t slid_ = 0;
    std::atomic<bool> cancelled_ = false;
};

}  // namespace gyre
