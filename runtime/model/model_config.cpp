// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_config.h"

#include <algorithm>
#include <array>

#include "runtime/model/config_reader.h"

namespace gyre {
namespace {

// Far beyond any model of this family; they keep every product of sizes inside 64 bits.
constexpr std::uint32_t kMaxLayers = 1024;
constexpr std::uint32_t kMaxHeads = 1024;
constexpr std::uint32_t kMaxHeadDim = 65536;
constexpr std::uint32_t kMaxEmbd = 65536;
constexpr std::uint32_t kMaxFf = 1u << 20;
constexpr std::uint32_t kMaxVocab = 1u << 22;
constexpr std::uint32_t kMaxPositions = 1u << 20;

constexpr Word<PositionKind> kPositions[] = {
    {"learned", PositionKind::kLearned}, {"sinusoidal", PositionKind::kSinusoidal},
    {"rotary", PositionKind::kRotary},   {"alibi", PositionKind::kAlibi},
    {"none", PositionKind::kNone},
};
constexpr Word<Activation> kActivations[] = {
    {"gelu_tanh", Activation::kGeluTanh},
    {"gelu_erf", Activation::kGeluErf},
    {"relu2", Activation::kRelu2},
    {"silu", Activation::kSilu},
};
constexpr Word<ProjectionKind> kProjections[] = {
    {"real", ProjectionKind::kReal},
    {"complex", ProjectionKind::kComplex},
};

// What is not a model's whole file is named before anything is missing in it.
Status check_file_kind(const ConfigReader& reader) {
    constexpr Word<bool> kTypes[] = {{"model", true}};
    bool is_model = true;
    return reader.optional("general.type", std::span<const Word<bool>>(kTypes), is_model);
}

Result<const Architecture*> read_architecture(GgufReading& file) {
    GYRE_ASSIGN(const std::string_view name, file.get_string("general.architecture"));
    if (const Architecture* row = find_architecture(name)) return row;
    const std::string refused =
        "key 'general.architecture': '" + printable(name) + "' is not supported";
    if (const char* part = what_is_missing(name))
        return Status::unsupported(refused + ": this version has no " + part);
    std::string known;
    for (const Architecture& row : architectures())
        known += (known.empty() ? "" : ", ") + std::string(row.name);
    return Status::unsupported(refused + "; expected one of " + known);
}

// head_dim: by key, else what the width leaves for each head.
Status read_head_dim(const ConfigReader& reader, ModelConfig& config) {
    const std::string key = reader.arch("attention.key_length");
    if (!reader.has(key) && config.n_embd % config.n_head != 0) {
        return reader.error(reader.arch("attention.head_count"),
                            std::to_string(config.n_head) +
                                "; expected a divisor of embedding_length " +
                                std::to_string(config.n_embd));
    }
    config.head_dim = config.n_embd / config.n_head;
    GYRE_TRY(reader.optional(key, {1, kMaxHeadDim}, config.head_dim));
    std::uint32_t of_values = config.head_dim;  // another size than the keys' is not supported
    return reader.optional(reader.arch("attention.value_length"),
                           {config.head_dim, config.head_dim}, of_values);
}

Status read_sizes(const ConfigReader& reader, ModelConfig& config) {
    GYRE_TRY(reader.required(reader.arch("context_length"), {1, kMaxPositions}, config.n_ctx));
    GYRE_TRY(reader.required(reader.arch("embedding_length"), {1, kMaxEmbd}, config.n_embd));
    GYRE_TRY(reader.required(reader.arch("block_count"), {1, kMaxLayers}, config.n_layer));
    GYRE_TRY(reader.required(reader.arch("feed_forward_length"), {1, kMaxFf}, config.n_ff));
    GYRE_TRY(reader.required(reader.arch("attention.head_count"), {1, kMaxHeads}, config.n_head));
    GYRE_TRY(read_head_dim(reader, config));
    config.n_head_kv = config.n_head;
    GYRE_TRY(reader.optional(reader.arch("attention.head_count_kv"), {1, config.n_head},
                             config.n_head_kv));
    if (config.n_head % config.n_head_kv != 0) {
        return reader.error(reader.arch("attention.head_count_kv"),
                            std::to_string(config.n_head_kv) +
                                "; expected a divisor of head_count " +
                                std::to_string(config.n_head));
    }
    return {};
}

bool has_in_first_layer(const ConfigReader& reader, const char* tensor) {
    return reader.file().has_tensor(std::string("blk.0.") + tensor + ".weight");
}

Status read_norms(const ConfigReader& reader, const Architecture& row, ModelConfig& config) {
    config.norm = row.norm;
    config.norm_placement = row.norm_placement;
    config.norm_weights = row.norm_weights;
    config.embedding_norm = row.embedding_norm;
    if (row.second_norm != nullptr && has_in_first_layer(reader, row.second_norm))
        config.tensor_names.attn_norm = row.second_norm;
    double epsilon = 0.0;
    const char* name = row.norm == NormKind::kRms ? "attention.layer_norm_rms_epsilon"
                                                  : "attention.layer_norm_epsilon";
    GYRE_TRY(reader.required(reader.arch(name), {1e-12, 1.0}, epsilon));
    config.layer_norm_epsilon = static_cast<float>(epsilon);
    return {};
}

Status read_blocks(const ConfigReader& reader, const Architecture& row, ModelConfig& config) {
    config.gated = row.gate != GateTensor::kNone;
    config.gate_before_up = row.gate == GateTensor::kBeforeUp;
    config.activation = row.activation;
    GYRE_TRY(reader.optional("gyre.activation", std::span<const Word<Activation>>(kActivations),
                             config.activation));
    const std::string key = reader.arch("use_parallel_residual");
    config.parallel_residual = row.parallel_residual;
    if (row.residual_by_key) GYRE_TRY(reader.optional(key, config.parallel_residual));
    if (!row.parallel_without_ffn_norm) return {};
    bool as_written = false;  // of all files, whatever they are
    GYRE_TRY(reader.optional(key, as_written));
    config.parallel_residual = !has_in_first_layer(reader, row.tensors.ffn_norm);
    if (config.parallel_residual) config.tensor_names.ffn_norm = row.tensors.attn_norm;
    return {};
}

// Rows of token_embd, and how many of them the tokenizer uses.
Status read_vocab(const ConfigReader& reader, const Architecture& row, ModelConfig& config) {
    const TensorView* embd = reader.file().find_tensor("token_embd.weight");
    if (embd == nullptr) return Status::bad_file("tensor 'token_embd.weight': missing");
    const std::uint64_t n_rows = embd->n_rows();
    if (n_rows > kMaxVocab) {
        return Status::bad_file("tensor 'token_embd.weight': " + std::to_string(n_rows) +
                                " rows; expected at most " + std::to_string(kMaxVocab));
    }
    config.n_vocab = static_cast<std::uint32_t>(n_rows);
    config.n_tokens = config.n_vocab;
    if (reader.has("tokenizer.ggml.tokens")) {
        GYRE_ASSIGN(const auto tokens, reader.file().get_strings("tokenizer.ggml.tokens"));
        const std::size_t count = tokens.size();
        if (count < 1 || count > n_rows) {
            return reader.error("tokenizer.ggml.tokens",
                                std::to_string(count) + " tokens; expected 1 to " +
                                    std::to_string(n_rows) + ", the rows of token_embd.weight");
        }
        config.n_tokens = static_cast<std::uint32_t>(count);
    }
    config.tied = row.output == OutputTensor::kTied || !reader.file().has_tensor("output.weight");
    if (config.tied && row.output == OutputTensor::kOwn) {
        return reader.file().refuse(
            "output.weight", std::string("tensor 'output.weight': missing, and ") + row.name +
                                 " does not use token_embd for it");
    }
    return {};
}

Status read_temperature(const ConfigReader& reader, AttentionTemperature& temperature) {
    const std::string prefix = "gyre.attention.temperature.";
    const std::array keys = {prefix + "coefficient", prefix + "power", prefix + "train_length"};
    if (std::none_of(keys.begin(), keys.end(),
                     [&](const std::string& key) { return reader.has(key); }))
        return {};
    GYRE_TRY(reader.required(keys[0], {0.0, 100.0}, temperature.coefficient));
    GYRE_TRY(reader.required(keys[1], {-16.0, 16.0}, temperature.power));
    return reader.required(keys[2], {1, kMaxPositions}, temperature.train_length);
}

// Whether queries, keys and values have a matrix each.
bool has_separate_qkv(const ConfigReader& reader, const Architecture& row) {
    if (row.qkv == QkvTensors::kFused) return false;
    const std::string fused = std::string("blk.0.") + row.tensors.attn_qkv;
    return !reader.file().has_tensor(fused + ".weight") &&
           !reader.file().has_tensor(fused + ".re.weight");
}

Status read_attention(const ConfigReader& reader, const Architecture& row, ModelConfig& config) {
    AttentionSpec& attention = config.attention;
    attention.separate_qkv = has_separate_qkv(reader, row);
    if (!row.qk_norm_by_tensors || has_in_first_layer(reader, row.tensors.attn_q_norm))
        attention.qk_norm = row.qk_norm;
    const std::span<const Word<ProjectionKind>> projections = kProjections;
    GYRE_TRY(reader.optional("gyre.attention.projection", projections, attention.qkv));
    GYRE_TRY(reader.optional("gyre.attention.output_projection", projections, attention.output));
    const bool complex =
        attention.qkv == ProjectionKind::kComplex || attention.output == ProjectionKind::kComplex;
    if (complex && config.head_dim % 2 != 0) {
        return reader.error("gyre.attention.projection", "complex needs an even head size, not " +
                                                             std::to_string(config.head_dim));
    }
    attention.sliding_window = row.window;
    GYRE_TRY(reader.optional(reader.arch("attention.sliding_window"), {0, UINT32_MAX},
                             attention.sliding_window));
    GYRE_TRY(
        reader.optional("gyre.attention.sink_tokens", {0, kMaxPositions}, attention.sink_tokens));
    if (attention.sink_tokens != 0 && attention.sliding_window == 0) {
        return reader.error("gyre.attention.sink_tokens",
                            "given without '" + reader.arch("attention.sliding_window") + "'");
    }
    attention.sink_logits = reader.file().has_tensor("blk.0.attn_sinks.weight");
    return read_temperature(reader, config.rotary.temperature);
}

Status read_position(const ConfigReader& reader, const Architecture& row, ModelConfig& config) {
    config.position = row.position;
    GYRE_TRY(reader.optional("gyre.position", std::span<const Word<PositionKind>>(kPositions),
                             config.position));
    if (config.position == PositionKind::kAlibi && config.alibi_max == 0.0f)
        config.position = PositionKind::kLearned;
    const bool has_table = reader.file().has_tensor("position_embd.weight");
    if (config.position == PositionKind::kLearned && !has_table) {
        if (reader.has("gyre.position")) {
            return reader.error("gyre.position",
                                "learned, but tensor 'position_embd.weight' is missing");
        }
        config.position = PositionKind::kNone;
        return reader.file().refuse("position_embd.weight",
                                    std::string("tensor 'position_embd.weight': missing, and ") +
                                        row.name + " has no other positions without gyre.position");
    }
    if (config.position != PositionKind::kLearned && has_table) {
        return reader.error(
            "gyre.position",
            to_string(config.position) +
                std::string(", but the file has learned positions in 'position_embd.weight'"));
    }
    config.rotary.pairing = row.pairing;
    if (config.position != PositionKind::kRotary) return {};
    if (row.longrope_by_tensors && reader.file().has_tensor("rope_factors_long.weight")) {
        config.rotary.scaling.type = RotaryScalingType::kLongrope;
    }
    GYRE_TRY(read_rotary_recipe(reader, config));
    bool finetuned = true;
    if (row.position_by_finetuned) {
        GYRE_TRY(reader.optional(reader.arch("rope.scaling.finetuned"), finetuned));
    }
    if (!finetuned) config.position = PositionKind::kNone;
    if (row.alibi_layers == config.n_layer && !reader.has("gyre.position"))
        config.position = PositionKind::kAlibi;
    return {};
}

// A complex output row is channels (2r, 2r + 1), so only interleaved pairs can rotate it in one
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
    GgufReading file(gguf);
    return read_model_config(file);
}

Result<ModelConfig> read_model_config(GgufReading& file) {
    GYRE_TRY(check_file_kind(ConfigReader(file, "")));
    GYRE_ASSIGN(const Architecture* row, read_architecture(file));
    const ConfigReader reader(file, row->name);

    ModelConfig config;
    config.architecture = row->name;
    config.tensor_names = row->tensors;
    if (file.has("general.name")) {
        GYRE_ASSIGN(const std::string_view name, file.get_string("general.name"));
        config.name = printable(name);
    }
    GYRE_TRY(read_sizes(reader, config));
    GYRE_TRY(read_norms(reader, *row, config));
    GYRE_TRY(read_vocab(reader, *row, config));
    GYRE_TRY(read_blocks(reader, *row, config));
    GYRE_TRY(read_attention(reader, *row, config));
    GYRE_TRY(read_quantities(reader, *row, config));
    GYRE_TRY(read_position(reader, *row, config));
    GYRE_TRY(read_layers(reader, *row, config));
    GYRE_TRY(check_complex_pairing(reader, config));
    GYRE_TRY(file.refuse_unread(GgufReading::Keys::kModel, config));
    return config;
}

RotarySpec ModelSpec::rotary_spec(std::uint32_t session_ctx) const {
    if (position == PositionKind::kRotary) return make_rotary_spec(rotary, head_dim, session_ctx);
    RotarySpec spec = make_unrotated_spec(head_dim);
    spec.temperature = rotary.temperature;
    return spec;
}

std::vector<RotarySpec> ModelSpec::rotary_specs(std::uint32_t session_ctx) const {
    std::vector<RotarySpec> specs = {rotary_spec(session_ctx)};
    for (const RotaryRecipe& recipe : other_rotary)
        specs.push_back(make_rotary_spec(recipe, head_dim, session_ctx));
    return specs;
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
