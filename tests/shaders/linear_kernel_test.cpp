// linear.comp against the float64 reference.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/model/weight_formats.h"
#include "tests/shaders/kernel_test.h"
#include "tests/shaders/linear_cases.h"

namespace gyre::test {
namespace {

using Epilogue = LinearEpilogue;

class LinearKernelTest : public KernelTest {
  protected:
    // Tokens [first, first + n) of the data in one dispatch: [n][n_rows]. Empty where the tiling
    // wants texels and this device cannot show so many.
    std::vector<float> multiply(const LinearData& data, const Tiling& tiling, std::uint32_t first,
                                std::uint32_t n) {
        const LinearCase& c = data.c;
        KernelBuffers buffers;
        const WeightMatrix matrix = add_weights(data.weights, c.options.rows_a_slice, buffers);
        LinearParams params{};
        params.x_stride = activation_stride(c.n_in);
        params.x_offset = buffers.state.add_rows(data.x, c.n_in, params.x_stride, ACTIVATION_ALIGN);
        params.x_offset += first * params.x_stride;
        params.n_tokens = n;
        params.norm_weight_offset = buffers.params.add_floats(data.gain, 4);
        params.norm_bias_offset =
            c.options.bias ? buffers.params.add_floats(data.norm_bias, 4) : NO_OFFSET;
        buffers.session.norm_epsilon = kNormEpsilon;
        const std::uint32_t bias =
            c.options.bias ? buffers.params.add_floats(data.bias) : NO_OFFSET;
        params.out_stride = activation_stride(c.n_rows);
        params.out_offset = add_output(data, params.out_stride, first, n, buffers);

        const bool after = c.epilogue == Epilogue::kResidualNorm;
        if (after) add_normed(c.n_rows, buffers);

        LinearVariant variant{.format = c.format,
                              .complex = c.options.is_complex,
                              .epilogue = c.epilogue,
                              .activation = c.options.activation,
                              .norm_quads = 0,
                              .tiling = tiling};
        variant.rms_norm = c.options.rms;
        variant.integer_halves = c.options.integer_halves;
        variant.scale = c.options.scale != 1.0f;
        variant.cap = c.options.cap != 0.0f;
        params.scale = c.options.scale;
        buffers.session.logit_cap = c.options.cap;
        if (c.options.norm) variant.norm_quads = activation_stride(c.n_in) / 4;
        if (tiling.texels && !all_texels_fit(device().caps(), buffers)) return {};
        if (tiling.one_tile() && !weight_texels_fit(device().caps(), buffers)) return {};
        if (tiling.one_tile()) {
            buffers.texels_offset = params.x_offset;
            buffers.texels_words = params.x_stride;
        }
        const Kernel kernel = built(kernels().get(variant));
        const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
            for (std::size_t slice = 0; slice < sets.size(); ++slice) {
                describe_slice(matrix, matrix.slices[slice], params);
                params.bias_offset = c.options.bias ? bias + params.first_row : NO_OFFSET;
                record_linear(recorder, kernel, sets[slice], params);
            }
        });
        const auto& words = c.epilogue == Epilogue::kLogits ? result.cache : result.state;
        if (after) {
            EXPECT_EQ(words[buffers.session.ticket], 0u) << "the next dispatch begins with it";
            normed_ = rows_at(words, buffers.session.normed_offset, 1, c.n_rows, params.out_stride);
        }
        return rows_at(words, params.out_offset, n, c.n_rows, params.out_stride);
    }

    // All tokens by the modules for one tile: one by one, and in tiles. Against `found`, the sums
    // of one invocation each.
    void expect_fixed_equals(const LinearData& data, const std::vector<float>& found) {
        if (!format_info(data.c.format).has_tiles(data.weights.is_complex)) return;
        std::vector<float> one_by_one;
        for (std::uint32_t t = 0; t < data.c.n_tokens; ++t) {
            const auto y = multiply(data, kFixedDecode, t, 1);
            if (y.empty()) return;  // larger than what a model would have in one slice here
            one_by_one.insert(one_by_one.end(), y.begin(), y.end());
        }
        EXPECT_TRUE(same_bits(one_by_one, found)) << "one by one";
        const auto tiles = multiply(data, kFixedPrefill, 0, data.c.n_tokens);
        EXPECT_TRUE(same_bits(tiles, found)) << "in tiles";
    }

