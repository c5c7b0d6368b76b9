// The device layout against its definition, element by element.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <vector>

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

// The raw bits of element e of a row as the file has them.
std::uint32_t file_bits(WeightFormat format, const std::uint8_t* row, std::uint32_t e) {
    switch (format) {
        case WeightFormat::kF32:
            return little_endian(row + 4 * e, 4);
        case WeightFormat::kF16:
        case WeightFormat::kBf16:
            return little_endian(row + 2 * e, 2);
        case WeightFormat::kQ8_0:
            return row[e / 32 * 34 + 2 + e % 32];
        case WeightFormat::kQ4_0: {
            const std::uint32_t byte = row[e / 32 * 18 + 2 + e % 16];
            return e % 32 < 16 ? byte & 15u : byte >> 4;
        }
        case WeightFormat::kQ4_K:
            return row[e / 256 * 144 + 16 + e % 256 / 64 * 32 + e % 32] >> (e % 64 / 32 * 4) & 15u;
        case WeightFormat::kQ6_K: {
            const std::uint8_t* block = row + e / 256 * 210;
            const std::uint32_t half = e % 256 / 128, g = e % 128 / 32, l = e % 32;
            const std::uint32_t low = block[64 * half + g % 2 * 32 + l] >> (g / 2 * 4) & 15u;
            return low | (block[128 + 32 * half + l] >> (2 * g) & 3u) << 4;
        }
    }
    return 0;
}

// Where a matrix's row lies: 32 rows a block, or as many as there are, in fours.
struct Place {
    Place(const DeviceMatrix& m, std::uint32_t r)
        : rows(std::min((m.n_rows + 3) / 4 * 4, 32u)), row(r % 32) {
        const std::size_t elements = (m.n_in + step(m) - 1) / step(m) * step(m);
        quant_words = elements * bits(m) / 32 * rows;
        scale_rows = m.format == WeightFormat::kQ4_K ? rows : 32;
        scale_words = elements * scale_bits(m) / 2048 * scale_rows;
        block = r / 32 * (quant_words + scale_words);
    }
    static std::size_t step(const DeviceMatrix& m) {
        const bool plain = m.format == WeightFormat::kF32 || bits(m) == 16;
        return plain ? 128 / bits(m) : 64;
    }
    static std::size_t bits(const DeviceMatrix& m) {
        switch (m.format) {
            case WeightFormat::kF32:
                return 32;
            case WeightFormat::kF16:
            case WeightFormat::kBf16:
                return 16;
            case WeightFormat::kQ8_0:
                return 8;
            case WeightFormat::kQ4_0:
            case WeightFormat::kQ4_K:
                return 4;
            case WeightFormat::kQ6_K:
                return 6;
        }
        return 0;
    }
    // A word for 64 elements; five for 256 in Q6_K.
    static std::size_t scale_bits(const DeviceMatrix& m) {
        if (m.format == WeightFormat::kQ6_K) return 40;
        return bits(m) == 8 || bits(m) == 4 ? 32 : 0;
    }
    std::size_t vec(std::size_t v) const { return block + (v * rows + row) * 4; }
    // Rows r, r + 8, r + 16, r + 24 beside each other.
    std::size_t scale(std::size_t word) const {
        return block + quant_words + word * scale_rows + row % 8 * 4 + row / 8;
    }

    std::size_t rows, row, block, quant_words, scale_rows, scale_words;
};

