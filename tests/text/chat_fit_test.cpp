// Which turns are left out of a prompt, on prompts of any lengths: how many, and how many prompts
// that takes.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/chat_fit.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace gyre {
namespace {

using Roles = std::vector<std::string_view>;
using Places = std::vector<std::size_t>;

TEST(ChatFitTest, ATurnBeginsWithTheUsersMessage) {
    EXPECT_EQ(turns_of(Roles{}), Places{0});
    EXPECT_EQ(turns_of(Roles{"system"}), Places{1});
    EXPECT_EQ(turns_of(Roles{"user"}), Places{0});
    EXPECT_EQ(turns_of(Roles{"system", "user", "assistant", "user"}), (Places{1, 3}));
    EXPECT_EQ(
        turns_of(Roles{"user", "assistant", "tool", "assistant", "user", "user", "assistant"}),
        (Places{0, 4, 5}));
    EXPECT_EQ(turns_of(Roles{"assistant", "user", "assistant", "user"}), (Places{0, 1, 3}));
    EXPECT_EQ(turns_of(Roles{"system", "assistant", "user"}), (Places{1, 2}));
    EXPECT_EQ(turns_of(Roles{"user", "system", "user"}), (Places{0, 2})) << "only the first stays";
}

// A conversation of questions, whose prompt has lengths[i] tokens without the first i of them.
class Lengths {
  public:
    explicit Lengths(std::vector<std::size_t> lengths)
        : lengths_(std::move(lengths)), roles_(lengths_.size(), "user") {}

    Result<FittedPrompt> fit(std::uint32_t n_ctx, std::uint32_t max_tokens) {
        n_prompts_ = 0;
        return fit_prompt(roles_, n_ctx, max_tokens, [&](std::size_t begin, std::size_t end) {
            EXPECT_EQ(begin, 0u);
            ++n_prompts_;
            return Result(
                std::vector<std::uint32_t>(lengths_.at(end), static_cast<std::uint32_t>(end)));
        });
    }
    std::size_t n_prompts() const { return n_prompts_; }  // that the last fit() has asked for

  private:
    std::vector<std::size_t> lengths_;
    Roles roles_;
    std::size_t n_prompts_ = 0;
};

Lengths equal_turns(std::size_t n_turns, std::size_t n_tokens) {
    std::vector<std::size_t> lengths;
    for (std::size_t i = 0; i < n_turns; ++i)
        lengths.push_back((n_turns - i) * n_tokens);
    return Lengths(lengths);
}

// 4096 turns of 10 tokens, an answer of 6: n turns more fit for every 10 positions more.
TEST(ChatFitTest, FewPromptsFindTheNumberAmongThousands) {
    constexpr std::size_t kTurns = 4096, kMost = 1 + 2 * 12;
    Lengths lengths = equal_turns(kTurns, 10);
    for (std::size_t left = 1; left <= kTurns; left += left < 40 || left > kTurns - 40 ? 1 : 29) {
        for (const std::size_t spare : {0u, 9u}) {
            const auto fitted = lengths.fit(static_cast<std::uint32_t>(10 * left + 6 + spare), 6);
            ASSERT_TRUE(fitted.ok()) << fitted.status().message();
            EXPECT_EQ(fitted.value().n_forgotten, kTurns - left) << spare;
            EXPECT_EQ(
                fitted.value().tokens,
                std::vector<std::uint32_t>(10 * left, static_cast<std::uint32_t>(kTurns - left)));
            EXPECT_LE(lengths.n_prompts(), kMost) << left;
        }
    }
}

// What an application does all the time: no prompt is made that is not needed.
TEST(ChatFitTest, TheUsualCasesTakeOneOrTwoPrompts) {
    Lengths lengths = equal_turns(50, 10);
    ASSERT_TRUE(lengths.fit(506, 6).ok());
    EXPECT_EQ(lengths.n_prompts(), 1u);
    ASSERT_TRUE(lengths.fit(505, 6).ok());
    EXPECT_EQ(lengths.n_prompts(), 2u);
    Lengths one = equal_turns(1, 10);
    EXPECT_FALSE(one.fit(10, 6).ok());
    EXPECT_EQ(one.n_prompts(), 1u);
}

TEST(ChatFitTest, RoomIsAQuarterOrLess) {
    Lengths lengths = equal_turns(10, 10);
    const auto forgotten = [&](std::uint32_t n_ctx, std::uint32_t max_tokens) {
        const auto fitted = lengths.fit(n_ctx, max_tokens);
        return fitted.ok() ? fitted.value().n_forgotten : std::size_t{999};
    };
    EXPECT_EQ(forgotten(80, 0), 4u) << "60 and a quarter of 80";
    EXPECT_EQ(forgotten(79, 0), 4u) << "60 and 19";
    EXPECT_EQ(forgotten(78, 0), 5u);
    EXPECT_EQ(forgotten(80, 20), 4u);
    EXPECT_EQ(forgotten(80, 21), 4u) << "a quarter is enough";
    EXPECT_EQ(forgotten(80, 10), 3u);
    EXPECT_EQ(forgotten(80, 11), 4u);
    EXPECT_EQ(forgotten(133, 0), 0u) << "100 and 33";
    EXPECT_EQ(forgotten(11, 0), 9u) << "the last turn may leave less";
    EXPECT_EQ(forgotten(10, 0), 999u);
}

TEST(ChatFitTest, AContextThatTheLastTurnFillsIsTooSmall) {
    Lengths lengths = equal_turns(3, 10);
    const auto fitted = lengths.fit(10, 1);
    EXPECT_EQ(fitted.status().code(), StatusCode::kContextFull);
    EXPECT_EQ(fitted.status().message(),
              "the prompt of the last turn has 10 tokens and the context 10: shorten it, or use a "
              "larger context (--ctx)");
}

// Templates are programs: fewer turns can make a longer prompt. Still there is room, and with one
// turn more there was none.
TEST(ChatFitTest, AnyLengthsEndWithRoom) {
    constexpr std::size_t kRoom = 5;
    std::uint32_t seed = 1;
    for (int repeat = 0; repeat < 500; ++repeat) {
        std::vector<std::size_t> lengths;
        for (std::size_t i = 0; i < 40; ++i) {
            seed = seed * 1664525u + 1013904223u;
            lengths.push_back(40 + (seed >> 16) % 100);
        }
        lengths.push_back(30);
        const auto fitted = Lengths(lengths).fit(100, kRoom);
        ASSERT_TRUE(fitted.ok());
        const std::size_t n = fitted.value().n_forgotten;
        EXPECT_EQ(fitted.value().tokens.size(), lengths[n]);
        EXPECT_LE(lengths[n] + kRoom, 100u);
        if (n > 0) {
            EXPECT_GT(lengths[n - 1] + kRoom, 100u) << repeat;
        }
    }
}

TEST(ChatFitTest, APromptThatCannotBeMadeIsAnError) {
    const Roles roles(8, "user");
    for (std::size_t bad = 0; bad < 8; ++bad) {
        const auto fitted = fit_prompt(
            roles, 40, 0, [&](std::size_t, std::size_t end) -> Result<std::vector<std::uint32_t>> {
                if (end == bad) return Status::unsupported("no");
                return std::vector<std::uint32_t>(1000 - end);
            });
        // Without 0, 1, 3, 5, 6 and 7 of the eight turns.
        const bool is_asked = bad == 0 || bad == 1 || bad == 3 || bad >= 5;
        EXPECT_EQ(fitted.status().code(),
                  is_asked ? StatusCode::kUnsupported : StatusCode::kContextFull)
            << bad;
    }
}

}  // namespace
}  // namespace gyre
