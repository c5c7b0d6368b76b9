// Tokenizer::create: checks what a model file says and makes the tables of it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <unordered_map>

#include "runtime/text/byte_alphabet.h"
#include "runtime/text/terminal_text.h"
#include "runtime/text/tokenizer.h"
#include "runtime/text/utf8.h"

namespace gyre {
namespace {

// Far beyond every published file (the largest vocabularies have about 260,000 tokens, the longest
// token of GPT-2 has 256 bytes in its alphabet), and small enough that no count overflows anything.
constexpr std::size_t kMaxTokens = std::size_t{1} << 22;
constexpr std::size_t kMaxMerges = std::size_t{1} << 22;
constexpr std::size_t kMaxTokenBytes = 4096;

// The names that mean GPT-2's pre-split. "olmo" and "mpt" are what converters write for files with
// GPT-NeoX's vocabulary; the others are the names for which llama.cpp's llama-vocab.cpp has the
// same expression, without a separator that it would add.
constexpr std::string_view kPreSplitNames[] = {
    "",           "default",    "gpt2",        "gpt-2",           "olmo",
    "mpt",        "phi-2",      "jais",        "jina-es",         "jina-de",
    "jina-v2-es", "jina-v2-de", "modern-bert", "exaone4",         "trillion",
    "gigachat",   "a.x-4.0",    "mellum",      "granite-docling",
};

// For error texts: a name from a file, short and fit for a terminal.
std::string quoted(std::string_view text) {
    constexpr std::size_t kShown = 40;  // bytes
    std::size_t end = 0;
    while (end < text.size() && end + decode_utf8(text, end).length <= kShown)
        end += decode_utf8(text, end).length;
    return "\"" + shown(text.substr(0, end)) + (end < text.size() ? "...\"" : "\"");
}

std::string token_name(std::size_t id, std::string_view text) {
    return "token " + std::to_string(id) + " " + quoted(text);
}

bool is_text_type(TokenType type) {
    return type == TokenType::kNormal || type == TokenType::kUndefined;
}

// Whether valid UTF-8 can contain the byte (Unicode 15.0, table 3-7).
bool is_utf8_byte(std::size_t byte) {
    return byte < 0xC0 || (byte > 0xC1 && byte < 0xF5);
}

}  // namespace

class Tokenizer::Builder {
  public:
    explicit Builder(const TokenizerData& data) : data_(data) {}

    Result<Tokenizer> build() {
        GYRE_TRY(check_counts());
        GYRE_TRY(add_types());
        GYRE_TRY(add_tokens());
        GYRE_TRY(add_byte_ids());
        GYRE_TRY(add_merges());
        GYRE_TRY(add_specials());
        return std::move(tokenizer_);
    }

  private:
    using IdOfText = std::unordered_map<std::string_view, std::uint32_t>;

    Status check_counts() const;
    Status add_types();
    Status add_tokens();
    Status add_byte_ids();
    Status add_merges();
    Status add_specials();
    Status special_id(const char* key, std::optional<std::uint32_t> id);
    bool is_made_by_bpe(std::uint32_t id) const;
    Result<std::uint32_t> part(std::size_t rank, std::string_view text, const char* role) const;
    SpecialTokens specials(bool with_control) const;

