// The device layout of weight matrices: rows of the file as columns of 16-byte vecs. The layout's
// description is in shaders/interface/weight_formats.h.
// SPDX-License-Identifier: Apache-2.0
//
// The work is a transposition of vecs (16 bytes: a chunk or a part of one), done in tiles of
// kTileRows x kTileVecs: a tile reads whole cache lines of every row and writes kTileVecs runs of
// consecutive words, so that neither the reading nor write-combined memory is hit at random.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "runtime/model/weight_blocks.h"
#include "runtime/model/weight_formats.h"

namespace gyre {
namespace {

constexpr std::uint32_t kTileRows = WEIGHT_BLOCK_ROWS;
constexpr std::uint32_t kTileVecs = 8;
constexpr std::uint32_t kVecBytes = 16;
constexpr std::uint32_t kMaxGroupWords = 5;

struct Vec {
    std::uint32_t words[4];
};

struct Rows {
    std::uint32_t first, end;
};

constexpr std::uint32_t divide_up(std::uint32_t a, std::uint32_t b) {
    return (a + b - 1) / b;
}

constexpr WeightScalesInfo scales_info(const WeightFormatInfo& info) {
    return kWeightScales[static_cast<std::uint32_t>(info.scales)];
}

// A matrix in the file and on the device.
struct Layout {
    explicit Layout(const DeviceMatrix& m)
        : info(format_info(m.format)),
          n_rows(m.n_rows),
          block_rows(m.block_rows()),
          rows_padded(m.rows_padded()),
          n_chunks(m.n_chunks()),
          n_vecs(m.n_vecs()),
          row_size(static_cast<std::size_t>(row_bytes(m.format, m.n_in))),
          whole_vecs(m.n_in / info.chunk_elements * info.chunk_vecs()),
          scale_words(m.scale_words()),
          scale_rows(m.scale_rows()),
          n_blocks(m.n_in / info.block_elements),
          block_words(static_cast<std::size_t>(m.block_words())),
          high_offset(static_cast<std::size_t>(m.high_offset())),
          scale_offset(static_cast<std::size_t>(m.scale_offset())) {}

    std::size_t block(std::uint32_t row) const { return row / kTileRows * block_words; }
    std::size_t vec(std::uint32_t v, std::uint32_t row) const {
        return block(row) + (std::size_t{v} * block_rows + row % kTileRows) * 4;
    }
    std::size_t high(std::uint32_t chunk, std::uint32_t row) const {
        return block(row) + high_offset +
               (std::size_t{chunk} * block_rows + row % kTileRows) * info.high_words();
    }
    // Word i of a row's group j of scale words.
    std::size_t scale(std::uint32_t j, std::uint32_t i, std::uint32_t row) const {
        const std::size_t scales = block(row) + scale_offset;
        const std::uint32_t in_block = row % kTileRows;
        const std::uint32_t words = scales_info(info).words;
        if (info.scales == WeightScales::kK6) {
            return scales + (std::size_t{j} * block_rows + in_block) * words + i;
        }
        return scales + (std::size_t{j} * words + i) * scale_rows + SCALE_PLACE(in_block);
    }

