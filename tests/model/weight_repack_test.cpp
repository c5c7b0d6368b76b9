// The device layout against its definition, element by element.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "runtime/model/weight_blocks.h"
#include "runtime/model/weight_formats.h"

#include "runtime/base/host_size.h"

namespace gyre::testing {
namespace {

constexpr std::uint32_t kUntouched = 0xdeadbeef;

std::vector<std::uint8_t> random_rows(WeightFormat format, std::uint32_t n_rows,
                                      std::uint32_t n_in) {
    std::mt19937 random(n_rows * 7919 + n_in);
    std::vector<std::uint8_t> bytes(host_size(n_rows * row_bytes(format, n_in)));
    for (std::uint8_t& byte : bytes)
        byte = static_cast<std::uint8_t>(random());
    return bytes;
}

std::vector<std::uint32_t> repacked(const DeviceMatrix& matrix,
                                    const std::vector<std::uint8_t>& file) {
    std::vector<std::uint32_t> words(host_size(matrix.size_words()), kUntouched);
    repack_rows(matrix, file, 0, matrix.n_rows, words);
    return words;
}

// n bytes at a place, lowest first.
std::uint32_t little_endian(const std::uint8_t* at, std::uint32_t n) {
    std::uint32_t value = 0;
    for (std::uint32_t i = n; i > 0; --i)
        value = value << 8 | at[i - 1];
    return value;
}

// The bits that a plane has of element e, as shaders/interface/weight_formats.h says: of the file
// with the row's numbers, on the device with those of a chunk.
struct PlaneBits {
    std::uint32_t bits, at, run;
    std::uint32_t byte(std::uint32_t e) const {
        const std::uint32_t per_segment = run * 8 / bits;
        return at + e / per_segment * run + e % per_segment % run;
    }
    std::uint32_t shift(std::uint32_t e) const { return e % (run * 8 / bits) / run * bits; }
    std::uint32_t of(std::uint32_t byte_value, std::uint32_t e) const {
        return byte_value >> shift(e) & ((1u << bits) - 1u);
    }
};

// The raw bits of element e of a row as the file has them.
std::uint32_t file_bits(WeightFormat format, const std::uint8_t* row, std::uint32_t e) {
    const WeightFormatInfo& info = format_info(format);
    const std::uint8_t* block = row + e / info.block_elements * info.block_bytes;
    const std::uint32_t i = e % info.block_elements;
    if (!info.has_scales()) return little_endian(block, info.block_bytes);
    const PlaneBits low{info.low.bits, info.low.at, info.low.run};
    std::uint32_t quant = low.of(block[low.byte(i)], i);
    if (info.high.bits != 0) {
        const PlaneBits high{info.high.bits, info.high.at, info.high.run};
        quant |= high.of(block[high.byte(i)], i) << info.low.bits;
    }
    return quant;
}

// Where a matrix's row lies: 32 rows per block, or as many as there are, in fours.
struct Place {
    Place(const DeviceMatrix& m, std::uint32_t r)
        : info(format_info(m.format)), rows(std::min((m.n_rows + 3) / 4 * 4, 32u)), row(r % 32) {
        const std::size_t step = info.has_scales() ? 64 : info.chunk_elements;
        const std::size_t elements = (m.n_in + step - 1) / step * step;
        vecs = (info.low.bits + (info.high.bits == 2 ? 2 : 0)) * info.chunk_elements / 128;
        const std::size_t n_chunks = elements / info.chunk_elements;
        high_begin = n_chunks * vecs * rows * 4;
        high_words = info.high.bits == 1 ? info.chunk_elements / 32 : 0;
        scale_begin = high_begin + n_chunks * high_words * rows;
        scale_rows = m.format == WeightFormat::kQ4_K || m.format == WeightFormat::kQ5_K ? rows : 32;
        block_begin = r / 32 * (scale_begin + std::size_t{m.scale_words()} * scale_rows);
    }
    std::size_t vec(std::size_t v) const { return block_begin + (v * rows + row) * 4; }
    std::size_t high(std::size_t chunk) const {
        return block_begin + high_begin + (chunk * rows + row) * high_words;
    }
    // Rows r, r + 8, r + 16, r + 24 beside each other.
    std::size_t scale(std::size_t word) const {
        return block_begin + scale_begin + word * scale_rows + row % 8 * 4 + row / 8;
    }
    // Word i of group j of a format whose groups are vecs.
    std::size_t scale_vec(std::size_t j, std::size_t i) const {
        return block_begin + scale_begin + (j * rows + row) * 4 + i;
    }

