// SPDX-License-Identifier: Apache-2.0
#include "tests/alloc/life.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "tests/alloc/failing_new.h"

namespace gyre::alloc {
namespace {

constexpr std::uint32_t kContext = 64;
constexpr std::uint32_t kKept = 3;
constexpr std::uint32_t kChunk = 8;

bool is_plain(const char* bytes, std::size_t n) {
    return n > 0 && std::all_of(bytes, bytes + n, [](char c) { return c >= ' ' && c <= '~'; });
}

gyre_sampling_options sampling_of(const Life::Writing& writing) {
    gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
    sampling.temperature = writing.greedy ? 0.0f : 1.5f;  // a tiny model would repeat itself
    sampling.top_k = 0;
    sampling.top_p = 1.0f;
    sampling.min_p = 0.0f;
    sampling.seed = 11;
    return sampling;
}

// One call of gyre_session_generate, as its callbacks see it.
struct Telling {
    Life* life;
    gyre_session* session;
    std::uint32_t pause_at;
    std::string bytes{}, text{};  // told by this call
    std::uint32_t n = 0;
};

int on_token(const gyre_token_event* event, void* user) {
    const Elsewhere callback;
    auto& telling = *static_cast<Telling*>(user);
    telling.text.append(event->text, event->n_text);
    if (event->token == GYRE_TOKEN_NONE) return 1;
    telling.bytes.append(event->bytes, event->n_bytes);
    Life& life = *telling.life;
    if (event->index != telling.n++) life.blame("the index of a token");
    life.note(event->token);
    if (!std::isnan(event->logprob)) life.note_bits(&event->logprob, 1);
    for (std::size_t i = 0; i < event->n_top; ++i)
        life.note(event->top[i].token);
    life.held.push_back(event->token);
    life.expect_held(telling.session);
    if (++life.told == telling.pause_at) {
        const Library call;
        // After an error the model is not paused, and the call may be made again.
        if (gyre_model_pause(life.model) != GYRE_OK)
            static_cast<void>(gyre_model_pause(life.model) != GYRE_OK);
    }
    return 1;
}

// Tokens of plain text only.
int allow_plain(std::uint32_t* mask, std::size_t n_tokens, void* user) {
    const Elsewhere callback;
    const auto* life = static_cast<const Life*>(user);
    for (std::uint32_t token = 0; token < n_tokens; ++token) {
        gyre_token_info info = GYRE_TOKEN_INFO_INIT;
        const bool known = gyre_model_get_token(life->model, token, &info) == GYRE_OK;
        if (!known || !is_plain(info.bytes, info.n_bytes)) mask[token / 32] &= ~(1u << token % 32);
    }
    return 1;
}

}  // namespace

std::vector<std::uint32_t> some_tokens(std::uint32_t first, std::uint32_t n) {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t i = first; i < first + n; ++i)
        ids.push_back((i * i * 7 + i * 3 + 1) % 300);
    return ids;
}

std::string Life::open(const std::string& path, bool with_device) {
    gyre_model_options model_options = GYRE_MODEL_OPTIONS_INIT;
    model_options.device = with_device ? options_.device.c_str() : "none";
    model_options.cache_dir = options_.cache_dir.c_str();
    model_options.no_tuning = 1;
    const Library call;
    return gyre_model_open(path.c_str(), &model_options, &model) == GYRE_OK ? ""
                                                                            : gyre_last_error();
}

std::string Life::create(Ground ground) {
    gyre_session_options session_options = GYRE_SESSION_OPTIONS_INIT;
    session_options.n_ctx = kContext;
    session_options.chunk = kChunk;
    session_options.when_full = GYRE_WHEN_FULL_SLIDE;
    session_options.keep_tokens = kKept;
    session_options.submit_ms = ground == Ground::kCutWork ? 1 : 0;
    const Library call;
    return gyre_session_create(model, &session_options, &session) == GYRE_OK ? ""
                                                                             : gyre_last_error();
}

