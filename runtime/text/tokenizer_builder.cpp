// What all tokenizers have: counts, types, texts, special tokens, ends.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/tokenizer_builder.h"

#include <algorithm>
#include <utility>

#include "runtime/text/byte_alphabet.h"
#include "runtime/text/end_tokens.h"
#include "runtime/text/terminal_text.h"
#include "runtime/text/utf8.h"

namespace gyre {
namespace {

// Far beyond every published file (the largest vocabularies have about 260,000 tokens, the longest
// token of GPT-2 has 256 bytes in its alphabet), and small enough that no count overflows anything.
constexpr std::size_t kMaxTokens = std::size_t{1} << 22;
constexpr std::size_t kMaxMerges = std::size_t{1} << 22;
constexpr std::size_t kMaxTokenBytes = 4096;

Status at_most(const char* key, std::size_t n, std::size_t most) {
    if (n <= most) return {};
    return Status::bad_file(std::string(key) + " has " + std::to_string(n) + " entries; at most " +
                            std::to_string(most) + " are read");
}

// An array beside tokenizer.ggml.tokens.
Status as_many(const char* key, std::size_t n, std::size_t n_tokens) {
    if (n == n_tokens) return {};
    return Status::bad_file(std::string(key) + " has " + std::to_string(n) +
                            " entries, tokenizer.ggml.tokens " + std::to_string(n_tokens));
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t i = text.find(from); i != text.npos; i = text.find(from, i + to.size()))
        text.replace(i, from.size(), to);
}

}  // namespace

std::string quoted_token(std::string_view text) {
    constexpr std::size_t kShown = 40;  // bytes
    std::size_t end = 0;
    while (end < text.size() && end + decode_utf8(text, end).length <= kShown)
        end += decode_utf8(text, end).length;
    return "\"" + shown(text.substr(0, end)) + (end < text.size() ? "...\"" : "\"");
}

std::string token_name(std::size_t id, std::string_view text) {
    return "token " + std::to_string(id) + " " + quoted_token(text);
}

Result<Tokenizer> TokenizerBuilder::build() {
    GYRE_TRY(check_counts());
    GYRE_TRY(add_types());
    GYRE_TRY(add_begin_and_end());
    GYRE_TRY(add_tokens());
    GYRE_TRY(data_.model == TokenizerModel::kGpt2 ? add_byte_bpe() : add_sentencepiece());
    add_specials();
    return std::move(tokenizer_);
}

Status TokenizerBuilder::check_counts() const {
    const bool is_byte_bpe = data_.model == TokenizerModel::kGpt2;
    if (is_byte_bpe && find_pre_split(data_.pre) == nullptr) {
        return Status::unsupported("tokenizer.ggml.pre = " + quoted_token(data_.pre) +
                                   " is not supported; known are " + pre_split_names());
    }
    const std::size_t n = data_.tokens.size();
    if (n == 0) return Status::bad_file("tokenizer.ggml.tokens is empty");
    GYRE_TRY(at_most("tokenizer.ggml.tokens", n, kMaxTokens));
    GYRE_TRY(at_most("tokenizer.ggml.merges", data_.merges.size(), kMaxMerges));
    if (!data_.token_types.empty()) {
        GYRE_TRY(as_many("tokenizer.ggml.token_type", data_.token_types.size(), n));
    }
    if (!is_byte_bpe) {
        GYRE_TRY(as_many("tokenizer.ggml.scores", data_.scores.size(), n));
    }
    return {};
}