    const TokenizerData& data_;
    Tokenizer tokenizer_;
    IdOfText text_ids_;     // normal tokens, by their text in the alphabet
    IdOfText special_ids_;  // control and user-defined tokens
};

Status Tokenizer::Builder::check_counts() const {
    if (std::find(std::begin(kPreSplitNames), std::end(kPreSplitNames), data_.pre) ==
        std::end(kPreSplitNames)) {
        return Status::unsupported("tokenizer.ggml.pre = " + quoted(data_.pre) +
                                   " is not supported; only GPT-2's pre-split (\"gpt-2\") is");
    }
    if (data_.tokens.empty()) return Status::bad_file("tokenizer.ggml.tokens is empty");
    if (data_.tokens.size() > kMaxTokens) {
        return Status::bad_file("tokenizer.ggml.tokens has " + std::to_string(data_.tokens.size()) +
                                " entries; at most " + std::to_string(kMaxTokens) + " are read");
    }
    if (data_.merges.size() > kMaxMerges) {
        return Status::bad_file("tokenizer.ggml.merges has " + std::to_string(data_.merges.size()) +
                                " entries; at most " + std::to_string(kMaxMerges) + " are read");
    }
    if (!data_.token_types.empty() && data_.token_types.size() != data_.tokens.size()) {
        return Status::bad_file(
            "tokenizer.ggml.token_type has " + std::to_string(data_.token_types.size()) +
            " entries, tokenizer.ggml.tokens " + std::to_string(data_.tokens.size()));
    }
    return {};
}

Status Tokenizer::Builder::special_id(const char* key, std::optional<std::uint32_t> id) {
    if (!id) return {};
    if (*id >= data_.tokens.size()) {
        return Status::bad_file(std::string(key) + " = " + std::to_string(*id) +
                                " is out of range: there are " +
                                std::to_string(data_.tokens.size()) + " tokens");
    }
    // A file without types says nothing else about <|endoftext|>; a user-defined one would let any
    // text end the generation. A token that BPE makes (a newline, say) stays what it is.
    TokenType& type = tokenizer_.types_[*id];
    if (type == TokenType::kUserDefined || (is_text_type(type) && !is_made_by_bpe(*id))) {
        type = TokenType::kControl;
    }
    return {};
}

bool Tokenizer::Builder::is_made_by_bpe(std::uint32_t id) const {
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

Status Tokenizer::Builder::add_types() {
    tokenizer_.types_.assign(data_.tokens.size(), TokenType::kNormal);
    for (std::size_t id = 0; id < data_.token_types.size(); ++id) {
        const std::int32_t type = data_.token_types[id];
        if (type == static_cast<std::int32_t>(TokenType::kByte)) {
            return Status::unsupported(token_name(id, data_.tokens[id]) +
                                       " has token_type 6 (byte), which byte-level BPE has not");
        }
        if (type < 0 || type > static_cast<std::int32_t>(TokenType::kByte)) {
            return Status::bad_file(token_name(id, data_.tokens[id]) +
                                    " has the unknown token_type " + std::to_string(type));
        }
        tokenizer_.types_[id] = static_cast<TokenType>(type);
    }
    GYRE_TRY(special_id("tokenizer.ggml.bos_token_id", data_.bos_id));
    GYRE_TRY(special_id("tokenizer.ggml.eos_token_id", data_.eos_id));
    tokenizer_.bos_id_ = data_.bos_id;
    tokenizer_.eos_id_ = data_.eos_id;
    return {};
}

Status Tokenizer::Builder::add_tokens() {
    text_ids_.reserve(data_.tokens.size());
    tokenizer_.pool_begins_.reserve(data_.tokens.size() + 1);
    tokenizer_.pool_begins_.push_back(0);
    for (std::size_t i = 0; i < data_.tokens.size(); ++i) {
        const std::string& text = data_.tokens[i];
        const TokenType type = tokenizer_.types_[i];
        if (text.size() > kMaxTokenBytes) {
            return Status::bad_file(token_name(i, text) + " has " + std::to_string(text.size()) +
                                    " bytes; at most " + std::to_string(kMaxTokenBytes) +
                                    " are read");
        }
        if (text.empty() && type != TokenType::kUnused && type != TokenType::kUnknown) {
            return Status::bad_file("token " + std::to_string(i) + " is empty");
        }
        if (type != TokenType::kUnused && type != TokenType::kUnknown) {
            IdOfText& ids = is_text_type(type) ? text_ids_ : special_ids_;
            const auto [same, is_new] = ids.emplace(text, static_cast<std::uint32_t>(i));
            if (!is_new) {
                return Status::bad_file(token_name(i, text) + " has the same text as token " +
                                        std::to_string(same->second));
            }
        }
        const auto bytes = is_text_type(type) ? alphabet_to_bytes(text) : std::nullopt;
        tokenizer_.pool_.append(bytes ? *bytes : text);
        tokenizer_.pool_begins_.push_back(tokenizer_.pool_.size());
    }
    return {};
}

Status Tokenizer::Builder::add_byte_ids() {
    for (std::uint32_t c = 0; c < kAlphabetEnd; ++c) {
        if (kAlphabetBytes[c] < 0) continue;
        const auto byte = static_cast<std::size_t>(kAlphabetBytes[c]);
        std::string text;
        append_utf8(c, text);
        const auto found = text_ids_.find(text);
        if (found != text_ids_.end()) {
            tokenizer_.byte_ids_[byte] = found->second;
            tokenizer_.has_byte_id_[byte] = true;
        } else if (is_utf8_byte(byte)) {
            return Status::bad_file("tokenizer.ggml.tokens has no token for the byte " +
                                    std::to_string(byte) + ", " + quoted(text));
        }
    }
    return {};
}

Result<std::uint32_t> Tokenizer::Builder::part(std::size_t rank, std::string_view text,
                                               const char* role) const {
    const auto found = text_ids_.find(text);
    if (found != text_ids_.end()) return found->second;
    return Status::bad_file("tokenizer.ggml.merges[" + std::to_string(rank) + "] " +
                            quoted(data_.merges[rank]) + ": its " + role + " " + quoted(text) +
                            " is not a normal token");
}

Status Tokenizer::Builder::add_merges() {
    tokenizer_.merges_ = MergeTable(data_.merges.size());
    for (std::size_t rank = 0; rank < data_.merges.size(); ++rank) {
        const std::string_view merge = data_.merges[rank];
        const std::size_t space = merge.find(' ');
        if (space == std::string_view::npos || merge.find(' ', space + 1) != merge.npos) {
            return Status::bad_file("tokenizer.ggml.merges[" + std::to_string(rank) + "] " +
                                    quoted(merge) + " is not two parts with one space between");
        }
        std::string joined(merge.substr(0, space));
        joined.append(merge.substr(space + 1));
        GYRE_ASSIGN(const std::uint32_t left, part(rank, merge.substr(0, space), "left part"));
        GYRE_ASSIGN(const std::uint32_t right, part(rank, merge.substr(space + 1), "right part"));
        GYRE_ASSIGN(const std::uint32_t result, part(rank, joined, "result"));
        const Merge rule{static_cast<std::uint32_t>(rank), result};
        if (!tokenizer_.merges_.insert(left, right, rule)) {
            return Status::bad_file("tokenizer.ggml.merges[" + std::to_string(rank) + "] " +
                                    quoted(merge) + " is there twice");
        }
    }
    return {};
}

Tokenizer::SpecialTokens Tokenizer::Builder::specials(bool with_control) const {
    SpecialTokens result;
    for (std::uint32_t id = 0; id < tokenizer_.n_vocab(); ++id) {
        const TokenType type = tokenizer_.types_[id];
        if (type == TokenType::kUserDefined || (with_control && type == TokenType::kControl)) {
            result.ids.push_back(id);
            result.begins[static_cast<std::uint8_t>(tokenizer_.bytes_of(id)[0])] = true;
        }
    }
    std::sort(result.ids.begin(), result.ids.end(), [&](std::uint32_t a, std::uint32_t b) {
        return tokenizer_.bytes_of(a) < tokenizer_.bytes_of(b);
    });
    return result;
}

Status Tokenizer::Builder::add_specials() {
    tokenizer_.user_defined_ = specials(false);
    tokenizer_.user_defined_and_control_ = specials(true);
    return {};
}

Result<Tokenizer> Tokenizer::create(const TokenizerData& data) {
    return Builder(data).build();
}

}  // namespace gyre
