// gyre.hpp as a program of any C++ since 17 sees it: every member, compiled with all warnings.
// SPDX-License-Identifier: Apache-2.0
#include "gyre/gyre.hpp"

#include <array>
#include <iterator>
#include <string>
#include <vector>

#if __cplusplus >= 202002L
#include <span>
#endif

static_assert(!std::is_copy_constructible_v<gyre::model>);
static_assert(std::is_nothrow_move_constructible_v<gyre::model>);
static_assert(!std::is_copy_constructible_v<gyre::session>);
static_assert(std::is_nothrow_move_constructible_v<gyre::session>);
static_assert(std::is_base_of_v<std::runtime_error, gyre::error>);

// Never called: it is enough that it compiles.
std::size_t gyre_test_use_every_member(const std::string& path);
std::size_t gyre_test_use_every_member(const std::string& path) {
    std::size_t n = 0;
    for (const gyre::device& device : gyre::devices())
        n += device.name.size();

    gyre::model_options options;
    options.progress = [&](const char* stage, double) { return stage != nullptr; };
    gyre::model model(path, options);
    model = gyre::model::from_fd(3, 0, 0);
    model = gyre::model::from_memory(path.data(), path.size(), options);
    n += model.info().n_vocab + model.device().index + model.metadata_keys().size();
    n += model.metadata("general.name").size();

    const std::array<gyre::token, 2> array{1, 2};
    const std::vector<gyre::token> ids = model.tokenize("text", true);
    n += model.detokenize(ids).size() + model.detokenize(array).size() +
         model.detokenize({1, 2}).size();
#if __cplusplus >= 202002L
    n += model.detokenize(std::span<const gyre::token>(ids)).size();
#endif
    gyre::chat_options chat;
    chat.template_text = "{{ messages }}";
    n +=
        model.chat_text({{"user", "Hi"}}).size() + model.chat_tokens({{"user", "Hi"}}, chat).size();
    std::vector<gyre::chat_message> messages = {{"user", "Hi"}};
    n += model.chat_fit(messages, 100).size() + model.chat_fit(messages, 100, 20, chat).size();
    n += model.has_chat_template() ? 1 : 0;

    gyre::session_options session_options;
    session_options.progress = options.progress;
    gyre::session session(model, session_options);
    session.feed({1, 2, 3});
    n += session.logits().size() + session.sample();
    gyre::sampling sampling;
    sampling.allow = [](std::uint32_t* mask, std::size_t count) {
        return count > 0 && mask != nullptr;
    };
    sampling.bias.push_back({1, -1.0f});
    n += session.sample(sampling);
    gyre::generate_options generate;
    generate.sampling = sampling;
    generate.stop = {"\n"};
    n += session
             .generate("text", generate,
                       [](const gyre::token_event& event) {
                           return event.text.empty() || event.top.empty();
                       })
             .n_tokens;
    for (const std::string& piece : session.write("text", generate))
        n += piece.size();
    gyre::text_range range = session.write("text");
    n += static_cast<std::size_t>(std::distance(range.begin(), range.end()));
    n += range.result().n_tokens;
    n += session.held_tokens().size() + session.set_tokens(ids) + session.position() +
         session.n_ctx();
    session.truncate(1);
    session.shift(0, 1);
    gyre::session other = session.fork();
    other.save([](const void* bytes, std::size_t count) { return bytes != nullptr && count > 0; });
    other.load([](void* bytes, std::size_t count) { return bytes != nullptr && count > 0; });
    other.cancel();
    other.reset();
    model.pause();
    model.resume();
    return n;
}
