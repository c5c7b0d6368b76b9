// The tensors of a model: every name and shape checked against the config.
// SPDX-License-Identifier: Apache-2.0
//
// Shapes below are [rows][n_in], n_in fastest; the file's dims are the reverse.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/model/gguf_reading.h"
#include "runtime/model/model_config.h"

namespace gyre {

// Pointers are into the Gguf's tensors and live as long as it; optional ones may be nullptr, and
// those of norms are where ModelSpec::norm_weights says that there are none.
struct NormTensors {
    const TensorView* weight = nullptr;  // [n_embd]
    const TensorView* bias = nullptr;    // [n_embd], optional
};

struct LinearTensors {
    const TensorView* weight = nullptr;  // [n_out][n_in]; complex: the real parts [n_out/2][n_in/2]
    const TensorView* imag = nullptr;    // complex only: the imaginary parts, same shape
    const TensorView* bias = nullptr;    // [n_out], optional
};

struct LayerTensors {
    NormTensors attn_norm;
    // [(n_head + 2 n_head_kv) * head_dim][n_embd]: q heads, k heads, v heads
    LinearTensors attn_qkv;
    // In its place: AttentionSpec::separate_qkv; or only their biases, if it has none.
    LinearTensors attn_q, attn_k, attn_v;
    NormTensors attn_q_norm, attn_k_norm;       // AttentionSpec::qk_norm: QK_NORM_LIST
    LinearTensors attn_output;                  // [n_embd][n_head * head_dim]
    const TensorView* attn_sinks = nullptr;     // [n_head], optional
    NormTensors attn_post_norm, ffn_post_norm;  // of what is added: NormPlacement
    NormTensors ffn_norm;
    LinearTensors ffn_gate;  // [n_ff][n_embd]: ModelSpec::gated
    LinearTensors ffn_up;    // [n_ff][n_embd]
    LinearTensors ffn_down;  // [n_embd][n_ff]
};

struct ModelTensors {
    const TensorView* token_embd = nullptr;     // [n_vocab][n_embd]
    const TensorView* position_embd = nullptr;  // [>= n_ctx][n_embd]; learned positions only
    NormTensors token_embd_norm;                // ModelSpec::embedding_norm
    std::vector<LayerTensors> layers;           // [n_layer]
    NormTensors output_norm;
    const TensorView* output = nullptr;       // [n_vocab][n_embd]: token_embd where tied
    const TensorView* output_bias = nullptr;  // [n_vocab], optional

    // Tensors that the file has as parts of others; what is above may point here.
    std::vector<std::unique_ptr<TensorView>> parts;

    LinearTensors matrix(MatrixId id) const;
    // As Gguf::forget_data().
    void forget_data();
};

// Refuses a missing tensor, a wrong shape, a type a place cannot have (norms, biases and sinks:
// F32, F16 or BF16), a bias in one layer that is missing in another, and every tensor of the file
// that neither this nor the config (which file has read before) has read.
Result<ModelTensors> find_model_tensors(GgufReading& file, const ModelConfig& config);

// All elements as float, any format. dst: tensor.n_elements() floats.
void read_floats(const TensorView& tensor, std::span<float> dst);
std::vector<float> read_floats(const TensorView& tensor);

}  // namespace gyre