std::string Life::build(Ground ground) {
    if (ground == Ground::kNothing) return "";
    const std::string& path = ground == Ground::kCutWork ? options_.large : options_.model;
    std::string problem = open(path, ground != Ground::kFile);
    if (!problem.empty() || ground == Ground::kFile || ground == Ground::kNewModel) return problem;
    problem = create(ground);
    if (!problem.empty()) return problem;
    if (ground == Ground::kOldModel) {
        const Library call;
        gyre_session_destroy(std::exchange(session, nullptr));
        return "";
    }
    begin();
    held.clear();
    if (feed(some_tokens(0, 20)) != GYRE_OK) return gyre_last_error();
    if (write(session, {.n = 5}) != GYRE_OK) return gyre_last_error();
    held_at_beginning_ = held;
    return save(session, beginning_) == GYRE_OK ? broken_ : gyre_last_error();
}

std::string Life::stand_on(Ground ground) {
    const bool lasts = ground != Ground::kNothing && ground != Ground::kNewModel;
    if (ground != ground_ || !lasts) {
        close();
        const std::string problem = build(ground);
        if (!problem.empty()) return problem;
        ground_ = ground;
    }
    if (ground == Ground::kNewSession) {
        {
            const Library call;
            gyre_session_destroy(std::exchange(session, nullptr));
        }
        const std::string problem = create(ground);
        if (!problem.empty()) return problem;
    }
    begin();
    if (session == nullptr) return "";
    held = held_at_beginning_;
    return load(session, beginning_) == GYRE_OK ? "" : gyre_last_error();
}

void Life::close() {
    const Library call;
    gyre_session_destroy(std::exchange(new_session, nullptr));
    gyre_session_destroy(std::exchange(session, nullptr));
    gyre_model_destroy(std::exchange(new_model, nullptr));
    gyre_model_destroy(std::exchange(model, nullptr));
    ground_ = Ground::kNothing;
}

void Life::begin() {
    {
        const Library call;
        gyre_session_destroy(std::exchange(new_session, nullptr));
        gyre_model_destroy(std::exchange(new_model, nullptr));
    }
    step = told = 0;
    blob.clear();
    transcript_.clear();
    broken_.clear();
    untold_bytes_.clear();
    interrupted_ = false;
    start = static_cast<std::uint32_t>(held_at_beginning_.size());
}

void Life::note_bits(const float* values, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, values + i, sizeof(bits));
        note(bits);
    }
}

void Life::note_text(const std::string& text) {
    note(static_cast<std::uint32_t>(text.size()));
    for (const char c : text)
        note(static_cast<unsigned char>(c));
}

// How many of them the session took is said by what it holds: its position alone does not, where it
// slides.
gyre_status Life::feed(const std::vector<std::uint32_t>& tokens) {
    const std::uint32_t done = told;
    gyre_status status = GYRE_OK;
    {
        const Library call;
        status = gyre_session_feed(session, tokens.data() + done, tokens.size() - done);
    }
    while (told < tokens.size() && !holds(session)) {
        held.push_back(tokens[told]);
        ++told;
    }
    if (status != GYRE_OK) return status;
    if (told != tokens.size()) blame("the session does not hold all that was fed");
    told = 0;
    return status;
}

gyre_status Life::write(gyre_session* to, const Writing& writing) {
    if (told >= writing.n) return GYRE_OK;
    gyre_sampling_options sampling = sampling_of(writing);
    const gyre_logit_bias bias[] = {{40, 1.5f}, {41, -INFINITY}};
    std::vector<const char*> stop;
    for (const std::string& string : writing.stop)
        stop.push_back(string.c_str());
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    if (writing.on_host) {
        sampling.bias = bias;
        sampling.n_bias = 2;
        sampling.allow = allow_plain;
        sampling.allow_user = this;
        options.logprobs = 1;
        options.n_top = 5;
    }
    Telling telling{this, to, writing.pause_at};
    telling.bytes = untold_bytes_;
    options.sampling = &sampling;
    options.max_tokens = writing.n - told;
    options.ignore_eos = 1;
    options.on_token = on_token;
    options.user = &telling;
    options.stop = stop.data();
    options.n_stop = stop.size();
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    gyre_status status = GYRE_OK;
    {
        const Library call;
        status = gyre_session_generate(to, writing.prompt.data(), writing.prompt.size(), &options,
                                       &result);
    }
    if (result.n_tokens != telling.n) blame("n_tokens is not what was told");
    const bool stopped = status == GYRE_OK && result.stop_reason == GYRE_STOP_STRING;
    if (stopped) told = writing.n;
    check_text(telling.bytes, telling.text, status, stopped);
    return status;
}

