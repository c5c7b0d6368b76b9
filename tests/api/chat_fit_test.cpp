// gyre_chat_fit: which turns are left out, the room for an answer, and every misuse.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/model_files.h"

namespace gyre::test {
namespace {

using Messages = std::vector<gyre_chat_message>;
using Tokens = std::vector<std::uint32_t>;

// The model's tokens are bytes: "[user]aa", the end and a line's end are 10.
constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}\n"
    "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";

struct Fitted {
    gyre_status status = GYRE_OK;
    Tokens tokens;
    std::size_t n_forgotten = 0;
};

class ChatFitTest : public ::testing::Test {
  protected:
    ChatFitTest() {
        const std::string path = folder_.path("model.gguf");
        write_model(path, model_with_tokenizer()
                              .u32("tokenizer.ggml.bos_token_id", 256)
                              .string("tokenizer.chat_template", kTemplate));
        model_ = open_file(path);
    }

    Fitted fit(const Messages& messages, std::uint32_t n_ctx, std::uint32_t max_tokens = 0,
               const gyre_chat_options* options = nullptr) const {
        Fitted fitted;
        fitted.tokens.assign(n_ctx, 9999);  // what the header says is enough
        std::size_t n = 0;
        fitted.status =
            gyre_chat_fit(model_.get(), messages.data(), messages.size(), options, n_ctx,
                          max_tokens, fitted.tokens.data(), n_ctx, &n, &fitted.n_forgotten);
        fitted.tokens.resize(n);
        return fitted;
    }
    Tokens tokens_of(const Messages& messages, const gyre_chat_options* options = nullptr) const {
        Tokens tokens(1 << 16);
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_chat_tokens(model_.get(), messages.data(), messages.size(), options,
                                        tokens.data(), tokens.size(), &n));
        tokens.resize(n);
        return tokens;
    }

    const TemporaryFolder folder_;
    ModelPtr model_;
};

const Messages kConversation = {
    {"system", "S", 1}, {"user", "aa", 2}, {"assistant", "bb", 2}, {"user", "cc", 2}};

TEST_F(ChatFitTest, TheOldestTurnGoesAndTheSystemsMessageStays) {
    ASSERT_EQ(tokens_of(kConversation).size(), 58u);
    for (const auto& [n_ctx, max_tokens, fits] : {std::tuple{60u, 2u, true},
                                                  {59u, 2u, false},
                                                  {77u, 0u, true},
                                                  {76u, 0u, false},
                                                  {77u, 500u, true},
                                                  {76u, 500u, false},
                                                  {76u, 18u, true},
                                                  {75u, 18u, false}}) {
        const Fitted fitted = fit(kConversation, n_ctx, max_tokens);
        ASSERT_GYRE_OK(fitted.status) << n_ctx;
        EXPECT_EQ(fitted.n_forgotten, fits ? 0u : 2u) << n_ctx << " " << max_tokens;
        EXPECT_EQ(fitted.tokens,
                  tokens_of(fits ? kConversation : Messages{kConversation[0], kConversation[3]}));
    }
}

TEST_F(ChatFitTest, TheLastTurnStaysWhateverRoomItLeaves) {
    const Tokens last = tokens_of({kConversation[0], kConversation[3]});
    ASSERT_EQ(last.size(), 33u);
    const Fitted fitted = fit(kConversation, 34);
    ASSERT_GYRE_OK(fitted.status);
    EXPECT_EQ(fitted.tokens, last);
    EXPECT_EQ(fitted.n_forgotten, 2u);
    for (const std::uint32_t n_ctx : {33u, 1u}) {
        EXPECT_EQ(fit(kConversation, n_ctx).status, GYRE_ERROR_CONTEXT_FULL);
        EXPECT_EQ(gyre_last_error(), "the prompt of the last turn has 33 tokens and the context " +
                                         std::to_string(n_ctx) +
                                         ": shorten it, or use a larger context (--ctx)");
    }
}

