// The tables of byte-level BPE.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "runtime/text/byte_alphabet.h"
#include "runtime/text/tokenizer_builder.h"

namespace gyre {
namespace {

// Whether texts that people write contain the byte. Vocabularies that were trained on some texts
// alone lack control characters and the first byte of planes without characters (SmolLM's).
bool is_byte_of_texts(std::size_t byte) {
    if (byte < 0x20) return byte == '\n';
    return byte != 0x7F && byte != 0xC0 && byte != 0xC1 && byte <= 0xF0;
}

}  // namespace

Status TokenizerBuilder::add_byte_bpe() {
    ByteBpe bpe;
    bpe.split = find_pre_split(data_.pre);
    bpe.ignore_merges = data_.ignore_merges.value_or(bpe.split->ignore_merges);
    GYRE_TRY(add_bytes_of_alphabet(bpe));
    GYRE_TRY(add_merges(bpe));
    if (bpe.ignore_merges) {
        bpe.whole_pieces = TokenTable(data_.tokens.size());
        for (std::uint32_t id = 0; id < data_.tokens.size(); ++id) {
            // Two spellings of the same bytes: the first is found, as GPT-2's alphabet has but one.
            if (is_text_type(id) && alphabet_to_bytes(data_.tokens[id])) {
                bpe.whole_pieces.insert(tokenizer_.texts_, id);
            }
        }
    }
    tokenizer_.model_ = std::move(bpe);
    return {};
}

bool TokenizerBuilder::is_made_by_merges(std::uint32_t id) const {
    const std::string_view text = data_.tokens[id];
    const auto bytes = alphabet_to_bytes(text);
    if (bytes && bytes->size() == 1) return true;
    return std::any_of(data_.merges.begin(), data_.merges.end(), [&](std::string_view merge) {
        const std::size_t space = merge.find(' ');
        return merge.size() == text.size() + 1 && space != merge.npos &&
               merge.substr(0, space) == text.substr(0, space) &&
               merge.substr(space + 1) == text.substr(space);
    });
}

Status TokenizerBuilder::add_bytes_of_alphabet(ByteBpe& bpe) const {
    bpe.byte_ids.fill(kNoToken);
    for (std::uint32_t c = 0; c < kAlphabetEnd; ++c) {
        if (kAlphabetBytes[c] < 0) continue;
        const auto byte = static_cast<std::size_t>(kAlphabetBytes[c]);
        std::string text;
        append_utf8(c, text);
        bpe.byte_ids[byte] = text_ids_.find(spellings_, text);
        if (bpe.byte_ids[byte] == kNoToken && is_byte_of_texts(byte)) {
            return Status::bad_file("tokenizer.ggml.tokens has no token for the byte " +
                                    std::to_string(byte) + ", " + quoted_token(text));
        }
    }
    return {};
}

Result<std::uint32_t> TokenizerBuilder::part(std::size_t rank, std::string_view text,
                                             const char* role) const {
    const std::uint32_t id = text_ids_.find(spellings_, text);
    if (id != kNoToken) return id;
    return Status::bad_file("tokenizer.ggml.merges[" + std::to_string(rank) + "] " +
                            quoted_token(data_.merges[rank]) + ": its " + role + " " +
                            quoted_token(text) + " is not a normal token");
}

Status TokenizerBuilder::add_merges(ByteBpe& bpe) const {
    bpe.merges = MergeTable(data_.merges.size());
    for (std::size_t rank = 0; rank < data_.merges.size(); ++rank) {
        const std::string_view merge = data_.merges[rank];
        const std::size_t space = merge.find(' ');
        if (space == std::string_view::npos || merge.find(' ', space + 1) != merge.npos) {
            return Status::bad_file("tokenizer.ggml.merges[" + std::to_string(rank) + "] " +
                                    quoted_token(merge) +
                                    " is not two parts with one space between");
        }
        std::string joined(merge.substr(0, space));
        joined.append(merge.substr(space + 1));
        GYRE_ASSIGN(const std::uint32_t left, part(rank, merge.substr(0, space), "left part"));
        GYRE_ASSIGN(const std::uint32_t right, part(rank, merge.substr(space + 1), "right part"));
        GYRE_ASSIGN(const std::uint32_t result, part(rank, joined, "result"));
        if (!bpe.merges.insert(left, right, {static_cast<std::uint32_t>(rank), result})) {
            return Status::bad_file("tokenizer.ggml.merges[" + std::to_string(rank) + "] " +
                                    quoted_token(merge) + " is there twice");
        }
    }
    return {};
}

}  // namespace gyre
