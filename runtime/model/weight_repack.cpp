// The device layout of weight matrices (weight_formats.h): rows of the file turned into columns of
// 16-byte chunks.
// SPDX-License-Identifier: Apache-2.0
//
// The work is a transposition of vecs (16 bytes: a chunk or a part of one), done in tiles of
// kTileRows x kTileVecs: a tile reads whole cache lines of every row and writes kTileVecs runs of
// consecutive words, so that neither the reading nor write-combined memory is hit at random.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "runtime/model/weight_formats.h"
#include "runtime/model/weight_rows.h"

namespace gyre {
namespace {

constexpr std::uint32_t kTileRows = WEIGHT_BLOCK_ROWS;
constexpr std::uint32_t kTileVecs = 8;

struct Rows {
    std::uint32_t first, end;
};

// A matrix in the file and on the device.
struct Layout {
    explicit Layout(const DeviceMatrix& m)
        : n_rows(m.n_rows),
          block_rows(m.block_rows()),
          rows_padded(m.rows_padded()),
          n_vecs(m.n_vecs()),
          row_size(static_cast<std::size_t>(row_bytes(m.format, m.n_in))),
          whole_vecs(m.n_in / format_info(m.format).chunk_elements *
                     format_info(m.format).chunk_vecs),
          scale_words(m.scale_words()),
          scale_rows(m.scale_rows()),
          n_blocks(m.n_in / format_info(m.format).block_elements),
          block_words(static_cast<std::size_t>(m.block_words())),
          scale_offset(static_cast<std::size_t>(m.scale_offset())) {}

    std::size_t word(std::uint32_t vec, std::uint32_t row) const {
        return block(row) + (std::size_t{vec} * block_rows + row % kTileRows) * 4;
    }
    // Word i of a row's group j of scale words.
    template <typename Format>
    std::size_t scale_word(std::uint32_t j, std::uint32_t i, std::uint32_t row) const {
        const std::size_t scales = block(row) + scale_offset;
        const std::uint32_t in_block = row % kTileRows;
        if (Format::kScaleVecs) {
            return scales + (std::size_t{j} * block_rows + in_block) * Format::kScaleGroup + i;
        }
        return scales + (std::size_t{j} * Format::kScaleGroup + i) * scale_rows +
               SCALE_PLACE(in_block);
    }

    std::size_t block(std::uint32_t row) const { return row / kTileRows * block_words; }

