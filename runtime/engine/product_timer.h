// Times a product with a tiling, dispatched on the model's weights as a session does it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/model.h"
#include "runtime/engine/tuner.h"
#include "runtime/vk/buffer.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/descriptor_set.h"

namespace gyre {

// qkv's products are timed by linear.comp: the loop over the weights is the same file.
class ProductTimer {
  public:
    // Buffers that are large enough for all of the products. The model must outlive it.
    static Result<ProductTimer> create(const Model& model, std::span<const TunedProduct> products);

    // Of one product, the best of several repeats: the device's clock, or the host's around a
    // submission where there is none. Of a software driver the time of the processor, and what
    // that takes on cores which have nothing else to do. The kernel stays in the model's table.
    Result<ProductTime> time(const TunedProduct& product, const Tiling& tiling);
    void forget(const TunedProduct& product, const Tiling& tiling);

  private:
    ProductTimer(const Model& model, Buffer state, Buffer step, Buffer logits,
                 CommandRecorder recorder);
    Result<Kernel> kernel(const TunedProduct& product, const Tiling& tiling);
    // Layer by layer, so that weights come from memory as they do for a token.
    Status record(const TunedProduct& product, const Kernel& kernel, std::size_t n_matrices);
    Result<ProductTime> run();  // of all that is recorded

    const Model* model_;
    Buffer state_, step_, logits_;
    CommandRecorder recorder_;
    std::vector<DescriptorSet> sets_;  // of the product that is recorded
    bool device_clock_ = false;
};

}  // namespace gyre
