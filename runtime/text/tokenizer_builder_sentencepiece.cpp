// The tables of SentencePiece.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "runtime/text/tokenizer_builder.h"

namespace gyre {

Status TokenizerBuilder::add_sentencepiece() {
    SentencePiece pieces;
    pieces.add_space_prefix = data_.add_space_prefix.value_or(true);
    GYRE_TRY(add_byte_tokens(pieces));
    GYRE_TRY(add_ranks(pieces));
    pieces.joined = TokenTable(data_.tokens.size());
    for (std::uint32_t id = 0; id < data_.tokens.size(); ++id) {
        const TokenType type = tokenizer_.types_[id];
        const bool is_unused = type == TokenType::kUnused;
        const std::string_view text = tokenizer_.texts_[id];
        const bool is_found = type == TokenType::kUserDefined && !looks_like_control(text);
        if (text.empty() || (!is_text_type(id) && !is_found && !is_unused)) continue;
        // Of a token with U+2581 and one with a space in its place, the first is found.
        pieces.joined.insert(tokenizer_.texts_, id);
        pieces.add_neighbours(text);
        if (is_unused) {
            pieces.is_unused.resize(data_.tokens.size());
            pieces.is_unused[id] = true;
        }
    }
    tokenizer_.model_ = std::move(pieces);
    return {};
}

Status TokenizerBuilder::add_byte_tokens(SentencePiece& pieces) const {
    pieces.byte_ids.fill(kNoToken);
    std::size_t n_bytes = 0;
    for (std::uint32_t id = 0; id < data_.tokens.size(); ++id) {
        if (tokenizer_.types_[id] != TokenType::kByte) continue;
        const std::string& text = data_.tokens[id];
        constexpr std::string_view kDigits = "0123456789ABCDEF";
        const bool is_spelled = text.size() == 6 && text.starts_with("<0x") && text[5] == '>' &&
                                kDigits.find(text[3]) != kDigits.npos &&
                                kDigits.find(text[4]) != kDigits.npos;
        if (!is_spelled) {
            return Status::bad_file(token_name(id, text) +
                                    " has token_type 6 (byte), but is not written as <0x00>");
        }
        pieces.byte_ids[static_cast<std::uint8_t>(tokenizer_.texts_[id][0])] = id;
        ++n_bytes;
    }
    if (n_bytes != 0 && n_bytes != pieces.byte_ids.size()) {
        return Status::bad_file("tokenizer.ggml.tokens has tokens for " + std::to_string(n_bytes) +
                                " bytes; there must be all 256, or none");
    }
    pieces.unknown_id = data_.unknown_id.value_or(0);
    return {};
}

// Ranks instead of scores: what is compared is their order alone.
Status TokenizerBuilder::add_ranks(SentencePiece& pieces) const {
    const std::vector<float>& scores = data_.scores;
    for (std::size_t id = 0; id < scores.size(); ++id) {
        if (std::isnan(scores[id])) {
            return Status::bad_file("tokenizer.ggml.scores[" + std::to_string(id) +
                                    "] is not a number");
        }
    }
    std::vector<std::uint32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
    pieces.ranks.resize(scores.size());
    std::uint32_t rank = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i > 0 && scores[order[i]] != scores[order[i - 1]]) ++rank;
        pieces.ranks[order[i]] = rank;
    }
    return {};
}

}  // namespace gyre
