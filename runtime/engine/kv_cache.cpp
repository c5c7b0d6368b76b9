// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/kv_cache.h"

#include "runtime/vk/command_recorder.h"
#include "runtime/vk/device.h"

namespace gyre {
namespace {

constexpr const char* kName = "KV cache";

std::uint32_t pairs_a_quad(CacheFormat format) {
    switch (format) {
#define GYRE_CACHE_CASE(id, name, pairs, scales) \
    case CacheFormat::k##name:                   \
        return pairs;
        CACHE_FORMAT_LIST(GYRE_CACHE_CASE)
#undef GYRE_CACHE_CASE
    }
    return 1;
}

}  // namespace

bool cache_has_scales(CacheFormat format) {
    switch (format) {
#define GYRE_CACHE_CASE(id, name, pairs, scales) \
    case CacheFormat::k##name:                   \
        return scales != 0;
        CACHE_FORMAT_LIST(GYRE_CACHE_CASE)
#undef GYRE_CACHE_CASE
    }
    return false;
}

CacheShape CacheShape::of(const ModelSpec& config, CacheFormat format, std::uint32_t n_ctx) {
    CacheShape shape;
    shape.format = format;
    shape.n_ctx = n_ctx;
    shape.n_head_kv = config.n_head_kv;
    shape.n_pairs = (config.head_dim + 1) / 2;
    shape.head_words = (shape.n_pairs + pairs_a_quad(format) - 1) / pairs_a_quad(format) * 4;
    if (cache_has_scales(format)) {
        shape.head_blocks = (shape.n_pairs + CACHE_BLOCK_PAIRS - 1) / CACHE_BLOCK_PAIRS;
    }
    return shape;
}

std::uint64_t CacheShape::layer_words() const {
    const std::uint64_t cells = std::uint64_t{n_head_kv} * n_ctx;
    return 2 * (cells * head_words + (cells * head_blocks + 3) / 4 * 4);
}

CacheLayout CacheShape::layout() const {
    const std::uint32_t quants = n_head_kv * n_ctx * head_words;
    const std::uint32_t scales = (n_head_kv * n_ctx * head_blocks + 3) / 4 * 4;
    return {n_ctx, head_words, quants + scales, quants, quants + scales + quants};
}

Result<ArenaPlan> KvCache::plan(const DeviceInfo& device, const DeviceCaps& caps,
                                const ModelSpec& config, const CacheShape& shape) {
    const std::uint64_t layer_bytes = shape.layer_bytes();
    if (layer_bytes > caps.max_storage_range) {
        return Status::out_of_device_memory(
            "the KV cache of one layer needs " + std::to_string(layer_bytes) + " bytes for n_ctx " +
            std::to_string(shape.n_ctx) + ", this device binds at most " +
            std::to_string(caps.max_storage_range) + ": use a smaller context");
    }
    ArenaPlan plan(device, caps, kName, layer_bytes * config.n_layer);
    for (std::uint32_t l = 0; l < config.n_layer; ++l)
        GYRE_TRY(plan.place(layer_bytes).status());
    return plan;
}

Result<KvCache> KvCache::create(Device& device, const ModelSpec& config, const CacheShape& shape) {
    GYRE_ASSIGN([[maybe_unused]] const ArenaPlan planned,
                plan(device.info(), device.caps(), config, shape));
    const std::uint64_t layer_bytes = shape.layer_bytes();
    KvCache cache(Arena::create(device, Memory::kDevice, kName, layer_bytes * config.n_layer),
                  shape);
    GYRE_ASSIGN(CommandRecorder recorder, CommandRecorder::create(device));
    GYRE_TRY(recorder.begin());
    for (std::uint32_t l = 0; l < config.n_layer; ++l) {
        GYRE_ASSIGN(const BufferRange range, cache.arena_.allocate(layer_bytes));
        recorder.fill(range, 0);
        cache.layers_.push_back(range);
    }
    assert(cache.bytes() == planned.allocated() && "the plan was carried out");
    GYRE_TRY(recorder.end());
    GYRE_TRY(device.run(recorder));
    return cache;
}

}  // namespace gyre