    std::uint32_t n_rows, block_rows, rows_padded, n_vecs;
    std::size_t row_size;      // bytes in the file
    std::uint32_t whole_vecs;  // vecs of a row without padding in them
    std::uint32_t scale_words, scale_rows, n_blocks;
    std::size_t block_words, scale_offset;
};

// The vec of a row's end: what there is of it, then zeros. Only plain formats have one.
Vec load_tail(const Layout& layout, const std::uint8_t* row) {
    Vec vec = PlainRow::zero();
    const std::size_t at = std::size_t{layout.whole_vecs} * kVecBytes;
    std::memcpy(&vec, row + at, layout.row_size - at);
    return vec;
}

template <typename Format>
void repack_tile(const Layout& layout, const std::uint8_t* src, Rows rows, std::uint32_t first_vec,
                 std::uint32_t* dst) {
    const std::uint32_t end_vec = std::min(first_vec + kTileVecs, layout.whole_vecs);
    for (std::uint32_t r = rows.first; r < rows.end; ++r) {
        const std::uint8_t* row = src + r * layout.row_size;
        for (std::uint32_t v = first_vec; v < end_vec; ++v) {
            const Vec vec = Format::load(row, v);
            std::memcpy(dst + layout.word(v, r), &vec, kVecBytes);
        }
    }
}

template <typename Format>
void repack_row_end(const Layout& layout, const std::uint8_t* src, Rows rows, std::uint32_t* dst) {
    const bool has_tail = layout.scale_words == 0;
    for (std::uint32_t v = layout.whole_vecs; v < layout.n_vecs; ++v) {
        for (std::uint32_t r = rows.first; r < rows.end; ++r) {
            const Vec vec = has_tail && v == layout.whole_vecs
                                ? load_tail(layout, src + r * layout.row_size)
                                : Format::zero();
            std::memcpy(dst + layout.word(v, r), &vec, kVecBytes);
        }
    }
}

template <typename Format>
void repack_scales(const Layout& layout, const std::uint8_t* src, Rows rows, std::uint32_t* dst) {
    for (std::uint32_t j = 0; j < layout.scale_words / Format::kScaleGroup; ++j) {
        for (std::uint32_t r = rows.first; r < rows.end; ++r) {
            std::uint32_t words[Format::kScaleGroup] = {};
            Format::load_scales(src + r * layout.row_size, j, layout.n_blocks, words);
            for (std::uint32_t i = 0; i < Format::kScaleGroup; ++i)
                dst[layout.scale_word<Format>(j, i, r)] = words[i];
        }
    }
}

template <typename Format>
void write_padding_rows(const Layout& layout, std::uint32_t* dst) {
    const Vec zero = Format::zero();
    for (std::uint32_t r = layout.n_rows; r < layout.rows_padded; ++r) {
        for (std::uint32_t v = 0; v < layout.n_vecs; ++v) {
            std::memcpy(dst + layout.word(v, r), &zero, kVecBytes);
        }
    }
    const std::uint32_t scales_end = layout.rows_padded - layout.block_rows + layout.scale_rows;
    for (std::uint32_t r = layout.n_rows; r < scales_end; ++r) {
        for (std::uint32_t w = 0; w < layout.scale_words; ++w) {
            const std::uint32_t group = w / Format::kScaleGroup;
            dst[layout.scale_word<Format>(group, w % Format::kScaleGroup, r)] = 0;
        }
    }
}

template <typename Format>
void repack(const Layout& layout, const std::uint8_t* src, Rows range, std::uint32_t* dst) {
    for (std::uint32_t first = range.first; first < range.end; first += kTileRows) {
        const Rows rows{first, std::min(first + kTileRows, range.end)};
        for (std::uint32_t v = 0; v < layout.whole_vecs; v += kTileVecs) {
            repack_tile<Format>(layout, src, rows, v, dst);
        }
        repack_row_end<Format>(layout, src, rows, dst);
        repack_scales<Format>(layout, src, rows, dst);
    }
    if (range.end == layout.n_rows) write_padding_rows<Format>(layout, dst);
}

template <typename Format>
void unpack(const Layout& layout, const std::uint32_t* src, Rows range, std::uint8_t* dst) {
    for (std::uint32_t r = range.first; r < range.end; ++r) {
        std::uint8_t* row = dst + r * layout.row_size;
        for (std::uint32_t v = 0; v < layout.whole_vecs; ++v) {
            Vec vec;
            std::memcpy(&vec, src + layout.word(v, r), kVecBytes);
            Format::store(vec, row, v);
        }
        for (std::uint32_t j = 0; j < layout.scale_words / Format::kScaleGroup; ++j) {
            std::uint32_t words[Format::kScaleGroup] = {};
            for (std::uint32_t i = 0; i < Format::kScaleGroup; ++i)
                words[i] = src[layout.scale_word<Format>(j, i, r)];
            Format::store_scales(words, row, j, layout.n_blocks);
        }
        const std::size_t tail = std::size_t{layout.whole_vecs} * kVecBytes;
        if (layout.scale_words == 0 && tail < layout.row_size) {
            std::memcpy(row + tail, src + layout.word(layout.whole_vecs, r),
                        layout.row_size - tail);
        }
    }
}

}  // namespace

std::uint32_t DeviceMatrix::n_in_padded() const {
    const std::uint32_t step = format_info(format).step_elements;
    return (n_in + step - 1) / step * step;
}

std::uint32_t DeviceMatrix::n_chunks() const {
    return n_in_padded() / format_info(format).chunk_elements;
}

std::uint32_t DeviceMatrix::n_vecs() const {
    return n_chunks() * format_info(format).chunk_vecs;
}

std::uint32_t DeviceMatrix::n_steps() const {
    return n_in_padded() / format_info(format).step_elements;
}

std::uint32_t DeviceMatrix::scale_words() const {
    return n_in_padded() / 64 * format_info(format).scale_words / 4;  // info's: for 256 elements
}

std::uint32_t DeviceMatrix::scale_rows() const {
    return format == WeightFormat::kQ4_K ? block_rows() : WEIGHT_BLOCK_ROWS;
}

std::uint64_t DeviceMatrix::scale_offset() const {
    return std::uint64_t{n_vecs()} * block_rows() * 4;
}

std::uint32_t DeviceMatrix::rows_padded() const {
    return (n_rows + block_rows() - 1) / block_rows() * block_rows();
}

std::uint64_t DeviceMatrix::block_words() const {
    return scale_offset() + std::uint64_t{scale_words()} * scale_rows();
}

std::uint64_t DeviceMatrix::size_words() const {
    return block_words() * (rows_padded() / block_rows());
}

std::uint64_t device_bytes(WeightFormat format, std::uint32_t n_rows, std::uint32_t n_in) {
    return DeviceMatrix{format, n_rows, n_in}.size_bytes();
}

std::uint32_t max_slice_rows(WeightFormat format, std::uint32_t n_rows, std::uint32_t n_in,
                             std::uint64_t max_bytes) {
    if (device_bytes(format, n_rows, n_in) <= max_bytes) return n_rows;
    const std::uint64_t block = device_bytes(format, WEIGHT_BLOCK_ROWS, n_in);
    if (max_bytes >= block) {
        return static_cast<std::uint32_t>(max_bytes / block * WEIGHT_BLOCK_ROWS);
    }
    std::uint32_t rows = WEIGHT_BLOCK_ROWS;
    while (rows > 0 && device_bytes(format, rows, n_in) > max_bytes)
        rows -= 4;
    return rows;
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
            return repack<PlainRow>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ8_0:
            return repack<Q8Row>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ4_0:
            return repack<Q4Row>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ4_K:
            return repack<Q4KRow>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ6_K:
            return repack<Q6KRow>(layout, src.data(), range, dst.data());
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
            return unpack<PlainRow>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ8_0:
            return unpack<Q8Row>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ4_0:
            return unpack<Q4Row>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ4_K:
            return unpack<Q4KRow>(layout, src.data(), range, dst.data());
        case WeightFormat::kQ6_K:
            return unpack<Q6KRow>(layout, src.data(), range, dst.data());
    }
}

}  // namespace gyre
