// Bias, allow and log-probabilities through gyre.h: what the model says, and what the caller makes
// of it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/text_collector.h"

namespace gyre::test {
namespace {

using Tokens = std::vector<std::uint32_t>;

constexpr std::uint32_t kChoices = 301;  // tokens of the golden model "text"

class SamplingRulesTest : public ApiDeviceTest {
  protected:
    void SetUp() override {
        ApiDeviceTest::SetUp();
        model_ = open_model(golden_path("text"));
        ASSERT_NE(model_, nullptr);
        session_ = create_session(model_.get());
        sampling_.temperature = 0;
        options_.sampling = &sampling_;
        options_.max_tokens = 12;
        options_.ignore_eos = 1;
    }
    void TearDown() override {
        session_.reset();
        model_.reset();
        ApiDeviceTest::TearDown();
    }
    Collected generate(gyre_session* session, const std::string& prompt = "Hello") {
        Collected text;
        text.generate(session, prompt, options_);
        return text;
    }
    Collected generate_anew() {
        EXPECT_GYRE_OK(gyre_session_reset(session_.get()));
        return generate(session_.get());
    }
    static std::vector<float> logits(gyre_session* session) {
        const float* values = nullptr;
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_session_logits(session, &values, &n));
        return values == nullptr ? std::vector<float>{} : std::vector<float>(values, values + n);
    }

    ModelPtr model_;
    SessionPtr session_;
    gyre_sampling_options sampling_ = GYRE_SAMPLING_OPTIONS_INIT;
    gyre_generate_options options_ = GYRE_GENERATE_OPTIONS_INIT;
};

// The host chooses where there is a bias: one that changes nothing must change nothing.
TEST_F(SamplingRulesTest, BiasOfNothingGivesTheSameText) {
    const gyre_logit_bias none[] = {{0, 0.0f}};
    for (const float temperature : {0.0f, 2.0f}) {
        sampling_.temperature = temperature;
        sampling_.bias = nullptr;
        sampling_.n_bias = 0;
        const Collected plain = generate_anew();
        ASSERT_GYRE_OK(plain.status);
        sampling_.bias = none;
        sampling_.n_bias = 1;
        const Collected biased = generate_anew();
        ASSERT_GYRE_OK(biased.status);
        EXPECT_EQ(biased.tokens, plain.tokens);
        EXPECT_EQ(biased.text, plain.text);
    }
}

TEST_F(SamplingRulesTest, BiasMakesAndForbids) {
    const Collected plain = generate_anew();
    const gyre_logit_bias wanted[] = {{77, 1e6f}};
    sampling_.bias = wanted;
    sampling_.n_bias = 1;
    EXPECT_EQ(generate_anew().tokens, Tokens(12, 77));
    std::vector<gyre_logit_bias> never;
    Tokens forbidden = plain.tokens;
    std::sort(forbidden.begin(), forbidden.end());
    forbidden.erase(std::unique(forbidden.begin(), forbidden.end()), forbidden.end());
    for (const std::uint32_t token : forbidden)
        never.push_back({token, -std::numeric_limits<float>::infinity()});
    sampling_.bias = never.data();
    sampling_.n_bias = never.size();
    const Collected other = generate_anew();
    ASSERT_GYRE_OK(other.status);
    for (const std::uint32_t token : other.tokens)
        EXPECT_FALSE(std::binary_search(forbidden.begin(), forbidden.end(), token)) << token;
}

TEST_F(SamplingRulesTest, BiasThatIsRefusedChangesNothing) {
    const float inf = std::numeric_limits<float>::infinity();
    struct Case {
        std::vector<gyre_logit_bias> bias;
        const char* text;
    };
    const Case cases[] = {{{{kChoices, 1.0f}}, "token 301, but there are 301"},
                          {{{5, std::nanf("")}}, "bias of token 5 is NaN"},
                          {{{5, inf}}, "bias of token 5 is infinity"},
                          {{{5, 1.0f}, {6, 1.0f}, {5, 2.0f}}, "token 5 twice"}};
    for (const Case& c : cases) {
        sampling_.bias = c.bias.data();
        sampling_.n_bias = c.bias.size();
        const Collected text = generate(session_.get());
        EXPECT_EQ(text.status, GYRE_ERROR_INVALID_ARGUMENT);
        EXPECT_NE(text.error.find(c.text), std::string::npos) << text.error;
        EXPECT_EQ(gyre_session_position(session_.get()), 0u);
    }
    sampling_.bias = nullptr;
    EXPECT_EQ(generate(session_.get()).error, "bias is NULL");
}

// A rule as grammars are: what may come depends on what came.
struct Alternating {
    gyre_session* session;
    std::size_t n_prompt;
    int calls = 0;
    int stop_at = -1;