    // All tokens by the device's matrix units, where it has them: within the bounds of the
    // reference, and the same bits in every tile and one by one.
    void expect_cooperative(LinearData data) {
        std::vector<float> first;
        for (const Tiling& tiling : cooperative_tilings(device().caps())) {
            SCOPED_TRACE("cooperative, rows " + std::to_string(tiling.rows) + ", tokens " +
                         std::to_string(tiling.tokens) + (tiling.texels ? ", texels" : ""));
            const auto found = multiply(data, tiling, 0, data.c.n_tokens);
            if (found.empty()) continue;  // texels that do not fit
            if (!first.empty()) {
                EXPECT_TRUE(same_bits(found, first));
                continue;
            }
            first = found;
            data.c.tiling = tiling;
            const LinearExpected expected = expected_of(data);
            EXPECT_TRUE(within(found, expected.y, expected.bounds));
            const std::uint32_t last = data.c.n_tokens - 1;
            const auto alone = multiply(data, tiling, last, 1);
            EXPECT_TRUE(same_bits(alone, std::span(found).last(data.c.n_rows)))
                << "the last token alone";
        }
    }

    // What norm.comp makes of one row, with the gain and bias of the data.
    std::vector<float> norm_of(const std::vector<float>& row, const LinearData& data,
                               std::uint32_t local_size) {
        const auto n = static_cast<std::uint32_t>(row.size());
        KernelBuffers buffers;
        NormParams params{};
        params.row_stride = activation_stride(n);
        params.n_embd = n;
        params.epsilon = kNormEpsilon;
        params.x_offset = buffers.state.add_rows(row, n, params.row_stride, ACTIVATION_ALIGN);
        params.out_offset =
            buffers.state.add_output_rows(1, (n + 3) / 4 * 4, params.row_stride, ACTIVATION_ALIGN);
        params.weight_offset = buffers.params.add_floats(data.gain, 4);
        params.bias_offset =
            data.norm_bias.empty() ? NO_OFFSET : buffers.params.add_floats(data.norm_bias, 4);
        const Kernel norm =
            built(kernels().get(NormVariant{.local_size = local_size, .rms = data.c.options.rms}));
        const KernelResult result = run(buffers, [&](CommandRecorder& recorder, auto sets) {
            record_norm(recorder, norm, sets[0], params, 1);
        });
        return rows_at(result.state, params.out_offset, 1, n, params.row_stride);
    }

    // By storage, texels, stages, lanes, tiles of their own and matrix units.
    void expect_reference(const LinearCase& linear_case) {
        const LinearData data(linear_case);
        const LinearExpected expected = expected_of(data);
        const auto found = multiply(data, data.c.tiling, 0, data.c.n_tokens);
        EXPECT_TRUE(within(found, expected.y, expected.bounds));
        if (data.c.epilogue == Epilogue::kResidualNorm) {
            EXPECT_TRUE(same_bits(normed_, norm_of(found, data, data.c.tiling.local_size)));
        }
        const auto by_texels = multiply(data, with_texels(data.c.tiling), 0, data.c.n_tokens);
        EXPECT_TRUE(by_texels.empty() || same_bits(by_texels, found));
        if (data.c.options.norm || data.c.epilogue == Epilogue::kResidualNorm) return;
        const bool in_one = data.c.tiling.k_lanes == 1;
        if (data.c.options.is_complex && in_one) {
            const auto staged = multiply(data, in_stages(data.c.tiling), 0, data.c.n_tokens);
            EXPECT_TRUE(same_bits(staged, found)) << "in stages";
            const auto eight_lanes = multiply(data, kEightLanes, 0, data.c.n_tokens);
            EXPECT_TRUE(same_bits(eight_lanes, found)) << "eight lanes";
        }
        expect_fixed_equals(data, in_one ? found : multiply(data, kDecode, 0, data.c.n_tokens));
        expect_cooperative(data);
    }

