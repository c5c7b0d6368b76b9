// A model's weights on the device: matrices repacked for the kernels, vectors in one float buffer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "runtime/base/mapped_file.h"
#include "runtime/base/status.h"
#include "runtime/kernels/tensor.h"
#include "runtime/model/model_config.h"
#include "runtime/model/model_tensors.h"
#include "runtime/vk/buffer.h"
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
    LinearWeights attn_qkv;  // slices begin and end at heads
    LinearWeights attn_output;
    ParamsOffset attn_sinks = NO_OFFSET;  // [n_head]
    NormWeights ffn_norm;
    LinearWeights ffn_up;
    LinearWeights ffn_down;
};

// Called with the bytes done and the bytes in all; false cancels.
using UploadProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

class ModelWeights {
  public:
    // file: what the tensors point into; its pages are released as they are done with. Each weight
    // is written once, straight into device memory where the host sees it. Errors:
    // kOutOfDeviceMemory, kCancelled.
    static Result<ModelWeights> create(Device& device, const ModelConfig& config,
                                       const ModelTensors& tensors, const MappedFile& file,
                                       const UploadProgress& progress);

    WeightMatrix token_embd;                // [n_vocab][n_embd]
    ParamsOffset positions = NO_OFFSET;     // [n_ctx][n_embd] absolute positions
    ParamsOffset alibi_slopes = NO_OFFSET;  // [n_head]
    std::vector<LayerWeights> layers;       // [n_layer]
    NormWeights output_norm;
    WeightMatrix output;  // [n_vocab][n_embd]; token_embd's slices where tied

    BufferRange params() const { return params_; }
    std::uint64_t device_bytes() const { return arena_.allocated(); }
    std::uint64_t matrix_bytes() const { return matrix_bytes_; }  // of all matrices, each once

  private:
    friend class WeightUpload;
    explicit ModelWeights(Arena arena) : arena_(std::move(arena)) {}

    Arena arena_;
    BufferRange params_;
    std::uint64_t matrix_bytes_ = 0;
};

// ALiBi's slope a head (Press et al., arXiv:2108.12409): 2^(-8 h / H) for h = 1..H where H is a
// power of two, otherwise the odd ones of the next power follow.
std::vector<float> alibi_slopes(std::uint32_t n_head);

}  // namespace gyre