    static int allow(std::uint32_t* mask, std::size_t n_tokens, void* user) {
        auto* self = static_cast<Alternating*>(user);
        if (self->calls++ == self->stop_at) return 0;
        EXPECT_EQ(n_tokens, kChoices);
        // The session tells what it holds, and does nothing else meanwhile.
        std::size_t n = 0;
        EXPECT_GYRE_OK(gyre_session_tokens(self->session, nullptr, 0, &n));
        EXPECT_EQ(n, gyre_session_position(self->session));
        EXPECT_EQ(gyre_session_reset(self->session), GYRE_ERROR_INVALID_ARGUMENT);
        const std::uint32_t keep = n % 2 == 0 ? 0x55555555u : 0xaaaaaaaau;
        for (std::size_t w = 0; w < (n_tokens + 31) / 32; ++w)
            mask[w] &= keep;
        return 1;
    }
};

TEST_F(SamplingRulesTest, AllowSeesTheTextAndIsObeyed) {
    for (const float temperature : {0.0f, 5.0f}) {
        sampling_.temperature = temperature;
        sampling_.top_k = 0;
        ASSERT_GYRE_OK(gyre_session_reset(session_.get()));
        Alternating rule{session_.get(), 0};
        sampling_.allow = Alternating::allow;
        sampling_.allow_user = &rule;
        const Collected text = generate(session_.get());
        ASSERT_GYRE_OK(text.status);
        EXPECT_EQ(text.tokens.size(), 12u);
        EXPECT_EQ(rule.calls, 12);
        std::size_t n = text.result.n_prompt_tokens;
        for (const std::uint32_t token : text.tokens)
            EXPECT_EQ(token % 2, n++ % 2) << "the mask was not obeyed";
    }
}

TEST_F(SamplingRulesTest, AllowStopsTheTextWhereItStands) {
    const Collected whole = generate_anew();
    Alternating rule{session_.get(), 0};
    rule.stop_at = 3;
    sampling_.allow = Alternating::allow;
    sampling_.allow_user = &rule;
    const Collected text = generate_anew();
    ASSERT_GYRE_OK(text.status);
    EXPECT_EQ(text.result.stop_reason, GYRE_STOP_CALLBACK);
    EXPECT_EQ(text.tokens.size(), 3u);
    EXPECT_EQ(gyre_session_position(session_.get()), text.result.n_prompt_tokens + 3);
    rule.calls = rule.stop_at;
    std::uint32_t token = 5;
    EXPECT_EQ(gyre_session_sample(session_.get(), &sampling_, &token), GYRE_ERROR_CANCELLED);
    EXPECT_EQ(token, 5u);
    ASSERT_GYRE_OK(gyre_session_sample(session_.get(), &sampling_, &token));
    EXPECT_EQ(token % 2, gyre_session_position(session_.get()) % 2);
}

TEST_F(SamplingRulesTest, AllowThatLeavesNoneEndsWithTheTextSoFar) {
    int calls = 0;
    sampling_.allow_user = &calls;
    sampling_.allow = [](std::uint32_t* mask, std::size_t n_tokens, void* user) {
        if (++*static_cast<int*>(user) == 3) std::fill_n(mask, (n_tokens + 31) / 32, 0u);
        return 1;
    };
    const Collected text = generate_anew();
    EXPECT_EQ(text.status, GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(text.error.rfind("allow leaves no token", 0), 0u) << text.error;
    EXPECT_EQ(text.result.stop_reason, GYRE_STOP_ERROR);
    EXPECT_EQ(text.tokens.size(), 2u);
    EXPECT_EQ(gyre_session_position(session_.get()), text.result.n_prompt_tokens + 2);
}

// Of every token, by the definition, from logits that gyre_session_logits gives.
TEST_F(SamplingRulesTest, LogProbabilitiesAreThoseOfTheModelsLogits) {
    // What is chosen is made unlikely, so that nothing but the model's own logits can pass.
    const gyre_logit_bias bias[] = {{9, 3.0f}};
    sampling_.temperature = 3.0f;
    sampling_.repeat_penalty = 1.3f;
    sampling_.bias = bias;
    sampling_.n_bias = 1;
    options_.logprobs = 1;
    options_.n_top = 5;
    const Collected text = generate_anew();
    ASSERT_GYRE_OK(text.status);
    ASSERT_EQ(text.tokens.size(), 12u);

    const SessionPtr other = create_session(model_.get());
    Tokens prompt(16);
    std::size_t n = 0;
    ASSERT_GYRE_OK(gyre_model_tokenize(model_.get(), "Hello", 5, 0, prompt.data(), 16, &n));
    ASSERT_GYRE_OK(gyre_session_feed(other.get(), prompt.data(), n));
    for (std::size_t i = 0; i < text.tokens.size(); ++i) {
        const std::vector<float> all = logits(other.get());
        std::vector<double> expected(kChoices);
        double sum = 0.0;
        for (std::uint32_t t = 0; t < kChoices; ++t)
            sum += std::exp(double{all[t]});
        for (std::uint32_t t = 0; t < kChoices; ++t)
            expected[t] = all[t] - std::log(sum);
        // The golden model's logits are below 32: double's sums have no error that shows.
        EXPECT_NEAR(text.logprobs[i], expected[text.tokens[i]], 1e-5);
        const auto& top = text.tops[i];
        ASSERT_EQ(top.size(), 5u);
        for (std::size_t k = 0; k < top.size(); ++k) {
            const double own = expected[top[k].token];
            EXPECT_NEAR(top[k].logprob, own, 1e-5);
            const auto better = [&](double e) { return e > own; };
            EXPECT_EQ(std::count_if(expected.begin(), expected.end(), better), k);
        }
        ASSERT_GYRE_OK(gyre_session_feed(other.get(), &text.tokens[i], 1));
    }
}

TEST_F(SamplingRulesTest, LogProbabilitiesChangeNoToken) {
    sampling_.temperature = 2.0f;
    const Collected plain = generate_anew();
    for (const float logprob : plain.logprobs)
        EXPECT_TRUE(std::isnan(logprob)) << "nobody asked for it";
    options_.logprobs = 1;
    const Collected with = generate_anew();
    EXPECT_EQ(with.tokens, plain.tokens);
    EXPECT_EQ(with.tops[0].size(), 0u);
    for (const float logprob : with.logprobs)
        EXPECT_LE(logprob, 0.0f);
    options_.n_top = 128;
    EXPECT_EQ(generate_anew().tops[0].size(), 128u);
}

// Where the cache slides the logits are gone before the event is told.
TEST_F(SamplingRulesTest, LogProbabilitiesOfATextThatSlides) {
    gyre_session_options sliding = GYRE_SESSION_OPTIONS_INIT;
    sliding.n_ctx = 16;
    sliding.when_full = GYRE_WHEN_FULL_SLIDE;
    options_.max_tokens = 40;
    options_.logprobs = 1;
    options_.n_top = 1;
    const SessionPtr session = create_session(model_.get(), sliding);
    const Collected text = generate(session.get());
    ASSERT_GYRE_OK(text.status);
    ASSERT_EQ(text.tokens.size(), 40u);
    for (std::size_t i = 0; i < 40; ++i) {  // greedy: the chosen token is the most likely one
        EXPECT_EQ(text.tops[i][0].token, text.tokens[i]);
        EXPECT_EQ(text.tops[i][0].logprob, text.logprobs[i]);
    }
}

TEST_F(SamplingRulesTest, LogProbabilityOptionsOutOfRange) {
    options_.n_top = 3;
    EXPECT_EQ(generate(session_.get()).error,
              "options.n_top is 3, but options.logprobs is 0: set it to 1");
    options_.logprobs = 1;
    options_.n_top = 129;
    const Collected text = generate(session_.get());
    EXPECT_EQ(text.status, GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(text.error, "options.n_top is 129: at most 128");
    EXPECT_EQ(gyre_session_position(session_.get()), 0u);
}

// A program that was built when the options ended with repeat_window.
TEST_F(SamplingRulesTest, OlderOptionsHaveNeither) {
    const Collected plain = generate_anew();
    const gyre_logit_bias wanted[] = {{77, 1e6f}};
    sampling_.struct_size = offsetof(gyre_sampling_options, bias);
    sampling_.bias = wanted;  // beyond the caller's struct
    sampling_.n_bias = 1;
    EXPECT_EQ(generate_anew().tokens, plain.tokens);
}

// gyre_sample is gyre_session_sample without the session.
TEST_F(SamplingRulesTest, SampleFromGivenLogits) {
    sampling_.temperature = 2.0f;
    sampling_.repeat_penalty = 1.2f;
    sampling_.seed = 4;
    ASSERT_GYRE_OK(generate_anew().status);
    std::size_t n = 0;
    ASSERT_GYRE_OK(gyre_session_tokens(session_.get(), nullptr, 0, &n));
    Tokens tokens(n);
    ASSERT_GYRE_OK(gyre_session_tokens(session_.get(), tokens.data(), n, &n));
    const std::vector<float> all = logits(session_.get());
    for (sampling_.seed = 0; sampling_.seed < 20; ++sampling_.seed) {
        std::uint32_t expected = 0;
        std::uint32_t token = 1;
        ASSERT_GYRE_OK(gyre_session_sample(session_.get(), &sampling_, &expected));
        ASSERT_GYRE_OK(gyre_sample(all.data(), kChoices, tokens.data(), n, n, &sampling_, &token));
        EXPECT_EQ(token, expected);
    }
}

}  // namespace
}  // namespace gyre::test