    std::vector<float> normed_;  // of the last product with a norm after it

  private:
    static void add_normed(std::uint32_t n_rows, KernelBuffers& buffers) {
        BufferImage& state = buffers.state;
        buffers.session.normed_offset = state.add_output_rows(
            1, (n_rows + 3) / 4 * 4, activation_stride(n_rows), ACTIVATION_ALIGN);
        buffers.session.ticket = state.add_canaries(1);
        state.set(buffers.session.ticket, 0);
        state.allow_in_place(buffers.session.ticket, 1);
    }
    static std::uint32_t add_output(const LinearData& data, std::uint32_t stride,
                                    std::uint32_t first, std::uint32_t n, KernelBuffers& buffers) {
        const LinearCase& c = data.c;
        BufferImage& image = c.epilogue == Epilogue::kLogits ? buffers.cache : buffers.state;
        const std::uint32_t offset = image.add_output_rows(n, c.n_rows, stride, ACTIVATION_ALIGN);
        const bool after = c.epilogue == Epilogue::kResidualNorm;
        const bool reads = c.epilogue == Epilogue::kResidual || c.epilogue == Epilogue::kMultiply;
        if (!reads && !after) return offset;
        // The norm reads whole quads of the row, whose padding is zero.
        for (std::uint32_t i = c.n_rows; after && i < (c.n_rows + 3) / 4 * 4; ++i)
            image.set(offset + i, 0);
        for (std::uint32_t t = 0; t < n; ++t) {
            for (std::uint32_t row = 0; row < c.n_rows; ++row) {
                image.set(offset + t * stride + row,
                          as_word(data.residual[std::size_t{first + t} * c.n_rows + row]));
            }
        }
        return offset;
    }
};

class LinearCaseTest : public LinearKernelTest, public testing::WithParamInterface<LinearCase> {};

