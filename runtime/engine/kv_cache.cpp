// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/kv_cache.h"

#include <algorithm>
#include <string>

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

const char* format_name(CacheFormat format) {
    switch (format) {
#define GYRE_CACHE_CASE(id, name, pairs, scales) \
    case CacheFormat::k##name:                   \
        return #name;
        CACHE_FORMAT_LIST(GYRE_CACHE_CASE)
#undef GYRE_CACHE_CASE
    }
    return "";
}

// How ranges of equal length fill blocks of memory without a rest.
struct Blocks {
    std::uint64_t expected = 0;  // bytes of all ranges
    std::uint64_t bytes = 0;     // of a block, at most
};

Blocks blocks_of(const CacheShape& shape, const DeviceCaps& caps, std::uint32_t n_layer) {
    const std::uint64_t alignment = std::max<std::uint64_t>(caps.storage_alignment, 16);
    const std::uint64_t sides = shape.is_sliced() ? 1 : 2;  // in a range
    const auto range = [&](std::uint32_t slice) {
        const std::uint64_t bytes = sides * shape.side_words(shape.slice_heads(slice)) * 4;
        return (bytes + alignment - 1) / alignment * alignment;
    };
    Blocks blocks;
    for (std::uint32_t s = 0; s < shape.n_slices(); ++s)
        blocks.expected += range(s) * (2 / sides) * n_layer;
    blocks.bytes = range(0) * std::max<std::uint64_t>(ArenaPlan::kBlockBytes / range(0), 1);
    return blocks;
}

// The longest context whose keys of one head a binding covers, with their scales.
std::uint64_t longest_context(const CacheShape& shape, std::uint64_t max_range) {
    return max_range / 16 * 16 / (4 * (std::uint64_t{shape.head_words} + shape.head_blocks));
}

