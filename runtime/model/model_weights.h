// A model's weights on the device: matrices repacked for the kernels, vectors in one float buffer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "runtime/base/mapped_file.h"
#include "runtime/base/status.h"
#include "runtime/model/model_spec.h"
#include "runtime/model/model_tensors.h"
#include "runtime/model/weights_plan.h"
#include "runtime/vk/buffer.h"

namespace gyre {

// Called with the bytes done and the bytes in all; false cancels.
using UploadProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

class ModelWeights : public WeightsLayout {
  public:
    // files: what the tensors point into; their pages are released as they are done with. Each
    // weight is written once, straight into device memory where the host sees it. Errors:
    // kOutOfDeviceMemory, kCancelled. order: as WeightsPlan::of.
    static Result<ModelWeights> create(Device& device, const ModelSpec& spec,
                                       const ModelTensors& tensors, std::span<const MatrixId> order,
                                       std::span<const MappedFile> files,
                                       const UploadProgress& progress);

    BufferRange params() const { return params_; }
    std::uint64_t device_bytes() const { return arena_.allocated(); }
    std::uint64_t matrix_bytes() const { return matrix_bytes_; }  // of all matrices, each once

  private:
    friend class WeightUpload;
    ModelWeights(WeightsLayout layout, Arena arena)
        : WeightsLayout(std::move(layout)), arena_(std::move(arena)) {}

    Arena arena_;
    BufferRange params_;
    std::uint64_t matrix_bytes_ = 0;
};

}  // namespace gyre
