// The activation functions of the feed-forward layer in float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/activation.h"

#include <cmath>
#include <numbers>

namespace gyre::reference {

double gelu_erf(double x) {
    // erfc keeps the small values of the left tail, where 1 + erf would cancel.
    return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
}

double gelu_tanh(double x) {
    const double z = std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x);
    // (1 + tanh z) / 2 = 1 / (1 + e^(-2z)), without the cancellation in the left tail.
    return x / (1.0 + std::exp(-2.0 * z));
}

double relu2(double x) {
    return x > 0 ? x * x : 0.0;
}

double silu(double x) {
    return x / (1.0 + std::exp(-x));
}

double soft_cap(double x, double cap) {
    return cap * std::tanh(x / cap);
}

}  // namespace gyre::reference
