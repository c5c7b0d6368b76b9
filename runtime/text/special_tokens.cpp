// The longest match, by narrowing a range of sorted tokens.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/special_tokens.h"

#include <algorithm>
#include <utility>

namespace gyre {

bool looks_like_control(std::string_view text) {
    constexpr std::string_view kGemmaNames[] = {"<start_of_turn>", "<start_of_image>",
                                                "<end_of_image>"};
    constexpr std::string_view kWideBar = "\xEF\xBD\x9C";  // U+FF5C, DeepSeek's
    if (std::find(std::begin(kGemmaNames), std::end(kGemmaNames), text) != std::end(kGemmaNames))
        return true;
    if (text.size() < 3 || !text.starts_with('<') || !text.ends_with('>')) return false;
    const std::string_view inner = text.substr(1, text.size() - 2);
    return inner.starts_with('|') || inner.ends_with('|') || inner.starts_with(kWideBar) ||
           inner.ends_with(kWideBar);
}

SpecialTokens::SpecialTokens(const TokenTexts& texts, std::vector<std::uint32_t> ids,
                             bool symbol_is_space)
    : ids_(std::move(ids)), symbol_is_space_(symbol_is_space) {
    for (const std::uint32_t id : ids_)
        begins_[static_cast<std::uint8_t>(texts[id][0])] = true;
    if (symbol_is_space && begins_[' ']) begins_[static_cast<std::uint8_t>(kSpaceSymbol[0])] = true;
    std::sort(ids_.begin(), ids_.end(),
              [&](std::uint32_t a, std::uint32_t b) { return texts[a] < texts[b]; });
}

// The candidates are sorted, so those that agree with the first n bytes are a range, which is
// narrowed byte by byte.
SpecialMatch SpecialTokens::longest(const TokenTexts& texts, std::string_view text) const {
    SpecialMatch found;
    auto first = ids_.begin();
    auto last = ids_.end();
    std::size_t i = 0;  // in text
    for (std::size_t n = 0; i < text.size() && first != last; ++n) {
        // Here each candidate is longer than n: one of length n would be the first, and is skipped.
        const bool is_symbol = symbol_is_space_ && text.substr(i).starts_with(kSpaceSymbol);
        const auto byte_at = [&](std::uint32_t id) {
            return static_cast<unsigned char>(texts[id][n]);
        };
        const auto wanted = static_cast<unsigned char>(is_symbol ? ' ' : text[i]);
        i += is_symbol ? kSpaceSymbol.size() : 1;
        first = std::partition_point(first, last,
                                     [&](std::uint32_t id) { return byte_at(id) < wanted; });
        last = std::partition_point(first, last,
                                    [&](std::uint32_t id) { return byte_at(id) == wanted; });
        if (first != last && texts[*first].size() == n + 1) found = {*first++, i};
    }
    return found;
}

}  // namespace gyre
