// GPT-2's byte-level BPE tokenizer: bytes to token ids and back, without loss.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/bpe.h"

namespace gyre {

// What a model file says about its tokenizer; the names are those of tokenizer.ggml.*.
struct TokenizerData {
    std::vector<std::string> tokens;        // [n_vocab], in GPT-2's alphabet of 256 characters
    std::vector<std::int32_t> token_types;  // [n_vocab] TokenType, or empty: all normal
    std::vector<std::string> merges;        // "left right", the lowest rank first
    std::optional<std::uint32_t> bos_id;
    std::optional<std::uint32_t> eos_id;
    std::string pre;  // the pre-split: "", "default", "gpt2", "gpt-2", or a name for the same one
};

// The values of tokenizer.ggml.token_type.
enum class TokenType : std::int32_t {
    kUndefined = 0,  // as kNormal
    kNormal = 1,
    kUnknown = 2,      // never made from text
    kControl = 3,      // made from text only with parse_special
    kUserDefined = 4,  // always made from text, before the pre-split
    kUnused = 5,       // never made from text
    kByte = 6,         // belongs to SentencePiece; refused
};

// Immutable after create(); every method may be called from several threads at once.
class Tokenizer {
  public:
    // Trusts nothing in data. Refused, with a text that names the token or the rule: a count or a
    // length beyond its cap, two tokens with one text, a rule whose parts or whose result is no
    // token, a rule given twice, an id out of range, a pre-split other than GPT-2's.
    //
    // Tolerated, because published files have it: the 13 bytes that valid UTF-8 never contains have
    // no token (GPT-NeoX; see encode), and a normal token with characters outside of the alphabet
    // (padding and added tokens of files without types) stands for its text as it is and is never
    // made from text.
    static Result<Tokenizer> create(const TokenizerData& data);

    // The ids of text, which may hold any bytes.
    //
    // decode(encode(text)) == text for every text: a byte that is not part of valid UTF-8 is kept
    // as it is, and counts as neither letter, number nor space in the pre-split. (GPT-2's published
    // encoders take text and never see such a byte.) Only where the vocabulary has no token for
    // such a byte, the byte becomes U+FFFD.
    //
    // parse_special: control tokens (<|endoftext|>; also a BOS or EOS token whose type says less)
    // written in text become their id; otherwise they are plain text. User-defined tokens
    // (GPT-NeoX's runs of spaces) are found in any case, as published tokenizers do it. At each
    // position the longest such token wins. No BOS or EOS is added.
    std::vector<std::uint32_t> encode(std::string_view text, bool parse_special) const;

    // The bytes of all ids in a row. They need not be valid UTF-8: see Utf8Stream for showing them.
    Result<std::string> decode(std::span<const std::uint32_t> ids) const;

    // The bytes that one id stands for; they live as long as the tokenizer.
    Result<std::string_view> token_bytes(std::uint32_t id) const;

    // As the file has it, except that a BOS or EOS token is a control token. id < n_vocab().
    TokenType type(std::uint32_t id) const { return types_[id]; }
    // True for the tokens that text makes only with parse_special. id < n_vocab().
    bool is_control(std::uint32_t id) const { return types_[id] == TokenType::kControl; }

    std::size_t memory_bytes() const;  // of its tables, about
    std::uint32_t n_vocab() const { return static_cast<std::uint32_t>(types_.size()); }
    std::optional<std::uint32_t> bos_id() const { return bos_id_; }
    std::optional<std::uint32_t> eos_id() const { return eos_id_; }

  private:
    class Builder;

    // Tokens that are searched for in the text, sorted by their bytes.
    struct SpecialTokens {
        std::vector<std::uint32_t> ids;
        std::array<bool, 256> begins{};  // whether one of them begins with this byte
    };

    Tokenizer() : merges_(0) {}

    std::string_view bytes_of(std::uint32_t id) const;
    std::optional<std::uint32_t> match_special(const SpecialTokens& specials,
                                               std::string_view text) const;
    void encode_plain(std::string_view text, WordMerger& merger,
                      std::vector<std::uint32_t>& out) const;

    std::string pool_;                      // the bytes of all tokens in a row
    std::vector<std::size_t> pool_begins_;  // [n_vocab + 1]
    std::vector<TokenType> types_;          // [n_vocab]
    MergeTable merges_;
    std::array<std::uint32_t, 256> byte_ids_{};
    std::array<bool, 256> has_byte_id_{};
    SpecialTokens user_defined_;              // searched for without parse_special
    SpecialTokens user_defined_and_control_;  // searched for with it
    std::optional<std::uint32_t> bos_id_, eos_id_;
};

}  // namespace gyre