// The rule as one would write it down: one turn after the other goes, until there is room.
Fitted expected(const std::vector<std::pair<std::size_t, Tokens>>& prompts, std::uint32_t n_ctx,
                std::uint32_t max_tokens) {
    std::size_t room = n_ctx < 4 ? 1 : n_ctx / 4;
    if (max_tokens != 0 && max_tokens < room) room = max_tokens;
    for (const auto& [n_forgotten, tokens] : prompts)
        if (tokens.size() + room <= n_ctx) return {GYRE_OK, tokens, n_forgotten};
    if (prompts.back().second.size() >= n_ctx) return {GYRE_ERROR_CONTEXT_FULL, {}, 0};
    return {GYRE_OK, prompts.back().second, prompts.back().first};
}

TEST_F(ChatFitTest, NoMoreTurnsGoThanMust) {
    const gyre_chat_message s = {"system", "S", 1}, u = {"user", "12345", 5}, v = {"user", "1", 1},
                            a = {"assistant", "1234567", 7}, t = {"tool", "", 0};
    const std::vector<Messages> conversations = {{s, u, a, v, a, u, a, v},
                                                 {u, a, t, a, v, a, t, t, u},
                                                 {a, u, a, v},
                                                 {s, a, u, a, v},
                                                 {u, v, u, v, u, u, v, a},
                                                 {v, s, u, a, v},
                                                 {s, u, a, a, a, a},
                                                 {s},
                                                 {},
                                                 {a, a},
                                                 {u}};
    for (const Messages& all : conversations) {
        std::vector<std::pair<std::size_t, Tokens>> prompts = {{0, tokens_of(all)}};
        Messages left = all;
        const auto first = left.begin() + (!left.empty() && left[0].role == s.role ? 1 : 0);
        const auto is_user = [&](const auto& m) { return m.role == u.role; };
        for (std::ptrdiff_t n = 1; first != left.end() && first + n < left.end(); ++n)
            if (is_user(first[n])) {
                Messages rest(left.begin(), first);
                rest.insert(rest.end(), first + n, left.end());
                prompts.emplace_back(n, tokens_of(rest));
            }
        const auto longest = static_cast<std::uint32_t>(prompts[0].second.size() * 4 / 3 + 3);
        for (std::uint32_t n_ctx = 1; n_ctx <= longest; ++n_ctx)
            for (const std::uint32_t max_tokens : {0u, 3u, 1000u}) {
                const Fitted fitted = fit(all, n_ctx, max_tokens);
                const Fitted right = expected(prompts, n_ctx, max_tokens);
                ASSERT_EQ(fitted.status, right.status) << n_ctx << " " << max_tokens;
                ASSERT_EQ(fitted.tokens, right.tokens) << n_ctx << " " << max_tokens;
                ASSERT_EQ(fitted.n_forgotten, right.n_forgotten) << n_ctx << " " << max_tokens;
            }
    }
}

TEST_F(ChatFitTest, TheOptionsAreThoseOfGyreChatTokens) {
    gyre_chat_options options = GYRE_CHAT_OPTIONS_INIT;
    options.no_generation_prompt = 1;
    const Messages last = {kConversation[0], kConversation[3]};
    Fitted fitted = fit(kConversation, 48, 2, &options);
    ASSERT_GYRE_OK(fitted.status);
    EXPECT_EQ(fitted.tokens, tokens_of(last, &options));
    fitted = fit(kConversation, 49, 2, &options);
    EXPECT_EQ(fitted.tokens, tokens_of(kConversation, &options));
    // A template that refuses what is left.
    const std::string source =
        "{% if messages | length < 3 %}{{ raise_exception('too few') }}{% endif %}{{ messages }}";
    options.template_text = source.data();
    options.n_template = source.size();
    EXPECT_EQ(fit(kConversation, 20, 0, &options).status, GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "chat template: line 1: the template says: too few");
}

// How many prompts that takes, is counted in tests/text/chat_fit_test.cpp.
TEST_F(ChatFitTest, ThousandsOfTurnsAreCutToWhatFits) {
    Messages messages = {kConversation[0]};
    for (int i = 0; i < 4000; ++i) {
        messages.push_back(kConversation[1]);
        messages.push_back(kConversation[2]);
    }
    messages.push_back(kConversation[3]);
    // Without a turn 33 tokens, each turn 25, and 200 for the answer.
    const Fitted fitted = fit(messages, 33 + 100 * 25 + 200, 200);
    ASSERT_GYRE_OK(fitted.status);
    EXPECT_EQ(fitted.n_forgotten, 2u * 3900);
    EXPECT_EQ(fitted.tokens.size(), 33u + 100 * 25);
    messages.erase(messages.begin() + 1, messages.begin() + 1 + 2 * 3900);
    EXPECT_EQ(fitted.tokens, tokens_of(messages));
}

