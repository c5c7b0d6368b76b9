// The device layout of weight matrices (weight_formats.h): rows of the file turned into columns of
// 16-byte chunks.
// SPDX-License-Identifier: Apache-2.0
//
// The work is a transposition of chunks, done in tiles of kTileRows x kTileChunks: a tile reads
// whole cache lines of every row and writes kTileChunks runs of consecutive words, so that neither
// the reading nor write-combined memory is hit at random.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "runtime/model/weight_formats.h"

namespace gyre {
namespace {

constexpr std::uint32_t kTileRows = 64;
constexpr std::uint32_t kTileChunks = 8;
constexpr std::uint32_t kChunkBytes = 16;
constexpr std::uint32_t kScaleBytes = 2;             // in front of each block of the file
constexpr std::uint32_t kZeroNibbles = 0x88888888u;  // eight Q4_0 elements of value 0

struct Chunk {
    std::uint32_t words[4];
};

// The low nibbles of 8 bytes as one word, first byte lowest.
std::uint32_t gather_nibbles(std::uint64_t bytes) {
    std::uint64_t x = bytes & 0x0f0f0f0f0f0f0f0full;
    x = (x | (x >> 4)) & 0x00ff00ff00ff00ffull;
    x = (x | (x >> 8)) & 0x0000ffff0000ffffull;
    return static_cast<std::uint32_t>(x | (x >> 16));
}

std::uint64_t scatter_nibbles(std::uint32_t word) {
    std::uint64_t x = word;
    x = (x | (x << 16)) & 0x0000ffff0000ffffull;
    x = (x | (x << 8)) & 0x00ff00ff00ff00ffull;
    return (x | (x << 4)) & 0x0f0f0f0f0f0f0f0full;
}

// How chunk c of a row is found in the row's file bytes, and put back; one type a kind of format.
// F32, F16, BF16: the chunk is 16 bytes of the row.
struct PlainChunks {
    static Chunk load(const std::uint8_t* row, std::uint32_t c) {
        Chunk chunk;
        std::memcpy(&chunk, row + std::size_t{c} * kChunkBytes, kChunkBytes);
        return chunk;
    }
    static void store(const Chunk& chunk, std::uint8_t* row, std::uint32_t c) {
        std::memcpy(row + std::size_t{c} * kChunkBytes, &chunk, kChunkBytes);
    }
    static Chunk zero() { return {{0, 0, 0, 0}}; }
};

// Two chunks a block of 34 bytes.
struct Q8Chunks {
    static std::size_t at(std::uint32_t c) {
        return std::size_t{c / 2} * 34 + kScaleBytes + c % 2 * kChunkBytes;
    }
    static Chunk load(const std::uint8_t* row, std::uint32_t c) {
        Chunk chunk;
        std::memcpy(&chunk, row + at(c), kChunkBytes);
        return chunk;
    }
    static void store(const Chunk& chunk, std::uint8_t* row, std::uint32_t c) {
        std::memcpy(row + at(c), &chunk, kChunkBytes);
    }
    static Chunk zero() { return {{0, 0, 0, 0}}; }
};

// One chunk a block of 18 bytes: byte b of the file holds elements b and b + 16.
struct Q4Chunks {
    static std::size_t at(std::uint32_t c) { return std::size_t{c} * 18 + kScaleBytes; }
    static Chunk load(const std::uint8_t* row, std::uint32_t c) {
        std::uint64_t halves[2];
        std::memcpy(halves, row + at(c), kChunkBytes);
        return {{gather_nibbles(halves[0]), gather_nibbles(halves[1]),
                 gather_nibbles(halves[0] >> 4), gather_nibbles(halves[1] >> 4)}};
    }
    static void store(const Chunk& chunk, std::uint8_t* row, std::uint32_t c) {
        const std::uint64_t halves[2] = {
            scatter_nibbles(chunk.words[0]) | scatter_nibbles(chunk.words[2]) << 4,
            scatter_nibbles(chunk.words[1]) | scatter_nibbles(chunk.words[3]) << 4};
        std::memcpy(row + at(c), halves, kChunkBytes);
    }
    static Chunk zero() { return {{kZeroNibbles, kZeroNibbles, kZeroNibbles, kZeroNibbles}}; }
};

struct Rows {
    std::uint32_t first, end;
};

// A matrix in the file and on the device.
struct Layout {
    explicit Layout(const DeviceMatrix& m)
        : n_rows(m.n_rows),
          rows_padded(m.rows_padded()),
          n_chunks(m.n_chunks()),
          row_size(static_cast<std::size_t>(row_bytes(m.format, m.n_in))),
          whole_chunks(m.n_in / format_info(m.format).chunk_elements),
          scale_words(m.scale_words()),
          n_blocks(m.n_in / format_info(m.format).block_elements),
          block_bytes(format_info(m.format).block_bytes),
          scale_offset(static_cast<std::size_t>(m.scale_offset())) {}

