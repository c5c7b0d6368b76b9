// What a model computes, as data: plan() of runtime/engine/plan.h turns it into operations.
// SPDX-License-Identifier: Apache-2.0
//
// No architecture is named here: the reader of files (model_config.h) says what its keys mean.
#pragma once

#include <cstdint>

#include "runtime/model/rotary_spec.h"
#include "shaders/interface/linear.h"  // Activation

namespace gyre {

enum class PositionKind : std::uint32_t { kLearned, kSinusoidal, kRotary, kAlibi, kNone };
enum class ProjectionKind : std::uint32_t { kReal = 0, kComplex = 1 };

struct AttentionSpec {
    ProjectionKind qkv = ProjectionKind::kReal;
    ProjectionKind output = ProjectionKind::kReal;
    std::uint32_t sliding_window = 0;  // positions seen, the query's own included; 0 = all
    std::uint32_t sink_tokens = 0;     // first positions that the window keeps
    bool sink_logits = false;          // blk.N.attn_sinks.weight: one learned logit a head
};

struct ModelSpec {
    std::uint32_t n_vocab = 0;  // rows of token_embd and of the logits
    std::uint32_t n_ctx = 0;    // positions the model was made for
    std::uint32_t n_embd = 0;
    std::uint32_t n_layer = 0;
    std::uint32_t n_head = 0;
    std::uint32_t n_head_kv = 0;
    std::uint32_t head_dim = 0;
    std::uint32_t n_ff = 0;
    float layer_norm_epsilon = 0.0f;
    Activation activation = Activation::kGeluTanh;
    PositionKind position = PositionKind::kNone;
    bool tied = false;               // output.weight absent: the logits use token_embd
    bool parallel_residual = false;  // attention and feed-forward read the same input

    AttentionSpec attention;
    RotaryRecipe rotary;  // meaningful where position is kRotary

    std::uint32_t n_qkv() const { return (n_head + 2 * n_head_kv) * head_dim; }  // rows of attn_qkv
    // What the kernels need, for a session of session_ctx positions (1 .. n_ctx or more).
    RotarySpec rotary_spec(std::uint32_t session_ctx) const;
};

// A matrix of the model by what it is for, and a norm.
enum class MatrixRole : std::uint8_t {
    kTokenEmbd,
    kAttnQkv,
    kAttnOutput,
    kFfnUp,
    kFfnDown,
    kOutput,
};
enum class NormRole : std::uint8_t { kAttn, kFfn, kOutput };

inline constexpr std::uint32_t kNoLayer = 0xffffffffu;  // of what belongs to the whole model

struct MatrixId {
    MatrixRole role = MatrixRole::kTokenEmbd;
    std::uint32_t layer = kNoLayer;
    bool operator==(const MatrixId&) const = default;
};
struct NormId {
    NormRole role = NormRole::kOutput;
    std::uint32_t layer = kNoLayer;
    bool operator==(const NormId&) const = default;
};

}  // namespace gyre
