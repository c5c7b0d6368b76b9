// Bytes to token ids and back, as the tokenizer of a model file does it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/byte_bpe.h"
#include "runtime/text/byte_range.h"
#include "runtime/text/sentencepiece.h"
#include "runtime/text/special_tokens.h"
#include "runtime/text/token_table.h"

namespace gyre {

enum class TokenizerModel : std::uint8_t {
    kGpt2,   // "gpt2": byte-level BPE, byte_bpe.h
    kLlama,  // "llama": SentencePiece's BPE, sentencepiece.h
};

// What a model file says about its tokenizer; the names are those of tokenizer.ggml.*.
struct TokenizerData {
    TokenizerModel model = TokenizerModel::kGpt2;
    std::vector<std::string> tokens;        // [n_vocab], for kGpt2 in GPT-2's alphabet of 256
    std::vector<std::int32_t> token_types;  // [n_vocab] TokenType, or empty: all normal
    std::vector<std::string> merges;        // kGpt2: "left right", the lowest rank first
    std::vector<float> scores;              // kLlama: [n_vocab]
    std::optional<std::uint32_t> bos_id;    // kLlama: 1 without the key
    std::optional<std::uint32_t> eos_id;    // kLlama: 2 without the key
    std::optional<std::uint32_t> unknown_id;
    std::vector<std::uint32_t> end_ids;  // of the keys for more tokens that end a text; those out
                                         // of range are left out
    std::string pre;                     // kGpt2: a name of pre_split.h
    // Without a value: as the model and pre have it.
    std::optional<bool> add_bos, add_space_prefix, ignore_merges;
    // White space after a control token belongs to it, but for BOS and <|endoftext|>. No key says
    // so; Phi-3's tokenizer has it.
    bool strip_after_control = false;
};

// The values of tokenizer.ggml.token_type.
enum class TokenType : std::int32_t {
    kUndefined = 0,  // as kNormal
    kNormal = 1,
    kUnknown = 2,      // made from its own text only with special parsing
    kControl = 3,      // made from text only with special parsing
    kUserDefined = 4,  // made from text, before anything else; see SpecialParsing::plain
    kUnused = 5,       // never made from text
    kByte = 6,         // kLlama: one byte of a character that is in no token
};

// Whether control tokens that are written in a text become their id, or stay plain text.
struct SpecialParsing {
    bool parse = false;
    // Text of others, in which they stay plain all the same. No control token, and no user-defined
    // one that looks_like_control(), is made of a text that has a byte of these; otherwise the text
    // is one: a word may reach across the end of a range. Sorted, without overlaps, within the
    // text.
    std::span<const ByteRange> plain{};
};

// Immutable after create(); every method may be called from several threads at once.
class Tokenizer {
  public:
    // Trusts nothing in data. Refused, with a text that names the token or the rule: a count or a
    // length beyond its cap, two tokens with one text, a rule whose parts or whose result is no
    // token, a rule given twice, an id out of range, an unknown pre-split, a score that is no
    // number.
    //
    // Tolerated, because published files have it: bytes that valid UTF-8 never contains (GPT-NeoX)
    // and some control characters (SmolLM) have no token (see encode), and a normal token with
    // characters outside of the alphabet (padding and added tokens of files without types) stands
    // for its text as it is and is never made from text.
    static Result<Tokenizer> create(const TokenizerData& data);

    // The ids of text, which may hold any bytes. No BOS or EOS is added.
    //
    // decode(encode(text)) == text for every text, but where a tokenizer is made otherwise: NFC
    // (pre_split.h), U+2581 for a space and the space in front of SentencePiece, white space after
    // Phi-3's control tokens. A byte that is not part of valid UTF-8 is kept as it is, and counts
    // as neither letter, number nor space in a split. (Published tokenizers take text and never see
    // such a byte.) Where the vocabulary has no token for such a byte, it becomes U+FFFD or the
    // unknown token; a control character without a token is left out.
    //
    // User-defined tokens (Gemma's HTML tags, GPT-NeoX's runs of spaces) are found in any case, but
    // for some in SpecialParsing::plain. At each position from left to right the longest special
    // token wins, as in published tokenizers.
    std::vector<std::uint32_t> encode(std::string_view text, const SpecialParsing& special) const;
    std::vector<std::uint32_t> encode(std::string_view text, bool parse_special) const {
        return encode(text, SpecialParsing{parse_special, {}});
    }

    // The bytes of all ids in a row. They need not be valid UTF-8: see Utf8Stream for showing them.
    // The space that SentencePiece puts in front of a text is taken away again, if the first token
    // that is no control token begins with one: what goes on in the middle of a text, as a model
    // does, takes token_bytes() of each token instead.
    Result<std::string> decode(std::span<const std::uint32_t> ids) const;

    // The bytes that one id stands for; they live as long as the tokenizer.
    Result<std::string_view> token_bytes(std::uint32_t id) const;

    // As the file has it, except that a token that begins or ends a text is a control token.
    // id < n_vocab().
    TokenType type(std::uint32_t id) const { return types_[id]; }
    // True for the tokens that text makes only with special parsing. id < n_vocab().
    bool is_control(std::uint32_t id) const { return types_[id] == TokenType::kControl; }

    std::size_t memory_bytes() const;  // of its tables, about
    std::uint32_t n_vocab() const { return static_cast<std::uint32_t>(types_.size()); }
    std::optional<std::uint32_t> bos_id() const { return bos_id_; }
    std::optional<std::uint32_t> eos_id() const { return eos_id_; }

    // The tokens after which a model has nothing more to say, in rising order: EOS, the ends of
    // turns and the like, by key or by name (end_tokens.h).
    std::span<const std::uint32_t> end_ids() const { return end_ids_; }
    bool is_end(std::uint32_t id) const;

    // Whether a text begins with bos_id().
    bool adds_bos() const { return add_bos_; }

  private:
    friend class TokenizerBuilder;

    Tokenizer() = default;

    SpecialMatch match_special(std::string_view text, std::size_t i, const SpecialParsing& special,
                               std::size_t& next_plain) const;
    bool takes_white_space(std::uint32_t id) const;
    void encode_plain(std::string_view text, EncodeScratch& scratch,
                      std::vector<std::uint32_t>& out) const;

    TokenTexts texts_;              // what the tokens stand for
    std::vector<TokenType> types_;  // [n_vocab]
    std::variant<ByteBpe, SentencePiece> model_;
    SpecialTokens user_defined_;  // searched for always
    SpecialTokens guarded_;       // but in text of others: user-defined, look like control tokens
    SpecialTokens control_;       // searched for with special parsing; unknown tokens too
    std::optional<std::uint32_t> bos_id_, eos_id_;
    std::vector<std::uint32_t> end_ids_;
    bool add_bos_ = false;
    bool strip_after_control_ = false;
};

}  // namespace gyre
