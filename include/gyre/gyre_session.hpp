// gyre_session.hpp: sessions, and text as a range. Part of gyre.hpp, which includes it; its rules
// hold here.
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_GYRE_SESSION_HPP
#define GYRE_GYRE_SESSION_HPP

#include <condition_variable>
#include <iterator>
#include <mutex>
#include <queue>
#include <thread>

#include "gyre/gyre.hpp"

namespace gyre {

struct session_options {
    std::uint32_t n_ctx = 0;  // 0: as many positions as the model was trained for
    std::uint32_t chunk = 0;
    gyre_kv_type kv_type = GYRE_KV_F16;
    gyre_when_full when_full = GYRE_WHEN_FULL_STOP;
    std::uint32_t keep_tokens = 0;
    std::uint32_t submit_ms = 0;
    detail::progress_function progress;  // false cancels
};

// How a token is chosen; the defaults are those of gyre_sampling_options.
struct sampling {
    std::uint64_t seed = 0;
    float temperature = 0.8f, top_p = 0.95f, min_p = 0.05f, repeat_penalty = 1.0f;
    std::uint32_t top_k = 40, repeat_window = 64;
    std::vector<gyre_logit_bias> bias;
    // Clears the bits of tokens that may not come, as gyre_allow_callback; false: stop.
    std::function<bool(std::uint32_t* mask, std::size_t n_tokens)> allow;
};

// A generated token, as its callback gets it; the views are valid during the call.
struct token_event {
    token id = 0;  // GYRE_TOKEN_NONE: the rest of the text, no token
    std::uint32_t index = 0;
    std::string_view text;  // valid UTF-8
    std::string_view bytes;
    float logprob = 0.0f;  // NaN where log-probabilities are not asked for
    view<gyre_token_logprob> top;
};
using token_function = std::function<bool(const token_event&)>;  // false: stop

struct generate_options {
    gyre::sampling sampling;
    std::uint32_t max_tokens = 0;  // 0: until the text or the context ends
    bool parse_special = false, ignore_eos = false;
    std::vector<std::string> stop;
    bool logprobs = false;
    std::uint32_t n_top = 0;
};

namespace detail {

// The C structs of options; what they point to is in here and in the options.
class sampling_call {
  public:
    explicit sampling_call(const sampling& options) : options_(options) {
        c.seed = options.seed;
        c.temperature = options.temperature;
        c.top_p = options.top_p;
        c.min_p = options.min_p;
        c.repeat_penalty = options.repeat_penalty;
        c.top_k = options.top_k;
        c.repeat_window = options.repeat_window;
        c.bias = options.bias.data();
        c.n_bias = options.bias.size();
        if (options.allow) {
            c.allow = &sampling_call::allow;
            c.allow_user = this;
        }
    }
    sampling_call(const sampling_call&) = delete;
    sampling_call& operator=(const sampling_call&) = delete;

    gyre_sampling_options c = GYRE_SAMPLING_OPTIONS_INIT;
    guard caught;

  private:
    static int allow(std::uint32_t* mask, std::size_t n_tokens, void* user) noexcept {
        auto* self = static_cast<sampling_call*>(user);
        return self->caught.run(0, [&] { return self->options_.allow(mask, n_tokens) ? 1 : 0; });
    }
    const sampling& options_;
};

class generate_call {
  public:
    generate_call(const generate_options& options, const token_function& on_token)
        : sampling_(options.sampling), on_token_(on_token) {
        for (const std::string& text : options.stop)
            stop_.push_back(text.c_str());
        c.sampling = &sampling_.c;
        c.max_tokens = options.max_tokens;
        c.parse_special = options.parse_special ? 1 : 0;
        c.ignore_eos = options.ignore_eos ? 1 : 0;
        c.stop = stop_.data();
        c.n_stop = stop_.size();
        c.logprobs = options.logprobs ? 1 : 0;
        c.n_top = options.n_top;
        if (on_token) {
            c.on_token = &generate_call::call;
            c.user = this;
        }
    }
    generate_call(const generate_call&) = delete;
    generate_call& operator=(const generate_call&) = delete;

