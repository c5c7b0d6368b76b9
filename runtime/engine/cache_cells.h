// Cells of a KV cache as bytes that do not depend on its n_ctx, from and to the device.
// SPDX-License-Identifier: Apache-2.0
//
// Layer by layer, for n cells and with head_words and head_blocks as in CacheShape:
//   keys          uint [n_head_kv][head_words / 4][n][4]
//   values        uint [n_head_kv][n][head_words]
//   key scales    float [n_head_kv][head_blocks][n]     formats with scales only
//   value scales  float [n_head_kv][n][head_blocks]
// which is the cache's own layout (shaders/interface/cache.h) with n in place of n_ctx, and without
// the padding between the four.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/kv_cache.h"
#include "runtime/vk/buffer.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/device.h"

namespace gyre {

// Of one cell in one layer.
std::uint64_t cell_bytes(const CacheShape& shape);

// Bytes of the first n_cells that lie together in a layer of the cache.
struct CellRegion {
    std::uint32_t slice = 0;
    bool values = false;  // in the slice's range of values, else of keys
    CopyRegion bytes;     // from: in that range; to: in the layout above
};
// In the order of the layout above, which they cover.
std::vector<CellRegion> cell_regions(const CacheShape& shape, std::uint32_t n_cells);

// The first n_cells of every layer into a cache of the same shape.
void copy_cells(CommandRecorder& recorder, const KvCache& from, const KvCache& to,
                std::uint32_t n_cells);

// Takes the next bytes, valid during the call.
using CellSink = std::function<Status(std::span<const std::byte> bytes)>;

// Hands out the first n_cells of every layer, in pieces of a few MiB; waits for each.
Status read_cells(Device& device, const KvCache& cache, std::uint32_t n_cells,
                  const CellSink& sink);

// Cells on their way into a cache, which does not change before all of them are there.
class CellImage {
  public:
    // For n_cells, at least one, of every layer. kOutOfDeviceMemory.
    static Result<CellImage> create(Device& device, const KvCache& cache, std::uint32_t n_cells);

    // The next bytes, no more than are missing.
    void append(std::span<const std::byte> bytes);
    std::uint64_t missing() const;  // bytes

    // Copies all cells to their places: one submission, which is waited for. The cache is as it was
    // after an error, but for a lost device.
    Status put_into(Device& device, const KvCache& cache) const;

  private:
    explicit CellImage(Arena arena) : arena_(std::move(arena)) {}

    Arena arena_;
    std::vector<BufferRange> layers_;
    std::uint32_t n_cells_ = 0;
    std::size_t layer_ = 0;     // that comes next
    std::uint64_t filled_ = 0;  // of it
};

}  // namespace gyre
