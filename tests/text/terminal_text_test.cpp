// Which characters of a foreign text a terminal gets to see.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/terminal_text.h"

#include <gtest/gtest.h>

#include "runtime/text/utf8.h"

namespace gyre::test {
namespace {

std::string utf8(std::uint32_t c) {
    std::string text;
    append_utf8(c, text);
    return text;
}

TEST(TerminalTextTest, CharactersThatAreSeenStay) {
    for (const std::string text :
         {"plain ~", "\u00e9\u00df\u65e5\u672c", "\u0120the", "\u00a0", "\U0001f600", ""}) {
        EXPECT_EQ(shown(text), text);
    }
}

TEST(TerminalTextTest, EveryControlOfATerminalBecomesAQuestionMark) {
    const auto expect_hidden = [](std::uint32_t c) {
        EXPECT_EQ(shown("a" + utf8(c) + "b"), "a?b") << std::hex << c;
    };
    for (std::uint32_t c = 0; c < 0x20; ++c)
        expect_hidden(c);
    for (std::uint32_t c = 0x7f; c < 0xa0; ++c)
        expect_hidden(c);
    for (const auto& [first, last] : {std::pair{0x61cu, 0x61cu},
                                      {0x200bu, 0x200fu},
                                      {0x2028u, 0x202eu},
                                      {0x2060u, 0x2064u},
                                      {0x2066u, 0x206fu},
                                      {0xfeffu, 0xfeffu},
                                      {0xe0020u, 0xe007fu}}) {
        for (std::uint32_t c = first; c <= last; ++c)
            expect_hidden(c);
    }
}

TEST(TerminalTextTest, BytesThatAreNoUtf8BecomeQuestionMarks) {
    EXPECT_EQ(shown("\x9b"
                    "31m"),
              "?31m");  // CSI in Latin-1
    EXPECT_EQ(shown("a\xff\xfe\xe2\x82"), "a???");
    EXPECT_EQ(shown("\xed\xa0\x80"), "???");  // a surrogate
    EXPECT_EQ(shown_length("\xe2\x82\xac", 0), 3u);
    EXPECT_EQ(shown_length("\xe2\x82\xac", 1), 0u);
}

}  // namespace
}  // namespace gyre::test
