// embed.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/model/weight_formats.h"
#include "tests/reference/embedding.h"
#include "tests/shaders/kernel_test.h"

namespace gyre::test {
namespace {

struct EmbedCase {
    const char* name;
    WeightFormat format;
    std::uint32_t n_vocab, n_embd, n_tokens;
    std::uint32_t first_position;  // of token 0
    std::uint32_t n_positions;     // rows of the position table; 0: none
    std::uint32_t rows_a_slice;    // 0: one slice
    float scale = 1.0f;            // of the table's rows
};

const EmbedCase kCases[] = {
    {"f32_one_channel", WeightFormat::kF32, 3, 1, 2, 0, 0, 0},
    {"f32_odd", WeightFormat::kF32, 17, 60, 28, 3, 40, 0},
    {"f16_odd", WeightFormat::kF16, 17, 60, 5, 0, 0, 0},
    {"bf16_odd", WeightFormat::kBf16, 13, 61, 5, 7, 12, 0},
    {"q8_0_one_block", WeightFormat::kQ8_0, 5, 32, 5, 0, 0, 0},
    {"q8_0_odd_blocks", WeightFormat::kQ8_0, 29, 96, 17, 1, 18, 0},
    {"q4_0_one_block", WeightFormat::kQ4_0, 5, 32, 5, 0, 0, 0},
    {"q4_0_odd_blocks", WeightFormat::kQ4_0, 29, 160, 17, 0, 17, 0},
    {"q4_k_one_superblock", WeightFormat::kQ4_K, 5, 256, 5, 0, 0, 0},
    {"q4_k_odd_superblocks", WeightFormat::kQ4_K, 29, 768, 17, 3, 20, 0},
    {"q6_k_one_superblock", WeightFormat::kQ6_K, 5, 256, 5, 0, 0, 0},
    {"q6_k_odd_superblocks", WeightFormat::kQ6_K, 29, 1280, 17, 0, 17, 0},
    {"q6_k_sliced", WeightFormat::kQ6_K, 50, 256, 17, 0, 0, 12},
    {"f32_sliced", WeightFormat::kF32, 50, 60, 17, 2, 19, 16},
    {"q8_0_sliced", WeightFormat::kQ8_0, 50, 64, 17, 0, 0, 12},
    {"f16_odd_scaled", WeightFormat::kF16, 17, 61, 5, 3, 9, 0, 7.81f},
    {"gpt2_rows", WeightFormat::kF16, 300, 768, 17, 1007, 1024, 0},
    {"gpt2_vocabulary", WeightFormat::kQ4_0, 50257, 64, 28, 0, 0, 20000},
    {"gpt2_last_position", WeightFormat::kQ8_0, 64, 768, 1, 1023, 1024, 0},
};

// First and last row, one row twice in a row, otherwise any.
std::vector<std::uint32_t> some_tokens(std::uint32_t n, std::uint32_t n_vocab,
                                       reference::Generator& generator) {
    std::vector<std::uint32_t> tokens;
    for (std::uint32_t t = 0; t < n; ++t)
        tokens.push_back(generator.below(n_vocab));
    tokens.front() = n_vocab - 1;
    if (n > 1) tokens.back() = 0;
    if (n > 3) tokens[2] = tokens[1];
    return tokens;
}

class EmbedKernelTest : public KernelTest {
  protected:
    void expect_reference(const EmbedCase& c);
};

void EmbedKernelTest::expect_reference(const EmbedCase& c) {
    reference::Generator generator(21);
    const RandomWeights table = random_weights(c.format, false, c.n_vocab, c.n_embd, generator);
    const std::vector<float> positions = generator.bells(std::size_t{c.n_positions} * c.n_embd);
    const std::vector<std::uint32_t> tokens = some_tokens(c.n_tokens, c.n_vocab, generator);

    KernelBuffers buffers;
    const WeightMatrix matrix = add_weights(table, c.rows_a_slice, buffers);
    buffers.cache = BufferImage::without_gap_before(c.n_tokens);
    for (std::uint32_t t = 0; t < c.n_tokens; ++t)
        buffers.cache.set(t, tokens[t]);
    EmbedParams params{};
    params.row_stride = activation_stride(c.n_embd);
    params.n_embd = c.n_embd;
    params.n_tokens = c.n_tokens;
    params.out_offset =
        buffers.state.add_output_rows(c.n_tokens, c.n_embd, params.row_stride, ACTIVATION_ALIGN);
    params.position_offset = c.n_positions > 0 ? buffers.params.add_floats(positions) : NO_OFFSET;
    params.scale = c.scale;
    buffers.step.first_position = c.first_position;
    buffers.step.n_tokens = c.n_tokens;

    const Kernel kernel = built(kernels().get(EmbedVariant{c.format, c.scale != 1.0f}));
    const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
        for (std::size_t slice = 0; slice < sets.size(); ++slice) {
            describe_slice(matrix, matrix.slices[slice], params);
            record_embed(recorder, kernel, sets[slice], params);
        }
    });
    const auto found =
        rows_at(result.state, params.out_offset, c.n_tokens, c.n_embd, params.row_stride);
    const auto positions64 = reference::widen(positions);
    std::vector<double> rows = table.real.values;
    for (double& element : rows)
        element *= double{c.scale};
    const auto expected = reference::embed(tokens, rows, positions64, c.n_embd, c.first_position);
    // scale * quant is exact in float32 (at most 11 + 7 + 5 bits; of IQ4_XS 11 + 6 + 7, so that
    // half a unit of its 24 may be lost), so only the sum with the position is rounded, and the
    // difference that an element of a format with minima is.
    const WeightFormatInfo& info = format_info(c.format);
    const bool may_round =
        info.map == WeightMap::kPlain || info.scales == WeightScales::kSix32 || c.scale != 1.0f;
    std::vector<double> bounds;
    const std::vector<double> elements =
        reference::embed(tokens, rows, {}, c.n_embd, c.first_position);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        bounds.push_back(c.n_positions > 0 ? kUnit * std::abs(expected[i]) : 0.0);
        if (may_round) bounds.back() += kUnit * std::abs(elements[i]);
    }
    EXPECT_TRUE(within(found, expected, bounds));
}

class EmbedCaseTest : public EmbedKernelTest, public testing::WithParamInterface<EmbedCase> {};

TEST_P(EmbedCaseTest, EqualsReference) {
    expect_reference(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Embed, EmbedCaseTest, testing::ValuesIn(kCases), case_name<EmbedCase>);

class EmbedFormatTest : public EmbedKernelTest, public testing::WithParamInterface<WeightFormat> {};

TEST_P(EmbedFormatTest, EqualsReference) {
    const std::uint32_t block = format_block_elements(GetParam());
    expect_reference({"one_block", GetParam(), 5, block, 5, 0, 0, 0});
    expect_reference({"odd_blocks", GetParam(), 29, 5 * block, 17, 3, 20, 0});
    expect_reference({"sliced", GetParam(), 50, 2 * block, 17, 0, 0, 12});
}

INSTANTIATE_TEST_SUITE_P(Embed, EmbedFormatTest, testing::ValuesIn(all_formats()),
                         [](const auto& row) { return std::string(format_name(row.param)); });

}  // namespace
}  // namespace gyre::test
