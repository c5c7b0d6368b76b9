// Scenarios of text that is written on: by the device, by the host, up to a stop string, beyond the
// context and around a pause.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>

#include "tests/alloc/scenario_calls.h"

namespace gyre::alloc {
namespace {

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
    return life.write(life.session,
                      {.n = 20, .on_host = true, .stop = {"a", "e", "i", "o", "r", "s"}});
}

const char* const kPrompt = "It was a dark night, and the rain fell";

gyre_status tokens_of_prompt(const Life& life, std::vector<std::uint32_t>& tokens) {
    const std::size_t n_bytes = std::string_view(kPrompt).size();
    tokens.resize(n_bytes);
    std::size_t n = 0;
    GYRE_GO(gyre_model_tokenize(life.model, kPrompt, n_bytes, 0, tokens.data(), n_bytes, &n));
    tokens.resize(n);
    return GYRE_OK;
}

// A prompt in the same call. After an error what is missing of it is fed.
gyre_status write_after_prompt(Life& life) {
    std::vector<std::uint32_t> tokens;
    GYRE_GO(tokens_of_prompt(life, tokens));
    const auto n = static_cast<std::uint32_t>(tokens.size());
    const std::uint32_t in = gyre_session_position(life.session) - life.start;
    if (in == 0) {
        life.held.insert(life.held.end(), tokens.begin(), tokens.end());
        const gyre_status status = life.write(life.session, {.n = 5, .prompt = kPrompt});
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

// A pause in front of a prompt. The next call, with an empty one, goes on with it, and so does one
// after that, where there was no memory.
gyre_status prepare_prompt(Life& life) {
    GYRE_GO(gyre_model_pause(life.model));
    const gyre_status status = life.write(life.session, {.n = 4, .prompt = kPrompt});
    GYRE_GO(gyre_model_resume(life.model));
    if (status != GYRE_ERROR_PAUSED) life.blame("a paused model computes");
    return GYRE_OK;
}

gyre_status go_on_with_prompt(Life& life) {
    std::vector<std::uint32_t> tokens;
    GYRE_GO(tokens_of_prompt(life, tokens));
    if (life.told == 0) {
        life.held.resize(life.start);
        life.held.insert(life.held.end(), tokens.begin(), tokens.end());
    }
    const gyre_status status = life.write(life.session, {.n = 4});
    if (life.told == 0) life.held.resize(gyre_session_position(life.session));
    return status;
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

}  // namespace

const std::vector<Scenario>& text_scenarios() {
    static const std::vector<Scenario> list = {
        {"write, drawn", Ground::kSession, write_drawn},
        {"write, greedy", Ground::kSession, write_greedy},
        {"write, host", Ground::kSession, write_on_host},
        {"write, held back", Ground::kSession, write_held_back},
        {"write, stopped", Ground::kSession, write_to_stop},
        {"write, prompt", Ground::kSession, write_after_prompt},
        {"slide", Ground::kSession, write_beyond_context},
        {"slide, host", Ground::kSession, write_beyond_context_on_host},
        {"pause", Ground::kSession, pause},
        {"pause within", Ground::kSession, pause_within},
        {"pause, prompt", Ground::kSession, go_on_with_prompt, prepare_prompt},
        {"cut work", Ground::kCutWork, write_after_prompt},
    };
    return list;
}

}  // namespace gyre::alloc
