// The activation functions of the feed-forward layer in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gyre::reference {

// x * Phi(x), Phi the distribution function of the normal distribution.
// Hendrycks, Gimpel, Gaussian Error Linear Units, arXiv:1606.08415, section 2.
double gelu_erf(double x);

// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))): the same paper's approximation, used by GPT-2.
double gelu_tanh(double x);

// max(0, x)^2. So et al., Primer, arXiv:2109.08668, section 3.
double relu2(double x);

// x times the logistic function: Hendrycks, Gimpel, Gaussian Error Linear Units, arXiv:1606.08415.
double silu(double x);

// cap * tanh(x / cap): Gemma 2, arXiv:2408.00118, section 2.
double soft_cap(double x, double cap);

}  // namespace gyre::reference
