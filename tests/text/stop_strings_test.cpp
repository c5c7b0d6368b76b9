// Stop strings: what is found, what is held back, and that pieces of any size give the same.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/stop_strings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace gyre {
namespace {

using Strings = std::vector<std::string>;

StopStrings make(const Strings& strings) {
    Result<StopStrings> stop = StopStrings::create(strings);
    EXPECT_TRUE(stop.ok()) << stop.status().message();
    return std::move(stop).value();
}

TEST(StopStringsTest, EndsBeforeTheString) {
    StopStrings stop = make({"END"});
    EXPECT_EQ(stop.push("text EN"), "text ");
    EXPECT_FALSE(stop.found());
    EXPECT_EQ(stop.push("D and more"), "");
    ASSERT_TRUE(stop.found());
    EXPECT_EQ(*stop.found(), 0u);
    EXPECT_EQ(stop.flush(), "");
}

TEST(StopStringsTest, WhatBeginsNoneIsShownAgain) {
    StopStrings stop = make({"aab"});
    EXPECT_EQ(stop.push("xaa"), "x");
    EXPECT_EQ(stop.push("a"), "a") << "the last two may still begin it";
    EXPECT_EQ(stop.push("c"), "aac");
    EXPECT_EQ(stop.push("a"), "");
    EXPECT_EQ(stop.flush(), "a");
    EXPECT_EQ(stop.push("ab"), "ab") << "after a flush nothing of before counts";
    EXPECT_FALSE(stop.found());
}

TEST(StopStringsTest, TheOneThatEndsFirstWins) {
    StopStrings stop = make({"abcdef", "cd"});
    EXPECT_EQ(stop.push("xabcdef"), "xab");
    EXPECT_EQ(stop.found(), 1u);
}

TEST(StopStringsTest, OfThoseThatEndTogetherTheLongestWins) {
    StopStrings stop = make({"d", "cd", "bcd", "zcd"});
    EXPECT_EQ(stop.push("abcd"), "a");
    EXPECT_EQ(stop.found(), 2u);
}

TEST(StopStringsTest, EqualStringsAreTheFirst) {
    StopStrings stop = make({"x", "yy", "yy"});
    EXPECT_EQ(stop.push("ayy"), "a");
    EXPECT_EQ(stop.found(), 1u);
}

TEST(StopStringsTest, CharactersAreNotTorn) {
    StopStrings stop = make({"\u00e9\u00e9", "\u00ea"});
    EXPECT_EQ(stop.push("a\u00e9"), "a");
    EXPECT_EQ(stop.push("\u00e8"), "\u00e9\u00e8") << "shares a first byte and is another";
    EXPECT_EQ(stop.push("b\u00ea"), "b");
    EXPECT_EQ(stop.found(), 1u);
}

TEST(StopStringsTest, WithoutAnyAllIsShown) {
    StopStrings stop;
    EXPECT_EQ(stop.push("all of it"), "all of it");
    EXPECT_EQ(stop.flush(), "");
}

TEST(StopStringsTest, RefusesByName) {
    const auto message = [](const Strings& strings) {
        const Status status = StopStrings::create(strings).status();
        EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
        return status.message();
    };
    EXPECT_EQ(message({"a", ""}), "stop[1] is empty");
    EXPECT_EQ(message({"a\xff"}), "stop[0] is not UTF-8");
    EXPECT_EQ(message({"\xc3"}), "stop[0] is not UTF-8");
    EXPECT_EQ(message({std::string(1025, 'a')}), "stop[0] has 1025 bytes: at most 1024");
    EXPECT_EQ(message(Strings(65, "a")), "65 stop strings: at most 64");
    EXPECT_TRUE(StopStrings::create(Strings(64, std::string(1024, 'a'))).ok());
}

// By the definition: every end is tried, and every beginning of every string.
struct Expected {
    std::string shown, held;
    int found = -1;

    Expected(const std::string& text, const Strings& strings) {
        for (std::size_t end = 1; end <= text.size() && found < 0; ++end) {
            for (std::size_t i = 0; i < strings.size(); ++i) {
                const std::string& s = strings[i];
                if (!text.substr(0, end).ends_with(s)) continue;
                if (found >= 0 && strings[static_cast<std::size_t>(found)].size() >= s.size())
                    continue;
                found = static_cast<int>(i);
                shown = text.substr(0, end - s.size());
            }
        }
        if (found >= 0) return;
        std::size_t n = 0;
        for (const std::string& s : strings) {
            for (std::size_t k = 1; k < s.size() && k <= text.size(); ++k) {
                if (text.ends_with(s.substr(0, k))) n = std::max(n, k);
            }
        }
        shown = text.substr(0, text.size() - n);
        held = text.substr(text.size() - n);
    }
};

TEST(StopStringsTest, IsWhatTheDefinitionSaysAfterEveryPiece) {
    std::mt19937 random(7);
    const auto word = [&](unsigned letters, unsigned most) {
        std::string w(1 + random() % most, 'a');
        for (char& c : w)
            c = static_cast<char>('a' + random() % letters);
        return w;
    };
    int found = 0, held = 0;
    for (int round = 0; round < 5000; ++round) {
        const unsigned letters = 2 + random() % 2;
        Strings strings(1 + random() % 4);
        for (std::string& s : strings)
            s = word(letters, 7) + (random() % 3 == 0 ? "c" : "");
        StopStrings stop = make(strings);
        std::string text, shown;
        while (text.size() < 40 && !stop.found()) {
            const std::string piece = word(letters, 6);
            text += piece;
            shown += stop.push(piece);
            const Expected expected(text, strings);
            ASSERT_EQ(shown, expected.shown) << text;
            ASSERT_EQ(stop.found() ? static_cast<int>(*stop.found()) : -1, expected.found) << text;
            held += expected.held.empty() ? 0 : 1;
            StopStrings copy = stop;
            if (stop.found()) break;
            ASSERT_EQ(copy.flush(), expected.held) << text;
        }
        found += stop.found() ? 1 : 0;
    }
    EXPECT_GT(found, 1000);
    EXPECT_GT(held, 1000);
}

}  // namespace
}  // namespace gyre
