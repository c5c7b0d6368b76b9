// Bias and allow: what they do to the choice, in which order, and what of them is refused.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "runtime/text/sampler.h"

namespace gyre {
namespace {

using Ids = std::vector<std::uint32_t>;
using Logits = std::vector<float>;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Result<std::uint32_t> sample(const SamplerOptions& options, const Logits& logits,
                             const Ids& history = {}) {
    Result<Sampler> sampler = Sampler::create(options);
    if (!sampler.ok()) return sampler.status();
    return sampler->sample(logits, history);
}
std::uint32_t greedy(SamplerOptions options, const Logits& logits, const Ids& history = {}) {
    options.temperature = 0.0f;
    const Result<std::uint32_t> token = sample(options, logits, history);
    EXPECT_TRUE(token.ok()) << token.status().message();
    return token.ok() ? token.value() : ~0u;
}
Status refusal(SamplerOptions options, const Logits& logits) {
    options.temperature = 0.0f;
    return sample(options, logits).status();
}

const Logits kLogits = {1.0f, 4.0f, 3.0f, 2.0f};

TEST(SamplerBias, IsAddedToTheLogit) {
    EXPECT_EQ(greedy({}, kLogits), 1u);
    EXPECT_EQ(greedy({.bias = {{0, 3.5f}}}, kLogits), 0u);
    EXPECT_EQ(greedy({.bias = {{0, 2.5f}}}, kLogits), 1u);
    EXPECT_EQ(greedy({.bias = {{1, -1.5f}, {3, 0.5f}}}, kLogits), 2u);
    EXPECT_EQ(greedy({.bias = {{1, -kInf}}}, kLogits), 2u);
}

// A bias changes what drawing sees as another logit would.
TEST(SamplerBias, CandidatesAreThoseOfTheSums) {
    Result<Sampler> biased = Sampler::create({.bias = {{0, 1.5f}, {1, -kInf}, {2, -0.25f}}});
    Result<Sampler> plain = Sampler::create({});
    const auto a = biased->candidates(kLogits, {});
    const auto b = plain->candidates(Logits{2.5f, -kInf, 2.75f, 2.0f}, {});
    ASSERT_TRUE(a.ok() && b.ok());
    ASSERT_EQ(a.value().size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(a.value()[i].id, b.value()[i].id);
        EXPECT_EQ(a.value()[i].weight, b.value()[i].weight);
    }
}

TEST(SamplerBias, ComesBeforeThePenalty) {
    // Of token 2, which was seen: (3 + 3) / 2 = 3, and not 3 / 2 + 3 = 4.5.
    EXPECT_EQ(greedy({.repetition_penalty = 2.0f, .bias = {{2, 3.0f}, {1, -0.5f}}}, kLogits, {2}),
              1u);
    EXPECT_EQ(greedy({.repetition_penalty = 2.0f, .bias = {{2, 3.0f}, {1, -1.5f}}}, kLogits, {2}),
              2u);
}

TEST(SamplerBias, SumsStayNumbers) {
    EXPECT_EQ(greedy({.bias = {{0, FLT_MAX}}}, {FLT_MAX, 1.0f}), 0u);
    EXPECT_EQ(greedy({.bias = {{0, -FLT_MAX}}}, {-FLT_MAX, -1.0f}), 1u);
    EXPECT_EQ(greedy({.bias = {{0, 5.0f}}}, {-kInf, -1.0f}), 1u) << "excluded stays excluded";
}

TEST(SamplerBias, WhatIsRefused) {
    EXPECT_EQ(refusal({.bias = {{7, kNan}}}, kLogits).code(), StatusCode::kInvalidArgument);
    EXPECT_NE(refusal({.bias = {{7, kNan}}}, kLogits).message().find("bias of token 7 is NaN"),
              std::string::npos);
    EXPECT_NE(refusal({.bias = {{7, kInf}}}, kLogits).message().find("infinity"),
              std::string::npos);
    EXPECT_NE(refusal({.bias = {{2, 1}, {0, 1}, {2, 1}}}, kLogits).message().find("token 2 twice"),
              std::string::npos);
    const Status beyond = refusal({.bias = {{4, 1.0f}}}, kLogits);
    EXPECT_EQ(beyond.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(beyond.message().find("token 4, but there are 4"), std::string::npos);
    const Status none =
        refusal({.bias = {{0, -kInf}, {1, -kInf}, {2, -kInf}, {3, -kInf}}}, kLogits);
    EXPECT_EQ(none.code(), StatusCode::kInvalidArgument);
}

TEST(SamplerAllow, ClearedTokensAreNotChosen) {
    SamplerOptions options;
    options.allow = [](std::uint32_t* mask, std::size_t n) {
        EXPECT_EQ(n, 4u);
        EXPECT_EQ(mask[0], 0xfu) << "all are set at entry, and nothing beyond them";
        mask[0] &= ~(1u << 1);
        mask[0] |= 1u << 9;  // beyond the vocabulary: ignored
        return true;
    };
    EXPECT_EQ(greedy(options, kLogits), 2u);
}

// Catches: words and bits of a vocabulary that ends inside a word, or at its end.
TEST(SamplerAllow, EveryBitOfEveryWord) {
    for (const std::size_t n : {1u, 31u, 32u, 33u, 64u, 100u}) {
        Logits logits(n);
        std::iota(logits.begin(), logits.end(), 0.0f);
        for (std::size_t only = 0; only < n; ++only) {
            SamplerOptions options;
            options.allow = [&](std::uint32_t* mask, std::size_t count) {
                EXPECT_EQ(count, n);
                for (std::size_t w = 0; w < (n + 31) / 32; ++w) {
                    const std::size_t here = std::min<std::size_t>(n - 32 * w, 32);
                    EXPECT_EQ(mask[w], here == 32 ? ~0u : (1u << here) - 1);
                    mask[w] = w == only / 32 ? 1u << only % 32 : 0u;
                }
                return true;
            };
            EXPECT_EQ(greedy(options, logits), only) << n;
        }
    }
}

TEST(SamplerAllow, BiasDoesNotBringBackWhatIsNotAllowed) {
    SamplerOptions options{.bias = {{1, 100.0f}}};
    options.allow = [](std::uint32_t* mask, std::size_t) {
        mask[0] = 1u << 0 | 1u << 3;
        return true;
    };
    EXPECT_EQ(greedy(options, kLogits), 3u);
}

TEST(SamplerAllow, LeavesNoneOrStops) {
    SamplerOptions options;
    options.allow = [](std::uint32_t* mask, std::size_t) {
        mask[0] = 1u << 4;
        return true;
    };
    const Status none = refusal(options, kLogits);
    EXPECT_EQ(none.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(none.message().rfind("allow leaves no token", 0), 0u) << none.message();
    options.allow = [](std::uint32_t*, std::size_t) { return false; };
    EXPECT_EQ(refusal(options, kLogits).code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace gyre