// All plain text is told when the call ends, but for a stop string, and by a pause, after which it
// comes with the next call that tells anything.
void Life::check_text(const std::string& bytes, const std::string& text, gyre_status status,
                      bool stopped) {
    const std::string before = std::exchange(untold_bytes_, {});
    const bool nothing = bytes.size() == before.size() && text.empty();
    const bool goes_on = interrupted_ && status != GYRE_OK && nothing;
    interrupted_ = status == GYRE_ERROR_PAUSED || goes_on;
    if (status != GYRE_OK && nothing) {
        untold_bytes_ = before;
    } else if (status == GYRE_ERROR_PAUSED && is_plain(bytes.data(), bytes.size())) {
        if (bytes.compare(0, text.size(), text) != 0) blame("text before a pause: '" + text + "'");
        untold_bytes_ = bytes.substr(std::min(text.size(), bytes.size()));
    } else if (is_plain(bytes.data(), bytes.size())) {
        const bool right = stopped ? bytes.compare(0, text.size(), text) == 0 : bytes == text;
        if (!right) blame("the text '" + text + "' of '" + bytes + "'");
    }
}

bool Life::holds(gyre_session* of) {
    std::vector<std::uint32_t> tokens(kContext + 1);
    std::size_t n = 0;
    if (gyre_session_tokens(of, tokens.data(), tokens.size(), &n) != GYRE_OK) {
        blame(std::string("gyre_session_tokens: ") + gyre_last_error());
        return false;
    }
    tokens.resize(n);
    if (n > held.size() || n != gyre_session_position(of)) return false;
    if (n < held.size() && held.size() + kChunk <= kContext) return false;  // has no need to slide
    const auto first = static_cast<std::ptrdiff_t>(std::min<std::size_t>(kKept, n));
    return std::equal(tokens.begin(), tokens.begin() + first, held.begin()) &&
           std::equal(tokens.rbegin(), tokens.rend() - first, held.rbegin());
}

void Life::expect_held(gyre_session* of) {
    if (holds(of)) return;
    blame("the session holds " + std::to_string(gyre_session_position(of)) + " tokens, not the " +
          std::to_string(held.size()) + " that it was given and told");
}

void Life::write_tail() {
    if (session == nullptr) return;
    told = 0;
    if (write(session, {.n = 3}) != GYRE_OK) return blame(std::string("then ") + gyre_last_error());
    const float* logits = nullptr;
    std::size_t n = 0;
    const Library call;
    if (gyre_session_logits(session, &logits, &n) != GYRE_OK)
        return blame(std::string("then ") + gyre_last_error());
    const Elsewhere here;
    note_bits(logits, n);
}

gyre_status Life::save(gyre_session* from, std::string& to) {
    to.clear();
    const auto write = [](const void* bytes, std::size_t n, void* user) {
        const Elsewhere callback;
        static_cast<std::string*>(user)->append(static_cast<const char*>(bytes), n);
        return 1;
    };
    const Library call;
    return gyre_session_save(from, write, &to);
}

gyre_status Life::load(gyre_session* to, const std::string& from) {
    std::string_view rest = from;
    const auto read = [](void* bytes, std::size_t n, void* user) {
        auto& left = *static_cast<std::string_view*>(user);
        if (n > left.size()) return 0;
        std::memcpy(bytes, left.data(), n);
        left.remove_prefix(n);
        return 1;
    };
    const Library call;
    return gyre_session_load(to, read, &rest);
}

}  // namespace gyre::alloc
