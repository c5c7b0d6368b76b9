// Softmax in float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gyre::reference {

std::vector<double> softmax(std::span<const double> logits) {
    std::vector<double> p(logits.size(), 0.0);
    double largest = -std::numeric_limits<double>::infinity();
    for (const double logit : logits)
        largest = std::max(largest, logit);
    if (std::isinf(largest)) return p;
    double sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        p[i] = std::exp(logits[i] - largest);
        sum += p[i];
    }
    for (double& value : p)
        value /= sum;
    return p;
}

}  // namespace gyre::reference
