// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/kv_cache.h"

#include "runtime/vk/command_recorder.h"
#include "runtime/vk/device.h"

namespace gyre {

CacheShape CacheShape::of(const ModelConfig& config, CacheFormat format, std::uint32_t n_ctx) {
    CacheShape shape;
    shape.format = format;
    shape.n_ctx = n_ctx;
    shape.n_head_kv = config.n_head_kv;
    shape.n_pairs = (config.head_dim + 1) / 2;
    const std::uint32_t words = shape.n_pairs * (format == CacheFormat::kF16 ? 1 : 2);
    shape.head_words = (words + 3) / 4 * 4;
    return shape;
}

Result<KvCache> KvCache::create(Device& device, const ModelConfig& config,
                                const CacheShape& shape) {
    const std::uint64_t layer_bytes = shape.layer_words() * 4;
    if (layer_bytes > device.caps().max_storage_range) {
        return Status::out_of_device_memory(
            "the KV cache of one layer needs " + std::to_string(layer_bytes) + " bytes for n_ctx " +
            std::to_string(shape.n_ctx) + ", this device binds at most " +
            std::to_string(device.caps().max_storage_range) + ": use a smaller context");
    }
    KvCache cache(Arena::create(device, Memory::kDevice, "KV cache", layer_bytes * config.n_layer),
                  shape);
    GYRE_ASSIGN(CommandRecorder recorder, CommandRecorder::create(device));
    GYRE_TRY(recorder.begin());
    for (std::uint32_t l = 0; l < config.n_layer; ++l) {
        GYRE_ASSIGN(const BufferRange range, cache.arena_.allocate(layer_bytes));
        recorder.fill(range, 0);
        cache.layers_.push_back(range);
    }
    GYRE_TRY(recorder.end());
    GYRE_TRY(device.run(recorder));
    return cache;
}

}  // namespace gyre
