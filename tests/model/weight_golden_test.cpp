// Blocks of every format against the numbers of ggml's own decoder: tests/golden/weights.txt, by
// tools/golden/weights.py.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "runtime/model/weight_formats.h"
#include "tests/reference/weight_decode.h"

namespace gyre::testing {
namespace {

struct GoldenRow {
    std::string format;
    std::vector<std::uint8_t> bytes;
    std::vector<float> values;
};

std::vector<std::uint8_t> from_hex(const std::string& text) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
    return bytes;
}

std::vector<GoldenRow> golden_rows() {
    std::ifstream file(GYRE_SOURCE_DIR "/tests/golden/weights.txt");
    std::vector<GoldenRow> rows;
    std::string format, bytes, values;
    while (file >> format >> bytes >> values) {
        GoldenRow& row = rows.emplace_back();
        row.format = format;
        row.bytes = from_hex(bytes);
        const std::vector<std::uint8_t> words = from_hex(values);
        for (std::size_t i = 0; i < words.size(); i += 4) {
            std::uint32_t word = 0;
            for (std::size_t b = 4; b > 0; --b)
                word = word << 8 | words[i + b - 1];
            row.values.push_back(std::bit_cast<float>(word));
        }
    }
    return rows;
}

TEST(WeightGolden, HasEveryFormatWithScales) {
    std::size_t n = 0;
    for (const WeightFormatInfo& info : weight_formats())
        n += info.has_scales() ? 1 : 0;
    EXPECT_EQ(golden_rows().size(), n);
}

// Both sides round a product and a difference of float32 numbers, at most twice.
constexpr double kRounding = 0x1p-23;

TEST(WeightGolden, TheReferenceIsGgmls) {
    for (const GoldenRow& row : golden_rows()) {
        SCOPED_TRACE(row.format);
        const auto values = reference::decode_row(row.format, row.bytes);
        const auto terms = reference::row_terms(row.format, row.bytes);
        ASSERT_EQ(values.size(), row.values.size());
        for (std::size_t i = 0; i < values.size(); ++i)
            ASSERT_NEAR(values[i], static_cast<double>(row.values[i]), kRounding * terms[i]) << i;
    }
}

TEST(WeightGolden, TheHostsDecoderIsGgmls) {
    for (const GoldenRow& row : golden_rows()) {
        SCOPED_TRACE(row.format);
        const WeightFormatInfo* info = find_format(std::string_view(row.format));
        ASSERT_NE(info, nullptr);
        std::vector<float> values(row.values.size());
        dequantize_row(info->format, row.bytes, values);
        const auto terms = reference::row_terms(row.format, row.bytes);
        for (std::size_t i = 0; i < values.size(); ++i) {
            ASSERT_NEAR(static_cast<double>(values[i]), static_cast<double>(row.values[i]),
                        kRounding * terms[i])
                << i;
        }
    }
}

}  // namespace
}  // namespace gyre::testing
