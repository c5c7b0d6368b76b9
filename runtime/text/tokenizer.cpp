// Encoding and decoding; the tables are made by tokenizer_builder.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/tokenizer.h"

#include <algorithm>

#include "runtime/text/code_class.h"

namespace gyre {

void Tokenizer::encode_plain(std::string_view text, EncodeScratch& scratch,
                             std::vector<std::uint32_t>& out) const {
    std::visit([&](const auto& model) { model.encode(texts_, text, scratch, out); }, model_);
}

bool Tokenizer::takes_white_space(std::uint32_t id) const {
    return is_control(id) && id != bos_id_ && texts_[id] != "<|endoftext|>";
}

// The special token that is made of the text at i. next_plain: the first plain range
// that does not end at or before i; it is moved on.
SpecialMatch Tokenizer::match_special(std::string_view text, std::size_t i,
                                      const SpecialParsing& special,
                                      std::size_t& next_plain) const {
    SpecialMatch found = user_defined_.match(texts_, text.substr(i));
    const auto is_passed = [&](ByteRange r) { return r.end <= i || r.begin == r.end; };
    while (next_plain < special.plain.size() && is_passed(special.plain[next_plain]))
        ++next_plain;
    const std::size_t end =
        next_plain < special.plain.size() ? special.plain[next_plain].begin : text.size();
    if (end <= i) return found;
    const auto look_for = [&](const SpecialTokens& tokens) {
        const SpecialMatch other = tokens.match(texts_, text.substr(i, end - i));
        if (other.length > found.length) found = other;
    };
    look_for(guarded_);
    if (special.parse) look_for(control_);
    return found;
}

std::vector<std::uint32_t> Tokenizer::encode(std::string_view text,
                                             const SpecialParsing& special) const {
    std::vector<std::uint32_t> out;
    out.reserve(text.size() / 3);  // English text has about four bytes per token
    EncodeScratch scratch(text.size());

    std::size_t plain_begin = 0;
    std::size_t next_plain = 0;
    const bool has_special =
        !user_defined_.empty() || !guarded_.empty() || (special.parse && !control_.empty());
    for (std::size_t i = 0; has_special && i < text.size();) {
        const SpecialMatch match = match_special(text, i, special, next_plain);
        if (match.length == 0) {
            ++i;
            continue;
        }
        encode_plain(text.substr(plain_begin, i - plain_begin), scratch, out);
        out.push_back(match.id);
        i += match.length;
        while (strip_after_control_ && takes_white_space(match.id) && i < text.size()) {
            const CodePoint c = code_point_at(text, i);
            if ((c.code_class & kSpaces) == 0) break;
            i += c.length;
        }
        plain_begin = i;
    }
    encode_plain(text.substr(plain_begin), scratch, out);
    return out;
}

std::size_t Tokenizer::memory_bytes() const {
    const std::size_t model = std::visit([](const auto& m) { return m.memory_bytes(); }, model_);
    return texts_.memory_bytes() + types_.size() * sizeof(types_[0]) + model +
           user_defined_.memory_bytes() + guarded_.memory_bytes() + control_.memory_bytes() +
           sizeof(*this);
}

bool Tokenizer::is_end(std::uint32_t id) const {
    return std::binary_search(end_ids_.begin(), end_ids_.end(), id);
}

Result<std::string_view> Tokenizer::token_bytes(std::uint32_t id) const {
    if (id >= n_vocab()) {
        return Status::invalid_argument("token id " + std::to_string(id) +
                                        " is out of range: the vocabulary has " +
                                        std::to_string(n_vocab()) + " tokens");
    }
    return texts_[id];
}

Result<std::string> Tokenizer::decode(std::span<const std::uint32_t> ids) const {
    const auto* pieces = std::get_if<SentencePiece>(&model_);
    bool takes_space = pieces != nullptr && pieces->add_space_prefix;
    std::string out;
    for (const std::uint32_t id : ids) {
        GYRE_ASSIGN(std::string_view bytes, token_bytes(id));
        if (takes_space && !is_control(id)) {
            const bool is_spaced = types_[id] != TokenType::kByte && bytes.starts_with(' ');
            bytes.remove_prefix(is_spaced ? 1 : 0);
            takes_space = false;
        }
        out.append(bytes);
    }
    return out;
}

}  // namespace gyre
