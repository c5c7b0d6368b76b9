// The KV cache: keys and values of every layer, in the layout of shaders/interface/cache.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/model/model_spec.h"
#include "runtime/vk/arena_plan.h"
#include "runtime/vk/buffer.h"
#include "shaders/interface/cache.h"

namespace gyre {

bool cache_has_scales(CacheFormat format);

// Sizes of one layer's cache.
struct CacheShape {
    CacheFormat format = CacheFormat::kF16;
    std::uint32_t n_ctx = 0;  // cells
    std::uint32_t n_head_kv = 0;
    std::uint32_t n_pairs = 0;      // of a head
    std::uint32_t head_words = 0;   // words a cell and head, multiple of 4
    std::uint32_t head_blocks = 0;  // scales a cell and head; 0: a format without scales

    static CacheShape of(const ModelSpec& config, CacheFormat format, std::uint32_t n_ctx);

    std::uint64_t layer_words() const;
    std::uint64_t layer_bytes() const { return layer_words() * 4; }
    // What the kernels are told; layer_words() must be below 2^32.
    CacheLayout layout() const;
};

class KvCache {
  public:
    // The memory that create() takes. kOutOfDeviceMemory: a limit of the device is exceeded.
    static Result<ArenaPlan> plan(const DeviceInfo& device, const DeviceCaps& caps,
                                  const ModelSpec& config, const CacheShape& shape);

    // All cells zero: the padding words of a cell are read and never written. Errors:
    // kOutOfDeviceMemory, also when a layer exceeds the device's storage range: use a smaller
    // n_ctx.
    static Result<KvCache> create(Device& device, const ModelSpec& config, const CacheShape& shape);

    const CacheShape& shape() const { return shape_; }
    std::uint32_t n_layers() const { return static_cast<std::uint32_t>(layers_.size()); }
    BufferRange layer(std::uint32_t l) const { return layers_[l]; }
    std::uint64_t bytes() const { return arena_.allocated(); }

  private:
    KvCache(Arena arena, const CacheShape& shape) : arena_(std::move(arena)), shape_(shape) {}

    Arena arena_;
    CacheShape shape_;
    std::vector<BufferRange> layers_;
};

}  // namespace gyre
