// Encoding and decoding; the tables are made by tokenizer_builder.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/tokenizer.h"

#include <algorithm>

#include "runtime/text/pre_split.h"
#include "runtime/text/utf8.h"

namespace gyre {

std::string_view Tokenizer::bytes_of(std::uint32_t id) const {
    const std::size_t begin = pool_begins_[id];
    return std::string_view(pool_).substr(begin, pool_begins_[id + 1] - begin);
}

// The longest special token that text begins with. The candidates are sorted, so those that agree
// with the first n bytes of text are a range, which is narrowed byte by byte.
std::optional<std::uint32_t> Tokenizer::match_special(const SpecialTokens& specials,
                                                      std::string_view text) const {
    std::optional<std::uint32_t> longest;
    auto first = specials.ids.begin();
    auto last = specials.ids.end();
    for (std::size_t n = 0; n < text.size() && first != last; ++n) {
        // Here each candidate is longer than n: one of length n would be the first, and is skipped.
        const auto byte_at = [&](std::uint32_t id) {
            return static_cast<unsigned char>(bytes_of(id)[n]);
        };
        const auto wanted = static_cast<unsigned char>(text[n]);
        first = std::partition_point(first, last,
                                     [&](std::uint32_t id) { return byte_at(id) < wanted; });
        last = std::partition_point(first, last,
                                    [&](std::uint32_t id) { return byte_at(id) == wanted; });
        if (first != last && bytes_of(*first).size() == n + 1) longest = *first++;
    }
    return longest;
}

void Tokenizer::encode_plain(std::string_view text, WordMerger& merger,
                             std::vector<std::uint32_t>& out) const {
    std::vector<std::uint32_t> ids;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t length = piece_length(text, begin);
        ids.clear();
        for (const char c : text.substr(begin, length)) {
            const auto byte = static_cast<std::uint8_t>(c);
            if (has_byte_id_[byte]) {
                ids.push_back(byte_ids_[byte]);
            } else {
                for (const char r : kReplacementUtf8) {
                    ids.push_back(byte_ids_[static_cast<std::uint8_t>(r)]);
                }
            }
        }
        merger.merge(merges_, ids, out);
        begin += length;
    }
}

std::vector<std::uint32_t> Tokenizer::encode(std::string_view text, bool parse_special) const {
    const SpecialTokens& specials = parse_special ? user_defined_and_control_ : user_defined_;
    std::vector<std::uint32_t> out;
    out.reserve(text.size() / 3);  // English text has about four bytes per token
    WordMerger merger;

    std::size_t plain_begin = 0;
    for (std::size_t i = 0; !specials.ids.empty() && i < text.size();) {
        std::optional<std::uint32_t> id;
        if (specials.begins[static_cast<std::uint8_t>(text[i])]) {
            id = match_special(specials, text.substr(i));
        }
        if (!id) {
            ++i;
            continue;
        }
        encode_plain(text.substr(plain_begin, i - plain_begin), merger, out);
        out.push_back(*id);
        i += bytes_of(*id).size();
        plain_begin = i;
    }
    encode_plain(text.substr(plain_begin), merger, out);
    return out;
}

std::size_t Tokenizer::memory_bytes() const {
    const std::size_t n_specials = user_defined_.ids.size() + user_defined_and_control_.ids.size();
    return pool_.size() + pool_begins_.size() * sizeof(pool_begins_[0]) +
           types_.size() * sizeof(types_[0]) + merges_.memory_bytes() +
           n_specials * sizeof(std::uint32_t) + sizeof(*this);
}

Result<std::string_view> Tokenizer::token_bytes(std::uint32_t id) const {
    if (id >= n_vocab()) {
        return Status::invalid_argument("token id " + std::to_string(id) +
                                        " is out of range: the vocabulary has " +
                                        std::to_string(n_vocab()) + " tokens");
    }
    return bytes_of(id);
}

Result<std::string> Tokenizer::decode(std::span<const std::uint32_t> ids) const {
    std::string out;
    for (const std::uint32_t id : ids) {
        const Result<std::string_view> bytes = token_bytes(id);
        if (!bytes.ok()) return bytes.status();
        out.append(bytes.value());
    }
    return out;
}

}  // namespace gyre
