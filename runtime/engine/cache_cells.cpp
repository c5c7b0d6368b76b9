// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/cache_cells.h"
#include "runtime/base/host_size.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace gyre {
namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;

// Collects copies out of the cache until a piece is full.
class CellReader {
  public:
    CellReader(Device& device, Buffer staging, CommandRecorder recorder, const CellSink& sink)
        : device_(device),
          staging_(std::move(staging)),
          recorder_(std::move(recorder)),
          sink_(sink) {}

    Status read_layer(const BufferRange& layer, std::span<const CopyRegion> regions) {
        for (CopyRegion region : regions) {
            while (region.bytes > 0) {
                if (filled_ == staging_.size()) GYRE_TRY(hand_out());
                GYRE_TRY(open());
                const std::uint64_t n = std::min(region.bytes, staging_.size() - filled_);
                regions_.push_back({region.from, filled_ - begin_, n});
                filled_ += n;
                region.from += n;
                region.bytes -= n;
                if (filled_ == staging_.size()) record(layer);
            }
        }
        record(layer);
        return {};
    }

    Status finish() { return open_ ? hand_out() : Status(); }

  private:
    Status open() {
        if (open_) return {};
        GYRE_TRY(recorder_.begin());
        open_ = true;
        return {};
    }
    void record(const BufferRange& layer) {
        if (regions_.empty()) return;
        recorder_.copy(layer, staging_.range(begin_, filled_ - begin_), regions_);
        regions_.clear();
        begin_ = filled_;
    }
    Status hand_out() {
        recorder_.host_read_barrier();
        GYRE_TRY(recorder_.end());
        open_ = false;
        GYRE_TRY(device_.run(recorder_));
        GYRE_TRY(staging_.invalidate(0, filled_));
        const auto* bytes = static_cast<const std::byte*>(staging_.mapped());
        GYRE_TRY(sink_({bytes, host_size(filled_)}));
        begin_ = filled_ = 0;
        return {};
    }

    Device& device_;
    Buffer staging_;
    CommandRecorder recorder_;
    const CellSink& sink_;
    std::vector<CopyRegion> regions_;       // of one layer, not recorded yet
    std::uint64_t begin_ = 0, filled_ = 0;  // bytes of the piece: recorded, and with regions_
    bool open_ = false;
};

}  // namespace

std::uint64_t cell_bytes(const CacheShape& shape) {
    return std::uint64_t{8} * shape.n_head_kv * (shape.head_words + shape.head_blocks);
}

std::vector<CopyRegion> cell_regions(const CacheShape& shape, std::uint32_t n_cells) {
    std::vector<CopyRegion> regions;
    const CacheLayout layout = shape.layout();
    std::uint64_t packed = 0;
    // n_rows rows that hold `words` words of each cell.
    const auto add = [&](std::uint64_t first_word, std::uint32_t n_rows, std::uint32_t words) {
        const std::uint64_t bytes = std::uint64_t{4} * words * n_cells;
        for (std::uint32_t row = 0; row < n_rows; ++row) {
            const std::uint64_t from = 4 * (first_word + std::uint64_t{row} * words * shape.n_ctx);
            if (bytes > 0) regions.push_back({from, packed, bytes});
            packed += bytes;
        }
    };
    add(0, shape.n_head_kv * (shape.head_words / 4), 4);
    add(layout.v_offset, shape.n_head_kv, shape.head_words);
    if (shape.head_blocks > 0) {
        add(layout.key_scales, shape.n_head_kv * shape.head_blocks, 1);
        add(layout.value_scales, shape.n_head_kv, shape.head_blocks);
    }
    assert(packed == cell_bytes(shape) * n_cells);
    return regions;
}

Status read_cells(Device& device, const KvCache& cache, std::uint32_t n_cells,
                  const CellSink& sink) {
    const std::uint64_t bytes = cell_bytes(cache.shape()) * n_cells * cache.n_layers();
    if (bytes == 0) return {};
    GYRE_ASSIGN(Buffer staging, Buffer::create(device, std::min(bytes, kPieceBytes),
                                               Memory::kReadback, "saved cells"));
    GYRE_ASSIGN(CommandRecorder recorder,
                CommandRecorder::create(device, {.debug_name = "save cells"}));
    CellReader reader(device, std::move(staging), std::move(recorder), sink);
    const std::vector<CopyRegion> regions = cell_regions(cache.shape(), n_cells);
    for (std::uint32_t l = 0; l < cache.n_layers(); ++l)
        GYRE_TRY(reader.read_layer(cache.layer(l), regions));
    return reader.finish();
}

Result<CellImage> CellImage::create(Device& device, const KvCache& cache, std::uint32_t n_cells) {
    const std::uint64_t layer_bytes = cell_bytes(cache.shape()) * n_cells;
    CellImage image(
        Arena::create(device, Memory::kUpload, "loaded cells", layer_bytes * cache.n_layers()));
    image.n_cells_ = n_cells;
    for (std::uint32_t l = 0; l < cache.n_layers(); ++l) {
        GYRE_ASSIGN(const BufferRange layer, image.arena_.allocate(layer_bytes));
        image.layers_.push_back(layer);
    }
    return image;
}

std::uint64_t CellImage::missing() const {
    if (layer_ == layers_.size()) return 0;
    return (layers_.size() - layer_) * layers_[0].size - filled_;
}

void CellImage::append(std::span<const std::byte> bytes) {
    assert(bytes.size() <= missing());
    while (!bytes.empty()) {
        const BufferRange& layer = layers_[layer_];
        const auto n =
            static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), layer.size - filled_));
        auto* to = static_cast<std::byte*>(layer.buffer->mapped()) + layer.offset + filled_;
        std::memcpy(to, bytes.data(), n);
        filled_ += n;
        bytes = bytes.subspan(n);
        if (filled_ < layer.size) continue;
        ++layer_;
        filled_ = 0;
    }
}

Status CellImage::put_into(Device& device, const KvCache& cache) const {
    assert(missing() == 0);
    std::vector<CopyRegion> regions = cell_regions(cache.shape(), n_cells_);
    for (CopyRegion& region : regions)
        std::swap(region.from, region.to);
    GYRE_ASSIGN(CommandRecorder recorder,
                CommandRecorder::create(device, {.debug_name = "load cells"}));
    GYRE_TRY(recorder.begin());
    for (std::uint32_t l = 0; l < cache.n_layers(); ++l) {
        GYRE_TRY(layers_[l].buffer->flush(layers_[l].offset, layers_[l].size));
        recorder.copy(layers_[l], cache.layer(l), regions);
    }
    GYRE_TRY(recorder.end());
    return device.run(recorder);
}

}  // namespace gyre
