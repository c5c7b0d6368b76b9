// The small operations of the reference against closed forms.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "tests/reference/activation.h"
#include "tests/reference/embedding.h"
#include "tests/reference/generator.h"
#include "tests/reference/layer_norm.h"
#include "tests/reference/linear.h"
#include "tests/reference/softmax.h"

namespace gyre::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(LayerNormReferenceTest, ConstantRowGivesTheBias) {
    const std::vector<double> x(5, 3.0), gain(5, 2.0), bias = {1, 2, 3, 4, 5};
    EXPECT_EQ(layer_norm(x, 5, gain, bias, 1e-5), bias);
    EXPECT_EQ(layer_norm(x, 5, gain, {}, 1e-5), std::vector<double>(5, 0.0));
}

TEST(LayerNormReferenceTest, ByHand) {
    const std::vector<double> x = {1, 3}, gain = {10, 100}, bias = {0.5, 0.25};
    const auto y = layer_norm(x, 2, gain, bias, 3.0);  // mean 2, variance 1 (not 2), deviation 2
    EXPECT_DOUBLE_EQ(y[0], -5 + 0.5);
    EXPECT_DOUBLE_EQ(y[1], 50 + 0.25);
}

TEST(LayerNormReferenceTest, RowsHaveMeanZeroAndVarianceOneEach) {
    Generator generator(1);
    const std::vector<double> x = widen(generator.bells(3 * 17, 4)), gain(17, 1.0);
    const auto y = layer_norm(x, 17, gain, {}, 0);
    for (std::size_t row = 0; row < 3; ++row) {
        double sum = 0, squares = 0;
        for (std::size_t i = 0; i < 17; ++i) {
            sum += y[row * 17 + i];
            squares += y[row * 17 + i] * y[row * 17 + i];
        }
        EXPECT_NEAR(sum, 0, 1e-12);
        EXPECT_NEAR(squares, 17, 1e-12);
    }
}

// 3 and 4: the root mean square is sqrt(12.5).
TEST(RmsNormReferenceTest, ByHand) {
    const std::vector<double> x = {3, 4}, gain = {1, 2}, bias = {0, 1};
    const double root = std::sqrt(12.5);
    const std::vector<double> y = rms_norm(x, 2, gain, bias, 0.0);
    EXPECT_NEAR(y[0], 3 / root, 1e-15);
    EXPECT_NEAR(y[1], 8 / root + 1, 1e-15);
    EXPECT_NEAR(rms_norm(x, 2, gain, {}, 12.5)[0], 3.0 / 5.0, 1e-15) << "epsilon is in the root";
}

TEST(LinearReferenceTest, ByHand) {
    const std::vector<double> x = {1, 2, 3, 4}, weight = {1, 0, 0, 1, 2, -2}, bias = {0.5, 0, 1};
    EXPECT_EQ(linear(x, weight, bias, 2), (std::vector<double>{1.5, 2, -1, 3.5, 4, -1}));
    EXPECT_EQ(linear(x, weight, {}, 2), (std::vector<double>{1, 2, -2, 3, 4, -2}));
    EXPECT_EQ(linear_magnitude(x, weight, bias, 2), (std::vector<double>{1.5, 2, 7, 3.5, 4, 15}));
}

TEST(LinearReferenceTest, ComplexMultipliesLikeComplexNumbers) {
    const std::vector<double> x = {3, 5, 1, 0}, re = {0, 2},
                              im = {1, 7};  // i (3 + 5i) + (2 + 7i) 1
    EXPECT_EQ(complex_linear(x, re, im, {}, 4), (std::vector<double>{-5 + 2, 3 + 7}));
    const std::vector<double> bias = {10, 20};
    EXPECT_EQ(complex_linear(x, re, im, bias, 4), (std::vector<double>{7, 30}));
}

// CRoPE, equation 30: the block [[a, b], [-b, a]] of a real matrix is the complex weight a - i b.
TEST(LinearReferenceTest, ComplexEqualsItsRealBlocks) {
    Generator generator(2);
    constexpr std::size_t n_in = 6, n_out = 10;
    const std::vector<double> a = widen(generator.bells(n_in / 2 * n_out / 2));
    const std::vector<double> b = widen(generator.bells(a.size())),
                              x = widen(generator.bells(2 * n_in));
    std::vector<double> dense(n_in * n_out), minus_b = b;
    for (double& value : minus_b)
        value = -value;
    for (std::size_t r = 0; r < n_out / 2; ++r) {
        for (std::size_t c = 0; c < n_in / 2; ++c) {
            const std::size_t block = r * n_in / 2 + c;
            dense[2 * r * n_in + 2 * c] = dense[(2 * r + 1) * n_in + 2 * c + 1] = a[block];
            dense[2 * r * n_in + 2 * c + 1] = b[block];
            dense[(2 * r + 1) * n_in + 2 * c] = -b[block];
        }
    }
    const auto expected = linear(x, dense, {}, n_in),
               found = complex_linear(x, a, minus_b, {}, n_in);
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(found[i], expected[i], 1e-13) << i;
}

