// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/cache_cells.h"
#include "runtime/base/host_size.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace gyre {
namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;

const BufferRange& range_of(std::span<const CacheSlice> layer, const CellRegion& region) {
    const CacheSlice& slice = layer[region.slice];
    return region.values ? slice.values : slice.keys;
}

bool same_range(const BufferRange& a, const BufferRange& b) {
    return a.buffer == b.buffer && a.offset == b.offset && a.size == b.size;
}

// Calls use(range, regions) for every run of regions that lie in one range.
template <typename Use>
void by_range(std::span<const CacheSlice> layer, std::span<const CellRegion> regions, Use use) {
    std::vector<CopyRegion> together;
    for (std::size_t i = 0; i < regions.size(); ++i) {
        const BufferRange& range = range_of(layer, regions[i]);
        together.push_back(regions[i].bytes);
        if (i + 1 < regions.size() && same_range(range, range_of(layer, regions[i + 1]))) continue;
        use(range, together);
        together.clear();
    }
}

// Collects copies out of the cache until a piece is full.
class CellReader {
  public:
    CellReader(Device& device, Buffer staging, CommandRecorder recorder, const CellSink& sink)
        : device_(device),
          staging_(std::move(staging)),
          recorder_(std::move(recorder)),
          sink_(sink) {}

    // Regions of one range.
    Status read(const BufferRange& range, std::span<const CopyRegion> regions) {
        for (CopyRegion region : regions) {
            while (region.bytes > 0) {
                if (filled_ == staging_.size()) GYRE_TRY(hand_out());
                GYRE_TRY(open());
                const std::uint64_t n = std::min(region.bytes, staging_.size() - filled_);
                regions_.push_back({region.from, filled_ - begin_, n});
                filled_ += n;
                region.from += n;
                region.bytes -= n;
                if (filled_ == staging_.size()) record(range);
            }
        }
        record(range);
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
    void record(const BufferRange& range) {
        if (regions_.empty()) return;
        recorder_.copy(range, staging_.range(begin_, filled_ - begin_), regions_);
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
    std::vector<CopyRegion> regions_;       // of one range, not recorded yet
    std::uint64_t begin_ = 0, filled_ = 0;  // bytes of the piece: recorded, and with regions_
    bool open_ = false;
};

}  // namespace

std::uint64_t cell_bytes(const CacheShape& shape) {
    return std::uint64_t{8} * shape.n_head_kv * (shape.head_words + shape.head_blocks);
}

std::vector<CellRegion> cell_regions(const CacheShape& shape, std::uint32_t n_cells) {
    std::vector<CellRegion> regions;
    std::uint64_t packed = 0;
    // Of every head rows_a_head rows that hold `words` words of each cell.
    const auto add = [&](bool values, std::uint32_t CacheLayout::*first_word,
                         std::uint32_t rows_a_head, std::uint32_t words) {
        const std::uint64_t bytes = std::uint64_t{4} * words * n_cells;
        for (std::uint32_t slice = 0; slice < shape.n_slices(); ++slice) {
            const CacheLayout layout = shape.layout(slice);
            const std::uint64_t first = first_word == nullptr ? 0 : layout.*first_word;
            for (std::uint32_t row = 0; row < shape.slice_heads(slice) * rows_a_head; ++row) {
                const std::uint64_t from = 4 * (first + std::uint64_t{row} * words * shape.n_ctx);
                if (bytes > 0) regions.push_back({slice, values, {from, packed, bytes}});
                packed += bytes;
            }
        }
    };
    add(false, nullptr, shape.head_words / 4, 4);
    add(true, &CacheLayout::v_offset, 1, shape.head_words);
    if (shape.head_blocks > 0) {
        add(false, &CacheLayout::key_scales, shape.head_blocks, 1);
        add(true, &CacheLayout::value_scales, 1, shape.head_blocks);
    }
    assert(packed == cell_bytes(shape) * n_cells);
    return regions;
}

void copy_cells(CommandRecorder& recorder, const KvCache& from, const KvCache& to,
                std::uint32_t n_cells) {
    std::vector<CellRegion> regions = cell_regions(from.shape(), n_cells);
    for (CellRegion& region : regions)
        region.bytes.to = region.bytes.from;
    for (std::uint32_t l = 0; l < from.n_layers(); ++l) {
        const std::span<const CacheSlice> target = to.layer(l);
        std::size_t next = 0;  // region, in order
        by_range(from.layer(l), regions,
                 [&](const BufferRange& range, std::span<const CopyRegion> together) {
                     recorder.copy(range, range_of(target, regions[next]), together);
                     next += together.size();
                 });
    }
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
    const std::vector<CellRegion> regions = cell_regions(cache.shape(), n_cells);
    for (std::uint32_t l = 0; l < cache.n_layers(); ++l) {
        Status status;
        by_range(cache.layer(l), regions,
                 [&](const BufferRange& range, std::span<const CopyRegion> together) {
                     if (status.ok()) status = reader.read(range, together);
                 });
        GYRE_TRY(status);
    }
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
    std::vector<CellRegion> regions = cell_regions(cache.shape(), n_cells_);
    for (CellRegion& region : regions)
        std::swap(region.bytes.from, region.bytes.to);
    GYRE_ASSIGN(CommandRecorder recorder,
                CommandRecorder::create(device, {.debug_name = "load cells"}));
    GYRE_TRY(recorder.begin());
    for (std::uint32_t l = 0; l < cache.n_layers(); ++l) {
        GYRE_TRY(layers_[l].buffer->flush(layers_[l].offset, layers_[l].size));
        by_range(cache.layer(l), regions,
                 [&](const BufferRange& range, std::span<const CopyRegion> together) {
                     recorder.copy(layers_[l], range, together);
                 });
    }
    GYRE_TRY(recorder.end());
    return device.run(recorder);
}

}  // namespace gyre