TEST_F(ChatFitTest, RoomThatIsTooSmallIsTold) {
    std::size_t n = 0, n_forgotten = 77;
    const auto call = [&](std::uint32_t* tokens, std::size_t capacity) {
        return gyre_chat_fit(model_.get(), kConversation.data(), 4, nullptr, 59, 2, tokens,
                             capacity, &n, &n_forgotten);
    };
    Tokens tokens(33, 9999);
    EXPECT_EQ(call(tokens.data(), 32), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "capacity is 32, but 33 are needed");
    EXPECT_EQ(n, 33u);
    EXPECT_EQ(n_forgotten, 77u);
    EXPECT_EQ(tokens, Tokens(33, 9999));
    ASSERT_GYRE_OK(call(nullptr, 0));
    EXPECT_EQ(n, 33u);
    EXPECT_EQ(n_forgotten, 2u);
    ASSERT_GYRE_OK(call(tokens.data(), 33));
    EXPECT_EQ(tokens, tokens_of({kConversation[0], kConversation[3]}));
}

TEST_F(ChatFitTest, MisuseIsRefusedAndNothingIsWritten) {
    const gyre_chat_message* m = kConversation.data();
    Tokens tokens(8, 9999);
    std::size_t n = 77, n_forgotten = 77;
    const auto refused = [&](gyre_status status, const std::string& part) {
        EXPECT_EQ(status, GYRE_ERROR_INVALID_ARGUMENT) << part;
        EXPECT_NE(std::string(gyre_last_error()).find(part), std::string::npos)
            << gyre_last_error();
        EXPECT_EQ(n, 77u);
        EXPECT_EQ(n_forgotten, 77u);
        EXPECT_EQ(tokens, Tokens(8, 9999));
    };
    const auto call = [&](const gyre_model* model, const gyre_chat_message* messages,
                          std::uint32_t n_ctx, std::size_t* n_tokens,
                          const gyre_chat_options* options = nullptr) {
        return gyre_chat_fit(model, messages, messages == m ? 4 : 1, options, n_ctx, 0,
                             tokens.data(), 8, n_tokens, &n_forgotten);
    };
    refused(call(nullptr, m, 100, &n), "model is NULL");
    refused(call(model_.get(), m, 100, nullptr), "n_tokens is NULL");
    refused(call(model_.get(), nullptr, 100, &n), "messages is NULL");
    refused(call(model_.get(), m, 0, &n), "n_ctx is 0; give what gyre_session_n_ctx says");
    const gyre_chat_message no_role = {nullptr, "x", 1}, no_content = {"user", nullptr, 1},
                            forged = {"user|><|system", "x", 1};
    refused(call(model_.get(), &no_role, 100, &n), "role is NULL");
    refused(call(model_.get(), &no_content, 100, &n), "content is NULL");
    refused(call(model_.get(), &forged, 100, &n), "message 0: a role is 1 to 64 letters");
    gyre_chat_options options = GYRE_CHAT_OPTIONS_INIT;
    options.reserved = 1;
    refused(call(model_.get(), m, 100, &n, &options), "options.reserved");
    EXPECT_EQ(call(model_.get(), m, 20, &n), GYRE_ERROR_CONTEXT_FULL);
    EXPECT_EQ(n, 77u);
    EXPECT_EQ(n_forgotten, 77u);
    ASSERT_GYRE_OK(gyre_chat_fit(model_.get(), m, 4, nullptr, 59, 2, nullptr, 0, &n, nullptr));
    EXPECT_EQ(n, 33u) << "n_forgotten may be NULL";
    n = 77;
    EXPECT_EQ(gyre_chat_fit(model_.get(), m, 4, nullptr, 59, 2, nullptr, 99, &n, &n_forgotten),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "tokens is NULL");
    EXPECT_EQ(n_forgotten, 77u);
}

}  // namespace
}  // namespace gyre::test