    void check(gyre_status status) {
        caught_.check(GYRE_OK);
        sampling_.caught.check(status);
    }

    gyre_generate_options c = GYRE_GENERATE_OPTIONS_INIT;

  private:
    static int call(const gyre_token_event* e, void* user) noexcept {
        auto* self = static_cast<generate_call*>(user);
        return self->caught_.run(0, [&] {
            const token_event event{
                e->token,   e->index,          {e->text, e->n_text}, {e->bytes, e->n_bytes},
                e->logprob, {e->top, e->n_top}};
            return self->on_token_(event) ? 1 : 0;
        });
    }
    sampling_call sampling_;
    const token_function& on_token_;
    std::vector<const char*> stop_;
    guard caught_;
};

}  // namespace detail

class text_range;

// Used by one thread at a time, except cancel().
class session {
  public:
    explicit session(const model& model, const session_options& options = {}) {
        detail::progress_call progress{options.progress, {}};
        gyre_session_options c = GYRE_SESSION_OPTIONS_INIT;
        c.n_ctx = options.n_ctx;
        c.chunk = options.chunk;
        c.kv_type = options.kv_type;
        c.when_full = options.when_full;
        c.keep_tokens = options.keep_tokens;
        c.submit_ms = options.submit_ms;
        if (options.progress) {
            c.progress = &detail::progress_call::call;
            c.progress_user = &progress;
        }
        gyre_session* handle = nullptr;
        progress.caught.check(gyre_session_create(model.get(), &c, &handle));
        handle_.reset(handle);
    }

    gyre_session* get() const noexcept { return handle_.get(); }

    // Appends a prompt and writes on; on_token may be empty.
    gyre_generate_result generate(std::string_view prompt, const generate_options& options = {},
                                  const token_function& on_token = {}) {
        detail::generate_call call(options, on_token);
        gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
        call.check(gyre_session_generate(get(), prompt.data(), prompt.size(), &call.c, &result));
        return result;
    }
    // The same as a range of pieces of text, which are made while the loop's body runs.
    text_range write(std::string prompt, generate_options options = {});

    void feed(tokens ids) { check(gyre_session_feed(get(), ids.data(), ids.size())); }
    // [n_vocab], valid until the next call with this session
    view<float> logits() {
        const float* values = nullptr;
        std::size_t n = 0;
        check(gyre_session_logits(get(), &values, &n));
        return {values, n};
    }
    token sample(const sampling& options = {}) {
        detail::sampling_call call(options);
        token chosen = 0;
        call.caught.check(gyre_session_sample(get(), &call.c, &chosen));
        return chosen;
    }

    std::vector<token> held_tokens() const {
        return detail::filled<std::vector<token>>(
            [&](token* to, std::size_t capacity, std::size_t* n) {
                return gyre_session_tokens(get(), to, capacity, n);
            });
    }
    // Returns how many tokens were kept: what both texts begin with.
    std::size_t set_tokens(tokens ids) {
        std::size_t kept = 0;
        check(gyre_session_set_tokens(get(), ids.data(), ids.size(), &kept));
        return kept;
    }
    std::uint32_t position() const noexcept { return gyre_session_position(get()); }
    std::uint32_t n_ctx() const noexcept { return gyre_session_n_ctx(get()); }

    void reset() { check(gyre_session_reset(get())); }
    void truncate(std::uint32_t n) { check(gyre_session_truncate(get(), n)); }
    void shift(std::uint32_t first, std::uint32_t count) {
        check(gyre_session_shift(get(), first, count));
    }
    session fork() {
        gyre_session* handle = nullptr;
        check(gyre_session_fork(get(), &handle));
        return session(handle);
    }

    // Both return false for what went wrong.
    void save(const std::function<bool(const void* bytes, std::size_t n)>& write) {
        save_call call{write, {}};
        call.caught.check(gyre_session_save(get(), &save_call::call, &call));
    }
    void load(const std::function<bool(void* bytes, std::size_t n)>& read) {
        load_call call{read, {}};
        call.caught.check(gyre_session_load(get(), &load_call::call, &call));
    }

    void cancel() noexcept { gyre_session_cancel(get()); }  // from any thread