    const WeightFormatInfo& info;
    std::uint32_t n_rows, block_rows, rows_padded, n_chunks, n_vecs;
    std::size_t row_size;      // bytes in the file
    std::uint32_t whole_vecs;  // vecs of a row without padding in them
    std::uint32_t scale_words, scale_rows, n_blocks;
    std::size_t block_words, high_offset, scale_offset;
};

// The lowest `bits` bits, 1 to 8, of the four bytes of a word, one after the other.
constexpr std::uint32_t together(std::uint32_t four, std::uint32_t bits) {
    const std::uint32_t gap = 8 - bits;
    const std::uint32_t two = (four | four >> gap) & ((1u << (2 * bits)) - 1) * 0x00010001u;
    return (two | two >> (2 * gap)) & ~0u >> (32 - 4 * bits);
}

// Word w of the plane of a chunk, as the device has it: `bits` bits of each element.
template <std::uint32_t id, bool is_high>
std::uint32_t plane_word(const std::uint8_t* row, std::uint32_t chunk, std::uint32_t w,
                         std::uint32_t n_blocks) {
    constexpr WeightFormatInfo info = kFormats[id];
    constexpr WeightPlane plane = is_high ? info.high : info.low;
    constexpr std::uint32_t per_word = 32 / plane.bits;
    std::uint32_t word = 0;
    for (std::uint32_t i = 0; i < per_word; i += 4) {
        const std::uint32_t e = chunk * info.chunk_elements + w * per_word + i;
        if (e / info.block_elements >= n_blocks) break;
        const std::uint8_t* block = row + std::size_t{e / info.block_elements} * info.block_bytes;
        const std::uint32_t four = load_four(plane, block, e % info.block_elements);
        if constexpr (info.high.bits == 0) {
            word |= together(four, plane.bits) << (i * plane.bits);
        } else {
            word |= four << (i / 4 * plane.bits);
        }
    }
    return word;
}

template <std::uint32_t id>
Vec load_vec(const std::uint8_t* row, std::uint32_t v, std::uint32_t n_blocks) {
    constexpr WeightFormatInfo info = kFormats[id];
    Vec vec;
    if constexpr (!info.has_scales()) {
        std::memcpy(&vec, row + std::size_t{v} * kVecBytes, kVecBytes);
    } else {
        constexpr std::uint32_t low_vecs = info.low.bits * info.chunk_elements / 128;
        const std::uint32_t chunk = v / info.chunk_vecs(), part = v % info.chunk_vecs();
        for (std::uint32_t w = 0; w < 4; ++w) {
            if (part < low_vecs) {
                vec.words[w] = plane_word<id, false>(row, chunk, 4 * part + w, n_blocks);
                continue;
            }
            if constexpr (info.high.bits > 1) {
                vec.words[w] =
                    plane_word<id, true>(row, chunk, 4 * (part - low_vecs) + w, n_blocks);
                // q - 32 as two's complement: the highest of the six bits the other way round.
                if (info.map == WeightMap::kSigned32) vec.words[w] ^= 0xaaaaaaaau;
            }
        }
    }
    return vec;
}

// The vec of a row's end: what there is of it, then zeros. Only plain formats have one.
Vec load_tail(const Layout& layout, const std::uint8_t* row) {
    Vec vec = {};
    const std::size_t at = std::size_t{layout.whole_vecs} * kVecBytes;
    std::memcpy(&vec, row + at, layout.row_size - at);
    return vec;
}

// Group j of a row's scale words. Blocks from n_blocks on are padding.
void load_group(const Layout& layout, const std::uint8_t* row, std::uint32_t j,
                std::uint32_t (&words)[kMaxGroupWords]) {
    const WeightFormatInfo& info = layout.info;
    const auto block = [&](std::uint32_t n) { return row + std::size_t{n} * info.block_bytes; };
    switch (info.scales) {
        case WeightScales::kNone:
            return;
        case WeightScales::kHalf:
        case WeightScales::kHalf256:
            for (std::uint32_t b = 0; b < 2 && 2 * j + b < layout.n_blocks; ++b) {
                const std::uint8_t* half = block(2 * j + b) + half_scales(info.scales).at;
                words[0] |= static_cast<std::uint32_t>(load_u16(half)) << (16 * b);
            }
            return;
        case WeightScales::kHalfMin:
            for (std::uint32_t b = 0; b < 2 && 2 * j + b < layout.n_blocks; ++b)
                words[b] = load_u32(block(2 * j + b));
            return;
        case WeightScales::kE8m0:
            for (std::uint32_t b = 0; b < 4 && 4 * j + b < layout.n_blocks; ++b)
                words[0] |= static_cast<std::uint32_t>(block(4 * j + b)[0]) << (8 * b);
            return;
        case WeightScales::kSix16:
            for (std::uint32_t g = 0; g < 16; ++g) {
                const std::uint8_t* scales = block(j) + kThreeKScales;
                words[g / 8] |= (scales[g % 8] >> (g / 8 * 4) & 15u) << (g % 8 * 4);
                words[2] |= (scales[8 + g % 4] >> (g / 4 * 2) & 3u) << (2 * g);
            }
            words[3] = load_u16(block(j) + kThreeKFactor);
            return;
        case WeightScales::kFour16:
            std::memcpy(words, block(j), 16);
            words[4] = load_u32(block(j) + kTwoKFactors);
            return;
        case WeightScales::kByte16:
            std::memcpy(words, block(j) + kSixKScales, 16);
            words[4] = load_u16(block(j) + kSixKScales + 16);
            return;
        case WeightScales::kSix32:
            words[0] = load_u32(block(j) + 4);
            words[1] = load_u16(block(j) + 2) | static_cast<std::uint32_t>(load_u16(block(j)))
                                                    << 16;
            return;
        case WeightScales::kK6:
            for (std::uint32_t i = 0; i < 4; ++i) {
                const SixBits a = k6_scale(block(j) + 4, 2 * i),
                              b = k6_scale(block(j) + 4, 2 * i + 1);
                words[i] = a.scale | a.min << 6 | b.scale << 12 | b.min << 18 |
                           static_cast<std::uint32_t>(block(j)[i]) << 24;
            }
            return;
    }
}

template <std::uint32_t id>
void repack_tile(const Layout& layout, const std::uint8_t* src, Rows rows, std::uint32_t first_vec,
                 std::uint32_t* dst) {
    const std::uint32_t end_vec = std::min(first_vec + kTileVecs, layout.whole_vecs);
    for (std::uint32_t r = rows.first; r < rows.end; ++r) {
        const std::uint8_t* row = src + r * layout.row_size;
        for (std::uint32_t v = first_vec; v < end_vec; ++v) {
            const Vec vec = load_vec<id>(row, v, layout.n_blocks);
            std::memcpy(dst + layout.vec(v, r), &vec, kVecBytes);
        }
    }
}

void repack_row_end(const Layout& layout, const std::uint8_t* src, Rows rows, std::uint32_t* dst) {
    const bool has_tail = !layout.info.has_scales();
    for (std::uint32_t v = layout.whole_vecs; v < layout.n_vecs; ++v) {
        for (std::uint32_t r = rows.first; r < rows.end; ++r) {
            const Vec vec = has_tail && v == layout.whole_vecs
                                ? load_tail(layout, src + r * layout.row_size)
                                : Vec{};
            std::memcpy(dst + layout.vec(v, r), &vec, kVecBytes);
        }
    }
}

template <std::uint32_t id>
void repack_high(const Layout& layout, const std::uint8_t* src, Rows rows, std::uint32_t* dst) {
    constexpr WeightFormatInfo info = kFormats[id];
    if constexpr (info.high.bits == 1) {
        for (std::uint32_t c = 0; c < layout.n_chunks; ++c) {
            for (std::uint32_t r = rows.first; r < rows.end; ++r) {
                const std::uint8_t* row = src + r * layout.row_size;
                for (std::uint32_t w = 0; w < info.high_words(); ++w)
                    dst[layout.high(c, r) + w] = plane_word<id, true>(row, c, w, layout.n_blocks);
            }
        }
    }
}

void repack_scales(const Layout& layout, const std::uint8_t* src, Rows rows, std::uint32_t* dst) {
    const std::uint32_t n_words = scales_info(layout.info).words;
    for (std::uint32_t j = 0; j * n_words < layout.scale_words; ++j) {
        for (std::uint32_t r = rows.first; r < rows.end; ++r) {
            std::uint32_t words[kMaxGroupWords] = {};
            load_group(layout, src + r * layout.row_size, j, words);
            for (std::uint32_t i = 0; i < n_words; ++i)
                dst[layout.scale(j, i, r)] = words[i];
        }
    }
}

void write_padding_rows(const Layout& layout, std::uint32_t* dst) {
    for (std::uint32_t r = layout.n_rows; r < layout.rows_padded; ++r) {
        for (std::uint32_t v = 0; v < layout.n_vecs; ++v) {
            std::memset(dst + layout.vec(v, r), 0, kVecBytes);
        }
        for (std::uint32_t c = 0; c < layout.n_chunks; ++c) {
            std::memset(dst + layout.high(c, r), 0,
                        layout.info.high_words() * sizeof(std::uint32_t));
        }
    }
    const std::uint32_t n_words = scales_info(layout.info).words;
    const std::uint32_t scales_end = layout.rows_padded - layout.block_rows + layout.scale_rows;
    for (std::uint32_t r = layout.n_rows; r < scales_end; ++r) {
        for (std::uint32_t w = 0; w < layout.scale_words; ++w)
            dst[layout.scale(w / n_words, w % n_words, r)] = 0;
    }
}

template <std::uint32_t id>
void repack(const Layout& layout, const std::uint8_t* src, Rows range, std::uint32_t* dst) {
    for (std::uint32_t first = range.first; first < range.end; first += kTileRows) {
        const Rows rows{first, std::min(first + kTileRows, range.end)};
        for (std::uint32_t v = 0; v < layout.whole_vecs; v += kTileVecs) {
            repack_tile<id>(layout, src, rows, v, dst);
        }
        repack_row_end(layout, src, rows, dst);
        repack_high<id>(layout, src, rows, dst);
        repack_scales(layout, src, rows, dst);
    }
    if (range.end == layout.n_rows) write_padding_rows(layout, dst);
}

}  // namespace

std::uint32_t DeviceMatrix::n_in_padded() const {
    const std::uint32_t step = format_info(format).step_elements();
    return divide_up(n_in, step) * step;
}

std::uint32_t DeviceMatrix::n_chunks() const {
    return n_in_padded() / format_info(format).chunk_elements;
}

std::uint32_t DeviceMatrix::n_vecs() const {
    return n_chunks() * format_info(format).chunk_vecs();
}

std::uint32_t DeviceMatrix::n_steps() const {
    return n_in_padded() / format_info(format).step_elements();
}

std::uint32_t DeviceMatrix::scale_words() const {
    const WeightScalesInfo& scales = scales_info(format_info(format));
    return divide_up(n_steps(), scales.steps) * scales.words;
}

std::uint32_t DeviceMatrix::scale_rows() const {
    return format_info(format).scales == WeightScales::kK6 ? block_rows() : WEIGHT_BLOCK_ROWS;
}

std::uint64_t DeviceMatrix::high_offset() const {
    return std::uint64_t{n_vecs()} * block_rows() * 4;
}

std::uint64_t DeviceMatrix::scale_offset() const {
    return high_offset() +
           std::uint64_t{n_chunks()} * format_info(format).high_words() * block_rows();
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
    with_format(matrix.format,
                [&]<std::uint32_t id>() { repack<id>(layout, src.data(), range, dst.data()); });
}

}  // namespace gyre