Status head_too_long(const CacheShape& shape, std::uint64_t bytes, std::uint64_t max_range) {
    return Status::out_of_device_memory(
        "the KV cache's keys of one head need " + std::to_string(bytes) + " bytes for n_ctx " +
        std::to_string(shape.n_ctx) + " in " + format_name(shape.format) +
        ", this device binds at most " + std::to_string(max_range) + ": use a context of at most " +
        std::to_string(longest_context(shape, max_range)) +
        (shape.format == CacheFormat::kQ8_0 ? "" : ", or a cache of fewer bits (q8_0)"));
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

CacheShape CacheShape::of(const ModelSpec& config, CacheFormat format, std::uint32_t n_ctx,
                          std::uint64_t max_range) {
    CacheShape shape;
    shape.format = format;
    shape.n_ctx = n_ctx;
    shape.n_head_kv = config.n_head_kv;
    shape.n_pairs = (config.head_dim + 1) / 2;
    shape.head_words = (shape.n_pairs + pairs_a_quad(format) - 1) / pairs_a_quad(format) * 4;
    if (cache_has_scales(format)) {
        shape.head_blocks = (shape.n_pairs + CACHE_BLOCK_PAIRS - 1) / CACHE_BLOCK_PAIRS;
    }
    if (shape.layer_bytes() > max_range) {
        // As few slices as there can be, of equal length but for the last.
        std::uint32_t most = 1;
        while (most < shape.n_head_kv && shape.side_words(most + 1) * 4 <= max_range)
            ++most;
        const std::uint32_t n_slices = (shape.n_head_kv + most - 1) / most;
        shape.heads_a_slice = (shape.n_head_kv + n_slices - 1) / n_slices;
    }
    return shape;
}

std::uint32_t CacheShape::n_slices() const {
    return is_sliced() ? (n_head_kv + heads_a_slice - 1) / heads_a_slice : 1;
}

std::uint32_t CacheShape::slice_heads(std::uint32_t slice) const {
    return is_sliced() ? std::min(heads_a_slice, n_head_kv - slice_first_head(slice)) : n_head_kv;
}

std::uint64_t CacheShape::side_words(std::uint32_t n_heads) const {
    const std::uint64_t cells = std::uint64_t{n_heads} * n_ctx;
    return cells * head_words + (cells * head_blocks + 3) / 4 * 4;
}

std::uint64_t CacheShape::layer_words() const {
    std::uint64_t words = 0;
    for (std::uint32_t s = 0; s < n_slices(); ++s)
        words += 2 * side_words(slice_heads(s));
    return words;
}

CacheLayout CacheShape::layout(std::uint32_t slice) const {
    const std::uint32_t n_heads = slice_heads(slice);
    const std::uint32_t quants = n_heads * n_ctx * head_words;
    const auto values = is_sliced() ? 0 : static_cast<std::uint32_t>(side_words(n_heads));
    return {n_ctx, head_words, values, quants, values + quants};
}

bool CacheShape::has_padding() const {
    return n_pairs % pairs_a_quad(format) != 0;
}

Result<ArenaPlan> KvCache::plan(const DeviceInfo& device, const DeviceCaps& caps,
                                const ModelSpec& config, const CacheShape& shape) {
    const Blocks blocks = blocks_of(shape, caps, config.n_layer);
    ArenaPlan plan(device, caps, kName, blocks.expected, blocks.bytes);
    for (std::uint32_t l = 0; l < config.n_layer; ++l) {
        for (std::uint32_t s = 0; s < shape.n_slices(); ++s) {
            const std::uint64_t bytes = shape.side_words(shape.slice_heads(s)) * 4;
            if (shape.is_sliced() && bytes > caps.max_storage_range)
                return head_too_long(shape, bytes, caps.max_storage_range);
            GYRE_TRY(plan.place(shape.is_sliced() ? bytes : 2 * bytes).status());
            if (shape.is_sliced()) {
                GYRE_TRY(plan.place(bytes).status());
            }
        }
    }
    return plan;
}

Result<KvCache> KvCache::create(Device& device, const ModelSpec& config, const CacheShape& shape) {
    GYRE_ASSIGN([[maybe_unused]] const ArenaPlan planned,
                plan(device.info(), device.caps(), config, shape));
    const Blocks blocks = blocks_of(shape, device.caps(), config.n_layer);
    KvCache cache(Arena::create(device, Memory::kDevice, kName, blocks.expected, blocks.bytes),
                  shape);
    for (std::uint32_t l = 0; l < config.n_layer; ++l) {
        std::vector<CacheSlice>& slices = cache.layers_.emplace_back();
        for (std::uint32_t s = 0; s < shape.n_slices(); ++s)
            GYRE_TRY(cache.allocate_slice(s, slices.emplace_back()));
    }
    assert(cache.bytes() == planned.allocated() && "the plan was carried out");
    if (shape.has_padding()) {
        GYRE_TRY(cache.fill_with_zeros(device));
    }
    return cache;
}

Status KvCache::allocate_slice(std::uint32_t index, CacheSlice& slice) {
    slice.first_head = shape_.slice_first_head(index);
    slice.n_heads = shape_.slice_heads(index);
    slice.layout = shape_.layout(index);
    const std::uint64_t bytes = shape_.side_words(slice.n_heads) * 4;
    GYRE_ASSIGN(slice.keys, arena_.allocate(shape_.is_sliced() ? bytes : 2 * bytes));
    slice.values = slice.keys;
    if (shape_.is_sliced()) {
        GYRE_ASSIGN(slice.values, arena_.allocate(bytes));
    }
    return {};
}

Status KvCache::fill_with_zeros(Device& device) const {
    GYRE_ASSIGN(CommandRecorder recorder, CommandRecorder::create(device));
    GYRE_TRY(recorder.begin());
    for (const std::vector<CacheSlice>& slices : layers_) {
        for (const CacheSlice& slice : slices) {
            recorder.fill(slice.keys, 0);
            if (shape_.is_sliced()) recorder.fill(slice.values, 0);
        }
    }
    GYRE_TRY(recorder.end());
    return device.run(recorder);
}

std::uint64_t KvCache::largest_range() const {
    return layers_.front().front().keys.size;  // the last slice may be shorter
}

}  // namespace gyre
