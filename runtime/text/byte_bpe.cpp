// Composition, split, and merging of the bytes of each piece.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/byte_bpe.h"

#include "runtime/text/nfc.h"
#include "runtime/text/utf8.h"

namespace gyre {
namespace {

// Whether valid UTF-8 can contain the byte (Unicode 15.0, table 3-7).
bool is_utf8_byte(std::uint8_t byte) {
    return byte < 0xC0 || (byte > 0xC1 && byte < 0xF5);
}

}  // namespace

void ByteBpe::encode(const TokenTexts& texts, std::string_view text, EncodeScratch& scratch,
                     std::vector<std::uint32_t>& out) const {
    const bool compose = split->nfc && may_need_nfc(text);
    const std::string composed = compose ? to_nfc(text) : std::string();
    for_each_piece(split->passes, compose ? composed : text,
                   [&](std::string_view piece) { encode_piece(texts, piece, scratch, out); });
}

void ByteBpe::encode_piece(const TokenTexts& texts, std::string_view piece, EncodeScratch& scratch,
                           std::vector<std::uint32_t>& out) const {
    if (const auto known = scratch.cache.find(piece); !known.empty()) {
        out.insert(out.end(), known.begin(), known.end());
        return;
    }
    const std::size_t n_before = out.size();
    const std::uint32_t whole = ignore_merges ? whole_pieces.find(texts, piece) : kNoToken;
    if (whole != kNoToken) {
        out.push_back(whole);
    } else {
        auto& symbols = scratch.symbols;
        symbols.clear();
        const auto add = [&](char c) {
            symbols.push_back({byte_ids[static_cast<std::uint8_t>(c)], 0, 0});
        };
        for (const char c : piece) {
            if (byte_ids[static_cast<std::uint8_t>(c)] != kNoToken) {
                add(c);
            } else if (!is_utf8_byte(static_cast<std::uint8_t>(c))) {
                for (const char r : kReplacementUtf8)
                    add(r);
            }
        }
        scratch.merger.merge(
            [&](const Symbol& left, const Symbol& right) { return merges.find(left.id, right.id); },
            symbols);
        for (const Symbol& symbol : symbols)
            out.push_back(symbol.id);
    }
    scratch.cache.insert(piece, std::span(out).subspan(n_before));
}

}  // namespace gyre
