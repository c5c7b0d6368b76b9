// What a model computes, as data: plan() of runtime/engine/plan.h makes operations of it.
// SPDX-License-Identifier: Apache-2.0
//
// No architecture is named here: the reader of files (model_config.h) says what its keys mean.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/model/rotary_spec.h"
#include "shaders/interface/linear.h"    // Activation
#include "shaders/interface/store_kv.h"  // QkNorm

namespace gyre {

enum class PositionKind : std::uint32_t { kLearned, kSinusoidal, kRotary, kAlibi, kNone };
enum class ProjectionKind : std::uint32_t { kReal = 0, kComplex = 1 };

enum class NormKind : std::uint32_t { kLayer, kRms };
// Of the norms of a layer: in front of a block, of what a block adds, or both.
enum class NormPlacement : std::uint32_t { kBefore, kAfter, kBoth };

struct AttentionSpec {
    ProjectionKind qkv = ProjectionKind::kReal;
    ProjectionKind output = ProjectionKind::kReal;
    bool separate_qkv = false;             // attn_q, attn_k and attn_v in place of attn_qkv
    QkNorm qk_norm = QkNorm::kNone;        // attn_q_norm and attn_k_norm
    float clamp = 0.0f;                    // queries, keys and values, to +- this; 0: as they are
    std::uint32_t sliding_window = 0;      // positions seen, the query's own included; 0 = all
    std::vector<std::uint32_t> windows{};  // [n_layer], or empty: sliding_window in all layers
    std::uint32_t sink_tokens = 0;         // first positions that the window keeps
    bool sink_logits = false;              // blk.N.attn_sinks.weight: one learned logit per head
    float score_scale = 0.0f;              // on the dot product; 0: 1 / sqrt(head_dim)
    float score_cap = 0.0f;                // scores become cap * tanh(score / cap); 0: none
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
    NormKind norm = NormKind::kLayer;
    NormPlacement norm_placement = NormPlacement::kBefore;
    bool norm_weights = true;     // false: norms have neither weight nor bias
    bool embedding_norm = false;  // token_embd_norm, after the embedding
    float layer_norm_epsilon = 0.0f;
    bool gated = false;  // ffn_gate: activation(gate) * up, in place of activation(up)
    Activation activation = Activation::kGeluTanh;
    PositionKind position = PositionKind::kNone;
    float alibi_max = 8.0f;          // slopes are 2^(-alibi_max h / n_head)
    bool tied = false;               // output.weight absent: the logits use token_embd
    bool parallel_residual = false;  // attention and feed-forward read the same input

    float embedding_scale = 1.0f;  // on the rows of token_embd
    float residual_scale = 1.0f;   // on what a block adds
    float logit_scale = 1.0f;
    float logit_cap = 0.0f;  // as score_cap, after logit_scale; 0: none

    AttentionSpec attention;
    RotaryRecipe rotary;  // meaningful where position is kRotary
    // Layers that rotate in another way: the same pairing, and the same is rotated.
    std::vector<RotaryRecipe> other_rotary{};
    std::vector<std::uint32_t>
        layer_rotary{};  // [n_layer]: 0 rotary, n other_rotary[n - 1]; or empty

    std::uint32_t n_qkv() const { return (n_head + 2 * n_head_kv) * head_dim; }  // rows of attn_qkv
    bool has_norms_before() const { return norm_placement != NormPlacement::kAfter; }
    bool has_norms_after() const { return norm_placement != NormPlacement::kBefore; }
    std::uint32_t window(std::uint32_t layer) const {
        return attention.windows.empty() ? attention.sliding_window : attention.windows[layer];
    }
    std::uint32_t rotary_of(std::uint32_t layer) const {  // index in rotary_specs()
        return layer_rotary.empty() ? 0 : layer_rotary[layer];
    }
    // What the kernels need, for a session of session_ctx positions (1 .. n_ctx or more).
    RotarySpec rotary_spec(std::uint32_t session_ctx) const;
    // The same of every way in which a layer rotates; rotary_spec() is the first.
    std::vector<RotarySpec> rotary_specs(std::uint32_t session_ctx) const;
};

// A matrix of the model by what it is for, and a norm.
enum class MatrixRole : std::uint8_t {
    kTokenEmbd,
    kAttnQkv,
    kAttnQ,
    kAttnK,
    kAttnV,
    kAttnOutput,
    kFfnGate,
    kFfnUp,
    kFfnDown,
    kOutput,
};
enum class NormRole : std::uint8_t { kEmbd, kAttn, kQ, kK, kAttnPost, kFfn, kFfnPost, kOutput };

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
