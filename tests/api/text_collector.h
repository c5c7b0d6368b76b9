// What one call of gyre_session_generate gave, gathered from its events.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/api/api_support.h"

namespace gyre::test {

struct Collected {
    gyre_status status = GYRE_ERROR_INTERNAL;
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    std::string error;  // gyre_last_error() of the call
    std::vector<std::uint32_t> tokens;
    std::vector<std::string> pieces;  // the text of every event, the last one's with it
    std::string text, bytes;
    std::vector<float> logprobs;
    std::vector<std::vector<gyre_token_logprob>> tops;
    std::size_t n_before = 0;                              // tokens of earlier calls
    bool had_last_event = false;                           // with GYRE_TOKEN_NONE
    std::function<bool(const gyre_token_event&)> watch{};  // false: stop

    static int on_token(const gyre_token_event* event, void* user) {
        auto* self = static_cast<Collected*>(user);
        EXPECT_EQ(event->struct_size, sizeof(gyre_token_event));
        EXPECT_FALSE(self->had_last_event) << "an event after the last one";
        EXPECT_EQ(event->index + self->n_before, self->tokens.size());
        self->pieces.emplace_back(event->text, event->n_text);
        self->text += self->pieces.back();
        self->bytes.append(event->bytes, event->n_bytes);
        if (event->token == GYRE_TOKEN_NONE) {
            self->had_last_event = true;
            EXPECT_EQ(event->n_bytes, 0u);
            EXPECT_GT(event->n_text, 0u);
        } else {
            self->tokens.push_back(event->token);
            self->logprobs.push_back(event->logprob);
            if (event->n_top > 0) {
                self->tops.emplace_back(event->top, event->top + event->n_top);
            } else {
                EXPECT_EQ(event->top, nullptr);
                self->tops.emplace_back();
            }
        }
        return !self->watch || self->watch(*event) ? 1 : 0;
    }

    // options: as they are, but for on_token and user.
    void generate(gyre_session* session, const std::string& prompt, gyre_generate_options options) {
        options.on_token = on_token;
        options.user = this;
        had_last_event = false;
        n_before = tokens.size();
        status = gyre_session_generate(session, prompt.data(), prompt.size(), &options, &result);
        error = status == GYRE_OK ? "" : gyre_last_error();
        EXPECT_EQ(result.n_tokens, tokens.size() - n_before);
    }
};

}  // namespace gyre::test