  private:
    explicit session(gyre_session* handle) : handle_(handle) {}

    struct save_call {
        const std::function<bool(const void*, std::size_t)>& function;
        detail::guard caught;
        static int call(const void* bytes, std::size_t n, void* user) noexcept {
            auto* self = static_cast<save_call*>(user);
            return self->caught.run(0, [&] { return self->function(bytes, n) ? 1 : 0; });
        }
    };
    struct load_call {
        const std::function<bool(void*, std::size_t)>& function;
        detail::guard caught;
        static int call(void* bytes, std::size_t n, void* user) noexcept {
            auto* self = static_cast<load_call*>(user);
            return self->caught.run(0, [&] { return self->function(bytes, n) ? 1 : 0; });
        }
    };
    struct destroy {
        void operator()(gyre_session* handle) const noexcept { gyre_session_destroy(handle); }
    };
    std::unique_ptr<gyre_session, destroy> handle_;
};

// Pieces of text as they are made, by a thread of the range's own; to be read once, from begin() to
// end(). The session is the range's until it ends or is destroyed; a range that is destroyed before
// its end cancels what is left, as a loop that is left by break does.
class text_range {
    struct state;

  public:
    text_range(session& session, std::string prompt, generate_options options)
        : state_(std::make_unique<state>(session)) {
        state_->writer =
            std::thread(&state::write, state_.get(), std::move(prompt), std::move(options));
    }
    text_range(text_range&&) noexcept = default;
    text_range& operator=(text_range&&) = delete;
    ~text_range() {
        if (state_) state_->end();
    }

    class iterator {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = std::string;
        using difference_type = std::ptrdiff_t;
        using pointer = const std::string*;
        using reference = const std::string&;

        iterator() noexcept = default;
        reference operator*() const noexcept { return state_->piece; }
        pointer operator->() const noexcept { return &state_->piece; }
        iterator& operator++() {
            if (!state_->next()) state_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& a, const iterator& b) noexcept {
            return a.state_ == b.state_;
        }
        friend bool operator!=(const iterator& a, const iterator& b) noexcept { return !(a == b); }

      private:
        friend class text_range;
        state* state_ = nullptr;
    };

    // Waits for the first piece; an error of the C API comes out of begin() or ++.
    iterator begin() {
        iterator first;
        if (state_->next()) first.state_ = state_.get();
        return first;
    }
    iterator end() const noexcept { return {}; }

    // Why the text ended, once it has.
    const gyre_generate_result& result() const noexcept { return state_->result; }

  private:
    struct state {
        explicit state(session& session) : of(session) {}

        void write(std::string prompt, generate_options options) noexcept {
            try {
                result = of.generate(prompt, options, [this](const token_event& event) {
                    const std::lock_guard<std::mutex> lock(mutex);
                    if (!event.text.empty()) pieces.emplace(event.text);
                    changed.notify_one();
                    return !left;
                });
            } catch (...) {
                thrown = std::current_exception();
            }
            const std::lock_guard<std::mutex> lock(mutex);
            done = true;
            changed.notify_one();
        }
        // False: there is no further piece.
        bool next() {
            std::unique_lock<std::mutex> lock(mutex);
            changed.wait(lock, [this] { return done || !pieces.empty(); });
            if (!pieces.empty()) {
                piece = std::move(pieces.front());
                pieces.pop();
                return true;
            }
            lock.unlock();
            if (writer.joinable()) writer.join();
            if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
            return false;
        }
        // Cancels in the callback, so that no request is left for a later call.
        void end() noexcept {
            {
                const std::lock_guard<std::mutex> lock(mutex);
                left = true;
            }
            if (writer.joinable()) writer.join();
        }

        session& of;
        std::mutex mutex;
        std::condition_variable changed;
        std::queue<std::string> pieces;
        bool done = false, left = false;
        std::exception_ptr thrown;
        std::string piece;
        gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
        std::thread writer;
    };
    std::unique_ptr<state> state_;
};

inline text_range session::write(std::string prompt, generate_options options) {
    return text_range(*this, std::move(prompt), std::move(options));
}

}  // namespace gyre

#endif  // GYRE_GYRE_SESSION_HPP