Status TokenizerBuilder::add_types() {
    tokenizer_.types_.assign(data_.tokens.size(), TokenType::kNormal);
    for (std::size_t id = 0; id < data_.token_types.size(); ++id) {
        const std::int32_t type = data_.token_types[id];
        const bool is_byte = type == static_cast<std::int32_t>(TokenType::kByte);
        if (is_byte && data_.model == TokenizerModel::kGpt2) {
            return Status::unsupported(token_name(id, data_.tokens[id]) +
                                       " has token_type 6 (byte), which byte-level BPE has not");
        }
        if (type < 0 || type > static_cast<std::int32_t>(TokenType::kByte)) {
            return Status::bad_file(token_name(id, data_.tokens[id]) +
                                    " has the unknown token_type " + std::to_string(type));
        }
        tokenizer_.types_[id] = static_cast<TokenType>(type);
    }
    return {};
}

bool TokenizerBuilder::is_text_type(std::size_t id) const {
    const TokenType type = tokenizer_.types_[id];
    return type == TokenType::kNormal || type == TokenType::kUndefined;
}

Status TokenizerBuilder::role(const char* key, std::optional<std::uint32_t> id) const {
    if (!id || *id < data_.tokens.size()) return {};
    return Status::bad_file(std::string(key) + " = " + std::to_string(*id) +
                            " is out of range: there are " + std::to_string(data_.tokens.size()) +
                            " tokens");
}

// A file without types says nothing else about <|endoftext|>; a user-defined one would let any text
// end the generation. A token that merges make (a newline, say) stays what it is.
void TokenizerBuilder::make_control(std::uint32_t id) {
    TokenType& type = tokenizer_.types_[id];
    const bool is_plain =
        is_text_type(id) && data_.model == TokenizerModel::kGpt2 && is_made_by_merges(id);
    if (type == TokenType::kUserDefined || (is_text_type(id) && !is_plain)) {
        type = TokenType::kControl;
    }
}

// Where a file has no keys for them: SentencePiece's usual 1 and 2. llama.cpp takes 11 for
// byte-level BPE, which is Falcon's <|endoftext|> and a comma in GPT-2's vocabulary: here it is
// none.
Status TokenizerBuilder::add_begin_and_end() {
    GYRE_TRY(role("tokenizer.ggml.bos_token_id", data_.bos_id));
    GYRE_TRY(role("tokenizer.ggml.eos_token_id", data_.eos_id));
    GYRE_TRY(role("tokenizer.ggml.unknown_token_id", data_.unknown_id));
    tokenizer_.bos_id_ = data_.bos_id;
    tokenizer_.eos_id_ = data_.eos_id;
    if (data_.model == TokenizerModel::kLlama && data_.tokens.size() > 2) {
        if (!data_.bos_id) tokenizer_.bos_id_ = 1;
        if (!data_.eos_id) tokenizer_.eos_id_ = 2;
    }
    if (tokenizer_.bos_id_) make_control(*tokenizer_.bos_id_);
    add_ends();
    const PreSplit* split =
        data_.model == TokenizerModel::kGpt2 ? find_pre_split(data_.pre) : nullptr;
    const bool usual =
        data_.model == TokenizerModel::kLlama || (split != nullptr && split->add_bos);
    tokenizer_.add_bos_ = data_.add_bos.value_or(usual) && tokenizer_.bos_id_;
    tokenizer_.strip_after_control_ = data_.strip_after_control;
    return {};
}

void TokenizerBuilder::add_ends() {
    std::vector<std::uint32_t>& ends = tokenizer_.end_ids_;
    if (tokenizer_.eos_id_) ends.push_back(*tokenizer_.eos_id_);
    for (const std::uint32_t id : data_.end_ids) {
        if (id < data_.tokens.size()) ends.push_back(id);
    }
    std::vector<std::uint32_t> named;
    const auto has = [&](std::string_view text) {
        return std::any_of(named.begin(), named.end(),
                           [&](std::uint32_t id) { return data_.tokens[id] == text; });
    };
    for (std::uint32_t id = 0; id < data_.tokens.size(); ++id) {
        if (is_end_name(data_.tokens[id])) named.push_back(id);
    }
    // Harmony's messages end with <|end|>, and its turns with the others; so do Solar's.
    const bool end_goes_on = has("<|end|>") && ((has("<|return|>") && has("<|call|>")) ||
                                                (has("<|calls|>") && has("<|flush|>")));
    for (const std::uint32_t id : named) {
        const std::string& text = data_.tokens[id];
        if (end_goes_on && text == "<|end|>") continue;
        // In Gemma's vocabulary </s> is one of the HTML tags, which are user-defined.
        if (text == "</s>" &&
            (has("<|tool_response>") || tokenizer_.types_[id] == TokenType::kUserDefined)) {
            continue;
        }
        ends.push_back(id);
    }
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    for (const std::uint32_t id : ends)
        make_control(id);
}

