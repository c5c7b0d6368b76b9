// Scenarios of models: reading, opening, telling what they are, their end; and what needs none.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <utility>

#include "tests/alloc/scenario_calls.h"

namespace gyre::alloc {
namespace {

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
    return opened(life,
                  call(gyre_model_open, life.options().model.c_str(), &options, &life.new_model));
}

gyre_status read_descriptor(Life& life) {
    const gyre_model_options options = options_of(life, "none");
    const int file = open(life.options().model.c_str(), O_RDONLY | O_CLOEXEC);
    const gyre_status status = call(gyre_model_open_fd, file, 0u, 0u, &options, &life.new_model);
    if (close(file) != 0) life.blame("the descriptor was closed");
    return opened(life, status);
}

gyre_status read_memory(Life& life) {
    const gyre_model_options options = options_of(life, "none");
    std::ifstream file(life.options().model, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const void* data = bytes.data();
    return opened(life,
                  call(gyre_model_open_memory, data, bytes.size(), &options, &life.new_model));
}

gyre_status open_on_device(Life& life) {
    const gyre_model_options options = options_of(life, life.options().device.c_str());
    return opened(life,
                  call(gyre_model_open, life.options().model.c_str(), &options, &life.new_model));
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

// A template with a bit of everything that takes memory.
gyre_status chat(Life& life) {
    const std::string text =
        "{% macro m(a, b='x') %}<{{ a }}{{ b }}>{% endmacro %}{% set ns = namespace(n=0) %}"
        "{% for x in messages if x.role != 'none' %}{% set ns.n = ns.n + 1 %}{{ m(x.content | "
        "upper) }}"
        "{{ x | tojson(indent=1) }}{{ x.content.split(' ') | map('trim') | join('-') }}{{ "
        "x.items() | list }}"
        "{% endfor %}{{ ns.n ~ messages[::-1] ~ nothing }}{% set b %}{{ 'a %s' % 1 }}{% endset "
        "%}{{ b[::-1] }}";
    gyre_chat_options options = GYRE_CHAT_OPTIONS_INIT;
    options.template_text = text.data();
    options.n_template = text.size();
    const gyre_chat_message messages[] = {{"system", "Be kind.", 8},
                                          {"user", "It was a dark night", 19}};
    std::vector<std::uint32_t> tokens(4000);
    std::size_t n = 0;
    GYRE_GO(call(gyre_chat_tokens, life.model, messages, 2u, &options, tokens.data(), tokens.size(),
                 &n));
    for (std::size_t i = 0; i < n; ++i)
        life.note(tokens[i]);
    return GYRE_OK;
}

// Two prompts: of both turns, for which there is no room, and of the last one.
gyre_status chat_fit(Life& life) {
    const std::string text = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
    gyre_chat_options options = GYRE_CHAT_OPTIONS_INIT;
    options.template_text = text.data();
    options.n_template = text.size();
    const gyre_chat_message messages[] = {{"system", "Be kind.", 8},
                                          {"user", "It was a dark night", 19},
                                          {"assistant", "It rained.", 10},
                                          {"user", "And then?", 9}};
    std::vector<std::uint32_t> tokens(40, 9999);
    std::size_t n = 77, n_forgotten = 77;
    const gyre_status status = call(gyre_chat_fit, life.model, messages, 4u, &options, 40u, 4u,
                                    tokens.data(), tokens.size(), &n, &n_forgotten);
    if (status != GYRE_OK && (n != 77 || n_forgotten != 77 || tokens[0] != 9999))
        life.blame("something is written, and an error");
    GYRE_GO(status);
    if (n_forgotten != 2) life.blame("another number of messages");
    for (std::size_t i = 0; i < n; ++i)
        life.note(tokens[i]);
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
    if (life.step == n_keys + 3) {
        GYRE_GO(chat(life));
        ++life.step;
    }
    if (life.step == n_keys + 4) {
        GYRE_GO(chat_fit(life));
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
    const std::function<gyre_status()> calls[] = {
        [&] { return call(gyre_model_detokenize, life.model, tokens, 1u, nullptr, 0u, &n); },
        [&] { return call(gyre_model_metadata, life.model, "no such key", nullptr, 0u, &n); },
        [&] { return call(gyre_model_get_token, life.model, 1u << 30, &info); },
        [&] {
            return call(gyre_chat_fit, life.model, nullptr, 0u, nullptr, 0u, 0u, nullptr, 0u, &n,
                        nullptr);
        },
        [&] { return call(gyre_session_truncate, life.session, 1000u); },
        [&] { return call(gyre_session_shift, life.session, 1000u, 1u); },
        [&] { return call(gyre_session_feed, life.session, tokens, 1u); },
        [&] { return call(gyre_sample, nullptr, 1u, nullptr, 0u, 0u, nullptr, &token); }};
    for (const auto& refused : calls) {
        const gyre_status status = refused();
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

const std::vector<Scenario>& model_scenarios() {
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
        {"refuse", Ground::kSession, refuse},
    };
    return list;
}

}  // namespace gyre::alloc