    const WeightFormatInfo& info;
    std::size_t rows, row, vecs = 0, high_begin = 0, high_words = 0, scale_begin = 0,
                           scale_rows = 0, block_begin = 0;
};

// The raw bits of element e of row r as the device has them.
std::uint32_t device_bits(const DeviceMatrix& m, const std::vector<std::uint32_t>& words,
                          std::uint32_t r, std::uint32_t e) {
    const Place place(m, r);
    const WeightFormatInfo& info = place.info;
    const std::uint32_t chunk = e / info.chunk_elements, i = e % info.chunk_elements;
    // Byte `at` of the chunk's vecs: 16 of each, a vec of the next rows after it.
    const auto vec_byte = [&](std::uint32_t at) {
        return words.at(place.vec(chunk * place.vecs + at / 16) + at % 16 / 4) >> (at % 4 * 8) &
               0xff;
    };
    if (!info.has_scales()) {
        std::uint32_t value = 0;
        for (std::uint32_t b = info.block_bytes; b > 0; --b)
            value = value << 8 | vec_byte(i * info.block_bytes + b - 1);
        return value;
    }
    const PlaneBits low{info.low.bits, 0, info.high.bits == 0 ? 1u : 4u};
    std::uint32_t quant = low.of(vec_byte(low.byte(i)), i);
    if (info.high.bits == 0) return quant;
    const PlaneBits high{info.high.bits, 0, 4};
    std::uint32_t byte = 0;
    if (info.high.bits == 1) {
        byte = words.at(place.high(chunk) + high.byte(i) / 4) >> (high.byte(i) % 4 * 8) & 0xff;
    } else {
        byte = vec_byte(info.chunk_elements * info.low.bits / 8 + high.byte(i));
    }
    quant |= high.of(byte, i) << info.low.bits;
    return info.map == WeightMap::kSigned32 ? quant ^ 32u : quant;  // two's complement there
}

struct Case {
    WeightFormat format;
    std::uint32_t n_rows, n_in;
};
constexpr Case kCases[] = {
    {WeightFormat::kF32, 1, 1},      {WeightFormat::kF32, 5, 7},
    {WeightFormat::kF32, 67, 60},    {WeightFormat::kF16, 4, 8},
    {WeightFormat::kF16, 33, 13},    {WeightFormat::kF16, 101, 60},
    {WeightFormat::kBf16, 3, 1},     {WeightFormat::kBf16, 64, 84},
    {WeightFormat::kQ8_0, 1, 32},    {WeightFormat::kQ8_0, 37, 96},
    {WeightFormat::kQ8_0, 66, 768},  {WeightFormat::kQ4_0, 1, 32},
    {WeightFormat::kQ4_0, 38, 160},  {WeightFormat::kQ4_0, 65, 768},
    {WeightFormat::kQ4_K, 1, 256},   {WeightFormat::kQ4_K, 67, 768},
    {WeightFormat::kQ6_K, 2, 256},   {WeightFormat::kQ6_K, 66, 768},
    {WeightFormat::kQ4_1, 37, 96},   {WeightFormat::kQ5_0, 1, 32},
    {WeightFormat::kQ5_0, 67, 160},  {WeightFormat::kQ5_1, 37, 96},
    {WeightFormat::kQ2_K, 37, 512},  {WeightFormat::kQ3_K, 67, 768},
    {WeightFormat::kQ5_K, 67, 768},  {WeightFormat::kIq4Nl, 37, 96},
    {WeightFormat::kIq4Xs, 37, 512}, {WeightFormat::kMxfp4, 1, 32},
    {WeightFormat::kMxfp4, 67, 224}, {WeightFormat::kTq2_0, 1, 256},
    {WeightFormat::kTq2_0, 67, 768},
};

std::string name_of(const Case& c) {
    return std::string(format_info(c.format).name) + " " + std::to_string(c.n_rows) + " x " +
           std::to_string(c.n_in);
}

TEST(WeightRepack, EveryElementIsWhereTheLayoutSays) {
    for (const Case& c : kCases) {
        SCOPED_TRACE(name_of(c));
        const DeviceMatrix m{c.format, c.n_rows, c.n_in};
        const auto file = random_rows(c.format, c.n_rows, c.n_in);
        const auto words = repacked(m, file);
        for (std::uint32_t r = 0; r < c.n_rows; ++r) {
            for (std::uint32_t e = 0; e < c.n_in; ++e) {
                ASSERT_EQ(device_bits(m, words, r, e),
                          file_bits(c.format, file.data() + r * row_bytes(c.format, c.n_in), e))
                    << "row " << r << " element " << e;
            }
        }
    }
}

TEST(WeightRepack, ScalesAreTwoAWordAfterTheQuants) {
    for (const Case& c : kCases) {
        if (c.format != WeightFormat::kQ8_0 && c.format != WeightFormat::kQ4_0) continue;
        SCOPED_TRACE(name_of(c));
        const std::uint32_t block_bytes = c.format == WeightFormat::kQ8_0 ? 34 : 18;
        const DeviceMatrix m{c.format, c.n_rows, c.n_in};
        const auto file = random_rows(c.format, c.n_rows, c.n_in);
        const auto words = repacked(m, file);
        const std::uint32_t padded = (c.n_in + 63) / 64 * 64;
        for (std::uint32_t r = 0; r < c.n_rows; ++r) {
            const Place place(m, r);
            for (std::uint32_t b = 0; b < padded / 32; ++b) {
                std::uint32_t expected = 0;  // a padding block
                if (b < c.n_in / 32) {
                    const std::uint8_t* at = file.data() + r * row_bytes(c.format, c.n_in) +
                                             std::size_t{b} * block_bytes;
                    expected = little_endian(at, 2);
                }
                ASSERT_EQ(words.at(place.scale(b / 2)) >> (b % 2 * 16) & 0xffff, expected)
                    << "row " << r << " block " << b;
            }
        }
    }
}

// Words of scales as weight_formats.h places them: of a superblock and row, word i at place(i).
TEST(WeightRepack, ScalesOfSuperblocks) {
    const std::uint32_t n_rows = 6, rp = 8, n_in = 512;
    const DeviceMatrix q4{WeightFormat::kQ4_K, n_rows, n_in};
    const DeviceMatrix q6{WeightFormat::kQ6_K, n_rows, n_in};
    const auto q4_file = random_rows(q4.format, n_rows, n_in);
    const auto q6_file = random_rows(q6.format, n_rows, n_in);
    const auto q4_words = repacked(q4, q4_file), q6_words = repacked(q6, q6_file);
    ASSERT_EQ(q4_words.size(), rp * (512u / 8 + 2 * 4));
    ASSERT_EQ(q6_words.size(), rp * (512u * 6 / 32) + 32 * 2 * 5);
    for (std::uint32_t r = 0; r < n_rows; ++r) {
        for (std::uint32_t k = 0; k < 2; ++k) {
            const std::uint8_t* block = &q4_file[(r * 2 + k) * 144];
            const std::uint32_t* s = &q4_words[rp * 64 + (k * rp + r) * 4];
            EXPECT_EQ(s[0] >> 24 | s[1] >> 24 << 8, little_endian(block, 2));
            EXPECT_EQ(s[2] >> 24 | s[3] >> 24 << 8, little_endian(block + 2, 2));
            for (std::uint32_t b = 0; b < 8; ++b) {
                const auto packed = [&](std::uint32_t i) { return std::uint32_t{block[4 + i]}; };
                std::uint32_t scale = packed(b) & 63, min = packed(b + 4) & 63;
                if (b >= 4) {
                    scale = (packed(b + 4) & 15) | packed(b - 4) >> 6 << 4;
                    min = packed(b + 4) >> 4 | packed(b) >> 6 << 4;
                }
                EXPECT_EQ(s[b / 2] >> (b % 2 * 12) & 0xfff, scale | min << 6) << b;
            }
            block = &q6_file[(r * 2 + k) * 210];
            for (std::uint32_t i = 0; i < 5; ++i) {
                EXPECT_EQ(q6_words[rp * 96 + (k * 5 + i) * 32 + r * 4],
                          little_endian(block + 192 + 4 * i, i < 4 ? 4 : 2));
            }
        }
    }
}

// What the kernels add up beyond n_in and n_rows must be nothing.
TEST(WeightRepack, PaddingIsZero) {
    for (const Case& c : kCases) {
        SCOPED_TRACE(name_of(c));
        const DeviceMatrix m{c.format, c.n_rows, c.n_in};
        const auto words = repacked(m, random_rows(c.format, c.n_rows, c.n_in));
        // Zero bits: two's complement where device_bits undoes it, and scales of zero otherwise.
        const std::uint32_t zero = m.format == WeightFormat::kQ6_K ? 32 : 0;
        for (std::uint32_t r = 0; r < m.rows_padded(); ++r) {
            for (std::uint32_t e = r < c.n_rows ? c.n_in : 0; e < m.n_in_padded(); ++e) {
                ASSERT_EQ(device_bits(m, words, r, e), zero) << "row " << r << " element " << e;
            }
        }
        for (std::uint32_t r = c.n_rows; r < m.rows_padded(); ++r) {
            for (std::uint32_t j = 0; j < m.scale_words(); ++j) {
                const Place place(m, r);
                const bool vecs = place.info.scales == WeightScales::kK6;
                const std::size_t at = vecs ? place.scale_vec(j / 4, j % 4) : place.scale(j);
                ASSERT_EQ(words.at(at), 0u);
            }
        }
    }
}

// Threads take row ranges: any cut gives the same words, and no range writes another's rows.
TEST(WeightRepack, RowRangesMakeTheSameMatrix) {
    for (const Case& c : kCases) {
        SCOPED_TRACE(name_of(c));
        const DeviceMatrix m{c.format, c.n_rows, c.n_in};
        const auto file = random_rows(c.format, c.n_rows, c.n_in);
        const auto whole = repacked(m, file);
        const std::uint32_t cuts[] = {0, c.n_rows / 3, c.n_rows / 2, c.n_rows};
        std::vector<std::uint32_t> pieces(host_size(m.size_words()), kUntouched);
        for (int i = 2; i >= 0; --i) {  // last range first: its padding must survive
            repack_rows(m, file, cuts[i], cuts[i + 1] - cuts[i], pieces);
        }
        EXPECT_EQ(pieces, whole);
        std::vector<std::uint32_t> first(host_size(m.size_words()), kUntouched);
        repack_rows(m, file, 0, c.n_rows / 2, first);
        for (std::uint32_t r = c.n_rows / 2; r < c.n_rows; ++r) {
            ASSERT_EQ(first.at(Place(m, r).vec(0)), kUntouched) << "row " << r;
        }
    }
}

TEST(WeightRepack, SizesByHand) {
    // GPT-2's token table: 50257 rows of 768, padded to 1571 blocks of 32.
    EXPECT_EQ(device_bytes(WeightFormat::kF32, 50257, 768), 50272ull * 768 * 4);
    EXPECT_EQ(device_bytes(WeightFormat::kF16, 50257, 768), 50272ull * 768 * 2);
    EXPECT_EQ(device_bytes(WeightFormat::kQ8_0, 50257, 768), 50272ull * (768 + 24 * 2));
    EXPECT_EQ(device_bytes(WeightFormat::kQ4_0, 50257, 768), 50272ull * (384 + 24 * 2));
    // 96 -> 128 elements, and scales of 32 rows.
    EXPECT_EQ(device_bytes(WeightFormat::kQ4_0, 4, 96), 4ull * 64 + 32 * 4 * 2);
    // As many as in the file, and 2 a superblock more.
    EXPECT_EQ(device_bytes(WeightFormat::kQ4_K, 50257, 768), 50272ull * 3 * 144);
    EXPECT_EQ(device_bytes(WeightFormat::kQ6_K, 50257, 768), 50272ull * 3 * 212);
    EXPECT_EQ(device_bytes(WeightFormat::kQ3_K, 50257, 768), 50272ull * 3 * 112);
    EXPECT_EQ(device_bytes(WeightFormat::kQ5_0, 50257, 768), 50272ull * 24 * 22);
    EXPECT_EQ(device_bytes(WeightFormat::kF32, 4194304, 65536), 4194304ull * 65536 * 4);  // 2^40
    // Every block is padded to whole steps of its own, the last one to 32 rows.
    EXPECT_EQ(device_bytes(WeightFormat::kQ8_0, 65, 96), 96ull * (128 + 2 * 4));
    EXPECT_EQ(device_bytes(WeightFormat::kQ8_0, 63, 96), 64ull * (128 + 2 * 4));
}

// Scales and padding included, 2 % at most for widths of whole steps and rows of whole blocks.
TEST(WeightRepack, TheDeviceHoldsHardlyMoreThanTheFile) {
    for (const WeightFormatInfo& info : weight_formats()) {
        for (const std::uint32_t n_in : {576u, 640u, 768u, 1536u, 2048u}) {
            if (n_in % info.block_elements != 0) continue;
            const std::uint64_t file = 2048 * row_bytes(info.format, n_in);
            const std::uint64_t device = device_bytes(info.format, 2048, n_in);
            EXPECT_GE(device, file) << info.name;
            EXPECT_LE(static_cast<double>(device), 1.02 * static_cast<double>(file))
                << info.name << ", rows of " << n_in;
        }
    }
}

TEST(WeightRepack, SlicesFitTheRange) {
    const std::uint64_t range = std::uint64_t{128} << 20;  // of many devices
    const std::uint32_t rows = max_slice_rows(WeightFormat::kF32, 50257, 768, range);
    EXPECT_EQ(rows % 32, 0u);
    EXPECT_LE(device_bytes(WeightFormat::kF32, rows, 768), range);
    EXPECT_GT(device_bytes(WeightFormat::kF32, rows + 1, 768), range);
    EXPECT_EQ(max_slice_rows(WeightFormat::kF32, 100, 768, 31 * 768 * 4), 28u);
    EXPECT_EQ(max_slice_rows(WeightFormat::kF32, 100, 768, 90 * 768 * 4), 64u);
    EXPECT_EQ(max_slice_rows(WeightFormat::kQ8_0, 50257, 768, range), 50257u);
    // Scales of 32 rows whatever their number.
    EXPECT_EQ(max_slice_rows(WeightFormat::kQ8_0, 100, 64, 64 * 64 + 64 * 4), 64u);
    EXPECT_EQ(max_slice_rows(WeightFormat::kQ8_0, 100, 64, 64 * 64 + 64 * 4 - 1), 32u);
    EXPECT_EQ(max_slice_rows(WeightFormat::kQ8_0, 100, 64, 28 * 64 + 32 * 4), 28u);
    EXPECT_EQ(max_slice_rows(WeightFormat::kQ8_0, 100, 64, 28 * 64 + 32 * 4 - 1), 24u);
    EXPECT_EQ(max_slice_rows(WeightFormat::kF32, 8, 768, 4 * 768 * 4), 4u);
    EXPECT_EQ(max_slice_rows(WeightFormat::kF32, 8, 768, 4 * 768 * 4 - 1), 0u);
}

// Every float16 that a block has, subnormal alone among normal ones.
TEST(WeightRepack, SubnormalScalesAreSeen) {
    for (const WeightFormatInfo& info : weight_formats()) {
        SCOPED_TRACE(info.name);
        const HalfScales halves = half_scales(info.scales);
        std::vector<std::uint8_t> blocks(2 * info.block_bytes);
        const auto put = [&](std::uint32_t i, std::uint32_t half) {
            const std::size_t at = info.block_bytes + halves.at + 2 * std::size_t{i};
            blocks[at] = static_cast<std::uint8_t>(half);
            blocks[at + 1] = static_cast<std::uint8_t>(half >> 8);
        };
        EXPECT_FALSE(has_subnormal_scales(info.format, blocks)) << "zeros are none";
        for (std::uint32_t i = 0; i < halves.n; ++i) {
            for (const std::uint32_t half : {0x0001u, 0x83ffu}) {
                put(i, half);
                EXPECT_TRUE(has_subnormal_scales(info.format, blocks));
            }
            for (const std::uint32_t half : {0x0400u, 0x8000u, 0xbc01u}) {
                put(i, half);
                EXPECT_FALSE(has_subnormal_scales(info.format, blocks));
            }
        }
    }
}

}  // namespace
}  // namespace gyre::testing
