// The KV cache: keys and values of every layer, in the layout of shaders/interface/cache.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
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
    std::uint32_t head_words = 0;   // words per cell and head, multiple of 4
    std::uint32_t head_blocks = 0;  // scales a cell and head; 0: a format without scales
    // Heads that are bound together, keys and values apart; 0: a binding covers the whole layer.
    std::uint32_t heads_a_slice = 0;

    // max_range: bytes of one binding. A head may be longer: KvCache::plan refuses it.
    static CacheShape of(const ModelSpec& config, CacheFormat format, std::uint32_t n_ctx,
                         std::uint64_t max_range = ~std::uint64_t{0});

    bool is_sliced() const { return heads_a_slice != 0; }
    std::uint32_t n_slices() const;
    std::uint32_t slice_first_head(std::uint32_t slice) const { return slice * heads_a_slice; }
    std::uint32_t slice_heads(std::uint32_t slice) const;

    // Words of the keys of n_heads heads, or of the values, with their scales.
    std::uint64_t side_words(std::uint32_t n_heads) const;
    std::uint64_t layer_words() const;
    std::uint64_t layer_bytes() const { return layer_words() * 4; }
    // A slice as the kernels get it; its words must be below 2^32.
    CacheLayout layout(std::uint32_t slice = 0) const;
    // Some words of a cell belong to no pair: they are read and never written.
    bool has_padding() const;
};

// What a dispatch binds of a layer.
struct CacheSlice {
    std::uint32_t first_head = 0;  // of the heads of keys and values
    std::uint32_t n_heads = 0;
    BufferRange keys, values;  // the same range where the layer is whole
    CacheLayout layout{};
};

class KvCache {
  public:
    // The memory that create() takes. kOutOfDeviceMemory: a limit of the device is exceeded.
    static Result<ArenaPlan> plan(const DeviceInfo& device, const DeviceCaps& caps,
                                  const ModelSpec& config, const CacheShape& shape);

    // Padding words are zero; where a cell has none, nothing is written: memory that no token has
    // reached need not be there. Errors: kOutOfDeviceMemory, also when the keys of one head exceed
    // the device's storage range: use a smaller n_ctx, or a format of fewer bits.
    static Result<KvCache> create(Device& device, const ModelSpec& config, const CacheShape& shape);

    const CacheShape& shape() const { return shape_; }
    std::uint32_t n_layers() const { return static_cast<std::uint32_t>(layers_.size()); }
    std::span<const CacheSlice> layer(std::uint32_t l) const { return layers_[l]; }
    std::uint64_t largest_range() const;  // bytes
    std::uint64_t bytes() const { return arena_.allocated(); }

  private:
    KvCache(Arena arena, const CacheShape& shape) : arena_(std::move(arena)), shape_(shape) {}

    Status allocate_slice(std::uint32_t index, CacheSlice& slice);
    Status fill_with_zeros(Device& device) const;

    Arena arena_;
    CacheShape shape_;
    std::vector<std::vector<CacheSlice>> layers_;
};

}  // namespace gyre
