// Tokens that are searched for in the text before anything else is done with it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/text/token_table.h"

namespace gyre {

// SentencePiece's symbol for a space, U+2581, which in a text is a space as well.
inline constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";

// Whether a token is written as those are that begin and end messages: "<|user|>", "<|turn>",
// "<｜User｜>"; and Gemma's of turns and images. Some publishers have them as user-defined
// (DeepSeek 3, Command R), and newer files as control tokens, by this look.
bool looks_like_control(std::string_view text);

struct SpecialMatch {
    std::uint32_t id = kNoToken;
    std::size_t length = 0;  // bytes of the text; 0: no match
};

class SpecialTokens {
  public:
    SpecialTokens() = default;
    // symbol_is_space: where a token has a space, the text may have kSpaceSymbol.
    SpecialTokens(const TokenTexts& texts, std::vector<std::uint32_t> ids, bool symbol_is_space);

    bool empty() const { return ids_.empty(); }

    // The longest of them that text begins with. text is not empty.
    SpecialMatch match(const TokenTexts& texts, std::string_view text) const {
        if (!begins_[static_cast<std::uint8_t>(text[0])]) return {};
        return longest(texts, text);
    }

    std::size_t memory_bytes() const { return ids_.size() * sizeof(ids_[0]); }

  private:
    SpecialMatch longest(const TokenTexts& texts, std::string_view text) const;

    std::vector<std::uint32_t> ids_;  // sorted by their bytes
    std::array<bool, 256> begins_{};  // whether one of them may begin with this byte
    bool symbol_is_space_ = false;
};

}  // namespace gyre