std::string TokenizerBuilder::bytes_of(std::size_t id) const {
    const std::string& text = data_.tokens[id];
    const TokenType type = tokenizer_.types_[id];
    if (data_.model == TokenizerModel::kGpt2) {
        const auto bytes = is_text_type(id) ? alphabet_to_bytes(text) : std::nullopt;
        return bytes ? *bytes : text;
    }
    if (type == TokenType::kByte) {  // "<0x0A>"; add_byte_tokens() refuses others
        const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
        if (text.size() != 6) return text;
        return std::string(1, static_cast<char>(digit(text[3]) * 16 + digit(text[4])));
    }
    if (type == TokenType::kControl || type == TokenType::kUnknown) return text;
    std::string spaced = text;
    replace_all(spaced, "\u2581", " ");
    return spaced;
}

Status TokenizerBuilder::add_tokens() {
    const std::size_t n = data_.tokens.size();
    text_ids_ = TokenTable(n);
    special_ids_ = TokenTable(n);
    spellings_.reserve(n);
    tokenizer_.texts_.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::string& text = data_.tokens[i];
        const TokenType type = tokenizer_.types_[i];
        if (text.size() > kMaxTokenBytes) {
            return Status::bad_file(token_name(i, text) + " has " + std::to_string(text.size()) +
                                    " bytes; at most " + std::to_string(kMaxTokenBytes) +
                                    " are read");
        }
        const bool is_made = type != TokenType::kUnused && type != TokenType::kUnknown;
        if (text.empty() && is_made) {
            return Status::bad_file("token " + std::to_string(i) + " is empty");
        }
        spellings_.append(text);
        if (is_made) {
            TokenTable& ids = is_text_type(i) ? text_ids_ : special_ids_;
            const std::uint32_t same = ids.insert(spellings_, static_cast<std::uint32_t>(i));
            if (same != kNoToken) {
                return Status::bad_file(token_name(i, text) + " has the same text as token " +
                                        std::to_string(same));
            }
        }
        tokenizer_.texts_.append(bytes_of(i));
    }
    return {};
}

void TokenizerBuilder::add_specials() {
    std::vector<std::uint32_t> user_defined, guarded, control;
    for (std::uint32_t id = 0; id < tokenizer_.n_vocab(); ++id) {
        if (tokenizer_.texts_[id].empty()) continue;
        const TokenType type = tokenizer_.types_[id];
        if (type == TokenType::kUserDefined) {
            (looks_like_control(tokenizer_.texts_[id]) ? guarded : user_defined).push_back(id);
        }
        if (type == TokenType::kControl || type == TokenType::kUnknown) control.push_back(id);
    }
    const bool symbol_is_space = data_.model == TokenizerModel::kLlama;
    tokenizer_.user_defined_ =
        SpecialTokens(tokenizer_.texts_, std::move(user_defined), symbol_is_space);
    tokenizer_.guarded_ = SpecialTokens(tokenizer_.texts_, std::move(guarded), symbol_is_space);
    tokenizer_.control_ = SpecialTokens(tokenizer_.texts_, std::move(control), false);
}

Result<Tokenizer> Tokenizer::create(const TokenizerData& data) {
    return TokenizerBuilder(data).build();
}

}  // namespace gyre
