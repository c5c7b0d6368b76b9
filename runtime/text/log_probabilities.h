// Natural logarithms of the probabilities that logits stand for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyre {

struct TokenLogProbability {
    std::uint32_t token = 0;
    float log_probability = 0.0f;
};

// The log-softmax of logits [n_tokens], which must not be NaN and not all -infinity; in double.
class LogProbabilities {
  public:
    // logits must outlive it.
    explicit LogProbabilities(std::span<const float> logits);

    float of(std::uint32_t token) const;

    // The n most likely (fewer if there are fewer), the most likely first; of equal logits the
    // lower id comes first.
    std::vector<TokenLogProbability> top(std::size_t n) const;

  private:
    std::span<const float> logits_;
    double largest_ = 0.0;
    double log_sum_ = 0.0;  // log of the sum of exp(logit - largest)
};

}  // namespace gyre
