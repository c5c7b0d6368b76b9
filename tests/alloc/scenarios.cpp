// SPDX-License-Identifier: Apache-2.0
#include "tests/alloc/scenarios.h"

#include <fcntl.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <utility>

#include "tests/alloc/failing_new.h"

namespace gyre::alloc {
namespace {

// A function of gyre.h, called inside the library.
template <typename... P, typename... A>
gyre_status call(gyre_status (*function)(P...), A... arguments) {
    const Library here;
    return function(arguments...);
}

#define GYRE_GO(expression)                                        \
    do {                                                           \
        const gyre_status gyre_go_status = (expression);           \
        if (gyre_go_status != GYRE_OK) return gyre_go_status;      \
    } while (0)

// ---- Models

gyre_model_options options_of(const Life& life, const char* device) {
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = device;
    options.cache_dir = life.options().cache_dir.c_str();
    options.no_tuning = 1;
    return options;
}

gyre_status opened(Life& life, gyre_status status) {
    if ((life.new_model != nullptr) != (status == GYRE_OK)) life.blame("a model and an error");
    return status;
}

gyre_status read_path(Life& life) {
    const gyre_model_options options = options_of(life, "none");
    return opened(life, call(gyre_model_open, life.options().model.c_str(), &options, &life.new_model));
}

gyre_status read_descriptor(Life& life) {
    const gyre_model_options options = options_of(life, "none");
    const int file = open(life.options().model.c_str(), O_RDONLY | O_CLOEXEC);
    const gyre_status status =
        call(gyre_model_open_fd, file, 0u, 0u, &options, &life.new_model);
    if (close(file) != 0) life.blame("the descriptor was closed");
    return opened(life, status);
}

gyre_status read_memory(Life& life) {
    const gyre_model_options options = options_of(life, "none");
    std::ifstream file(life.options().model, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const void* data = bytes.data();
    return opened(life, call(gyre_model_open_memory, data, bytes.size(), &options, &life.new_model));
}

gyre_status open_on_device(Life& life) {
    const gyre_model_options options = options_of(life, life.options().device.c_str());
    return opened(life, call(gyre_model_open, life.options().model.c_str(), &options, &life.new_model));
}

gyre_status estimate(Life& life) {
    gyre_memory_need need = GYRE_MEMORY_NEED_INIT;
    const char* device = life.options().device.c_str();
    GYRE_GO(call(gyre_model_estimate, life.model, device, nullptr, &need));
    life.note(need.fits);
    life.note(static_cast<std::uint32_t>(need.total_bytes));
    return GYRE_OK;
}

gyre_status list_devices(Life& life) {
    gyre_device_list* list = nullptr;
    const gyre_status status = call(gyre_device_list_create, &list);
    if ((list != nullptr) != (status == GYRE_OK)) life.blame("a list and an error");
    if (status != GYRE_OK) return status;
    life.note(static_cast<std::uint32_t>(gyre_device_list_count(list)));
    const Library here;
    gyre_device_list_destroy(list);
    return GYRE_OK;
}

// What is known of a model: information, every key, text to tokens and back.
gyre_status describe(Life& life) {
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    const std::size_t n_keys = gyre_model_metadata_count(life.model);
    std::vector<char> bytes(1 << 16);
    std::size_t n = 0;
    if (life.step == 0) {
        GYRE_GO(call(gyre_model_get_info, life.model, &info));
        life.note_text(info.rotary_text);
        ++life.step;
    }
    for (; life.step <= n_keys; ++life.step) {
        const char* key = gyre_model_metadata_key(life.model, life.step - 1);
        GYRE_GO(call(gyre_model_metadata, life.model, key, bytes.data(), bytes.size(), &n));
        life.note_text({bytes.data(), n});
    }
    std::vector<std::uint32_t> tokens(100);
    const std::string text = "It was a dark night, and <|endoftext|> \xff rain fell: 1234 words.";
    for (const unsigned special : {0u, 1u}) {
        if (life.step > n_keys + 1 + special) continue;
        GYRE_GO(call(gyre_model_tokenize, life.model, text.data(), text.size(),
                     static_cast<int>(special), tokens.data(), tokens.size(), &n));
        for (std::size_t i = 0; i < n; ++i)
            life.note(tokens[i]);
        ++life.step;
    }
    const std::vector<std::uint32_t> some = some_tokens(1, 9);
    GYRE_GO(call(gyre_model_detokenize, life.model, some.data(), some.size(), bytes.data(),
                 bytes.size(), &n));
    life.note_text({bytes.data(), n});
    gyre_token_info token = GYRE_TOKEN_INFO_INIT;
    return call(gyre_model_get_token, life.model, 5u, &token);
}

// Wrong arguments: the words of an error take memory, too.
gyre_status refuse(Life& life) {
    std::uint32_t token = 0;
    std::size_t n = 0;
    const std::uint32_t tokens[] = {1u << 30};
    gyre_token_info info = GYRE_TOKEN_INFO_INIT;
    for (const gyre_status status :
         {call(gyre_model_detokenize, life.model, tokens, 1u, nullptr, 0u, &n),
          call(gyre_model_metadata, life.model, "no such key", nullptr, 0u, &n),
          call(gyre_model_get_token, life.model, 1u << 30, &info),
          call(gyre_session_truncate, life.session, 1000u),
          call(gyre_session_shift, life.session, 1000u, 1u),
          call(gyre_session_feed, life.session, tokens, 1u),
          call(gyre_sample, nullptr, 1u, nullptr, 0u, 0u, nullptr, &token)}) {
        if (status == GYRE_ERROR_OUT_OF_HOST_MEMORY) return status;
        if (status != GYRE_ERROR_INVALID_ARGUMENT) life.blame("a wrong argument passes");
    }
    return GYRE_OK;
}

gyre_status sample_logits(Life& life) {
    std::vector<float> logits;
    for (int i = 0; i < 500; ++i)
        logits.push_back(static_cast<float>(std::sin(i)));
    const std::uint32_t history[] = {3, 4, 5};
    const gyre_logit_bias bias[] = {{7, 2.0f}};
    gyre_sampling_options options = GYRE_SAMPLING_OPTIONS_INIT;
    options.bias = bias;
    options.n_bias = 1;
    options.repeat_penalty = 1.3f;
    std::uint32_t token = 0;
    GYRE_GO(call(gyre_sample, logits.data(), logits.size(), history, 3u, 9u, &options, &token));
    life.note(token);
    return GYRE_OK;
}

// ---- Sessions

gyre_status create(Life& life) {
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = 32;
    options.chunk = 8;
    options.kv_type = GYRE_KV_Q8_0;
    const gyre_status status = call(gyre_session_create, life.model, &options, &life.new_session);
    if ((life.new_session != nullptr) != (status == GYRE_OK)) life.blame("a session and an error");
    if (status != GYRE_OK) return status;
    const std::vector<std::uint32_t> tokens = some_tokens(3, 9);
    const float* logits = nullptr;
    std::size_t n = 0;
    GYRE_GO(gyre_session_feed(life.new_session, tokens.data(), tokens.size()));
    GYRE_GO(gyre_session_logits(life.new_session, &logits, &n));
    life.note_bits(logits, n);
    return GYRE_OK;
}

gyre_status feed_prompt(Life& life) {
    return life.feed(some_tokens(40, 20));
}

gyre_status feed_one(Life& life) {
    return life.feed(some_tokens(40, 1));
}

gyre_status feed_logits(Life& life) {
    const std::vector<std::uint32_t> tokens = some_tokens(40, 12);
    const std::uint32_t done = gyre_session_position(life.session) - life.start;
    const auto on_rows = [](const float* rows, std::size_t, std::size_t n, std::size_t n_vocab,
                            void* user) {
        const Elsewhere callback;
        static_cast<Life*>(user)->note_bits(rows, n * n_vocab);
        return 1;
    };
    const gyre_status status =
        call(gyre_session_feed_logits, life.session, tokens.data() + done, tokens.size() - done,
             static_cast<gyre_logits_callback>(on_rows), &life);
    const std::uint32_t after = gyre_session_position(life.session) - life.start;
    life.held.insert(life.held.end(), tokens.begin() + done, tokens.begin() + after);
    return status;
}

gyre_status profile(Life& life) {
    const std::vector<std::uint32_t> tokens = some_tokens(40, 12);
    const std::uint32_t done = gyre_session_position(life.session) - life.start;
    const auto on_event = [](const gyre_profile_event*, void*) {};
    const gyre_status status =
        call(gyre_session_profile, life.session, tokens.data() + done, tokens.size() - done,
             static_cast<gyre_profile_callback>(on_event), nullptr);
    const std::uint32_t after = gyre_session_position(life.session) - life.start;
    life.held.insert(life.held.end(), tokens.begin() + done, tokens.begin() + after);
    return status;
}

gyre_status write_drawn(Life& life) {
    return life.write(life.session, {.n = 12});
}

gyre_status write_greedy(Life& life) {
    return life.write(life.session, {.n = 12, .stop = {"never said", "nor this"}, .greedy = true});
}

gyre_status write_on_host(Life& life) {
    return life.write(life.session, {.n = 6, .on_host = true});
}

// Any letter may begin one of them, so that text is held back.
std::vector<std::string> many_stop_strings() {
    std::vector<std::string> strings;
    for (char c = '@'; c <= '~'; ++c)
        strings.push_back(std::string(1, c) + "##never##");
    return strings;
}

gyre_status write_held_back(Life& life) {
    return life.write(life.session, {.n = 6, .on_host = true, .stop = many_stop_strings()});
}

gyre_status write_to_stop(Life& life) {
    return life.write(life.session, {.n = 20, .on_host = true, .stop = {"a", "e", "i", "o", "r", "s"}});
}

// A prompt in the same call. After an error what is missing of it is fed.
gyre_status write_after_prompt(Life& life) {
    const std::string prompt = "It was a dark night, and the rain fell";
    std::vector<std::uint32_t> tokens(prompt.size());
    std::size_t n = 0;
    GYRE_GO(gyre_model_tokenize(life.model, prompt.data(), prompt.size(), 0, tokens.data(),
                                tokens.size(), &n));
    tokens.resize(n);
    const std::uint32_t in = gyre_session_position(life.session) - life.start;
    if (in == 0) {
        life.held.insert(life.held.end(), tokens.begin(), tokens.end());
        const gyre_status status = life.write(life.session, {.n = 5, .prompt = prompt});
        const std::uint32_t now = gyre_session_position(life.session) - life.start;
        if (now < n) life.held.resize(life.start + now);
        return status;
    }
    if (in < n) {
        GYRE_GO(gyre_session_feed(life.session, tokens.data() + in, n - in));
        life.held.insert(life.held.end(), tokens.begin() + in, tokens.end());
    }
    return life.write(life.session, {.n = 5});
}

gyre_status write_beyond_context(Life& life) {
    return life.write(life.session, {.n = 45});
}

gyre_status write_beyond_context_on_host(Life& life) {
    return life.write(life.session, {.n = 42, .on_host = true});
}

gyre_status feed_beyond_context(Life& life) {
    return life.feed(some_tokens(10, 50));
}

gyre_status sample_and_feed(Life& life) {
    gyre_sampling_options options = GYRE_SAMPLING_OPTIONS_INIT;
    options.temperature = 1.5f;
    std::uint32_t token = 0;
    while (life.step < 3) {
        GYRE_GO(call(gyre_session_sample, life.session, &options, &token));
        GYRE_GO(call(gyre_session_feed, life.session, &token, 1u));
        life.note(token);
        life.held.push_back(token);
        ++life.step;
    }
    return GYRE_OK;
}

gyre_status truncate(Life& life) {
    const auto n = static_cast<std::uint32_t>(life.held.size());
    if (life.step == 0) {
        GYRE_GO(call(gyre_session_truncate, life.session, n - 2));
        life.held.resize(n - 2);
        ++life.step;
    }
    const float* logits = nullptr;
    std::size_t n_logits = 0;
    GYRE_GO(call(gyre_session_logits, life.session, &logits, &n_logits));
    life.note_bits(logits, n_logits);
    return GYRE_OK;
}

gyre_status shift(Life& life) {
    GYRE_GO(call(gyre_session_shift, life.session, 5u, 6u));
    life.held.erase(life.held.begin() + 5, life.held.begin() + 11);
    return GYRE_OK;
}

gyre_status fork(Life& life) {
    if (life.new_session == nullptr) {
        const gyre_status status = call(gyre_session_fork, life.session, &life.new_session);
        if ((life.new_session != nullptr) != (status == GYRE_OK)) life.blame("a fork and an error");
        if (status != GYRE_OK) return status;
    }
    const std::vector<std::uint32_t> before = life.held;
    const gyre_status status = life.write(life.new_session, {.n = 3});
    life.expect_held(life.new_session);
    life.held = before;
    return status;
}

// What both texts begin with stays.
gyre_status set_tokens(Life& life) {
    std::vector<std::uint32_t> text(life.held.begin(), life.held.begin() + 15);
    const std::vector<std::uint32_t> more = some_tokens(50, 12);
    text.insert(text.end(), more.begin(), more.end());
    std::size_t n_kept = 0;
    const gyre_status status =
        call(gyre_session_set_tokens, life.session, text.data(), text.size(), &n_kept);
    const std::size_t n = gyre_session_position(life.session);
    const bool as_before = status != GYRE_OK && n == life.held.size() && life.step == 0;
    if (!as_before) {  // what was kept, and a part of the rest
        ++life.step;
        life.held.assign(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(n, text.size())));
    }
    return status;
}

gyre_status save(Life& life) {
    GYRE_GO(life.save(life.session, life.blob));
    life.note_text(life.blob);
    return GYRE_OK;
}

// A saved session of a shorter text, and a text of another end.
gyre_status prepare_load(Life& life) {
    GYRE_GO(gyre_session_truncate(life.session, life.start - 3));
    life.held.resize(life.start - 3);
    GYRE_GO(life.save(life.session, life.blob));
    GYRE_GO(life.write(life.session, {.n = 4}));
    life.told = 0;
    return GYRE_OK;
}

gyre_status load(Life& life) {
    GYRE_GO(life.load(life.session, life.blob));
    life.held.resize(life.start - 3);
    return GYRE_OK;
}

gyre_status pause(Life& life) {
    GYRE_GO(call(gyre_model_pause, life.model));
    const std::uint32_t told = life.told;
    const gyre_status status = life.write(life.session, {.n = 4});
    const gyre_status resumed = call(gyre_model_resume, life.model);
    if (life.told > told) life.blame("a paused model writes");
    if (status != GYRE_ERROR_PAUSED) return status;
    GYRE_GO(resumed);
    return life.write(life.session, {.n = 4});
}

gyre_status pause_within(Life& life) {
    const Life::Writing writing{
        .n = 7, .on_host = true, .stop = many_stop_strings(), .pause_at = 3};
    const gyre_status status = life.write(life.session, writing);
    const gyre_status resumed = gyre_model_resume(life.model);
    if (status != GYRE_ERROR_PAUSED) return status;
    GYRE_GO(resumed);
    return life.write(life.session, writing);
}

gyre_status reset(Life& life) {
    if (life.step == 0) {
        GYRE_GO(call(gyre_session_reset, life.session));
        life.held.clear();
        ++life.step;
    }
    return life.feed(some_tokens(5, 9));
}

gyre_status numbers(Life& life) {
    gyre_memory memory = GYRE_MEMORY_INIT;
    gyre_timings timings = GYRE_TIMINGS_INIT;
    gyre_counters counters = GYRE_COUNTERS_INIT;
    gyre_traffic traffic = GYRE_TRAFFIC_INIT;
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    GYRE_GO(call(gyre_session_get_memory, life.session, &memory));
    GYRE_GO(call(gyre_session_get_timings, life.session, &timings));
    GYRE_GO(call(gyre_session_get_counters, life.session, &counters));
    GYRE_GO(call(gyre_session_get_traffic, life.session, 5u, &traffic));
    return call(gyre_model_get_device, life.model, &device);
}

// A model with pipelines that have to be written.
gyre_status prepare_end(Life& life) {
    gyre_model_options options = options_of(life, life.options().device.c_str());
    const std::string folder = life.options().cache_dir + "-of-end";
    options.cache_dir = folder.c_str();
    static_cast<void>(unlink((folder + "/pipelines.bin").c_str()));
    const char* path = life.options().model.c_str();
    GYRE_GO(call(gyre_model_open, path, &options, &life.new_model));
    return call(gyre_session_create, life.new_model, nullptr, &life.new_session);
}

// Functions that return no status must do without memory.
gyre_status end(Life& life) {
    const Library here;
    gyre_session_destroy(std::exchange(life.new_session, nullptr));
    gyre_model_destroy(std::exchange(life.new_model, nullptr));
    return GYRE_OK;
}

}  // namespace

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> list = {
        {"read a path", Ground::kNothing, read_path},
        {"read a descriptor", Ground::kNothing, read_descriptor},
        {"read memory", Ground::kNothing, read_memory},
        {"open", Ground::kNothing, open_on_device},
        {"list devices", Ground::kNothing, list_devices},
        {"sample logits", Ground::kNothing, sample_logits},
        {"end", Ground::kNothing, end, prepare_end},
        {"describe", Ground::kFile, describe},
        {"estimate", Ground::kFile, estimate},
        {"create, first", Ground::kNewModel, create, nullptr, 13},
        {"create", Ground::kOldModel, create},
        {"refuse", Ground::kSession, refuse},
        {"numbers", Ground::kSession, numbers},
        {"feed", Ground::kSession, feed_prompt},
        {"feed one", Ground::kSession, feed_one},
        {"feed for logits", Ground::kSession, feed_logits},
        {"profile", Ground::kSession, profile},
        {"write, drawn", Ground::kSession, write_drawn},
        {"write, greedy", Ground::kSession, write_greedy},
        {"write, host", Ground::kSession, write_on_host},
        {"write, held back", Ground::kSession, write_held_back},
        {"write, stopped", Ground::kSession, write_to_stop},
        {"write, prompt", Ground::kSession, write_after_prompt},
        {"sample and feed", Ground::kSession, sample_and_feed},
        {"slide", Ground::kSession, write_beyond_context},
        {"slide, host", Ground::kSession, write_beyond_context_on_host},
        {"slide, feed", Ground::kSession, feed_beyond_context},
        {"truncate", Ground::kSession, truncate},
        {"shift", Ground::kSession, shift},
        {"fork", Ground::kSession, fork},
        {"set tokens", Ground::kSession, set_tokens},
        {"save", Ground::kSession, save},
        {"load", Ground::kSession, load, prepare_load},
        {"pause", Ground::kSession, pause},
        {"pause within", Ground::kSession, pause_within},
        {"reset", Ground::kSession, reset},
        {"cut work", Ground::kCutWork, write_after_prompt},
    };
    return list;
}

}  // namespace gyre::alloc
