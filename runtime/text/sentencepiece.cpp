// Cutting where nothing joins, joining by score, and bytes for the rest.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/sentencepiece.h"

#include <string>

#include "runtime/text/special_tokens.h"
#include "runtime/text/utf8.h"

namespace gyre {
namespace {

// A number for the character at text[i]: its code point, or one beyond them all for each byte that
// is not UTF-8.
struct Character {
    std::uint32_t value;
    std::uint8_t length;
};

Character character_at(std::string_view text, std::size_t i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x80) return {byte, 1};
    const Utf8CodePoint c = decode_utf8(text, i);
    if (c.kind == Utf8Kind::kValid) return {c.value, c.length};
    return {0x110000u + byte, 1};
}

std::size_t bit_of(std::uint32_t left, std::uint32_t right, std::size_t n_bits) {
    const std::uint64_t pair = (std::uint64_t{left} << 32) | right;
    return static_cast<std::size_t>((pair * 0x9E3779B97F4A7C15u) >> 32) & (n_bits - 1);
}

}  // namespace

void SentencePiece::add_neighbours(std::string_view token) {
    for (std::size_t i = 0; i < token.size();) {
        const Character left = character_at(token, i);
        i += left.length;
        if (i == token.size()) break;
        neighbours[bit_of(left.value, character_at(token, i).value, neighbours.size())] = true;
    }
}

bool SentencePiece::may_join(std::uint32_t left, std::uint32_t right) const {
    return neighbours[bit_of(left, right, neighbours.size())];
}

void SentencePiece::encode(const TokenTexts& texts, std::string_view text, EncodeScratch& scratch,
                           std::vector<std::uint32_t>& out) const {
    if (text.empty()) return;
    std::string spaced(add_space_prefix ? " " : "");
    spaced.reserve(text.size() + 1);
    for (std::size_t i = 0; i < text.size();) {
        const bool is_space = text.substr(i).starts_with(kSpaceSymbol);
        spaced.push_back(is_space ? ' ' : text[i]);
        i += is_space ? kSpaceSymbol.size() : 1;
    }
    const std::string_view all = spaced;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < all.size();) {
        const Character left = character_at(all, i);
        i += left.length;
        if (i < all.size() && may_join(left.value, character_at(all, i).value)) continue;
        encode_piece(texts, all.substr(begin, i - begin), scratch, out);
        begin = i;
    }
}

void SentencePiece::encode_piece(const TokenTexts& texts, std::string_view piece,
                                 EncodeScratch& scratch, std::vector<std::uint32_t>& out) const {
    if (const auto known = scratch.cache.find(piece); !known.empty()) {
        out.insert(out.end(), known.begin(), known.end());
        return;
    }
    const std::size_t n_before = out.size();
    auto& symbols = scratch.symbols;
    symbols.clear();
    for (std::uint32_t i = 0; i < piece.size();) {
        const std::uint32_t end = i + character_at(piece, i).length;
        symbols.push_back({joined.find(texts, piece.substr(i, end - i)), i, end});
        i = end;
    }
    scratch.merger.merge(
        [&](const Symbol& left, const Symbol& right) -> Merge {
            const std::string_view both = piece.substr(left.begin, right.end - left.begin);
            const std::uint32_t id = joined.find(texts, both);
            if (id == kNoToken) return {};
            if (!is_unused.empty() && is_unused[id]) {
                scratch.unused_splits[id] = left.end - left.begin;
            }
            return {ranks[id], id};
        },
        symbols);
    for (const Symbol& symbol : symbols) {
        if (symbol.id == kNoToken) {
            append_bytes(piece.substr(symbol.begin, symbol.end - symbol.begin), out);
        } else {
            append(texts, symbol.id, scratch, out);
        }
    }
    // An unknown token may be left out because of the one before it.
    if (unknown_id == kNoToken || byte_ids[0] != kNoToken) {
        scratch.cache.insert(piece, std::span(out).subspan(n_before));
    }
}

// The token, or, if the model never makes it, those that it was joined of.
void SentencePiece::append(const TokenTexts& texts, std::uint32_t id, const EncodeScratch& scratch,
                           std::vector<std::uint32_t>& out) const {
    const auto split = scratch.unused_splits.find(id);
    if (is_unused.empty() || !is_unused[id] || split == scratch.unused_splits.end()) {
        out.push_back(id);
        return;
    }
    const std::string_view text = texts[id];
    for (const std::string_view part :
         {text.substr(0, split->second), text.substr(split->second)}) {
        const std::uint32_t part_id = joined.find(texts, part);
        if (part_id != kNoToken) {
            append(texts, part_id, scratch, out);
        } else {
            append_bytes(part, out);
        }
    }
}

void SentencePiece::append_bytes(std::string_view character,
                                 std::vector<std::uint32_t>& out) const {
    if (byte_ids[0] == kNoToken) {
        if (out.empty() || out.back() != unknown_id) out.push_back(unknown_id);
        return;
    }
    for (const char c : character)
        out.push_back(byte_ids[static_cast<std::uint8_t>(c)]);
}

}  // namespace gyre