TEST(SoftmaxReferenceTest, SumsToOneAndIgnoresAShift) {
    const std::vector<double> logits = {1, -2, 3.5, 0}, shifted = {1001, 998, 1003.5, 1000};
    const auto p = softmax(logits), q = softmax(shifted);
    EXPECT_NEAR(p[0] + p[1] + p[2] + p[3], 1, 1e-15);
    EXPECT_NEAR(p[2] / p[0], std::exp(2.5), 1e-12);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(p[i], q[i], 1e-15) << i;
}

TEST(SoftmaxReferenceTest, MaskedEntriesGetNothing) {
    const std::vector<double> some = {-kInfinity, 0, 0}, none = {-kInfinity, -kInfinity};
    EXPECT_EQ(softmax(some), (std::vector<double>{0, 0.5, 0.5}));
    EXPECT_EQ(softmax(none), (std::vector<double>{0, 0}));
}

// Phi(1) = 0.841344746068542949; tanh(sqrt(2 / pi) 1.044715) = 0.682383960612.
TEST(ActivationReferenceTest, GeluAtKnownPoints) {
    EXPECT_NEAR(gelu_erf(1), 0.841344746068542949, 1e-15);
    EXPECT_NEAR(gelu_erf(-1), 0.841344746068542949 - 1, 1e-15);
    EXPECT_NEAR(gelu_tanh(1), 0.5 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * 1.044715)),
                1e-15);
    EXPECT_EQ(gelu_tanh(0), 0);
    EXPECT_EQ(gelu_erf(0), 0);
}

// gelu(x) - gelu(-x) = x for both; the two forms differ by less than 5e-4, but they do differ.
TEST(ActivationReferenceTest, GeluIdentities) {
    double largest = 0;
    for (double x = -8; x <= 8; x += 0.125) {
        EXPECT_NEAR(gelu_tanh(x) - gelu_tanh(-x), x, 1e-14);
        EXPECT_NEAR(gelu_erf(x) - gelu_erf(-x), x, 1e-14);
        largest = std::max(largest, std::abs(gelu_tanh(x) - gelu_erf(x)));
    }
    EXPECT_LT(largest, 5e-4);
    EXPECT_GT(largest, 1e-4);
    EXPECT_EQ(gelu_tanh(1000), 1000);
    EXPECT_EQ(gelu_tanh(-1000), 0);
}

TEST(ActivationReferenceTest, Relu2) {
    EXPECT_EQ(relu2(3), 9);
    EXPECT_EQ(relu2(-3), 0);
}

TEST(ActivationReferenceTest, SiluAndSoftCap) {
    EXPECT_EQ(silu(0.0), 0.0);
    EXPECT_NEAR(silu(1.0), 0.7310585786300049, 1e-15);
    EXPECT_NEAR(silu(-1.0), -0.2689414213699951, 1e-15);
    EXPECT_NEAR(soft_cap(1.0, 2.0), 2.0 * 0.46211715726000975, 1e-15);
    EXPECT_NEAR(soft_cap(-1e6, 30.0), -30.0, 1e-12);
    EXPECT_NEAR(soft_cap(1e-9, 30.0), 1e-9, 1e-24);
}

TEST(EmbeddingReferenceTest, AddsTokenAndPositionRows) {
    const std::vector<double> token_rows = {1, 2, 3, 4, 5, 6},
                              position_rows = {10, 20, 30, 40, 50, 60};
    const std::vector<std::uint32_t> tokens = {2, 0};
    EXPECT_EQ(embed(tokens, token_rows, position_rows, 2, 1),
              (std::vector<double>{35, 46, 51, 62}));
    EXPECT_EQ(embed(tokens, token_rows, {}, 2, 1), (std::vector<double>{5, 6, 1, 2}));
}

TEST(EmbeddingReferenceTest, SinusoidalRow) {
    EXPECT_EQ(sinusoidal_row(0, 4), (std::vector<double>{0, 1, 0, 1}));
    const auto row = sinusoidal_row(3, 4);
    EXPECT_DOUBLE_EQ(row[0], std::sin(3.0));
    EXPECT_DOUBLE_EQ(row[1], std::cos(3.0));
    EXPECT_DOUBLE_EQ(row[2], std::sin(0.03));
    EXPECT_DOUBLE_EQ(row[3], std::cos(0.03));
}

}  // namespace
}  // namespace gyre::reference
