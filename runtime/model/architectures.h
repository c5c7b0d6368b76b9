// The families of models that can be read: each is one row of data.
// SPDX-License-Identifier: Apache-2.0
//
// A row says what the keys and tensors of its files mean, and what a file may have at all; the
// reader (model_config.h, model_tensors.h) fills a ModelSpec from the row and the file, and knows
// no family by name. A row's defaults are Llama's: it says what differs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/model/model_spec.h"

namespace gyre {

enum class QkvTensors : std::uint8_t {
    kFused,            // attn_qkv
    kSeparateOrFused,  // attn_q, attn_k and attn_v where there is no attn_qkv
};

enum class GateTensor : std::uint8_t {
    kNone,      // a plain feed-forward
    kOwn,       // ffn_gate
    kBeforeUp,  // the first half of the rows of ffn_up, whose second half is the up projection
};

enum class OutputTensor : std::uint8_t {
    kOwn,        // output.weight
    kMayBeTied,  // the logits use token_embd where there is no output.weight
    kTied,       // they always do
};

// How the global layers, which see everything, rotate where the others have a window.
enum class GlobalRotation : std::uint8_t {
    kAsWindows,  // all layers are alike
    kOwnBase,    // the windows have a base of their own, windows_base, and no scaling
    kNone,       // the global layers do not rotate
};

// What a number of the file sets. 0 in the file: nothing.
enum class Quantity : std::uint8_t {
    kEmbeddingScale,
    kResidualScale,
    kScoreScale,
    kLogitScale,
    kLogitDivisor,
    kScoreCap,
    kLogitCap,
    kClamp,
    kAlibiMax,  // 0: not ALiBi, but learned positions
};

struct QuantityKey {
    const char* name;  // ARCH.name
    Quantity sets;
    std::optional<double> absent{};  // the value of files without the key; nothing: it is required
};

// The tensors of a layer by what they are for: blk.N.NAME.weight and .bias.
struct TensorNames {
    const char* attn_norm = "attn_norm";
    const char* attn_qkv = "attn_qkv";
    const char* attn_q = "attn_q";
    const char* attn_k = "attn_k";
    const char* attn_v = "attn_v";
    const char* attn_q_norm = "attn_q_norm";
    const char* attn_k_norm = "attn_k_norm";
    const char* attn_output = "attn_output";
    const char* attn_post_norm = "post_attention_norm";
    const char* ffn_norm = "ffn_norm";
    const char* ffn_gate = "ffn_gate";
    const char* ffn_up = "ffn_up";
    const char* ffn_down = "ffn_down";
    const char* ffn_post_norm = "post_ffw_norm";
};

struct Architecture {
    const char* name = "";  // general.architecture, and ARCH of its keys
    // ARCH.attention.layer_norm_rms_epsilon or ARCH.attention.layer_norm_epsilon goes with it.
    NormKind norm = NormKind::kRms;
    NormPlacement norm_placement = NormPlacement::kBefore;
    bool parallel_residual = false;
    bool residual_by_key = false;  // ARCH.use_parallel_residual is read
    // Parallel where there is no ffn_norm, and the blocks share attn_norm; whatever the key says.
    bool parallel_without_ffn_norm = false;
    bool norm_weights = true;           // false: there is no tensor of a norm
    const char* second_norm = nullptr;  // in the place of attn_norm, where the file has it
    bool embedding_norm = false;        // token_embd_norm
    // What the files mean without gyre.position, gyre.rotary.pairing and gyre.activation.
    PositionKind position = PositionKind::kRotary;
    RotaryPairing pairing = RotaryPairing::kInterleaved;
    Activation activation = Activation::kSilu;
    // LongRoPE without rope.scaling.type, where there is a tensor rope_factors_long.
    bool longrope_by_tensors = false;
    bool position_by_finetuned = false;  // none where ARCH.rope.scaling.finetuned is false
    GateTensor gate = GateTensor::kOwn;
    QkvTensors qkv = QkvTensors::kSeparateOrFused;
    QkNorm qk_norm = QkNorm::kNone;   // attn_q_norm and attn_k_norm
    bool qk_norm_by_tensors = false;  // none where the file does not have them
    OutputTensor output = OutputTensor::kMayBeTied;
    TensorNames tensors{};

    std::uint32_t window = 0;  // where the file has no attention.sliding_window; 0: none
    // Layers i with i % global_period == global_period - 1 are global: attention.sliding_window is
    // the others'. 0: all layers are alike.
    std::uint32_t global_period = 0;
    GlobalRotation global_rotation = GlobalRotation::kAsWindows;
    double windows_base = 0.0;  // where the file has no rope.freq_base_swa; 0: its rope.freq_base
    // Layers i with i % unrotated_period == unrotated_period - 1 do not rotate. 0: all do.
    std::uint32_t unrotated_period = 0;
    // Models of so many layers have ALiBi in place of rotary positions: no key says so.
    std::uint32_t alibi_layers = 0;

    std::span<const QuantityKey> quantities{};
    bool embedding_by_width = false;  // rows of token_embd are multiplied by sqrt(n_embd)
    // Models of so many layers multiply scores by 1 / sqrt(n_embd / n_head), whatever the heads'
    // size is: no key says so.
    std::uint32_t score_by_width_layers = 0;
};

std::span<const Architecture> architectures();
const Architecture* find_architecture(std::string_view name);  // nullptr: no such row
// The part of such models that Gyre does not have: "experts"; nullptr: the name is not known.
const char* what_is_missing(std::string_view name);

}  // namespace gyre