TEST_P(LinearCaseTest, EqualsReference) {
    expect_reference(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Linear, LinearCaseTest,
                         testing::ValuesIn(linear_cases().begin(), linear_cases().end()),
                         case_name<LinearCase>);

class LinearFormatTest : public LinearKernelTest, public testing::WithParamInterface<WeightFormat> {
  protected:
    static LinearData data(std::uint32_t n_tokens, Tiling tiling) {
        // Three stages of x, the last in part.
        const std::uint32_t block = format_block_elements(GetParam());
        const std::uint32_t n_in = (544 + block - 1) / block * block;
        return LinearData({"bits", GetParam(), 45, n_in, n_tokens, Epilogue::kResidual, tiling});
    }
};

// What the quick suite has of every format.
TEST_P(LinearFormatTest, OneBlockEqualsReference) {
    const LinearCase c = linear_cases_of(GetParam())[0];
    const LinearData data(c);
    const LinearExpected expected = expected_of(data);
    EXPECT_TRUE(within(multiply(data, c.tiling, 0, 1), expected.y, expected.bounds));
}

TEST_P(LinearFormatTest, EqualsReference) {
    for (const LinearCase& c : linear_cases_of(GetParam())) {
        SCOPED_TRACE(c.name);
        expect_reference(c);
    }
}

// A prompt in one dispatch is the same as its tokens one by one, whatever the tile.
TEST_P(LinearFormatTest, BitsDoNotDependOnTheBatch) {
    constexpr std::uint32_t kTokens = 13;  // no multiple of a tile
    const LinearData prompt = data(kTokens, kDecode);
    std::vector<float> one_by_one;
    for (std::uint32_t t = 0; t < kTokens; ++t) {
        const auto y = multiply(prompt, kDecode, t, 1);
        one_by_one.insert(one_by_one.end(), y.begin(), y.end());
    }
    // Small enough for the texels of every device. What formats without tiles of their own share
    // with the others, the loops, is tested by those; a tile of each kind is left for their
    // decoders.
    std::vector<Tiling> tilings = {kPrefill, in_stages(kWidePrefill), rolled(with_texels(kSmall))};
    if (format_info(GetParam()).has_tiles(false)) {
        tilings.insert(tilings.end(),
                       {kDecode, kWidePrefill, kSmall, kEightLanes, kFourLanes,
                        with_texels(kDecode), with_texels(kWidePrefill), with_texels(kEightLanes),
                        in_stages(kSmall), in_stages(with_texels(kPrefill)), rolled(kPrefill)});
    }
    for (const Tiling& tiling : tilings) {
        EXPECT_TRUE(same_bits(multiply(prompt, tiling, 0, kTokens), one_by_one))
            << "local size " << tiling.local_size << ", rows " << tiling.rows << ", tokens "
            << tiling.tokens << (tiling.staged ? ", staged" : "")
            << (tiling.rolled ? ", rolled" : "");
    }
    expect_fixed_equals(prompt, one_by_one);
    LinearData longer = data(70, kDecode);  // a tile of every size and a part of one
    expect_cooperative(longer);
}

// The norm inside gives the bits of norm.comp followed by the product.
TEST_P(LinearFormatTest, FusedNormEqualsNormThenProduct) {
    LinearData fused = data(1, kDecode);
    fused.c.options.norm = true;
    LinearData plain = data(1, kDecode);
    plain.x = norm_of(fused.x, fused, kDecode.local_size);
    EXPECT_TRUE(same_bits(multiply(fused, kDecode, 0, 1), multiply(plain, kPrefill, 0, 1)));
}

INSTANTIATE_TEST_SUITE_P(Linear, LinearFormatTest, testing::ValuesIn(all_formats()),
                         [](const auto& row) { return std::string(format_name(row.param)); });

// A matrix of a real model, in slices that fit the texels of every device.
TEST_P(LinearFormatTest, FixedTilesGiveTheSameBitsInSlices) {
    for (const bool is_complex : {false, true}) {
        if (!format_info(GetParam()).has_tiles(is_complex)) continue;
        LinearCase sizes{"sliced", GetParam(), 400, 1024, 6, Epilogue::kActivate, kPrefill};
        sizes.options.is_complex = is_complex;
        sizes.options.rows_a_slice = 256;
        const LinearData sliced(sizes);
        const auto found = multiply(sliced, kPrefill, 0, 6);
        EXPECT_FALSE(multiply(sliced, kFixedDecode, 0, 1).empty());
        expect_fixed_equals(sliced, found);
    }
}

// Twice the same dispatch gives the same bits.
TEST_F(LinearKernelTest, RepeatsItself) {
    const LinearData data(
        {"repeat", WeightFormat::kQ4_0, 257, 768, 5, Epilogue::kActivate, kPrefill});
    EXPECT_TRUE(same_bits(multiply(data, kPrefill, 0, 5), multiply(data, kPrefill, 0, 5)));
}

TEST(LinearCasesTest, CoverEveryEpilogueAndActivation) {
    const auto covered = [](auto&& matches) {
        return std::any_of(linear_cases().begin(), linear_cases().end(), matches);
    };
#define GYRE_EXPECT_EPILOGUE(id, name)                                                        \
    EXPECT_TRUE(covered([](const LinearCase& c) { return c.epilogue == Epilogue::k##name; })) \
        << #name;
    LINEAR_EPILOGUE_LIST(GYRE_EXPECT_EPILOGUE)
#undef GYRE_EXPECT_EPILOGUE
#define GYRE_EXPECT_ACTIVATION(id, name, function)                                               \
    EXPECT_TRUE(covered([](const LinearCase& c) {                                                \
        return c.epilogue == Epilogue::kActivate && c.options.activation == Activation::k##name; \
    })) << #name;
    ACTIVATION_LIST(GYRE_EXPECT_ACTIVATION)
#undef GYRE_EXPECT_ACTIVATION
}

}  // namespace
}  // namespace gyre::test
