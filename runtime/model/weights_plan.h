// Where a model's weights go: how matrices are cut, where vectors lie, how much memory it takes.
// SPDX-License-Identifier: Apache-2.0
//
// A plan is made from the file's head and the device's limits alone. ModelWeights::create carries
// it out; to know how much memory a model takes, the plan alone is enough.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/kernels/tensor.h"
#include "runtime/model/model_spec.h"
#include "runtime/model/model_tensors.h"
#include "runtime/vk/device_info.h"
#include "shaders/interface/bindings.h"

namespace gyre {

// Where a float vector lies in ModelWeights::params, in words; NO_OFFSET: the model has none.
using ParamsOffset = std::uint32_t;

struct NormWeights {
    ParamsOffset weight = NO_OFFSET;  // [n_embd]
    ParamsOffset bias = NO_OFFSET;    // [n_embd]
};

struct LinearWeights {
    WeightMatrix matrix;            // [n_out][n_in]
    ParamsOffset bias = NO_OFFSET;  // [n_out]
};

struct LayerWeights {
    NormWeights attn_norm;
    // Slices begin and end at heads. Biases of separate parts follow each other as those of one
    // matrix do: attn_q.bias [n_qkv], and the others in it; it is attn_qkv.bias too.
    LinearWeights attn_qkv;
    LinearWeights attn_q, attn_k, attn_v;
    NormWeights attn_q_norm, attn_k_norm;
    LinearWeights attn_output;
    ParamsOffset attn_sinks = NO_OFFSET;  // [n_head]
    NormWeights attn_post_norm, ffn_norm, ffn_post_norm;
    LinearWeights ffn_gate;
    LinearWeights ffn_up;
    LinearWeights ffn_down;
};

struct WeightsLayout {
    WeightMatrix token_embd;                // [n_vocab][n_embd]
    NormWeights token_embd_norm;            // ModelSpec::embedding_norm
    ParamsOffset positions = NO_OFFSET;     // [n_ctx][n_embd] absolute positions
    ParamsOffset alibi_slopes = NO_OFFSET;  // [n_head]
    std::vector<LayerWeights> layers;       // [n_layer]
    NormWeights output_norm;
    WeightMatrix output;                   // [n_vocab][n_embd]; token_embd's slices where tied
    ParamsOffset output_bias = NO_OFFSET;  // [n_vocab]

    const WeightMatrix& matrix(MatrixId id) const;
    WeightMatrix& matrix(MatrixId id);
    ParamsOffset bias(MatrixId id) const;
    const NormWeights& norm(NormId id) const;

  private:
    const LinearWeights& linear(MatrixId id) const;
};

// A matrix with memory of its own, and what it is made of; imag: nullptr, or the imaginary parts
// where real has the real ones.
struct MatrixSource {
    MatrixId id;
    const TensorView* real = nullptr;
    const TensorView* imag = nullptr;
};

struct VectorSource {
    ParamsOffset at = 0;                         // words, in params
    std::function<std::vector<float>()> values;  // reads the file, or computes them
};

struct WeightsPlan {
    // Slices without a buffer: BufferRange::size alone counts, in the order of matrices.
    WeightsLayout layout;
    std::vector<MatrixSource> matrices;  // in the order in which they get their memory
    std::vector<VectorSource> vectors;
    std::uint64_t params_words = 0;    // a multiple of 4, at least kMinParamsBytes in memory
    std::uint64_t expected_bytes = 0;  // for the Arena
    std::uint64_t file_bytes = 0;      // of the file's matrices
    std::uint64_t device_bytes = 0;    // what the Arena then has in blocks
    std::uint32_t n_blocks = 0;

    static constexpr std::uint64_t kMinParamsBytes = 16;
    std::uint64_t params_bytes() const { return params_words * 4; }

    // Reads shapes, formats and names of tensors; their data is read by VectorSource::values alone.
    // order: of the matrices, each once; of a tied model without kOutput.
    // kOutOfDeviceMemory: a limit of the device is exceeded.
    static Result<WeightsPlan> of(const DeviceInfo& device, const DeviceCaps& caps,
                                  const ModelSpec& spec, const ModelTensors& tensors,
                                  std::span<const MatrixId> order);
};

// Bytes of all matrices on a device that takes each in one piece.
std::uint64_t matrix_device_bytes(const ModelTensors& tensors, std::span<const MatrixId> order);

// ALiBi's slopes by head (Press et al., arXiv:2108.12409): 2^(-max h / H) for h = 1..H where H is a
// power of two, otherwise the odd ones of the next power follow. max: 8 in the paper.
std::vector<float> alibi_slopes(std::uint32_t n_head, double max = 8.0);

}  // namespace gyre