    std::size_t word(std::uint32_t chunk, std::uint32_t row) const {
        return (std::size_t{chunk} * rows_padded + row) * 4;
    }
    std::size_t scale_word(std::uint32_t pair, std::uint32_t row) const {
        return scale_offset + std::size_t{pair} * rows_padded + row;
    }

    std::uint32_t n_rows, rows_padded, n_chunks;
    std::size_t row_size;        // bytes in the file
    std::uint32_t whole_chunks;  // chunks of a row without padding in them
    std::uint32_t scale_words, n_blocks, block_bytes;
    std::size_t scale_offset;
};

// The chunk of a row's end: what there is of it, then zeros. Only plain formats have one.
Chunk load_tail(const Layout& layout, const std::uint8_t* row) {
    Chunk chunk = PlainChunks::zero();
    const std::size_t at = std::size_t{layout.whole_chunks} * kChunkBytes;
    std::memcpy(&chunk, row + at, layout.row_size - at);
    return chunk;
}

template <typename Format>
void repack_tile(const Layout& layout, const std::uint8_t* src, Rows rows,
                 std::uint32_t first_chunk, std::uint32_t* dst) {
    const std::uint32_t end_chunk = std::min(first_chunk + kTileChunks, layout.whole_chunks);
    for (std::uint32_t r = rows.first; r < rows.end; ++r) {
        const std::uint8_t* row = src + r * layout.row_size;
        for (std::uint32_t c = first_chunk; c < end_chunk; ++c) {
            const Chunk chunk = Format::load(row, c);
            std::memcpy(dst + layout.word(c, r), &chunk, kChunkBytes);
        }
    }
}

template <typename Format>
void repack_row_end(const Layout& layout, const std::uint8_t* src, Rows rows, std::uint32_t* dst) {
    const bool has_tail = layout.scale_words == 0;
    for (std::uint32_t c = layout.whole_chunks; c < layout.n_chunks; ++c) {
        for (std::uint32_t r = rows.first; r < rows.end; ++r) {
            const Chunk chunk = has_tail && c == layout.whole_chunks
                                    ? load_tail(layout, src + r * layout.row_size)
                                    : Format::zero();
            std::memcpy(dst + layout.word(c, r), &chunk, kChunkBytes);
        }
    }
}

void repack_scales(const Layout& layout, const std::uint8_t* src, Rows rows, std::uint32_t* dst) {
    for (std::uint32_t j = 0; j < layout.scale_words; ++j) {
        for (std::uint32_t r = rows.first; r < rows.end; ++r) {
            std::uint16_t pair[2] = {0, 0};
            for (std::uint32_t half = 0; half < 2 && 2 * j + half < layout.n_blocks; ++half) {
                std::memcpy(
                    &pair[half],
                    src + r * layout.row_size + std::size_t{2 * j + half} * layout.block_bytes,
                    kScaleBytes);
            }
            dst[layout.scale_word(j, r)] = pair[0] | static_cast<std::uint32_t>(pair[1]) << 16;
        }
    }
}

template <typename Format>
void write_padding_rows(const Layout& layout, std::uint32_t* dst) {
    const Chunk zero = Format::zero();
    for (std::uint32_t r = layout.n_rows; r < layout.rows_padded; ++r) {
        for (std::uint32_t c = 0; c < layout.n_chunks; ++c) {
            std::memcpy(dst + layout.word(c, r), &zero, kChunkBytes);
        }
        for (std::uint32_t j = 0; j < layout.scale_words; ++j)
            dst[layout.scale_word(j, r)] = 0;
    }
}

template <typename Format>
void repack(const Layout& layout, const std::uint8_t* src, Rows range, std::uint32_t* dst) {
    for (std::uint32_t first = range.first; first < range.end; first += kTileRows) {
        const Rows rows{first, std::min(first + kTileRows, range.end)};
        for (std::uint32_t c = 0; c < layout.whole_chunks; c += kTileChunks) {
            repack_tile<Format>(layout, src, rows, c, dst);
        }
        repack_row_end<Format>(layout, src, rows, dst);
        repack_scales(layout, src, rows, dst);
    }
    if (range.end == layout.n_rows) write_padding_rows<Format>(layout, dst);
}

template <typename Format>
void unpack(const Layout& layout, const std::uint32_t* src, Rows range, std::uint8_t* dst) {
    for (std::uint32_t r = range.first; r < range.end; ++r) {
        std::uint8_t* row = dst + r * layout.row_size;
        for (std::uint32_t c = 0; c < layout.whole_chunks; ++c) {
            Chunk chunk;
            std::memcpy(&chunk, src + layout.word(c, r), kChunkBytes);
            Format::store(chunk, row, c);
        }
        if (layout.scale_words == 0) {
            const std::size_t at = std::size_t{layout.whole_chunks} * kChunkBytes;
            if (at < layout.row_size) {
                std::memcpy(row + at, src + layout.word(layout.whole_chunks, r),
                            layout.row_size - at);
            }
            continue;
        }
        for (std::uint32_t b = 0; b < layout.n_blocks; ++b) {
            const auto scale =
                static_cast<std::uint16_t>(src[layout.scale_word(b / 2, r)] >> (b % 2 * 16));
            std::memcpy(row + std::size_t{b} * layout.block_bytes, &scale, kScaleBytes);
        }
    }
}

}  // namespace

std::uint32_t DeviceMatrix::n_in_padded() const {
    const std::uint32_t step = format_info(format).padded_elements;
    return (n_in + step - 1) / step * step;
}

std::uint32_t DeviceMatrix::n_chunks() const {
    return n_in_padded() / format_info(format).chunk_elements;
}

std::uint32_t DeviceMatrix::scale_words() const {
    const WeightFormatInfo& info = format_info(format);
    return info.has_scales ? n_in_padded() / info.block_elements / 2 : 0;
}

std::uint64_t DeviceMatrix::scale_offset() const {
    return std::uint64_t{n_chunks()} * rows_padded() * 4;
}

std::uint64_t DeviceMatrix::size_words() const {
    return scale_offset() + std::uint64_t{scale_words()} * rows_padded();
}

std::uint64_t device_bytes(WeightFormat format, std::uint32_t n_rows, std::uint32_t n_in) {
    return DeviceMatrix{format, n_rows, n_in}.size_bytes();
}

std::uint32_t max_slice_rows(WeightFormat format, std::uint32_t n_rows, std::uint32_t n_in,
                             std::uint64_t max_bytes) {
    if (device_bytes(format, n_rows, n_in) <= max_bytes) return n_rows;
    const std::uint64_t four_rows = device_bytes(format, 4, n_in);
    return static_cast<std::uint32_t>(max_bytes / four_rows * 4);
}

void repack_rows(const DeviceMatrix& matrix, std::span<const std::uint8_t> src,
                 std::uint32_t first_row, std::uint32_t row_count, std::span<std::uint32_t> dst) {
    const Layout layout(matrix);
    assert(src.size() == layout.row_size * matrix.n_rows && dst.size() == matrix.size_words());
    assert(first_row <= matrix.n_rows && row_count <= matrix.n_rows - first_row);
    const Rows range{first_row, first_row + row_count};
    switch (matrix.format) {
        case WeightFormat::kF32:
        case WeightFormat::kF16:
        case WeightFormat::kBf16:
            return repack<PlainChunks>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ8_0:
            return repack<Q8Chunks>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ4_0:
            return repack<Q4Chunks>(layout, src.data(), range, dst.data());
    }
}

void unpack_rows(const DeviceMatrix& matrix, std::span<const std::uint32_t> src,
                 std::uint32_t first_row, std::uint32_t row_count, std::span<std::uint8_t> dst) {
    const Layout layout(matrix);
    assert(dst.size() == layout.row_size * matrix.n_rows && src.size() == matrix.size_words());
    assert(first_row <= matrix.n_rows && row_count <= matrix.n_rows - first_row);
    const Rows range{first_row, first_row + row_count};
    switch (matrix.format) {
        case WeightFormat::kF32:
        case WeightFormat::kF16:
        case WeightFormat::kBf16:
            return unpack<PlainChunks>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ8_0:
            return unpack<Q8Chunks>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ4_0:
            return unpack<Q4Chunks>(layout, src.data(), range, dst.data());
    }
}

}  // namespace gyre
