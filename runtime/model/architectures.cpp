// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/architectures.h"

#include <initializer_list>

namespace gyre {
namespace {

constexpr QuantityKey kGemma2Quantities[] = {
    {"attn_logit_softcapping", Quantity::kScoreCap, 50.0},
    {"final_logit_softcapping", Quantity::kLogitCap, 30.0},
};
constexpr QuantityKey kGemma3Quantities[] = {
    {"final_logit_softcapping", Quantity::kLogitCap, 0.0},
};
constexpr QuantityKey kGraniteQuantities[] = {
    {"embedding_scale", Quantity::kEmbeddingScale, 1.0},
    {"residual_scale", Quantity::kResidualScale, 1.0},
    {"attention.scale", Quantity::kScoreScale, 0.0},
    {"logit_scale", Quantity::kLogitDivisor},
};
constexpr QuantityKey kMinicpmQuantities[] = {
    {"embedding_scale", Quantity::kEmbeddingScale},
    {"residual_scale", Quantity::kResidualScale},
    {"logit_scale", Quantity::kLogitDivisor},
};
constexpr QuantityKey kCommandRQuantities[] = {
    {"logit_scale", Quantity::kLogitScale, 1.0},
};
constexpr QuantityKey kMptQuantities[] = {
    {"attention.max_alibi_bias", Quantity::kAlibiMax},
    {"attention.clamp_kqv", Quantity::kClamp, 0.0},
};
constexpr QuantityKey kOlmoQuantities[] = {
    {"attention.clamp_kqv", Quantity::kClamp, 0.0},
};

// Which tensors and keys the files of a family have: the converters and loaders of llama.cpp. What
// is computed from them: the family's definition in Hugging Face transformers.
constexpr Architecture kArchitectures[] = {
    {.name = "gpt2",
     .norm = NormKind::kLayer,
     .residual_by_key = true,
     .position = PositionKind::kLearned,
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kGeluTanh,
     .gate = GateTensor::kNone,
     .qkv = QkvTensors::kFused},
    {.name = "gptneox",
     .norm = NormKind::kLayer,
     .parallel_residual = true,
     .residual_by_key = true,
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kGeluErf,
     .gate = GateTensor::kNone,
     .qkv = QkvTensors::kFused,
     .output = OutputTensor::kOwn},
    {.name = "llama"},
    {.name = "qwen2", .pairing = RotaryPairing::kHalf},
    {.name = "qwen3", .pairing = RotaryPairing::kHalf, .qk_norm = QkNorm::kHeads},
    {.name = "gemma",
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kGeluTanh,
     .output = OutputTensor::kTied,
     .embedding_by_width = true},
    {.name = "gemma2",
     .norm_placement = NormPlacement::kBoth,
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kGeluTanh,
     .output = OutputTensor::kTied,
     .window = 4096,
     .global_period = 2,
     .quantities = kGemma2Quantities,
     .embedding_by_width = true,
     .score_by_width_layers = 46},
    {.name = "gemma3",
     .norm_placement = NormPlacement::kBoth,
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kGeluTanh,
     .qk_norm = QkNorm::kHeads,
     .global_period = 6,
     .global_rotation = GlobalRotation::kOwnBase,
     .windows_base = 10000.0,
     .quantities = kGemma3Quantities,
     .embedding_by_width = true,
     .score_by_width_layers = 62},
    {.name = "smollm3", .unrotated_period = 4},
    {.name = "granite", .position_by_finetuned = true, .quantities = kGraniteQuantities},
    {.name = "phi3",
     .pairing = RotaryPairing::kHalf,
     .longrope_by_tensors = true,
     .gate = GateTensor::kBeforeUp},
    {.name = "starcoder2",
     .norm = NormKind::kLayer,
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kGeluTanh,
     .gate = GateTensor::kNone},
    {.name = "nemotron",
     .norm = NormKind::kLayer,
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kRelu2,
     .gate = GateTensor::kNone,
     .output = OutputTensor::kOwn},
    {.name = "command-r",
     .norm = NormKind::kLayer,
     .parallel_residual = true,
     .qk_norm = QkNorm::kHeadsOwn,
     .qk_norm_by_tensors = true,
     .output = OutputTensor::kTied,
     .tensors = {.ffn_norm = "attn_norm"},
     .quantities = kCommandRQuantities},
    {.name = "glm4", .norm_placement = NormPlacement::kBoth, .gate = GateTensor::kBeforeUp},
    {.name = "seed_oss",
     .pairing = RotaryPairing::kHalf,
     .tensors = {.ffn_norm = "post_attention_norm"}},
    {.name = "cohere2",
     .norm = NormKind::kLayer,
     .parallel_residual = true,
     .output = OutputTensor::kTied,
     .tensors = {.ffn_norm = "attn_norm"},
     .window = 4096,
     .global_period = 4,
     .global_rotation = GlobalRotation::kNone,
     .quantities = kCommandRQuantities},
    {.name = "arcee", .activation = Activation::kRelu2, .gate = GateTensor::kNone},
    {.name = "ernie4_5"},
    {.name = "stablelm",
     .norm = NormKind::kLayer,
     .parallel_without_ffn_norm = true,
     .pairing = RotaryPairing::kHalf,
     .qk_norm = QkNorm::kHeadsOwn,
     .qk_norm_by_tensors = true,
     .output = OutputTensor::kOwn},
    {.name = "falcon",
     .norm = NormKind::kLayer,
     .parallel_residual = true,
     .second_norm = "attn_norm_2",
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kGeluErf,
     .gate = GateTensor::kNone,
     .qkv = QkvTensors::kFused,
     .tensors = {.ffn_norm = "attn_norm"}},
    {.name = "starcoder",
     .norm = NormKind::kLayer,
     .position = PositionKind::kLearned,
     .activation = Activation::kGeluTanh,
     .gate = GateTensor::kNone,
     .qkv = QkvTensors::kFused},
    {.name = "olmo",
     .norm = NormKind::kLayer,
     .norm_weights = false,
     .quantities = kOlmoQuantities},
    {.name = "olmo2",
     .norm_placement = NormPlacement::kAfter,
     .pairing = RotaryPairing::kHalf,
     .qk_norm = QkNorm::kRows,
     .output = OutputTensor::kOwn,
     .global_period = 4,
     .global_rotation = GlobalRotation::kOwnBase},
    {.name = "exaone", .pairing = RotaryPairing::kHalf},
    {.name = "exaone4",
     .norm_placement = NormPlacement::kAfter,
     .pairing = RotaryPairing::kHalf,
     .qk_norm = QkNorm::kHeads,
     .global_period = 4,
     .global_rotation = GlobalRotation::kNone},
    {.name = "hunyuan-dense", .pairing = RotaryPairing::kHalf, .qk_norm = QkNorm::kHeadsRotated},
    {.name = "maincoder", .qk_norm = QkNorm::kHeadsRotated},
    {.name = "mpt",
     .norm = NormKind::kLayer,
     .position = PositionKind::kAlibi,
     .activation = Activation::kGeluErf,
     .gate = GateTensor::kNone,
     .quantities = kMptQuantities},
    {.name = "bloom",
     .norm = NormKind::kLayer,
     .embedding_norm = true,
     .position = PositionKind::kAlibi,
     .activation = Activation::kGeluTanh,
     .gate = GateTensor::kNone},
    {.name = "refact", .position = PositionKind::kAlibi},
    {.name = "baichuan", .output = OutputTensor::kOwn, .alibi_layers = 40},
    {.name = "phi2",
     .norm = NormKind::kLayer,
     .parallel_residual = true,
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kGeluTanh,
     .gate = GateTensor::kNone,
     .output = OutputTensor::kOwn,
     .tensors = {.ffn_norm = "attn_norm"}},
    {.name = "plamo",
     .parallel_residual = true,
     .pairing = RotaryPairing::kHalf,
     .output = OutputTensor::kOwn,
     .tensors = {.ffn_norm = "attn_norm"}},
    {.name = "codeshell",
     .norm = NormKind::kLayer,
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kGeluTanh,
     .gate = GateTensor::kNone,
     .output = OutputTensor::kOwn},
    {.name = "jais2",
     .norm = NormKind::kLayer,
     .pairing = RotaryPairing::kHalf,
     .activation = Activation::kRelu2,
     .gate = GateTensor::kNone},
    {.name = "orion",
     .norm = NormKind::kLayer,
     .pairing = RotaryPairing::kHalf,
     .output = OutputTensor::kOwn},
    {.name = "minicpm", .quantities = kMinicpmQuantities},
    {.name = "chatglm", .gate = GateTensor::kBeforeUp},
    {.name = "internlm2", .output = OutputTensor::kOwn},
    {.name = "xverse", .output = OutputTensor::kOwn},
    {.name = "pangu-embedded", .pairing = RotaryPairing::kHalf},
    {.name = "mistral3"},
};

// Architectures of llama.cpp by what they need and Gyre does not have.
struct MissingPart {
    const char* part;
    std::initializer_list<std::string_view> architectures;
};
const MissingPart kMissingParts[] = {
    {"experts",
     {"afmoe",     "arctic",     "bailingmoe",  "bailingmoe2",  "cohere2moe",  "dbrx",
      "deepseek",  "deepseek2",  "dots1",       "ernie4_5-moe", "exaone-moe",  "glm4moe",
      "gpt-oss",   "granitemoe", "grok",        "grovemoe",     "hunyuan-moe", "lfm2moe",
      "llada-moe", "llama4",     "minimax-m2",  "olmoe",        "phimoe",      "qwen2moe",
      "qwen3moe",  "qwen3vlmoe", "smallthinker"}},
    {"encoders",
     {"bert", "eurobert", "gemma-embedding", "jina-bert-v2", "jina-bert-v3", "modern-bert",
      "neo-bert", "nomic-bert", "nomic-bert-moe", "t5", "t5encoder"}},
    {"state-space, recurrent or convolutional layers",
     {"arwkv7", "falcon-h1", "granitehybrid", "jamba", "kimi-linear", "lfm2", "mamba", "mamba2",
      "nemotron_h", "nemotron_h_moe", "plamo2", "qwen3next", "rwkv6", "rwkv6qwen2", "rwkv7"}},
    {"keys and values of a low rank", {"minicpm3", "plm"}},
};

}  // namespace

const char* what_is_missing(std::string_view name) {
    for (const MissingPart& row : kMissingParts) {
        for (const std::string_view architecture : row.architectures) {
            if (name == architecture) return row.part;
        }
    }
    return nullptr;
}

std::span<const Architecture> architectures() {
    return kArchitectures;
}

const Architecture* find_architecture(std::string_view name) {
    for (const Architecture& row : kArchitectures) {
        if (name == row.name) return &row;
    }
    return nullptr;
}

}  // namespace gyre
