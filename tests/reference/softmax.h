// Softmax in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

namespace gyre::reference {

// p[i] = e^(logit[i]) / sum over j of e^(logit[j]); the largest logit is taken off first, which
// changes nothing but the range. -infinity is a masked entry and gets 0; if all are, all get 0.
std::vector<double> softmax(std::span<const double> logits);

}  // namespace gyre::reference