// The raw bits of element e of row r as the table of weight_formats.h places them.
std::uint32_t device_bits(const DeviceMatrix& m, const std::vector<std::uint32_t>& words,
                          std::uint32_t r, std::uint32_t e) {
    const Place place(m, r);
    const auto word = [&](std::uint32_t chunk_elements, std::uint32_t per_word) {
        return words.at(place.vec(e / chunk_elements) + e % chunk_elements / per_word);
    };
    // Of a chunk of 64 elements: word i of eight has elements 4i .. + 3 low, those from 32 on high.
    const auto nibble = [&](std::uint32_t vecs) {
        const std::uint32_t i = e % 32 / 4;
        const std::size_t at = place.vec(e / 64 * vecs + i / 4) + i % 4;
        return words.at(at) >> (e % 4 * 8 + e % 64 / 32 * 4) & 15u;
    };
    switch (m.format) {
        case WeightFormat::kF32:
            return word(4, 1);
        case WeightFormat::kF16:
        case WeightFormat::kBf16:
            return word(8, 2) >> (e % 2 * 16) & 0xffff;
        case WeightFormat::kQ8_0:
            return word(16, 4) >> (e % 4 * 8) & 0xff;
        case WeightFormat::kQ4_0:
            return word(32, 8) >> (e % 8 * 4) & 0xf;
        case WeightFormat::kQ4_K:
            return nibble(2);
        case WeightFormat::kQ6_K: {
            const std::uint32_t high = words.at(place.vec(e / 64 * 3 + 2) + e / 4 % 4);
            const std::uint32_t bits = nibble(3) | (high >> (e % 4 * 8 + e % 64 / 16 * 2) & 3u)
                                                       << 4;
            return bits ^ 32u;  // two's complement there, 32 more than the value in the file
        }
    }
    return 0;
}

struct Case {
    WeightFormat format;
    std::uint32_t n_rows, n_in;
};
constexpr Case kCases[] = {
    {WeightFormat::kF32, 1, 1},     {WeightFormat::kF32, 5, 7},     {WeightFormat::kF32, 67, 60},
    {WeightFormat::kF16, 4, 8},     {WeightFormat::kF16, 33, 13},   {WeightFormat::kF16, 101, 60},
    {WeightFormat::kBf16, 3, 1},    {WeightFormat::kBf16, 64, 84},  {WeightFormat::kQ8_0, 1, 32},
    {WeightFormat::kQ8_0, 37, 96},  {WeightFormat::kQ8_0, 66, 768}, {WeightFormat::kQ4_0, 1, 32},
    {WeightFormat::kQ4_0, 38, 160}, {WeightFormat::kQ4_0, 65, 768}, {WeightFormat::kQ4_K, 1, 256},
    {WeightFormat::kQ4_K, 67, 768}, {WeightFormat::kQ6_K, 2, 256},  {WeightFormat::kQ6_K, 66, 768},
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
        const bool is_q6 = c.format == WeightFormat::kQ6_K;
        const std::uint32_t zero = c.format == WeightFormat::kQ4_0 ? 8 : is_q6 ? 32 : 0;
        for (std::uint32_t r = 0; r < m.rows_padded(); ++r) {
            for (std::uint32_t e = r < c.n_rows ? c.n_in : 0; e < m.n_in_padded(); ++e) {
                ASSERT_EQ(device_bits(m, words, r, e), zero) << "row " << r << " element " << e;
            }
        }
        for (std::uint32_t r = c.n_rows; r < m.rows_padded(); ++r) {
            for (std::uint32_t j = 0; j < m.scale_words(); ++j) {
                const Place place(m, r);
                const std::size_t at = c.format == WeightFormat::kQ4_K
                                           ? place.vec(0) + place.quant_words +
                                                 std::size_t{j / 4} * place.rows * 4 + j % 4
                                           : place.scale(j);
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

TEST(WeightRepack, UnpackingIsTheInverse) {
    for (const Case& c : kCases) {
        const DeviceMatrix m{c.format, c.n_rows, c.n_in};
        const auto file = random_rows(c.format, c.n_rows, c.n_in);
        std::vector<std::uint8_t> back(file.size());
        unpack_rows(m, repacked(m, file), 0, c.n_rows, back);
        EXPECT_EQ(back, file) << name_of(c);
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
    EXPECT_EQ(device_bytes(WeightFormat::kF32, 4194304, 65536), 4194304ull * 65536 * 4);  // 2^40
    // Every block is padded to whole steps of its own, the last one to 32 rows.
    EXPECT_EQ(device_bytes(WeightFormat::kQ8_0, 65, 96), 96ull * (128 + 2 * 4));
    EXPECT_EQ(device_bytes(WeightFormat::kQ8_0, 63, 96), 64ull * (128 + 2 * 4));
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

}  // namespace
}  // namespace gyre::testing
