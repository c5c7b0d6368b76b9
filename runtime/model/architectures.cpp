// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/architectures.h"

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
constexpr QuantityKey kCommandRQuantities[] = {
    {"logit_scale", Quantity::kLogitScale, 1.0},
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
    {.name = "qwen3", .pairing = RotaryPairing::kHalf, .head_norm = true},
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
     .head_norm = true,
     .global_period = 6,
     .global_rotation = GlobalRotation::kOwnBase,
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
     .pairing = RotaryPairing::kHalf,
     .output = OutputTensor::kOwn},
    {.name = "falcon",
     .norm = NormKind::kLayer,
     .parallel_residual = true,
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
};

}  // namespace

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
