// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_config.h"

#include <algorithm>
#include <array>

#include "runtime/base/log.h"
#include "runtime/model/config_reader.h"

namespace gyre {
namespace {

// Far beyond any model of this family; they keep every product of sizes inside 64 bits.
constexpr std::uint32_t kMaxLayers = 1024;
constexpr std::uint32_t kMaxHeads = 1024;
constexpr std::uint32_t kMaxEmbd = 65536;
constexpr std::uint32_t kMaxFf = 1u << 20;
constexpr std::uint32_t kMaxVocab = 1u << 22;
constexpr std::uint32_t kMaxPositions = 1u << 20;

// What an architecture means where the file says nothing: one row each.
struct ArchitectureInfo {
    Architecture architecture;
    const char* name;
    Activation activation;
    bool always_rotary;  // rotary without gyre.position; else learned, rotary or none by the file
    bool parallel_residual;
};
constexpr ArchitectureInfo kArchitectures[] = {
    {Architecture::kGpt2, "gpt2", Activation::kGeluTanh, false, false},
    {Architecture::kGptNeox, "gptneox", Activation::kGeluErf, true, true},
};

constexpr Word<PositionKind> kPositions[] = {
    {"learned", PositionKind::kLearned}, {"sinusoidal", PositionKind::kSinusoidal},
    {"rotary", PositionKind::kRotary},   {"alibi", PositionKind::kAlibi},
    {"none", PositionKind::kNone},
};
constexpr Word<Activation> kActivations[] = {
    {"gelu_tanh", Activation::kGeluTanh},
    {"gelu_erf", Activation::kGeluErf},
    {"relu2", Activation::kRelu2},
};
constexpr Word<ProjectionKind> kProjections[] = {
    {"real", ProjectionKind::kReal},
    {"complex", ProjectionKind::kComplex},
};

// All of them: a gyre.* key that is not here is refused, because it would change what is computed.
constexpr std::string_view kGyreKeys[] = {
    "gyre.position",
    "gyre.rotary.pairing",
    "gyre.rotary.inv_freq",
    "gyre.rotary.keys",
    "gyre.rotary.values",
    "gyre.rotary.xpos",
    "gyre.rotary.scaling.type",
    "gyre.rotary.scaling.factor",
    "gyre.rotary.scaling.original_context_length",
    "gyre.rotary.scaling.low_freq_factor",
    "gyre.rotary.scaling.high_freq_factor",
    "gyre.rotary.scaling.attention_factor",
    "gyre.attention.projection",
    "gyre.attention.output_projection",
    "gyre.attention.temperature.coefficient",
    "gyre.attention.temperature.power",
    "gyre.attention.temperature.train_length",
    "gyre.attention.sink_tokens",
    "gyre.activation",
};

// ARCH.attention.* and ARCH.rope.* that are understood, or change nothing here. Any other one is
// refused too: attention computed without it would be wrong in silence.
constexpr std::string_view kArchKeys[] = {
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_epsilon",
    "attention.layer_norm_rms_epsilon",
    "attention.causal",
    "attention.max_alibi_bias",
    "attention.clamp_kqv",
    "attention.sliding_window",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scale_linear",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.attn_factor",
    "rope.scaling.finetuned",
    "rope.scaling.yarn_log_multiplier",
    "rope.scaling.yarn_ext_factor",
    "rope.scaling.yarn_attn_factor",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
};

bool contains(std::span<const std::string_view> list, std::string_view text) {
    return std::ranges::find(list, text) != list.end();
}

Status check_key_names(const ConfigReader& reader) {
    const std::string arch_prefix = reader.arch("");
    for (const std::string_view key : reader.gguf().keys()) {
        bool known = true;
        if (key.starts_with("gyre.")) {
            known = contains(kGyreKeys, key);
        } else if (key.starts_with(arch_prefix)) {
            const std::string_view rest = key.substr(arch_prefix.size());
            if (rest.starts_with("attention.") || rest.starts_with("rope.")) {
                known = contains(kArchKeys, rest);
            }
        }
        if (!known) {
            return Status::unsupported("key '" + printable(key) +
                                       "': unknown to this version, and it may change the results");
        }
    }
    return {};
}

Result<const ArchitectureInfo*> find_architecture(const Gguf& gguf) {
    GYRE_ASSIGN(const std::string_view name, gguf.get_string("general.architecture"));
    std::string known;
    for (const ArchitectureInfo& row : kArchitectures) {
        if (name == row.name) return &row;
        known += (known.empty() ? "" : ", ") + std::string(row.name);
    }
    return Status::unsupported("key 'general.architecture': '" + printable(name) +
                               "' is not supported; expected one of " + known);
}

Status read_sizes(const ConfigReader& reader, ModelConfig& config) {
    GYRE_TRY(reader.required(reader.arch("context_length"), {1, kMaxPositions}, config.n_ctx));
    GYRE_TRY(reader.required(reader.arch("embedding_length"), {1, kMaxEmbd}, config.n_embd));
    GYRE_TRY(reader.required(reader.arch("block_count"), {1, kMaxLayers}, config.n_layer));
    GYRE_TRY(reader.required(reader.arch("feed_forward_length"), {1, kMaxFf}, config.n_ff));
    GYRE_TRY(reader.required(reader.arch("attention.head_count"), {1, kMaxHeads}, config.n_head));
    if (config.n_embd % config.n_head != 0) {
        return reader.error(reader.arch("attention.head_count"),
                            std::to_string(config.n_head) +
                                "; expected a divisor of embedding_length " +
                                std::to_string(config.n_embd));
    }
    config.head_dim = config.n_embd / config.n_head;
    config.n_head_kv = config.n_head;
    GYRE_TRY(reader.optional(reader.arch("attention.head_count_kv"), {1, config.n_head},
                             config.n_head_kv));
    if (config.n_head % config.n_head_kv != 0) {
        return reader.error(reader.arch("attention.head_count_kv"),
                            std::to_string(config.n_head_kv) +
                                "; expected a divisor of head_count " +
                                std::to_string(config.n_head));
    }
    for (const char* name : {"attention.key_length", "attention.value_length"}) {
        std::uint32_t length = config.head_dim;  // n_embd / n_head is the only one supported
        GYRE_TRY(reader.optional(reader.arch(name), {config.head_dim, config.head_dim}, length));
    }
    double epsilon = 0.0;
    GYRE_TRY(reader.required(reader.arch("attention.layer_norm_epsilon"), {1e-12, 1.0}, epsilon));
    config.layer_norm_epsilon = static_cast<float>(epsilon);
    return {};
}

// Rows of token_embd, and how many of them the tokenizer uses.
Status read_vocab(const ConfigReader& reader, ModelConfig& config) {
    const TensorView* embd = reader.gguf().find_tensor("token_embd.weight");
    if (embd == nullptr) return Status::bad_file("tensor 'token_embd.weight': missing");
    const std::uint64_t n_rows = embd->n_rows();
    if (n_rows > kMaxVocab) {
        return Status::bad_file("tensor 'token_embd.weight': " + std::to_string(n_rows) +
                                " rows; expected at most " + std::to_string(kMaxVocab));
    }
    config.n_vocab = static_cast<std::uint32_t>(n_rows);
    config.n_tokens = config.n_vocab;
    if (reader.has("tokenizer.ggml.tokens")) {
        GYRE_ASSIGN(const auto tokens, reader.gguf().get_strings("tokenizer.ggml.tokens"));
        const std::size_t count = tokens.size();
        if (count < 1 || count > n_rows) {
            return reader.error("tokenizer.ggml.tokens",
                                std::to_string(count) + " tokens; expected 1 to " +
                                    std::to_string(n_rows) + ", the rows of token_embd.weight");
        }
        config.n_tokens = static_cast<std::uint32_t>(count);
    }
    config.tied = reader.gguf().find_tensor("output.weight") == nullptr;
    return {};
}

// Keys that some other architecture uses: only the value that changes nothing is taken.
Status check_neutral_keys(const ConfigReader& reader) {
    bool causal = true;
    GYRE_TRY(reader.optional(reader.arch("attention.causal"), causal));
    if (!causal) {
        return Status::unsupported("key '" + reader.arch("attention.causal") +
                                   "': false; only causal attention is supported");
    }
    double zero = 0.0;
    GYRE_TRY(reader.optional(reader.arch("attention.max_alibi_bias"), {0.0, 0.0}, zero));
    return reader.optional(reader.arch("attention.clamp_kqv"), {0.0, 0.0}, zero);
}

Status read_temperature(const ConfigReader& reader, AttentionTemperature& temperature) {
    const std::string prefix = "gyre.attention.temperature.";
    const std::array keys = {prefix + "coefficient", prefix + "power", prefix + "train_length"};
    if (std::ranges::none_of(keys, [&](const std::string& key) { return reader.has(key); }))
        return {};
    GYRE_TRY(reader.required(keys[0], {0.0, 100.0}, temperature.coefficient));
    GYRE_TRY(reader.required(keys[1], {-16.0, 16.0}, temperature.power));
    return reader.required(keys[2], {1, kMaxPositions}, temperature.train_length);
}

Status read_attention(const ConfigReader& reader, ModelConfig& config) {
    AttentionSpec& attention = config.attention;
    const std::span<const Word<ProjectionKind>> projections = kProjections;
    GYRE_TRY(reader.optional("gyre.attention.projection", projections, attention.qkv));
    GYRE_TRY(reader.optional("gyre.attention.output_projection", projections, attention.output));
    const bool complex =
        attention.qkv == ProjectionKind::kComplex || attention.output == ProjectionKind::kComplex;
    if (complex && config.head_dim % 2 != 0) {
        return reader.error("gyre.attention.projection", "complex needs an even head size, not " +
                                                             std::to_string(config.head_dim));
    }
    GYRE_TRY(reader.optional(reader.arch("attention.sliding_window"), {0, UINT32_MAX},
                             attention.sliding_window));
    GYRE_TRY(
        reader.optional("gyre.attention.sink_tokens", {0, kMaxPositions}, attention.sink_tokens));
    if (attention.sink_tokens != 0 && attention.sliding_window == 0) {
        return reader.error("gyre.attention.sink_tokens",
                            "given without '" + reader.arch("attention.sliding_window") + "'");
    }
    attention.sink_logits = reader.gguf().find_tensor("blk.0.attn_sinks.weight") != nullptr;
    return read_temperature(reader, config.rotary.temperature);
}

bool has_key_beginning(const ConfigReader& reader, std::string_view prefix) {
    return std::ranges::any_of(reader.gguf().keys(),
                               [&](std::string_view key) { return key.starts_with(prefix); });
}

// Without gyre.position: what the architecture always has; else what the file has the parts for.
PositionKind default_position(const ConfigReader& reader, const ArchitectureInfo& info) {
    if (info.always_rotary) return PositionKind::kRotary;
    if (reader.gguf().find_tensor("position_embd.weight") != nullptr) return PositionKind::kLearned;
    const bool rotary = has_key_beginning(reader, reader.arch("rope.")) ||
                        has_key_beginning(reader, "gyre.rotary.");
    return rotary ? PositionKind::kRotary : PositionKind::kNone;
}

Status read_position(const ConfigReader& reader, const ArchitectureInfo& info,
                     ModelConfig& config) {
    config.position = default_position(reader, info);
    GYRE_TRY(reader.optional("gyre.position", std::span<const Word<PositionKind>>(kPositions),
                             config.position));
    const bool has_table = reader.gguf().find_tensor("position_embd.weight") != nullptr;
    const std::string position = to_string(config.position);
    if (config.position == PositionKind::kLearned && !has_table) {
        return reader.error("gyre.position",
                            "learned, but tensor 'position_embd.weight' is missing");
    }
    if (config.position != PositionKind::kLearned && has_table) {
        return reader.error(
            "gyre.position",
            position + ", but the file has learned positions in 'position_embd.weight'");
    }
    if (config.position == PositionKind::kRotary) return read_rotary_recipe(reader, config);
    for (const std::string_view key : reader.gguf().keys()) {
        if (key.starts_with("gyre.rotary.")) {
            return reader.error(printable(key), "given, but the positions are " + position);
        }
        if (key.starts_with(reader.arch("rope."))) {
            log(LogLevel::kInfo,
                "key '" + printable(key) + "' is not used: positions are " + position);
        }
    }
    return {};
}

// A complex output row is channels (2r, 2r + 1), so only interleaved pairs can turn it in one
// piece.
Status check_complex_pairing(const ConfigReader& reader, const ModelConfig& config) {
    if (config.attention.qkv != ProjectionKind::kComplex ||
        config.position != PositionKind::kRotary ||
        config.rotary.pairing == RotaryPairing::kInterleaved) {
        return {};
    }
    return reader.error("gyre.attention.projection",
                        "complex needs gyre.rotary.pairing 'interleaved', not 'half'");
}

template <typename Enum>
const char* word_of(std::span<const Word<Enum>> words, Enum value) {
    for (const Word<Enum>& word : words) {
        if (word.value == value) return word.text;
    }
    return "?";
}

}  // namespace

Result<ModelConfig> read_model_config(const Gguf& gguf) {
    GYRE_ASSIGN(const ArchitectureInfo* info, find_architecture(gguf));
    const ConfigReader reader(gguf, info->name);
    GYRE_TRY(check_key_names(reader));

    ModelConfig config;
    config.architecture = info->architecture;
    if (gguf.has("general.name")) {
        GYRE_ASSIGN(const std::string_view name, gguf.get_string("general.name"));
        config.name = printable(name);
    }
    GYRE_TRY(read_sizes(reader, config));
    GYRE_TRY(read_vocab(reader, config));
    config.activation = info->activation;
    GYRE_TRY(reader.optional("gyre.activation", std::span<const Word<Activation>>(kActivations),
                             config.activation));
    config.parallel_residual = info->parallel_residual;
    GYRE_TRY(reader.optional(reader.arch("use_parallel_residual"), config.parallel_residual));
    GYRE_TRY(check_neutral_keys(reader));
    GYRE_TRY(read_attention(reader, config));
    GYRE_TRY(read_position(reader, *info, config));
    GYRE_TRY(check_complex_pairing(reader, config));
    return config;
}

RotarySpec ModelConfig::rotary_spec(std::uint32_t session_ctx) const {
    if (position == PositionKind::kRotary) return make_rotary_spec(rotary, head_dim, session_ctx);
    RotarySpec spec = make_unturned_spec(head_dim);
    spec.temperature = rotary.temperature;
    return spec;
}

const char* to_string(Architecture value) {
    return kArchitectures[static_cast<std::uint32_t>(value)].name;
}
const char* to_string(PositionKind value) {
    return word_of(std::span<const Word<PositionKind>>(kPositions), value);
}
const char* to_string(Activation value) {
    return word_of(std::span<const Word<Activation>>(kActivations), value);
}
const char* to_string(ProjectionKind value) {
    return word_of(std::span<const Word<ProjectionKind>>(kProjections), value);
}

}  // namespace gyre
