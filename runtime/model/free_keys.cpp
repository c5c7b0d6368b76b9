// The keys that files have and that change nothing here: by name, or at one value.
// SPDX-License-Identifier: Apache-2.0
//
// Which keys converters write: gguf-py and the converters of llama.cpp, Ollama's, the publishers of
// quantized files. docs/model-files.md lists them for users: change it with the tables below.
#include <cmath>
#include <optional>

#include "runtime/model/gguf_reading.h"
#include "runtime/model/model_config.h"

namespace gyre {
namespace {

// At which value a key changes nothing.
enum class Neutral { kAny, kZero, kOne, kTrue, kFalse, kNone, kScoreScale };

struct FreeKey {
    // The whole name; ARCH stands for the file's architecture, a * at the end for any rest.
    std::string_view pattern;
    Neutral neutral;
};

// The first row that fits a key decides.
constexpr FreeKey kFreeKeys[] = {
    // About the file and its making. general.type is read in model_config.cpp, split.* where files
    // are opened (gguf_file.cpp).
    {"general.*", Neutral::kAny},
    {"quantize.*", Neutral::kAny},
    {"mradermacher.*", Neutral::kAny},
    {"split.count", Neutral::kAny},
    {"split.no", Neutral::kAny},
    {"split.tensors.count", Neutral::kAny},
    // About the model: said a second time, or about what is not there.
    {"ARCH.vocab_size", Neutral::kAny},
    {"ARCH.tensor_data_layout", Neutral::kAny},
    {"ARCH.pooling_type", Neutral::kAny},
    {"ARCH.attention.layer_norm_epsilon", Neutral::kAny},  // one of the two is read
    {"ARCH.attention.layer_norm_rms_epsilon", Neutral::kAny},
    {"ARCH.use_parallel_residual", Neutral::kFalse},  // where no family reads it
    {"ARCH.attention.causal", Neutral::kTrue},
    {"ARCH.attention.max_alibi_bias", Neutral::kZero},
    {"ARCH.attention.clamp_kqv", Neutral::kZero},
    {"ARCH.attention.scale", Neutral::kScoreScale},
    {"ARCH.attn_logit_softcapping", Neutral::kZero},
    {"ARCH.final_logit_softcapping", Neutral::kZero},
    {"ARCH.router_logit_softcapping", Neutral::kZero},
    {"ARCH.logit_scale", Neutral::kOne},
    {"ARCH.embedding_scale", Neutral::kOne},
    {"ARCH.residual_scale", Neutral::kOne},
    {"ARCH.expert_count", Neutral::kZero},
    {"ARCH.expert_used_count", Neutral::kZero},
    {"ARCH.expert_shared_count", Neutral::kZero},
    {"ARCH.expert_group_count", Neutral::kZero},
    {"ARCH.expert_feed_forward_length", Neutral::kZero},
    {"ARCH.leading_dense_block_count", Neutral::kZero},
    {"ARCH.nextn_predict_layers", Neutral::kZero},
    // Rotary scaling that scales nothing, where positions are not rotary; else it is read.
    {"ARCH.rope.scaling.finetuned", Neutral::kAny},
    {"ARCH.rope.scaling.type", Neutral::kNone},
    {"ARCH.rope.scaling.factor", Neutral::kOne},
    {"ARCH.rope.scaling.attn_factor", Neutral::kOne},
    {"ARCH.rope.scale_linear", Neutral::kOne},
    // About conversations.
    {"tokenizer.chat_template", Neutral::kAny},
    {"tokenizer.chat_template.*", Neutral::kAny},
    {"tokenizer.chat_templates", Neutral::kAny},
    {"tokenizer.huggingface.json", Neutral::kAny},
    // Tokens with a role that no tokenizer here gives to any.
    {"tokenizer.ggml.unknown_token_id", Neutral::kAny},
    {"tokenizer.ggml.padding_token_id", Neutral::kAny},
    {"tokenizer.ggml.cls_token_id", Neutral::kAny},
    {"tokenizer.ggml.mask_token_id", Neutral::kAny},
    {"tokenizer.ggml.separator_token_id", Neutral::kAny},
    {"tokenizer.ggml.seperator_token_id", Neutral::kAny},  // as converters spell it
    {"tokenizer.ggml.prefix_token_id", Neutral::kAny},
    {"tokenizer.ggml.suffix_token_id", Neutral::kAny},
    {"tokenizer.ggml.middle_token_id", Neutral::kAny},
    {"tokenizer.ggml.fim_pre_token_id", Neutral::kAny},
    {"tokenizer.ggml.fim_suf_token_id", Neutral::kAny},
    {"tokenizer.ggml.fim_mid_token_id", Neutral::kAny},
    {"tokenizer.ggml.suppress_tokens", Neutral::kAny},
    // Of the other kind of tokenizer: one has ranks, the other scores, and neither pads.
    {"tokenizer.ggml.pre", Neutral::kAny},
    {"tokenizer.ggml.merges", Neutral::kAny},
    {"tokenizer.ggml.scores", Neutral::kAny},
    {"tokenizer.ggml.add_padding_token", Neutral::kAny},
    {"tokenizer.ggml.add_unknown_token", Neutral::kAny},
    {"tokenizer.ggml.add_mask_token", Neutral::kAny},
    // Switches that would change the ids.
    {"tokenizer.ggml.add_eos_token", Neutral::kFalse},
    {"tokenizer.ggml.add_sep_token", Neutral::kFalse},
    {"tokenizer.ggml.add_space_prefix", Neutral::kFalse},
    {"tokenizer.ggml.remove_extra_whitespaces", Neutral::kFalse},
    {"tokenizer.ggml.ignore_merges", Neutral::kFalse},
    {"tokenizer.ggml.normalizer.lowercase", Neutral::kFalse},
    {"tokenizer.ggml.normalizer.strip_accents", Neutral::kFalse},
};

bool fits(std::string_view pattern, std::string_view key, std::string_view architecture) {
    constexpr std::string_view kArch = "ARCH";
    if (pattern.starts_with(kArch)) {
        if (!key.starts_with(architecture)) return false;
        key.remove_prefix(architecture.size());
        pattern.remove_prefix(kArch.size());
    }
    if (!pattern.ends_with('*')) return key == pattern;
    return key.starts_with(pattern.substr(0, pattern.size() - 1));
}

// An integer or a float; nothing for values of other types.
std::optional<double> number(const Gguf& gguf, std::string_view key) {
    if (const auto value = gguf.get_float(key); value.ok()) return value.value();
    if (const auto value = gguf.get_u32(key); value.ok()) return value.value();
    return std::nullopt;
}

// 0 is how files say "as usual"; float32 keeps some 7 digits of 1 / sqrt(head_dim).
bool is_score_scale(std::optional<double> value, const ModelConfig& config) {
    const double usual = 1.0 / std::sqrt(static_cast<double>(config.head_dim));
    return value == 0.0 || (value && std::fabs(*value - usual) <= 1e-6 * usual);
}

bool is_neutral(const Gguf& gguf, std::string_view key, Neutral neutral,
                const ModelConfig& config) {
    const auto is_bool = [&](bool wanted) {
        const auto value = gguf.get_bool(key);
        return value.ok() && value.value() == wanted;
    };
    switch (neutral) {
        case Neutral::kAny:
            return true;
        case Neutral::kZero:
            return number(gguf, key) == 0.0;
        case Neutral::kOne:
            return number(gguf, key) == 1.0;
        case Neutral::kTrue:
            return is_bool(true);
        case Neutral::kFalse:
            return is_bool(false);
        case Neutral::kNone: {
            const auto value = gguf.get_string(key);
            return value.ok() && value.value() == "none";
        }
        case Neutral::kScoreScale:
            return is_score_scale(number(gguf, key), config);
    }
    return false;
}

std::string text(Neutral neutral, const ModelConfig& config) {
    switch (neutral) {
        case Neutral::kZero:
            return "0";
        case Neutral::kOne:
            return "1";
        case Neutral::kTrue:
            return "true";
        case Neutral::kFalse:
            return "false";
        case Neutral::kNone:
            return "'none'";
        case Neutral::kScoreScale:
            return "1/sqrt(" + std::to_string(config.head_dim) + ")";
        case Neutral::kAny:
            break;
    }
    return "";
}

}  // namespace

bool is_free_key(const Gguf& gguf, std::string_view key, const ModelConfig& config,
                 std::string& expected) {
    for (const FreeKey& row : kFreeKeys) {
        if (!fits(row.pattern, key, config.architecture)) continue;
        expected = text(row.neutral, config);
        return is_neutral(gguf, key, row.neutral, config);
    }
    return false;
}

}  // namespace gyre
