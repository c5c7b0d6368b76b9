// gyre.hpp: what its objects add to the C API: errors, callbacks that throw, text as a range.
// SPDX-License-Identifier: Apache-2.0
#include "gyre/gyre.hpp"

#include <cstring>
#include <stdexcept>
#include <string>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

class HppTest : public ApiDeviceTest {
  protected:
    static model open() {
        model_options options;
        options.cache_dir = "";
        options.tuning = false;
        return model(golden_path("text"), options);
    }
    static generate_options greedy(std::uint32_t n) {
        generate_options options;
        options.sampling.temperature = 0.0f;
        options.max_tokens = n;
        options.ignore_eos = true;
        return options;
    }
    static std::string written(session& session, std::string_view prompt, std::uint32_t n) {
        std::string text;
        session.generate(prompt, greedy(n), [&](const token_event& event) {
            text += event.text;
            return true;
        });
        return text;
    }
    static std::string all_of(text_range range) {
        std::string text;
        for (const std::string& piece : range)
            text += piece;
        return text;
    }
};

TEST_F(HppTest, ErrorsHaveStatusAndText) {
    try {
        model("/no/such/file.gguf");
        FAIL() << "it opened";
    } catch (const error& e) {
        EXPECT_EQ(e.status(), GYRE_ERROR_BAD_FILE);
        EXPECT_NE(std::string(e.what()).find("/no/such/file.gguf"), std::string::npos);
    }
    EXPECT_THROW(open().detokenize({0xfffffff0u}), error);
}

TEST_F(HppTest, TokensAndTextComeBack) {
    const model model = open();
    const std::vector<token> ids = model.tokenize("ab cd");
    EXPECT_FALSE(ids.empty());
    EXPECT_EQ(model.detokenize(ids), "ab cd");
    EXPECT_TRUE(model.tokenize("").empty());
    EXPECT_EQ(model.metadata("general.architecture"), "gpt2");
    EXPECT_THROW(model.metadata("no.such.key"), error);
}

TEST_F(HppTest, WhatAPromptHasNoRoomForIsErased) {
    const model model = open();
    chat_options options;
    options.template_text = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
    const std::vector<chat_message> all = {
        {"system", "S"}, {"user", "one"}, {"assistant", "1"}, {"user", "two"}};
    const std::vector<chat_message> last = {all[0], all[3]};
    const std::vector<token> whole = model.chat_tokens(all, options);
    const auto n_ctx = static_cast<std::uint32_t>(whole.size()) + 5;
    const auto contents = [](const std::vector<chat_message>& messages) {
        std::string text;
        for (const chat_message& message : messages)
            text += message.content + ";";
        return text;
    };
    std::vector<chat_message> messages = all;
    EXPECT_EQ(model.chat_fit(messages, n_ctx, 5, options), whole);
    EXPECT_EQ(contents(messages), "S;one;1;two;");
    EXPECT_EQ(model.chat_fit(messages, n_ctx, 6, options), model.chat_tokens(last, options));
    EXPECT_EQ(contents(messages), "S;two;");
    messages = {all[1], all[2], all[3]};
    EXPECT_EQ(model.chat_fit(messages, n_ctx / 2, 0, options),
              model.chat_tokens({all[3]}, options));
    EXPECT_EQ(contents(messages), "two;");
    messages = all;
    try {
        static_cast<void>(model.chat_fit(messages, 3, 0, options));
        FAIL() << "it fits";
    } catch (const error& e) {
        EXPECT_EQ(e.status(), GYRE_ERROR_CONTEXT_FULL);
    }
    EXPECT_EQ(contents(messages), "S;one;1;two;");
    messages.clear();
    EXPECT_TRUE(model.chat_fit(messages, 3, 0, options).empty());
}

TEST_F(HppTest, ARangeHasTheTextOfACall) {
    const model model = open();
    session a(model), b(model);
    const std::string expected = written(a, "ab", 12);
    ASSERT_FALSE(expected.empty());
    EXPECT_EQ(all_of(b.write("ab", greedy(12))), expected);
    EXPECT_EQ(a.held_tokens(), b.held_tokens());
}

