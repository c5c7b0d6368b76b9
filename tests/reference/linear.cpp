// Matrix times vectors in float64: real and complex weights.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/linear.h"

#include <cassert>
#include <cmath>
#include <complex>

namespace gyre::reference {
namespace {

std::vector<double> magnitudes(std::span<const double> values) {
    std::vector<double> result(values.begin(), values.end());
    for (double& value : result)
        value = std::abs(value);
    return result;
}

}  // namespace

std::vector<double> linear(std::span<const double> x, std::span<const double> weight,
                           std::span<const double> bias, std::size_t n_in) {
    assert(n_in > 0 && x.size() % n_in == 0 && weight.size() % n_in == 0);
    const std::size_t n_tokens = x.size() / n_in;
    const std::size_t n_out = weight.size() / n_in;
    assert(bias.empty() || bias.size() == n_out);
    std::vector<double> y(n_tokens * n_out);
    for (std::size_t t = 0; t < n_tokens; ++t) {
        for (std::size_t r = 0; r < n_out; ++r) {
            double sum = bias.empty() ? 0.0 : bias[r];
            for (std::size_t i = 0; i < n_in; ++i)
                sum += weight[r * n_in + i] * x[t * n_in + i];
            y[t * n_out + r] = sum;
        }
    }
    return y;
}

std::vector<double> linear_magnitude(std::span<const double> x, std::span<const double> weight,
                                     std::span<const double> bias, std::size_t n_in) {
    return linear(magnitudes(x), magnitudes(weight), magnitudes(bias), n_in);
}

std::vector<double> complex_linear(std::span<const double> x, std::span<const double> re,
                                   std::span<const double> im, std::span<const double> bias,
                                   std::size_t n_in) {
    assert(n_in > 0 && n_in % 2 == 0 && x.size() % n_in == 0);
    const std::size_t n_pairs_in = n_in / 2;
    assert(re.size() == im.size() && re.size() % n_pairs_in == 0);
    const std::size_t n_pairs_out = re.size() / n_pairs_in;
    assert(bias.empty() || bias.size() == 2 * n_pairs_out);
    std::vector<double> y;
    y.reserve(x.size() / n_in * 2 * n_pairs_out);
    for (std::size_t row = 0; row < x.size(); row += n_in) {
        for (std::size_t r = 0; r < n_pairs_out; ++r) {
            std::complex<double> sum = 0;
            if (!bias.empty()) sum = {bias[2 * r], bias[2 * r + 1]};
            for (std::size_t c = 0; c < n_pairs_in; ++c) {
                const std::complex<double> w(re[r * n_pairs_in + c], im[r * n_pairs_in + c]);
                sum += w * std::complex<double>(x[row + 2 * c], x[row + 2 * c + 1]);
            }
            y.push_back(sum.real());
            y.push_back(sum.imag());
        }
    }
    return y;
}

}  // namespace gyre::reference