// Catches: a thread that goes on, a cancel that is left for the next call.
TEST_F(HppTest, ARangeThatIsLeftEndsAndTheSessionGoesOn) {
    const model model = open();
    session session(model);
    for (const std::string& piece : session.write("ab", greedy(100))) {
        EXPECT_FALSE(piece.empty());
        break;
    }
    EXPECT_LT(session.position(), session.n_ctx());
    const std::uint32_t before = session.position();
    EXPECT_FALSE(written(session, "", 4).empty());
    EXPECT_EQ(session.position(), before + 4);
}

TEST_F(HppTest, WhatFailsInARangeComesOutOfIt) {
    const model model = open();
    session session(model);
    generate_options options = greedy(4);
    options.sampling.top_p = 7.0f;
    auto range = session.write("ab", options);
    EXPECT_THROW(range.begin(), error);
}

TEST_F(HppTest, ExceptionsOfCallbacksComeOut) {
    const model model = open();
    session session(model);
    const auto thrower = [](const token_event& event) -> bool {
        if (event.index == 2) throw std::domain_error("of the callback");
        return true;
    };
    EXPECT_THROW(session.generate("ab", greedy(8), thrower), std::domain_error);
    EXPECT_FALSE(written(session, "", 2).empty()) << "the session goes on";

    model_options options;
    options.progress = [](const char*, double) -> bool { throw std::length_error("of progress"); };
    EXPECT_THROW(gyre::model(golden_path("text"), options), std::length_error);

    sampling sampling;
    sampling.allow = [](std::uint32_t*, std::size_t) -> bool {
        throw std::range_error("of allow");
    };
    EXPECT_THROW(session.sample(sampling), std::range_error);
}

TEST_F(HppTest, StopStringsAllowAndBiasReachTheLibrary) {
    const model model = open();
    session session(model);
    std::vector<std::string> pieces;
    for (const std::string& piece : session.write("ab", greedy(12))) {
        pieces.push_back(piece);
    }
    ASSERT_GE(pieces.size(), 3u);
    session.reset();
    generate_options options = greedy(12);
    options.stop = {pieces[1]};
    const gyre_generate_result stopped = session.generate("ab", options);
    EXPECT_EQ(stopped.stop_reason, GYRE_STOP_STRING);

    sampling only;
    only.allow = [](std::uint32_t* mask, std::size_t n_tokens) {
        std::memset(mask, 0, (n_tokens + 31) / 32 * 4);
        mask[2] = 1u << 5;
        return true;
    };
    EXPECT_EQ(session.sample(only), 69u);
    sampling biased;
    biased.temperature = 0.0f;
    biased.bias = {{70, 1e4f}};
    EXPECT_EQ(session.sample(biased), 70u);
}

TEST_F(HppTest, ASavedSessionGoesOnAlike) {
    const model model = open();
    session first(model), second(model);
    first.feed(model.tokenize("ab cd ef"));
    std::string saved;
    first.save([&](const void* bytes, std::size_t n) {
        saved.append(static_cast<const char*>(bytes), n);
        return true;
    });
    std::size_t at = 0;
    second.load([&](void* bytes, std::size_t n) {
        if (saved.size() - at < n) return false;
        std::memcpy(bytes, saved.data() + at, n);
        at += n;
        return true;
    });
    EXPECT_EQ(written(second, "", 8), written(first, "", 8));
    EXPECT_THROW(first.save([](const void*, std::size_t) -> bool { throw std::domain_error("x"); }),
                 std::domain_error);
}

TEST_F(HppTest, ModelsFromMemoryAndForksAreModelsAndSessions) {
    const std::string bytes = read_file(golden_path("text"));
    model_options options;
    options.cache_dir = "";
    options.tuning = false;
    const model model = gyre::model::from_memory(bytes.data(), bytes.size(), options);
    session session(model);
    session.feed(model.tokenize("ab"));
    gyre::session copy = session.fork();
    EXPECT_EQ(copy.held_tokens(), session.held_tokens());
    EXPECT_EQ(copy.set_tokens(session.held_tokens()), session.position()) << "all was kept";
    EXPECT_EQ(written(copy, "", 6), written(session, "", 6));
}

}  // namespace
}  // namespace gyre::test
